import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

/// Where everything stands in the Map view.
struct MapLayout {
  /// The names of the roles.
  let head: Rect
  /// The cells that scroll, their labels left of them.
  let cells: Rect
  /// The line of the sums, below them.
  let sums: Rect
  let legend: Rect
  /// The line that names the cell under the cursor.
  let rule: Rect
  let facts: Rect
  /// The ladder, and what the bytes are spent on, where there is room.
  let ladder: Rect
  let used: Rect
  let labelColumns: Int
  let cellColumns: Int
  /// How many columns of cells are in sight.
  let columnCount: Int
  /// How many lines scroll.
  let scrolled: Int

  /// A mark, a bar and five columns of a figure.
  private static let least = 7

  init(_ state: State) {
    let grid = state.mapGrid
    let body = ScreenLayout(size: state.size).body
    let hasSums = grid.lines.last?.subject == .all
    scrolled = grid.lines.count - (hasSums ? 1 : 0)
    let inner = body.inset(left: 1, right: 1)
    // Labels give way to cells.
    let wide = max(6, min(14, Self.longestLabel(state)))
    let isTight = wide + Self.least * grid.columns > inner.columns
    labelColumns = isTight ? min(wide, 5) : wide
    let room = max(0, inner.columns - labelColumns)
    cellColumns = min(12, max(Self.least, room / max(1, grid.columns)))
    columnCount = max(1, min(grid.columns, room / cellColumns))

    let legendRows = body.rows >= 8 ? 1 : 0
    let detailRows = body.rows >= 16 ? 4 : body.rows >= 10 ? 3 : 1
    let gridRows = max(
      1, min(scrolled, body.rows - 1 - legendRows - detailRows - (hasSums ? 1 : 0)))
    var rows = body.splitRows(
      .fixed(1), .fixed(gridRows), .fixed(hasSums ? 1 : 0), .fixed(legendRows), .weight(1))
    head = rows[0]
    cells = rows[1].inset(left: 1, right: 1)
    sums = rows[2].inset(left: 1, right: 1)
    legend = rows[3].inset(left: 1, right: 1)
    let details = rows[4]
    let ruleRows = detailRows > 1 ? 1 : 0
    let factRows = min(3, max(1, details.rows - ruleRows))
    rows = details.splitRows(.fixed(ruleRows), .fixed(factRows), .weight(1))
    rule = rows[0]
    facts = rows[1].inset(left: 1, right: 1)
    let rest = rows[2].inset(left: 1, top: 1, right: 1)
    let isTall = rest.rows >= 4 && rest.columns >= 76
    let parts = rest.splitColumns(.fixed(min(50, rest.columns / 2)), .weight(1), spacing: 3)
    ladder = isTall ? parts[0] : rest.inset(top: rest.rows)
    let beside = isTall ? parts[1] : ladder
    used = beside.inset(right: max(0, beside.columns - 60))
  }

  private static func longestLabel(_ state: State) -> Int {
    state.mapGrid.lines.map { state.label(of: $0).columns }.max().map { $0 + 1 } ?? 6
  }

  /// The lines of cells in sight, the sums among them.
  func lines(_ state: State) -> [Int] {
    let end = min(scrolled, state.map.scroll + cells.rows)
    return Array(min(state.map.scroll, end)..<end) + (sums.rows > 0 ? [scrolled] : [])
  }

  /// The columns of cells in sight.
  func columns(_ state: State) -> Range<Int> {
    let first = min(state.map.columnScroll, max(0, state.mapGrid.columns - columnCount))
    return first..<min(state.mapGrid.columns, first + columnCount)
  }

  /// The row of the screen that a line stands in.
  func row(ofLine line: Int, _ state: State) -> Rect {
    line == scrolled ? sums : cells.line(line - state.map.scroll)
  }

  /// A cell in a row of the screen.
  func cell(_ column: Int, in row: Rect, _ state: State) -> Rect {
    Rect(
      column: row.column + labelColumns + (column - columns(state).lowerBound) * cellColumns,
      row: row.row, columns: cellColumns, rows: row.rows)
  }

  /// The cell at a place of the screen.
  func place(at point: Point, _ state: State) -> (line: Int, column: Int)? {
    guard let line = lines(state).first(where: { row(ofLine: $0, state).contains(point) }) else {
      return nil
    }
    let strip = row(ofLine: line, state)
    let shown = columns(state)
    let column = shown.first { cell($0, in: strip, state).contains(point) }
    let isLeft = point.column < strip.column + labelColumns
    return (line, column ?? (isLeft ? shown.lowerBound : shown.upperBound - 1))
  }
}

extension State {
  func drawMap(on canvas: inout Canvas, in body: Rect) {
    let layout = MapLayout(self)
    canvas.fill(layout.head, style: Theme.head)
    guard !mapGrid.lines.isEmpty else {
      canvas.write(
        "no tensor of this model is worth quantizing", at: body.inset(left: 2, top: 2).origin,
        style: Theme.faint, within: body.columns - 2)
      return
    }
    drawMapHead(on: &canvas, layout)
    var figures: [(line: Int, column: Int, figure: MapFigure)] = []
    for line in layout.lines(self) {
      for column in mapColumns(ofLine: line) {
        figures.append((line, column, mapFigure(line: line, column: column)))
      }
    }
    let scale = mapScale(of: figures.map(\.figure))
    for line in layout.lines(self) { drawLabel(ofLine: line, on: &canvas, layout) }
    let columns = layout.columns(self)
    for (line, column, figure) in figures where columns.contains(column) {
      let rect = layout.cell(column, in: layout.row(ofLine: line, self), self)
      drawCell(mapGrid.cell(line: line, column: column), figure, scale, on: &canvas, in: rect)
      if line == map.line, column == mapGrid.shownColumn(line: line, column: map.column) {
        canvas.select(rect.inset(left: 1))
      }
    }
    drawLegend(scale, on: &canvas, layout)
    drawMapDetails(on: &canvas, layout)
  }

  // MARK: - Heads and labels

  private func drawMapHead(on canvas: inout Canvas, _ layout: MapLayout) {
    let line = layout.head.inset(left: 1, right: 1)
    let place = "\(map.line + 1)/\(mapGrid.lines.count)"
    canvas.write(
      place.columns < layout.labelColumns ? place : "", at: line.origin, style: Theme.head,
      within: layout.labelColumns)
    let here = mapGrid.shownColumn(line: map.line, column: map.column)
    for column in layout.columns(self) {
      let rect = layout.cell(column, in: line, self).inset(left: 1)
      let name = column < mapGrid.roles.count ? mapGrid.roles[column].rawValue : "all"
      let short = name.split(separator: "_").last.map(String.init) ?? name
      let shown = name.columns <= rect.columns - 1 ? name : short
      canvas.writeRight(
        shown.truncated(to: rect.columns, mark: glyphs.ellipsis), in: figureRect(rect),
        style: column == here ? Theme.head.with(.bold) : Theme.head)
    }
    // More columns on either side.
    let columns = layout.columns(self)
    if columns.lowerBound > 0 {
      canvas.write(
        glyphs.leftArrow, at: Point(column: line.column + layout.labelColumns, row: line.row),
        style: Theme.head, within: 1)
    }
    if columns.upperBound < mapGrid.columns {
      canvas.write(
        glyphs.arrow, at: Point(column: layout.head.endColumn - 1, row: line.row),
        style: Theme.head, within: 1)
    }
  }

  /// What a line is called.
  func label(of line: MapGrid.Line) -> String {
    switch line.subject {
    case .block(let stack, let index): (stack.map { "\($0.sanitised) " } ?? "block ") + "\(index)"
    case .outside(let tensor): model.tensors[tensor].role.rawValue
    case .all: "all"
    }
  }

  private func drawLabel(ofLine index: Int, on canvas: inout Canvas, _ layout: MapLayout) {
    let row = layout.row(ofLine: index, self)
    let line = mapGrid.lines[index]
    var text = label(of: line)
    // Where there is little room the number alone, or the end of the role.
    if text.columns >= layout.labelColumns {
      text = text.split(whereSeparator: { $0 == " " || $0 == "_" }).last.map(String.init) ?? text
    }
    let style = index == map.line ? Theme.title : Theme.faint
    canvas.write(
      text.truncated(to: layout.labelColumns - 1, mark: glyphs.ellipsis), at: row.origin,
      style: style, within: layout.labelColumns - 1)
    guard case .outside(let tensor) = line.subject else { return }
    // Its name where the roles of blocks would be.
    let start = row.column + layout.labelColumns + 1
    let cell = layout.cell(mapGrid.roles.count, in: row, self)
    let isBefore = cell.column - start >= 12
    let from = isBefore ? start : cell.endColumn + 1
    let room = max(0, (isBefore ? cell.column - 1 : row.endColumn) - from)
    canvas.write(
      Catalogue.shortName(model.tensors[tensor]).truncatedMiddle(to: room, mark: glyphs.ellipsis),
      at: Point(column: from, row: row.row), style: style, within: room)
  }

  // MARK: - Cells

  /// The part of a cell that its figure ends in.
  private func figureRect(_ cell: Rect) -> Rect { cell.inset(right: cell.columns > 7 ? 1 : 0) }

  private func drawCell(
    _ ids: [Int], _ figure: MapFigure, _ scale: HeatScale, on canvas: inout Canvas, in rect: Rect
  ) {
    let marked = marks.isEmpty ? 0 : ids.count { marks.contains($0) }
    if marked > 0 {
      canvas.write(marked == ids.count ? "*" : "+", at: rect.origin, style: Theme.mark)
    } else if !ids.isEmpty, ids.allSatisfy({ edits.assignments[$0].isPinned }) {
      canvas.write("p", at: rect.origin, style: Theme.accent)
    }
    let cell = rect.inset(left: 1)
    let text = figureRect(cell)
    switch figure {
    case .empty: canvas.writeRight(glyphs.middleDot, in: text, style: Theme.faint)
    case .nothing: canvas.writeRight(glyphs.dash, in: text, style: Theme.faint)
    case .waiting: canvas.writeRight(glyphs.ellipsis, in: text, style: Theme.faint)
    case .known(let value, let isEstimate):
      let step = scale.step(of: value)
      let style = HeatScale.style(step: step, depth: colors)
      canvas.fill(cell, style: style)
      canvas.write(glyphs.verticalBars[step], at: cell.origin, style: style)
      canvas.writeRight(shortText(value, isEstimate: isEstimate), in: text, style: style)
    }
  }

  private func shortText(_ value: Double, isEstimate: Bool) -> String {
    let about = isEstimate ? glyphs.about : nil
    return switch map.coloring {
    case .bits: ShortFigures.bits(value)
    case .error, .gain: ShortFigures.percent(value, about: about)
    case .bytes: ShortFigures.bytes(Int(value))
    }
  }

  /// The scale, with what it says.
  private func drawLegend(_ scale: HeatScale, on canvas: inout Canvas, _ layout: MapLayout) {
    let line = layout.legend
    guard line.rows > 0 else { return }
    var column = line.column
    func put(_ text: String, _ style: Style = Theme.faint) {
      column += canvas.write(
        text, at: Point(column: column, row: line.row), style: style,
        within: max(0, line.endColumn - column))
    }
    put(shortText(scale.low, isEstimate: false) + " ")
    for step in 1...HeatScale.steps {
      put(" " + glyphs.verticalBars[step] + " ", HeatScale.style(step: step, depth: colors))
    }
    put(" " + shortText(scale.high, isEstimate: false) + "  ")
    put(map.coloring.title(mapUnit), Theme.title)
    let kept =
      mapGrid.kept == 0 ? "" : "\(Figures.counted(mapGrid.kept, "tensor")) kept as they are"
    if line.endColumn - column > kept.columns + 2 {
      canvas.writeRight(kept, in: line, style: Theme.faint)
    }
  }

  // MARK: - The cell under the cursor

  private func drawMapDetails(on canvas: inout Canvas, _ layout: MapLayout) {
    let ids = mapCell
    if layout.rule.rows > 0 {
      canvas.fill(layout.rule, with: glyphs.horizontal, style: Theme.faint)
      let room = max(0, layout.rule.columns - 8)
      canvas.write(
        " \(mapTitle(ids).truncatedMiddle(to: room, mark: glyphs.ellipsis)) ",
        at: Point(column: layout.rule.column + 2, row: layout.rule.row), style: Theme.title)
    }
    guard !ids.isEmpty else {
      canvas.write(
        "this block has no such tensor", at: layout.facts.origin, style: Theme.faint,
        within: layout.facts.columns)
      return
    }
    let steps = [("+", -1), ("-", 1)].map { stepText(of: ids, key: $0.0, by: $0.1) }
    var lines = [cellFacts(ids)]
    if layout.facts.rows >= 3 {
      lines += steps.map { [$0] }
    } else if layout.facts.rows == 2 {
      lines.append(steps)
    }
    for (index, facts) in lines.prefix(layout.facts.rows).enumerated() {
      var point = layout.facts.line(index).origin
      for (number, fact) in facts.enumerated() {
        // A figure that is cut off would read as another one.
        if number > 0, point.column + fact.0.columns > layout.facts.endColumn { break }
        point.column +=
          canvas.write(
            fact.0.truncated(to: layout.facts.columns, mark: glyphs.ellipsis), at: point,
            style: fact.1) + 3
      }
    }
    guard layout.ladder.rows > 0 else { return }
    if ids.count == 1 { drawLadder(of: ids[0], on: &canvas, in: layout.ladder) }
    guard ids.count == 1 else {
      return drawFormatsUsed(ids, on: &canvas, in: layout.ladder)
    }
    guard mapGrid.lines.count > 1 else { return }
    // Beside one tensor, all of its column.
    let column = mapGrid.shownColumn(line: map.line, column: map.column)
    let name = column < mapGrid.roles.count ? mapGrid.roles[column].rawValue : "tensors"
    drawFormatsUsed(
      mapGrid.cell(line: mapGrid.lines.count - 1, column: column),
      title: "bytes of all \(name)", on: &canvas, in: layout.used)
  }

  private func mapTitle(_ ids: [Int]) -> String {
    if ids.count == 1 { return model.tensors[ids[0]].label }
    let line = mapGrid.lines[map.line]
    let column = mapGrid.shownColumn(line: map.line, column: map.column)
    let role = column < mapGrid.roles.count ? mapGrid.roles[column].rawValue : "all roles"
    let tensors = ids.isEmpty ? "" : ": \(Figures.counted(ids.count, "tensor"))"
    return line.subject == .all
      ? "all blocks, \(role)\(tensors)" : "\(label(of: line)), \(role)\(tensors)"
  }

  private func cellFacts(_ ids: [Int]) -> [(String, Style)] {
    let totals = Totals(ids.lazy.map { contributions[$0] })
    let choices = Set(ids.lazy.map { choice(of: $0) })
    let name = choices.count == 1 ? choices.first?.description ?? "" : "\(choices.count) formats"
    var facts: [(String, Style)] = [
      (name, Theme.changed), ("\(Figures.bits(totals.bitsPerWeight)) bpw", .standard),
      (Figures.bytes(totals.bytes), .standard),
    ]
    if totals.isComplete, totals.squaredError == 0 {
      facts.append(("lossless", .standard))
    } else if totals.isComplete {
      let style = errorStyle(totals.nmse, isEstimate: totals.interval != nil)
      facts.append(("NMSE \(percentText(totals.nmse, totals.interval))", style))
      facts.append((Figures.decibels(totals.sqnr), style))
    } else {
      facts.append(("NMSE \(glyphs.ellipsis)", Theme.faint))
    }
    if ids.count == 1 {
      let tensor = model.tensors[ids[0]]
      facts.append((shapeText(tensor.shape, times: glyphs.times), Theme.faint))
      facts.append((tensor.sourceName, Theme.faint))
    }
    facts.append(("\(Figures.count(totals.weights)) weights", Theme.faint))
    return facts
  }

  /// What a key would do to the cell.
  private func stepText(of ids: [Int], key: String, by steps: Int) -> (String, Style) {
    guard let step = mapStep(of: ids, by: steps) else {
      let text =
        ids.count > 1_024
        ? "a step for \(ids.count) tensors" : steps < 0 ? "nothing above it" : "nothing below it"
      return ("\(key) \(text)", Theme.faint)
    }
    let count = step.count == 1 ? "" : " for \(step.count)"
    var text = "\(key) \(step.choice?.description ?? "a step")\(count): "
    text += Figures.change(bytes: step.bytes, minus: glyphs.minus)
    guard let nmse = step.nmse else { return (text + ", NMSE \(glyphs.ellipsis)", .standard) }
    let about = step.isEstimate || !totals.isComplete ? glyphs.about : ""
    text += ", the plan's NMSE \(about)\(signedPercent(nmse))"
    if step.bytes != 0 {
      let each = abs(nmse / Double(step.bytes)) * mapUnit.bytes
      text += ", \(about)\(Figures.percent(each)) per \(mapUnit.name)"
    }
    return (text, .standard)
  }
}
