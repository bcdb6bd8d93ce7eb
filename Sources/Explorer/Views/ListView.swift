import Measurement
import ModelFiles
import Planning
import Terminal

/// The columns of the Layers view at a given width.
struct ListColumns {
  let name: Rect
  let shape: Rect
  let source: Rect
  let format: Rect
  let bits: Rect
  let size: Rect
  let error: Rect
  /// The error weighted by importance; empty where none is known.
  let weighted: Rect
  let bar: Rect

  init(line: Rect, catalogue: Catalogue, isWeighted: Bool) {
    let wide = line.columns >= 110
    let narrow = line.columns < 74
    // Names come before figures: without them nobody knows what the figures are of.
    let tiny = line.columns < 50
    // The weighted error takes the place of the shape and the bar.
    let crowded = isWeighted && line.columns < 100
    // The types of packed weights have long names: "GPTQ int4 g128".
    let isLong = catalogue.sourceColumns > 8
    let sourceColumns = isLong ? (wide ? 15 : 9) : (wide ? 8 : 5)
    let shares: [Share] = [
      .weight(1),
      .fixed(narrow || crowded ? 0 : min(catalogue.shapeColumns, wide ? 18 : 9)),
      .fixed(narrow ? 0 : min(catalogue.sourceColumns, sourceColumns)),
      .fixed(wide ? 22 : tiny ? 9 : 11), .fixed(tiny ? 0 : 5), .fixed(tiny ? 0 : 8), .fixed(8),
      .fixed(isWeighted && !narrow ? 8 : 0), .fixed(tiny || crowded ? 0 : wide ? 10 : 4),
    ]
    // The first two columns are for marks.
    let rects = line.inset(left: 2, right: 1).splitTable(shares)
    name = rects[0]
    shape = rects[1]
    source = rects[2]
    format = rects[3]
    bits = rects[4]
    size = rects[5]
    error = rects[6]
    weighted = rects[7]
    bar = rects[8]
  }
}

extension State {
  func drawList(on canvas: inout Canvas, layout: ScreenLayout) {
    drawColumnHeads(on: &canvas, in: layout.columnHeads)
    guard !rows.isEmpty else {
      let text =
        model.tensors.isEmpty
        ? "This model has no tensors."
        : "Nothing matches." + by("back", "shows all.", after: " ")
      canvas.write(
        text, at: Point(column: layout.list.column + 2, row: layout.list.row + 1),
        style: Theme.faint)
      return
    }
    let range = markedRange
    for line in 0..<layout.list.rows {
      let index = scroll + line
      guard index < rows.count else { break }
      drawRow(
        index, isInRange: range?.contains(index) == true, on: &canvas, in: layout.list.line(line))
    }
  }

  private func drawColumnHeads(on canvas: inout Canvas, in line: Rect) {
    canvas.fill(line, style: Theme.head)
    let columns = ListColumns(line: line, catalogue: catalogue, isWeighted: importance != nil)
    let place = rows.isEmpty ? "" : "  \(cursor + 1)/\(rows.count)"
    canvas.write(
      "tensor" + place, at: columns.name.origin, style: Theme.head, within: columns.name.columns)
    canvas.write(
      "shape", at: columns.shape.origin, style: Theme.head, within: columns.shape.columns)
    canvas.write(
      columns.source.columns < 6 ? "type" : "source", at: columns.source.origin, style: Theme.head,
      within: columns.source.columns)
    canvas.write(
      "format", at: columns.format.origin, style: Theme.head, within: columns.format.columns)
    canvas.writeRight("bpw", in: columns.bits, style: Theme.head)
    canvas.writeRight("size", in: columns.size, style: Theme.head)
    canvas.writeRight("NMSE", in: columns.error, style: Theme.head)
    canvas.writeRight("weighted", in: columns.weighted, style: Theme.head)
  }

  private func drawRow(_ index: Int, isInRange: Bool, on canvas: inout Canvas, in line: Rect) {
    let row = rows[index]
    let columns = ListColumns(line: line, catalogue: catalogue, isWeighted: importance != nil)
    let members = members(of: row)
    drawGutter(members, isInRange: isInRange, on: &canvas, in: line)
    let cells =
      switch row.subject {
      case .tensor(let id): tensorCells(id)
      case .group(let group): groupCells(group, members: members, isFolded: isFolded(row))
      }
    let indent = String(repeating: " ", count: 2 * row.depth)
    let name = (indent + cells.name).truncatedMiddle(
      to: columns.name.columns, mark: glyphs.ellipsis)
    canvas.write(name, at: columns.name.origin, style: cells.style, within: columns.name.columns)
    for (text, rect) in [(cells.shape, columns.shape), (cells.source, columns.source)] {
      canvas.write(
        text.truncatedMiddle(to: rect.columns, mark: glyphs.ellipsis), at: rect.origin,
        style: Theme.faint, within: rect.columns)
    }
    canvas.write(
      cells.format.truncated(to: columns.format.columns, mark: glyphs.ellipsis),
      at: columns.format.origin, style: cells.formatStyle, within: columns.format.columns)
    canvas.writeRight(cells.bits, in: columns.bits, style: cells.style)
    canvas.writeRight(cells.size, in: columns.size, style: cells.style)
    drawError(cells.error, on: &canvas, in: columns)
    if let weighted = cells.weighted {
      drawPercent(weighted, cells.weightedInterval, on: &canvas, in: columns.weighted)
    }
    if index == cursor {
      let last = columns.weighted.columns == 0 ? columns.error : columns.weighted
      drawCursor(on: &canvas, in: line.inset(right: line.endColumn - last.endColumn))
    }
  }

  private func drawGutter(_ ids: [Int], isInRange: Bool, on canvas: inout Canvas, in line: Rect) {
    let marked = ids.count { marks.contains($0) }
    if marked > 0 || isInRange {
      canvas.write(marked == ids.count || isInRange ? "*" : "+", at: line.origin, style: Theme.mark)
    }
    if ids.contains(where: { edits.assignments[$0].isPinned }) {
      canvas.write("p", at: Point(column: line.column + 1, row: line.row), style: Theme.accent)
    }
  }

  private func drawCursor(on canvas: inout Canvas, in line: Rect) {
    if focus == .list {
      canvas.select(line)
    } else {
      canvas.restyle(line) { $0.with(.underline) }
    }
  }

  private func drawError(_ error: RowError, on canvas: inout Canvas, in columns: ListColumns) {
    switch error {
    case .none: break
    case .waiting: canvas.writeRight(glyphs.ellipsis, in: columns.error, style: Theme.faint)
    case .known(let nmse, let interval):
      drawPercent(nmse, interval, on: &canvas, in: columns.error)
      canvas.bar(
        Theme.severityShare(nmse: nmse), in: columns.bar, glyphs: glyphs,
        style: errorStyle(nmse, isEstimate: interval != nil))
    }
  }

  // MARK: - What the cells hold

  enum RowError { case none, waiting, known(Double, Interval?) }

  private struct RowCells {
    var name: String
    var shape: String
    var source: String
    var format: String
    var formatStyle: Style
    var bits: String
    var size: String
    var error: RowError
    var weighted: Double?
    var weightedInterval: Interval?
    var style: Style
  }

  private func tensorCells(_ id: Int) -> RowCells {
    let tensor = model.tensors[id]
    let choice = choice(of: id)
    let isKept = !tensor.suitability.isQuantizable
    let part = contributions[id]
    let error: RowError =
      choice == .source ? .none : part.nmse.map { .known($0, part.interval) } ?? .waiting
    return RowCells(
      name: Catalogue.shortName(model.tensors[id]),
      shape: shapeText(tensor.shape, times: glyphs.times),
      source: tensor.sourceName,
      format: tensor.suitability.reason ?? choice.description,
      formatStyle: isKept ? Theme.faint : choice == .source ? .standard : Theme.changed,
      bits: Figures.bits(choice.bitsPerWeight(of: tensor)),
      size: Figures.bytes(choice.byteCount(of: tensor)), error: error,
      weighted: weightedNmse(of: id),
      weightedInterval: choice.format.flatMap {
        measurement(of: id, $0)?.intervals?.weightedNmse
      },
      style: isKept ? Theme.faint : .standard)
  }

  private func groupCells(_ group: Group, members: [Int], isFolded: Bool) -> RowCells {
    let totals = Totals(members.map { contributions[$0] })
    let choices = Set(
      members.filter { model.tensors[$0].suitability.isQuantizable }.map { choice(of: $0) })
    let source = members.first.map { model.tensors[$0].sourceName } ?? ""
    let isOneSource = members.allSatisfy { model.tensors[$0].sourceName == source }
    let error: RowError =
      choices.isSubset(of: [.source])
      ? .none : totals.isComplete ? .known(totals.nmse, totals.interval) : .waiting
    let format =
      choices.count == 1
      ? choices.first?.description ?? "" : choices.isEmpty ? "kept" : "\(choices.count) formats"
    return RowCells(
      name: (isFolded ? glyphs.closed : glyphs.opened) + " " + describe(group, members: members),
      shape: Figures.counted(members.count, "tensor"),
      source: isOneSource ? source : "mixed", format: format,
      formatStyle: choices.isSubset(of: [.source]) ? .standard : Theme.changed,
      bits: Figures.bits(totals.bitsPerWeight), size: Figures.bytes(totals.bytes), error: error,
      style: Theme.group)
  }

  /// What a group is called.
  func describe(_ group: Group, members: [Int]) -> String {
    switch group {
    case .block(let stack, let index):
      (stack.map { "\($0.sanitised) " } ?? "") + "block \(index)"
    case .experts(_, _, let role):
      "\(role.rawValue) \(glyphs.times) \(Figures.counted(members.count, "expert"))"
    }
  }
}
