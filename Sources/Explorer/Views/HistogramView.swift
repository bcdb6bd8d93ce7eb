import Foundation
import ModelFiles
import Planning
import Quantization
import Terminal

extension State {
  /// The weights of a tensor, with the reconstructed ones of the shown choice over them.
  func drawHistogram(of id: Int, on canvas: inout Canvas, in rect: Rect) {
    guard rect.rows > 2, contributions[id].isReadable else { return }
    let key = { (format: Format?) in
      Findings.HistogramKey(tensor: id, format: format, bins: rect.columns)
    }
    let format = shownChoice(of: id).format
    guard let source = findings.histograms[key(nil)] else {
      canvas.write("counting\(glyphs.ellipsis)", at: rect.origin, style: Theme.faint)
      return
    }
    guard source.total > source.notFinite else { return }
    let reconstructed = format.flatMap { findings.histograms[key($0)] }
    drawLegend(format, isThere: reconstructed != nil, on: &canvas, in: rect.line(0))
    let bars = rect.inset(top: 1, bottom: 1)
    drawBars(source, reconstructed, on: &canvas, in: bars)
    drawAxis(source, on: &canvas, in: rect.line(rect.rows - 1))
  }

  private func drawLegend(
    _ format: Format?, isThere: Bool, on canvas: inout Canvas, in line: Rect
  ) {
    var column = line.column
    func put(_ text: String, _ style: Style) {
      column += canvas.write(
        text, at: Point(column: column, row: line.row), style: style,
        within: max(0, line.endColumn - column))
    }
    let paint = HistogramPaint(glyphs: glyphs, hasColor: hasColor)
    put(format == nil ? glyphs.block : paint.sourceOnly.full, paint.sourceOnly.style)
    put(" source  ", Theme.faint)
    if let format {
      put(paint.reconstructedOnly.full, paint.reconstructedOnly.style)
      put(" \(format)\(isThere ? "" : glyphs.ellipsis)  ", Theme.faint)
      put(paint.both.full, paint.both.style)
      put(" both  ", Theme.faint)
    }
    if logCounts { put("log", Theme.faint) }
  }

  private func drawBars(
    _ source: Histogram, _ reconstructed: Histogram?, on canvas: inout Canvas, in rect: Rect
  ) {
    guard rect.rows > 0 else { return }
    // Few levels make tall columns: past what the source needs they are cut off, and marked so.
    let sourceTop = source.counts.max() ?? 0
    let top = max(1, Double(sourceTop) * (reconstructed == nil ? 1 : 1.25))
    let eighths = rect.rows * 8
    func height(_ count: UInt64) -> Int {
      guard count > 0 else { return 0 }
      let share =
        logCounts
        ? log1p(Double(count)) / log1p(top) : Double(count) / top
      return max(1, Int((min(1, share) * Double(eighths)).rounded()))
    }
    let paint = HistogramPaint(glyphs: glyphs, hasColor: hasColor)
    for column in 0..<min(rect.columns, source.counts.count) {
      let sourceHeight = height(source.counts[column])
      let other = reconstructed.flatMap { column < $0.counts.count ? $0.counts[column] : nil }
      let otherHeight = other.map(height) ?? sourceHeight
      for row in 0..<rect.rows {
        let base = (rect.rows - 1 - row) * 8
        guard
          let (text, style) = paint.cell(
            source: sourceHeight - base, reconstructed: otherHeight - base,
            isPlain: reconstructed == nil)
        else { continue }
        canvas.write(
          text, at: Point(column: rect.column + column, row: rect.row + row), style: style)
      }
      if let other, Double(other) > top * 1.01 {
        canvas.write(
          glyphs.upArrow, at: Point(column: rect.column + column, row: rect.row),
          style: hasColor ? Theme.reconstructed.with(.reverse) : Style.reverse)
      }
    }
  }

  private func drawAxis(_ histogram: Histogram, on canvas: inout Canvas, in line: Rect) {
    let range = histogram.range
    let left = Figures.weight(Double(range.lower))
    let right = Figures.weight(Double(range.upper))
    let below =
      histogram.below > 0 ? "\(glyphs.leftArrow)\(Figures.count(Int(histogram.below))) " : ""
    let above = histogram.above > 0 ? " \(Figures.count(Int(histogram.above)))\(glyphs.arrow)" : ""
    canvas.write(below + left, at: line.origin, style: Theme.faint, within: line.columns)
    canvas.writeRight(right + above, in: line, style: Theme.faint)
    let span = Double(range.upper) - Double(range.lower)
    guard range.lower < 0, range.upper > 0, span > 0, span.isFinite else { return }
    let zero = Int((-Double(range.lower) / span * Double(line.columns)).rounded(.down))
    if zero > (below + left).columns + 1, zero < line.columns - (right + above).columns - 2 {
      canvas.write("0", at: Point(column: line.column + zero, row: line.row), style: Theme.faint)
    }
  }

  var hasColor: Bool { colors != .none }
}

/// How the columns of two histograms share a cell: where both reach, where only one does.
struct HistogramPaint {
  struct Ink {
    let full: String
    let style: Style
  }

  let both: Ink
  let sourceOnly: Ink
  let reconstructedOnly: Ink
  private let glyphs: Glyphs
  private let hasColor: Bool

  init(glyphs: Glyphs, hasColor: Bool) {
    self.glyphs = glyphs
    self.hasColor = hasColor
    let full = glyphs.verticalBars[8]
    both = Ink(full: hasColor ? full : glyphs.block, style: hasColor ? Theme.both : .standard)
    sourceOnly = Ink(
      full: hasColor ? full : glyphs.shades[1], style: hasColor ? Theme.source : .standard)
    reconstructedOnly = Ink(
      full: hasColor ? full : glyphs.shades[2], style: hasColor ? Theme.reconstructed : .standard)
  }

  /// What a cell shows for columns that reach so many eighths above its lower edge; nil if nothing.
  func cell(source: Int, reconstructed: Int, isPlain: Bool) -> (String, Style)? {
    let source = min(8, max(0, source))
    let reconstructed = min(8, max(0, reconstructed))
    let shared = min(source, reconstructed)
    let reach = max(source, reconstructed)
    guard reach > 0 else { return nil }
    if isPlain { return (glyphs.verticalBars[reach], sourceOnly.style) }
    let single = source > reconstructed ? sourceOnly : reconstructedOnly
    if shared == reach { return partial(reach, both) }
    if shared == 0 { return partial(reach, single) }
    // Two inks in one cell: the lower one as the character, the upper one behind it, where colours
    // can tell them apart and the upper one fills the cell; otherwise the larger of the two.
    if hasColor, reach == 8 {
      return (glyphs.verticalBars[shared], both.style.on(single.style.foreground))
    }
    return partial(reach, shared * 2 >= reach ? both : single)
  }

  /// A cell filled from below in one ink; shades have no eighths and are there from one half on.
  private func partial(_ eighths: Int, _ ink: Ink) -> (String, Style)? {
    if eighths == 8 { return (ink.full, ink.style) }
    if hasColor { return (glyphs.verticalBars[eighths], ink.style) }
    return eighths >= 4 ? (ink.full, ink.style) : nil
  }
}
