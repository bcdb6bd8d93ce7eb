import Consumers
import ModelFiles
import Planning
import Quantization
import Terminal

/// Where everything stands in the Formats view.
struct GuideLayout {
  let list: Rect
  let rule: Rect
  let page: Rect
  let isBeside: Bool

  /// How many rows of a page are in sight: the last line says that there are more.
  func shownRows(of count: Int) -> Int { count > page.rows ? max(1, page.rows - 1) : page.rows }

  init(_ body: Rect) {
    isBeside = body.columns >= 70
    if isBeside {
      let columns = min(32, max(25, body.columns / 4))
      let parts = body.splitColumns(.fixed(columns), .fixed(1), .weight(1))
      list = parts[0].inset(left: 1)
      rule = parts[1]
      // Longer lines are hard to read.
      let page = parts[2].inset(left: 1, right: 1)
      self.page = page.inset(right: max(0, page.columns - 96))
    } else {
      let parts = body.splitRows(.fixed(max(2, body.rows / 3)), .fixed(1), .weight(1))
      list = parts[0].inset(left: 1)
      rule = parts[1]
      page = parts[2].inset(left: 1, right: 1)
    }
  }
}

/// A line of the page, in parts of different looks.
typealias GuideRow = [(text: String, style: Style)]

extension State {
  func drawGuide(on canvas: inout Canvas, in body: Rect) {
    let layout = GuideLayout(body)
    canvas.fill(
      layout.rule, with: layout.isBeside ? glyphs.vertical : glyphs.horizontal, style: Theme.faint)
    drawGuideList(on: &canvas, in: layout.list)
    let rows = guidePage(columns: layout.page.columns)
    let shown = layout.shownRows(of: rows.count)
    for (line, row) in rows.dropFirst(guide.scroll).prefix(shown).enumerated() {
      var point = layout.page.line(line).origin
      for part in row {
        point.column += canvas.write(
          part.text, at: point, style: part.style,
          within: max(0, layout.page.endColumn - point.column))
      }
    }
    guard shown < rows.count else { return }
    let isMore = guide.scroll + shown < rows.count
    canvas.writeRight(
      isMore ? "\(Key.right.label(in: glyphs)) more" : "the end", in: layout.page.line(shown),
      style: Theme.faint)
  }

  private func drawGuideList(on canvas: inout Canvas, in list: Rect) {
    let lines = guideLines
    let first = guideStart(lines, rows: list.rows)
    let own = tensor.flatMap { choice(of: $0.id).format }
    for (index, line) in lines.dropFirst(first).prefix(list.rows).enumerated() {
      let rect = list.line(index)
      switch line {
      case .family(let name):
        canvas.write(name, at: rect.origin, style: Theme.title, within: rect.columns)
      case .format(let format):
        let style = format == own ? Theme.changed : .standard
        canvas.write(
          format == own ? glyphs.closed : " ", at: rect.origin, style: style, within: 1)
        let parts = rect.inset(left: 2, right: 1).splitColumns(.weight(1), .fixed(5), spacing: 1)
        canvas.write(
          format.description.truncatedMiddle(to: parts[0].columns, mark: glyphs.ellipsis),
          at: parts[0].origin, style: style, within: parts[0].columns)
        canvas.writeRight(Figures.bits(guideBits(of: format)), in: parts[1], style: Theme.faint)
        if format == guide.format { canvas.select(rect) }
      }
    }
  }

  /// The shape that sizes are given for: the tensor's at hand, or a usual one.
  private var guideShape: (rows: Int, rowLength: Int) {
    guard let tensor, tensor.suitability.isQuantizable else { return (4_096, 4_096) }
    return (tensor.rows, tensor.rowLength)
  }

  private func guideBits(of format: Format) -> Double {
    let shape = guideShape
    // What this tensor can't have still has a size.
    let fits = format.objection(rowLength: shape.rowLength) == nil
    return fits
      ? format.bitsPerWeight(rows: shape.rows, rowLength: shape.rowLength)
      : format.bitsPerWeight(rows: 4_096, rowLength: 4_096)
  }

  // MARK: - The page

  func guidePage(columns: Int) -> [GuideRow] {
    let format = guide.format
    let words = FormatWords(format)
    let parts = BlockParts(format, rows: guideShape.rows, rowLength: guideShape.rowLength)
    var rows: [GuideRow] = []
    func add(_ text: String, _ style: Style = .standard) {
      for line in text.wrapped(to: max(1, columns)) { rows.append([(line, style)]) }
    }
    func heading(_ text: String) {
      rows.append([])
      rows.append([(text, Theme.title)])
    }
    let title = format.description
    if title.columns + words.summary.columns + 2 <= columns {
      rows.append([(title, Theme.changed.with(.bold)), ("  " + words.summary, Theme.title)])
    } else {
      add(title, Theme.changed.with(.bold))
      add(words.summary, Theme.title)
    }
    add(words.text)
    heading("\(Figures.bits(guideBits(of: format))) bits per weight")
    rows += barRows(parts, columns: min(columns, 72))
    rows += legendRows(parts, columns: columns)
    if let levels = LevelGrid.levels(of: format) {
      heading(
        "\(levels.count) levels"
          + (isMinimumUsed(format) ? ", from the least weight to the greatest" : ""))
      rows += levelRows(levels, isCentred: !isMinimumUsed(format), columns: min(columns, 72))
    }
    heading("Who takes it")
    let consumers = Consumer.taking(format).map(\.rawValue)
    add(
      consumers.isEmpty
        ? "none of the programs that plans are exported for" : consumers.joined(separator: ", "))
    if let tensor {
      heading("Here")
      rows += hereRows(format, tensor, columns: columns)
    }
    return rows
  }

  /// Whether the grid lies between the ends of the range, wherever 0 is.
  private func isMinimumUsed(_ format: Format) -> Bool {
    switch format {
    case .integer(let integer): integer.scheme == .affine
    case .mlx: true
    case .ggml(let type): [.q41, .q51, .q2K, .q4K, .q5K].contains(type)
    default: false
    }
  }

  /// The block as a bar, each part as wide as its share of the bits, but a column at least.
  private func barRows(_ block: BlockParts, columns: Int) -> [GuideRow] {
    guard columns > block.parts.count, block.bits > 0 else { return [] }
    var widths = block.parts.map { max(1, columns * $0.bits / block.bits) }
    if let widest = widths.indices.max(by: { widths[$0] < widths[$1] }) {
      widths[widest] = max(1, widths[widest] + columns - widths.reduce(0, +))
    }
    let inks: [Color] = [.cyan, .yellow, .green, .magenta, .blue]
    return [
      zip(block.parts, widths).enumerated().map { index, part in
        let text = String(repeating: part.0.letter, count: part.1)
        // Without colours every other part is reversed.
        let style =
          colors == .none
          ? (index % 2 == 0 ? Style.reverse : .standard)
          : Style(
            foreground: inks[index % inks.count] == .blue ? .white : .black,
            background: inks[index % inks.count])
        return (text, style)
      }
    ]
  }

  /// What the letters of the bar mean.
  private func legendRows(_ block: BlockParts, columns: Int) -> [GuideRow] {
    let weights = block.weights == 1 ? "1 weight" : "\(Figures.count(block.weights)) weights"
    var rows: [GuideRow] = [[]]
    var used = 0
    func put(_ parts: GuideRow) {
      let width = parts.reduce(0) { $0 + $1.text.columns }
      if used > 0, used + 3 + width > columns {
        rows.append([])
        used = 0
      }
      if used > 0 { rows[rows.count - 1].append(("   ", .standard)) }
      used += (used > 0 ? 3 : 0) + width
      rows[rows.count - 1] += parts
    }
    func count(_ bits: Int) -> String { bits < 100_000 ? "\(bits)" : Figures.count(bits) }
    put([("\(weights), \(count(block.bits)) bits", Theme.faint)])
    for part in block.parts {
      put([
        (part.letter, Theme.key),
        (" \(part.name): \(count(part.bits))", .standard),
      ])
    }
    return rows
  }

  /// The levels on a line, denser ones heavier.
  private func levelRows(_ levels: [Double], isCentred: Bool, columns: Int) -> [GuideRow] {
    guard columns > 10 else { return [] }
    let width = columns % 2 == 0 ? columns - 1 : columns
    var counts = [Int](repeating: 0, count: width)
    for level in levels {
      let place = (level + 1) / 2 * Double(width - 1)
      counts[Int(place.rounded())] += 1
    }
    let ticks = counts.map { $0 == 0 ? " " : $0 == 1 ? glyphs.vertical : glyphs.block }
    let axis = (0..<width).map { column in
      let isEnd = column == 0 || column == width - 1 || (isCentred && column == width / 2)
      return isEnd ? glyphs.teeUp : glyphs.horizontal
    }
    let ends = isCentred ? ("negative", "0", "positive") : ("least", "", "greatest")
    let left = max(0, width / 2 - ends.0.columns)
    let right = max(0, width - ends.0.columns - left - ends.1.columns - ends.2.columns)
    let gaps = [left, right].map { String(repeating: " ", count: $0) }
    let labels = [ends.0, gaps[0], ends.1, gaps[1], ends.2].joined()
    return [
      [(ticks.joined(), Theme.accent)], [(axis.joined(), Theme.faint)], [(labels, Theme.faint)],
    ]
  }

  /// What it would mean for the tensor at hand.
  private func hereRows(_ format: Format, _ tensor: Tensor, columns: Int) -> [GuideRow] {
    let name = tensor.label.truncatedMiddle(to: max(1, columns), mark: glyphs.ellipsis)
    var rows: [GuideRow] = [[(name, Theme.faint)]]
    func add(_ text: String, _ style: Style = .standard) {
      for line in text.wrapped(to: max(1, columns)) { rows.append([(line, style)]) }
    }
    if let reason = tensor.suitability.reason {
      add("kept as it is: \(reason)", Theme.warning)
      return rows
    }
    if let refusal = rules.refusal(of: format, for: tensor) {
      let instead = refusal.instead.map { "; llama-quantize would write \($0)" } ?? ""
      add("not for this tensor: \(refusal.reason)\(instead)", Theme.warning)
      return rows
    }
    let size = format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
    let change = Figures.change(bytes: size - contributions[tensor.id].bytes, minus: glyphs.minus)
    let now = choice(of: tensor.id) == .format(format) ? "as it is now" : "\(change) against now"
    add("\(Figures.bytes(size)), \(now)")
    guard contributions[tensor.id].isReadable else { return rows }
    guard let measurement = measurement(of: tensor.id, format) else {
      add("NMSE \(glyphs.ellipsis)", Theme.faint)
      return rows
    }
    let figures = measurement.figures
    add(
      "NMSE \(percentText(figures.nmse, measurement.interval))  "
        + (measurement.exact ? "" : glyphs.about + " ") + Figures.decibels(figures.sqnr),
      errorStyle(figures.nmse, isEstimate: !measurement.exact))
    return rows
  }
}
