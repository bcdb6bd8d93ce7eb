import Measurement
import ModelFiles
import Planning
import Quantization
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
    let head = ladderColumns(rect.line(0), isWeighted: isWeighted(id))
    canvas.fill(rect.line(0), style: Theme.head)
    canvas.write(
      focus == .ladder ? "ladder: Enter takes" : "ladder", at: head.format.origin,
      style: Theme.head, within: head.format.columns)
    canvas.writeRight("bpw", in: head.bits, style: Theme.head)
    canvas.writeRight("size", in: head.size, style: Theme.head)
    canvas.writeRight("NMSE", in: head.error, style: Theme.head)
    canvas.writeRight("weighted", in: head.weighted, style: Theme.head)
    canvas.writeRight("SQNR", in: head.sqnr, style: Theme.head)

    let rungs = rungsInSight(of: id, rows: rect.rows - 1)
    for (line, rung) in rungs.enumerated() {
      drawRung(rung, of: tensor, on: &canvas, in: rect.line(line + 1))
    }
    drawRefused(of: id, on: &canvas, in: rect.inset(top: rungs.count + 1))
  }

  /// What doesn't stand on the ladder, and why, as far as there is room: each reason once.
  private func drawRefused(of id: Int, on canvas: inout Canvas, in rect: Rect) {
    var reasons: [(text: String, names: [String])] = []
    for refused in ladder(of: id).refused {
      let refusal = refused.refusal
      var text = [refusal.reason, refusal.remedy].compactMap { $0 }.joined(separator: "; ")
      var name = refused.format.description
      if let instead = refusal.instead {
        text += "; llama-quantize would write"
        name += glyphs.arrow + instead.description
      }
      if let index = reasons.firstIndex(where: { $0.text == text }) {
        reasons[index].names.append(name)
      } else {
        reasons.append((text, [name]))
      }
    }
    var line = 0
    for (text, names) in reasons {
      let sentence = "not here: \(text): \(names.joined(separator: " "))"
      for part in sentence.wrapped(to: max(1, rect.columns - 2)) {
        guard line < rect.rows else { return }
        canvas.write(
          part, at: Point(column: rect.column + 2, row: rect.row + line), style: Theme.faint)
        line += 1
      }
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
    let columns = ladderColumns(line, isWeighted: isWeighted(tensor.id))
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
      if let measurement = measurement(of: tensor.id, format),
        let weighted = measurement.figures.weightedNmse
      {
        drawPercent(
          weighted, measurement.intervals?.weightedNmse, on: &canvas, in: columns.weighted)
      }
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
    let format, bits, size, error, weighted, sqnr, bar: Rect
  }

  /// Where little room is left, the weighted error takes the place of the size.
  private func ladderColumns(_ line: Rect, isWeighted: Bool) -> LadderColumns {
    let isWide = line.columns >= 60
    let shares: [Share] = [
      .weight(isWide ? 2 : 1), .fixed(5), .fixed(isWeighted && line.columns < 46 ? 0 : 8),
      .fixed(8), .fixed(isWeighted ? 8 : 0), .fixed(isWide ? 8 : 0),
      isWide ? .weight(1) : .fixed(line.columns >= 46 && !isWeighted ? 6 : 0),
    ]
    let rects = line.inset(left: 2).splitTable(shares)
    return LadderColumns(
      format: rects[0], bits: rects[1], size: rects[2], error: rects[3], weighted: rects[4],
      sqnr: rects[5], bar: rects[6])
  }

  /// Whether a tensor's errors are weighted by importance too.
  func isWeighted(_ id: Int) -> Bool { importance?.covers(model.tensors[id]) == true }
}
