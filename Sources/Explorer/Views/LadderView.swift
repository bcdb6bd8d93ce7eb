import Measurement
import ModelFiles
import Planning
import Terminal

extension State {
  /// Every rung with its bits, size and error, the chosen one marked.
  func drawLadder(of id: Int, on canvas: inout Canvas, in rect: Rect) {
    let tensor = model.tensors[id]
    if let reason = tensor.suitability.reason {
      drawKept(reason, on: &canvas, in: rect)
      return
    }
    guard rect.rows > 1 else { return }
    let head = ladderColumns(rect.line(0))
    canvas.fill(rect.line(0), style: Theme.head)
    canvas.write(
      focus == .ladder ? "ladder: Enter takes" : "ladder", at: head.format.origin,
      style: Theme.head, within: head.format.columns)
    canvas.writeRight("bpw", in: head.bits, style: Theme.head)
    canvas.writeRight("size", in: head.size, style: Theme.head)
    canvas.writeRight("NMSE", in: head.error, style: Theme.head)
    canvas.writeRight("SQNR", in: head.sqnr, style: Theme.head)

    for (line, rung) in rungsInSight(of: id, rows: rect.rows - 1).enumerated() {
      drawRung(rung, of: tensor, on: &canvas, in: rect.line(line + 1))
    }
  }

  /// The rungs that fit, around the chosen one.
  func rungsInSight(of id: Int, rows: Int) -> [Choice] {
    let rungs = ladder(of: id).rungs
    guard rungs.count > rows, rows > 0 else { return rows > 0 ? rungs : [] }
    let index = rungs.firstIndex(of: shownChoice(of: id)) ?? 0
    let start = min(max(0, index - rows / 2), rungs.count - rows)
    return Array(rungs[start..<start + rows])
  }

  private func drawRung(
    _ rung: Choice, of tensor: Tensor, on canvas: inout Canvas, in line: Rect
  ) {
    let columns = ladderColumns(line)
    let isChosen = rung == choice(of: tensor.id)
    let style = isChosen ? Theme.title : Style.standard
    if isChosen {
      canvas.write(glyphs.closed, at: line.origin, style: Theme.accent.with(.bold))
    }
    let name = rung == .source ? "source (\(tensor.sourceName))" : rung.description
    canvas.write(
      name.truncatedMiddle(to: columns.format.columns, mark: glyphs.ellipsis),
      at: columns.format.origin, style: style, within: columns.format.columns)
    canvas.writeRight(
      Figures.bits(rung.bitsPerWeight(of: tensor)), in: columns.bits, style: style)
    canvas.writeRight(Figures.bytes(rung.byteCount(of: tensor)), in: columns.size, style: style)
    if case .format(let format) = rung {
      drawErrors(
        of: tensor.id, in: format, on: &canvas, nmse: columns.error, sqnr: columns.sqnr,
        bar: columns.bar)
    }
    if focus == .ladder, rung == ladderCursor { canvas.select(line) }
  }

  private func drawKept(_ reason: String, on canvas: inout Canvas, in rect: Rect) {
    canvas.write("kept as it is", at: rect.origin, style: Theme.head, within: rect.columns)
    canvas.write(
      reason, at: Point(column: rect.column, row: rect.row + 1), style: Theme.faint,
      within: rect.rows > 1 ? rect.columns : 0)
  }

  private struct LadderColumns {
    let format, bits, size, error, sqnr, bar: Rect
  }

  private func ladderColumns(_ line: Rect) -> LadderColumns {
    let hasSQNR = line.columns >= 60
    let shares: [Share] = [
      .weight(line.columns >= 60 ? 2 : 1), .fixed(5), .fixed(8), .fixed(8),
      .fixed(hasSQNR ? 8 : 0),
      line.columns >= 60 ? .weight(1) : .fixed(line.columns >= 46 ? 6 : 0),
    ]
    let rects = line.inset(left: 2).splitTable(shares)
    return LadderColumns(
      format: rects[0], bits: rects[1], size: rects[2], error: rects[3], sqnr: rects[4],
      bar: rects[5])
  }
}
