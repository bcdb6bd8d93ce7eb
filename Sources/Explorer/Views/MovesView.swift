import ModelFiles
import Planning
import Terminal

enum MovesText {
  static func title(_ list: MovesList) -> String {
    switch list.kind {
    case .savings: "What to give up next"
    case .improvements(let bytes): "The best use of \(Figures.bytes(bytes)) more"
    }
  }

  static func hints(_ list: MovesList, _ glyphs: Glyphs) -> [(String, String)] {
    let amount = list.kind == .savings ? [] : [(glyphs.leftAndRight, "amount")]
    return [("Enter", "take"), ("Esc", "close"), (glyphs.upAndDown, "choose")] + amount
      + [("o", "order"), ("u", "undo")]
  }
}

extension State {
  func drawMoves(_ list: MovesList, on canvas: inout Canvas) {
    let rows = moveRows
    let inner = canvas.drawPanel(
      MovesText.title(list), size: Size(columns: min(110, size.columns), rows: rows + 4),
      glyphs: glyphs)
    guard let moves = list.moves, let curve = solver.curve else {
      let text = solver.objection ?? "working it out\(glyphs.ellipsis)"
      for (line, part) in text.wrapped(to: max(1, inner.columns)).prefix(inner.rows).enumerated() {
        canvas.write(part, at: inner.line(line).origin, style: Theme.warning)
      }
      return
    }
    drawMovesHead(list, curve, on: &canvas, in: inner.line(0))
    let lines = inner.inset(top: 1, bottom: 1)
    let first = min(max(0, list.selected - lines.rows / 2), max(0, moves.count - lines.rows))
    for (line, move) in moves.dropFirst(first).prefix(lines.rows).enumerated() {
      drawMove(move, curve, on: &canvas, in: lines.line(line))
      canvas.setTarget(first + line, in: lines.line(line))
      if first + line == list.selected { canvas.select(lines.line(line)) }
    }
    if moves.isEmpty {
      canvas.write(
        list.kind == .savings ? "nothing can be made smaller" : "nothing within that is better",
        at: lines.origin, style: Theme.faint, within: lines.columns)
    }
    var foot = "\(Figures.counted(moves.count, "step")), \(list.order.title)"
    if curve.estimated > 0 { foot += "; some figures are estimates" }
    canvas.write(
      foot.truncated(to: inner.columns, mark: glyphs.ellipsis),
      at: inner.line(inner.rows - 1).origin, style: Theme.faint, within: inner.columns)
  }

  private struct MoveColumns {
    let name, from, arrow, to, bytes, change, perByte: Rect

    init(_ line: Rect) {
      let format = line.columns >= 90 ? 16 : 10
      let isNarrow = line.columns < 66
      let rects = line.splitTable([
        .weight(1), .fixed(isNarrow ? 0 : format), .fixed(isNarrow ? 0 : 2), .fixed(format),
        .fixed(9), .fixed(10), .fixed(isNarrow ? 0 : 10),
      ])
      name = rects[0]
      from = rects[1]
      arrow = rects[2]
      to = rects[3]
      bytes = rects[4]
      change = rects[5]
      perByte = rects[6]
    }
  }

  private func drawMovesHead(
    _ list: MovesList, _ curve: Curve, on canvas: inout Canvas, in line: Rect
  ) {
    canvas.fill(line, style: Theme.head)
    let columns = MoveColumns(line)
    canvas.write("tensor", at: columns.name.origin, style: Theme.head)
    canvas.write("from", at: columns.from.origin, style: Theme.head, within: columns.from.columns)
    canvas.write("to", at: columns.to.origin, style: Theme.head, within: columns.to.columns)
    canvas.writeRight("size", in: columns.bytes, style: Theme.head)
    canvas.writeRight(
      curve.problem.objective.changeName, in: columns.change, style: Theme.head)
    canvas.writeRight("per MiB", in: columns.perByte, style: Theme.head)
  }

  private func drawMove(_ move: Move, _ curve: Curve, on canvas: inout Canvas, in line: Rect) {
    let columns = MoveColumns(line)
    func put(_ text: String, _ rect: Rect, _ style: Style = .standard) {
      canvas.write(
        text.truncatedMiddle(to: rect.columns, mark: glyphs.ellipsis), at: rect.origin,
        style: style, within: rect.columns)
    }
    put(subject(of: move, curve.problem), columns.name)
    put(move.from.description, columns.from, Theme.faint)
    put(glyphs.arrow, columns.arrow, Theme.faint)
    put(move.to.description, columns.to, Theme.changed)
    canvas.writeRight(
      Figures.change(bytes: move.bytes, minus: glyphs.minus), in: columns.bytes)
    canvas.writeRight(changeText(move, curve.problem), in: columns.change)
    canvas.writeRight(
      perMiB(curve.problem.errorChange(ofCost: move.cost), move.bytes, curve.problem.objective),
      in: columns.perByte)
  }

  /// What a MiB costs or brings.
  func perMiB(_ change: Double, _ bytes: Int, _ objective: Objective) -> String {
    guard bytes != 0 else { return "" }
    let value = abs(change / (Double(bytes) / 0x1p20))
    return objective == .log
      ? Figures.significant(value) + " dB" : Figures.figure(value, of: objective)
  }
}
