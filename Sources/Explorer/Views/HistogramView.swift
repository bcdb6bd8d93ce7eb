import Foundation
import ModelFiles
import Planning
import Quantization
import Terminal

/// Where the parts of a histogram stand, one under another; what there is no room for has no rows.
struct HistogramPanel {
  let legend: Rect
  let curve: Rect
  let bars: Rect
  let levels: Rect
  let axis: Rect
  let note: Rect

  /// With fewer, the bars come first.
  static let leastRowsForErrors = 12

  init(_ rect: Rect, hasLevels: Bool, hasErrors: Bool) {
    let rows = rect.rows
    let parts = rect.splitRows(
      .fixed(1), .fixed(hasErrors && rows >= Self.leastRowsForErrors ? max(2, rows / 4) : 0),
      .weight(1),
      .fixed(hasLevels && rows >= 5 ? 1 : 0), .fixed(1),
      .fixed(hasLevels && rows >= Self.leastRowsForErrors ? 1 : 0))
    legend = parts[0]
    curve = parts[1]
    bars = parts[2]
    levels = parts[3]
    axis = parts[4]
    note = parts[5]
  }
}

extension State {
  /// The weights of a tensor, with the reconstructed ones of the shown choice over them: under them the levels of its
  /// format, over them the errors that it makes.
  func drawHistogram(of id: Int, on canvas: inout Canvas, in rect: Rect) {
    guard rect.rows > 2, contributions[id].isReadable else { return }
    let format = shownChoice(of: id).format
    guard let source = shownHistogram(of: id, format: nil, columns: rect.columns) else {
      canvas.write("counting\(glyphs.ellipsis)", at: rect.origin, style: Theme.faint)
      return
    }
    let back = format.flatMap { shownHistogram(of: id, format: $0, columns: rect.columns) }
    let levels = format.flatMap { formatLevels(of: id, format: $0, columns: rect.columns) }
    let curve = back.flatMap { errorCurve(source, $0) }
    let panel = HistogramPanel(rect, hasLevels: levels != nil, hasErrors: curve != nil)
    drawLegend(format, source, back, curve, on: &canvas, panel)
    if let curve { draw(curve, on: &canvas, in: panel.curve) }
    drawBars(source, back, on: &canvas, in: panel.bars)
    drawAxis(source, on: &canvas, in: panel.axis)
    if let levels { drawLevels(levels, source, on: &canvas, panel) }
  }

  // MARK: - The legend

  private func drawLegend(
    _ format: Format?, _ source: ShownHistogram, _ back: ShownHistogram?, _ curve: ErrorCurve?,
    on canvas: inout Canvas, _ panel: HistogramPanel
  ) {
    var line = panel.legend
    if let curve, panel.curve.rows > 0, line.columns >= 70 {
      canvas.writeRight(curve.words, in: line, style: Theme.errors)
      line = line.inset(right: curve.words.columns + 2)
    }
    let paint = HistogramPaint(glyphs: glyphs)
    var parts: [(String, Style)] = []
    if let format {
      parts.append((paint.sourceOnly.full, paint.sourceOnly.style))
      parts.append((" source  ", Theme.faint))
      parts.append((paint.reconstructedOnly.full, paint.reconstructedOnly.style))
      parts.append((" \(format)\(back == nil ? glyphs.ellipsis : "")  ", Theme.faint))
      parts.append((paint.both.full, paint.both.style))
      parts.append((" both  ", Theme.faint))
    } else {
      parts += [(glyphs.block, paint.sourceOnly.style), (" source  ", Theme.faint)]
    }
    let zoom = histogram.window.zoom
    if zoom != 0 {
      let scale = zoom > 0 ? "\(1 << zoom)" : "1/\(1 << -zoom)"
      parts.append(("\(glyphs.times)\(scale)  ", Theme.title))
    }
    if source.isCoarse || back?.isCoarse == true {
      parts.append(("counting\(glyphs.ellipsis)  ", Theme.faint))
    }
    if logCounts { parts.append(("log  ", Theme.faint)) }
    parts.append(("peak \(Figures.count(Int(source.counts.max() ?? 0)))", Theme.faint))
    var column = line.column
    for (text, style) in parts {
      // A figure that is cut off would read as another one.
      guard text.columns <= line.endColumn - column || text.last == " " else { break }
      column += canvas.write(
        text, at: Point(column: column, row: line.row), style: style,
        within: max(0, line.endColumn - column))
    }
  }

  // MARK: - The bars

  private func drawBars(
    _ source: ShownHistogram, _ back: ShownHistogram?, on canvas: inout Canvas, in rect: Rect
  ) {
    guard rect.rows > 0 else { return }
    // Few levels make tall columns: past what the source needs they are cut off, and marked so. Where there is no
    // source in sight, they are all there is.
    let sourceTop = source.counts.max() ?? 0
    let backTop = back?.counts.max() ?? 0
    let top = max(
      1, sourceTop == 0 ? Double(backTop) : Double(sourceTop) * (back == nil ? 1 : 1.25))
    let eighths = rect.rows * 8
    func height(_ count: UInt64) -> Int {
      guard count > 0 else { return 0 }
      let share = logCounts ? log1p(Double(count)) / log1p(top) : Double(count) / top
      return max(1, Int((min(1, share) * Double(eighths)).rounded()))
    }
    let paint = HistogramPaint(glyphs: glyphs)
    for column in 0..<min(rect.columns, source.counts.count) {
      let sourceHeight = height(source.counts[column])
      let other = back.flatMap { column < $0.counts.count ? $0.counts[column] : nil }
      let otherHeight = other.map(height) ?? sourceHeight
      for row in 0..<rect.rows {
        let base = (rect.rows - 1 - row) * 8
        guard
          let (text, style) = paint.cell(
            source: sourceHeight - base, reconstructed: otherHeight - base, isPlain: back == nil)
        else { continue }
        canvas.write(
          text, at: Point(column: rect.column + column, row: rect.row + row), style: style)
      }
      if let other, Double(other) > top * 1.01 {
        canvas.write(
          glyphs.upArrow, at: Point(column: rect.column + column, row: rect.row),
          style: Theme.reconstructed.with(.reverse))
      }
    }
  }

  private func drawAxis(_ histogram: ShownHistogram, on canvas: inout Canvas, in line: Rect) {
    let span = histogram.upper - histogram.lower
    let (left, right) = Figures.ends(histogram.lower, histogram.upper)
    let below =
      histogram.below > 0 ? "\(glyphs.leftArrow)\(Figures.count(Int(histogram.below))) " : ""
    let above = histogram.above > 0 ? " \(Figures.count(Int(histogram.above)))\(glyphs.arrow)" : ""
    canvas.write(below + left, at: line.origin, style: Theme.faint, within: line.columns)
    canvas.writeRight(right + above, in: line, style: Theme.faint)
    guard histogram.lower < 0, histogram.upper > 0, span > 0, span.isFinite else { return }
    let zero = Int((-histogram.lower / span * Double(line.columns)).rounded(.down))
    if zero > (below + left).columns + 1, zero < line.columns - (right + above).columns - 2 {
      canvas.write("0", at: Point(column: line.column + zero, row: line.row), style: Theme.faint)
    }
  }

  // MARK: - The levels of the format

  /// A tick for each level, a block where several share a column, and what they are in words.
  private func drawLevels(
    _ levels: FormatLevels, _ shown: ShownHistogram, on canvas: inout Canvas,
    _ panel: HistogramPanel
  ) {
    let columns = panel.levels.columns
    var counts = [Int](repeating: 0, count: max(0, columns))
    let span = shown.upper - shown.lower
    for level in levels.values where span > 0 {
      let place = (Double(level) - shown.lower) / span * Double(columns)
      if place >= 0, place < Double(columns) { counts[Int(place)] += 1 }
    }
    if panel.levels.rows > 0 {
      for (column, count) in counts.enumerated() where count > 0 {
        canvas.write(
          count == 1 ? glyphs.vertical : glyphs.block,
          at: Point(column: panel.levels.column + column, row: panel.levels.row),
          style: Theme.accent)
      }
    }
    guard panel.note.rows > 0 else { return }
    let whose = levels.isShared ? "grid" : "grid of the median group"
    var text = "\(whose): \(Figures.counted(levels.values.count, "level"))"
    if let step = levels.step { text += ", step \(Figures.weight(Double(step)))" }
    let inSight = counts.reduce(0, +)
    if inSight < levels.values.count { text += ", \(inSight) in sight" }
    canvas.write(
      text, at: panel.note.origin, style: Theme.accent, within: panel.note.columns)
  }

  // MARK: - The errors

  /// A figure of the errors for each column; none where there are no weights.
  private struct ErrorCurve {
    let values: [Double?]
    let top: Double
    let words: String
  }

  private func errorCurve(_ source: ShownHistogram, _ back: ShownHistogram) -> ErrorCurve? {
    guard back.squaredErrors.count == source.counts.count, source.isCoarse == back.isCoarse else {
      return nil
    }
    let values: [Double?]
    switch histogram.errorCurve {
    case .none: return nil
    case .deviation:
      values = zip(back.squaredErrors, source.counts).map {
        $1 > 0 ? ($0 / Double($1)).squareRoot() : nil
      }
    case .share:
      let total = back.squaredErrorTotal
      values = zip(back.squaredErrors, source.counts).map {
        $1 > 0 && total > 0 ? $0 / total : nil
      }
    }
    let top = values.reduce(0) { max($0, $1 ?? 0) }
    let words =
      histogram.errorCurve == .share
      ? "share of the error, to \(Figures.percent(top))" : "RMS error, to \(Figures.weight(top))"
    return ErrorCurve(values: values, top: top, words: words)
  }

  private func draw(_ curve: ErrorCurve, on canvas: inout Canvas, in rect: Rect) {
    guard rect.rows > 0, rect.columns > 0 else { return }
    var dots = BrailleCanvas(size: Size(columns: rect.columns, rows: rect.rows))
    let height = Double(dots.dots.rows - 1)
    var last: Point?
    for (column, value) in curve.values.prefix(rect.columns).enumerated() {
      guard let value else {
        last = nil
        continue
      }
      let share = curve.top > 0 ? value / curve.top : 0
      let point = Point(column: 2 * column, row: Int((height * (1 - share)).rounded()))
      dots.line(from: last ?? point, to: point)
      dots.line(from: point, to: Point(column: point.column + 1, row: point.row))
      last = Point(column: point.column + 1, row: point.row)
    }
    dots.draw(on: &canvas, at: rect.origin, glyphs: glyphs, style: Theme.errors)
  }
}

/// How the columns of two histograms share a cell: where both reach, where only one does. Told apart by characters;
/// colours say the same once more.
struct HistogramPaint {
  struct Ink {
    let full: String
    let style: Style
  }

  let both: Ink
  let sourceOnly: Ink
  let reconstructedOnly: Ink
  private let glyphs: Glyphs

  init(glyphs: Glyphs) {
    self.glyphs = glyphs
    both = Ink(full: glyphs.block, style: Theme.both)
    sourceOnly = Ink(full: glyphs.isASCII ? "s" : glyphs.shades[1], style: Theme.source)
    reconstructedOnly = Ink(
      full: glyphs.isASCII ? "r" : glyphs.shades[2], style: Theme.reconstructed)
  }

  /// What a cell shows for columns that reach so many eighths above its lower edge; nil if nothing.
  func cell(source: Int, reconstructed: Int, isPlain: Bool) -> (String, Style)? {
    let source = min(8, max(0, source))
    let reconstructed = min(8, max(0, reconstructed))
    let shared = min(source, reconstructed)
    let reach = max(source, reconstructed)
    guard reach > 0 else { return nil }
    if isPlain { return (glyphs.verticalBars[reach], sourceOnly.style) }
    if shared == reach { return (glyphs.verticalBars[reach], both.style) }
    let single = source > reconstructed ? sourceOnly : reconstructedOnly
    // Two inks in one cell: the larger one. Shades have no eighths and are there from one half on.
    if shared * 2 >= reach { return (glyphs.verticalBars[shared], both.style) }
    return reach - shared >= 4 ? (single.full, single.style) : nil
  }
}
