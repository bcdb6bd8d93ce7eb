import ModelFiles
import Planning
import Terminal

extension State {
  func drawComparison(on canvas: inout Canvas, in body: Rect) {
    let comparison = comparison
    drawComparedTotals(comparison, on: &canvas, in: body)
    let head = body.line(4)
    canvas.fill(head, style: Theme.head)
    let columns = CompareColumns(head)
    let count = comparison.differences.count
    let counted = "\(count) differ\(count == 1 ? "s" : "")"
    let ordered = "\(counted), \(compare.order.title)"
    canvas.write(
      ordered.columns <= columns.name.columns ? ordered : counted, at: columns.name.origin,
      style: Theme.head, within: columns.name.columns)
    canvas.write(
      comparison.name.truncatedMiddle(to: columns.other.columns, mark: glyphs.ellipsis),
      at: columns.other.origin, style: Theme.head, within: columns.other.columns)
    canvas.write("now", at: columns.now.origin, style: Theme.head, within: columns.now.columns)
    canvas.writeRight("size", in: columns.bytes, style: Theme.head)
    canvas.writeRight("NMSE", in: columns.change, style: Theme.head)
    canvas.writeRight("per MiB", in: columns.perByte, style: Theme.head)
    let (first, list) = comparisonList(in: body, count: count)
    let cursor = min(compare.cursor, max(0, count - 1))
    for (line, difference) in comparison.differences.dropFirst(first).prefix(list.rows).enumerated()
    {
      drawDifference(difference, comparison, on: &canvas, in: list.line(line))
      if first + line == cursor { canvas.select(list.line(line)) }
    }
    if count == 0 {
      canvas.write(
        "the same for all \(Figures.counted(comparison.equal, "tensor"))",
        at: list.inset(left: 2).origin, style: Theme.faint, within: list.columns - 2)
    }
  }

  // MARK: - Totals

  /// The totals of both, and the difference.
  private func drawComparedTotals(
    _ comparison: Comparison, on canvas: inout Canvas, in body: Rect
  ) {
    let (now, other) = (comparison.now, comparison.other)
    let lines: [(String, Totals)] = [(comparison.name, other), ("now", now)]
    let columns = { (line: Int) in
      body.line(line).inset(left: 2, right: 1).splitColumns(
        .fixed(min(16, body.columns / 5)), .fixed(9), .fixed(9), .fixed(9), .fixed(9), .weight(1),
        spacing: 1)
    }
    let heads = columns(0)
    canvas.fill(body.line(0), style: Theme.head)
    canvas.write("against", at: heads[0].origin, style: Theme.head, within: heads[0].columns)
    for (text, rect) in zip(["size", "bpw", "NMSE", "SQNR"], heads[1...]) {
      canvas.writeRight(text, in: rect, style: Theme.head)
    }
    let plans = comparedPlans
    if plans.count > 1 {
      let index = (plans.firstIndex { $0.name == comparison.name } ?? 0) + 1
      canvas.writeRight("plan \(index) of \(plans.count)", in: heads[5], style: Theme.head)
    }
    for (line, (name, totals)) in lines.enumerated() {
      let parts = columns(line + 1)
      canvas.write(
        name.truncatedMiddle(to: parts[0].columns, mark: glyphs.ellipsis), at: parts[0].origin,
        style: Theme.title, within: parts[0].columns)
      canvas.writeRight(Figures.bytes(totals.bytes), in: parts[1])
      canvas.writeRight(Figures.bits(totals.bitsPerWeight), in: parts[2])
      let open = totals.isComplete ? "" : glyphs.ellipsis
      let about = totals.interval == nil ? "" : glyphs.about
      let style = errorStyle(totals.nmse, isEstimate: totals.interval != nil)
      canvas.writeRight(about + Figures.percent(totals.nmse) + open, in: parts[3], style: style)
      canvas.writeRight(about + Figures.decibels(totals.sqnr) + open, in: parts[4], style: style)
    }
    let parts = columns(3)
    canvas.write("change", at: parts[0].origin, style: Theme.faint, within: parts[0].columns)
    canvas.writeRight(
      Figures.change(bytes: now.bytes - other.bytes, minus: glyphs.minus), in: parts[1])
    let bits = now.bitsPerWeight - other.bitsPerWeight
    canvas.writeRight(
      (bits < 0 ? glyphs.minus : "+") + Figures.bits(abs(bits)), in: parts[2])
    guard now.isComplete, other.isComplete else { return }
    canvas.writeRight(signedPercent(now.nmse - other.nmse), in: parts[3])
    let decibels = now.sqnr - other.sqnr
    guard decibels.isFinite else { return }
    canvas.writeRight(
      (decibels < 0 ? glyphs.minus : "+") + Figures.decibels(abs(decibels)), in: parts[4])
  }

  // MARK: - The differences

  private struct CompareColumns {
    let name, other, arrow, now, bytes, change, perByte, bar: Rect

    init(_ line: Rect) {
      let width = line.columns
      let format = width >= 140 ? 20 : width >= 100 ? 14 : width >= 74 ? 10 : 8
      let isNarrow = width < 74
      let rects = line.inset(left: 2, right: 1).splitTable([
        .weight(1), .fixed(isNarrow ? 9 : format), .fixed(isNarrow ? 0 : 2), .fixed(format),
        .fixed(9), .fixed(isNarrow ? 9 : 10), .fixed(isNarrow ? 0 : 9),
        .fixed(width >= 130 ? 16 : 0),
      ])
      name = rects[0]
      other = rects[1]
      arrow = rects[2]
      now = rects[3]
      bytes = rects[4]
      change = rects[5]
      perByte = rects[6]
      bar = rects[7]
    }
  }

  private func drawDifference(
    _ difference: PlanDifference, _ comparison: Comparison, on canvas: inout Canvas, in line: Rect
  ) {
    let columns = CompareColumns(line)
    let tensor = model.tensors[difference.tensor]
    func put(_ text: String, _ rect: Rect, _ style: Style = .standard) {
      canvas.write(
        text.truncatedMiddle(to: rect.columns, mark: glyphs.ellipsis), at: rect.origin,
        style: style, within: rect.columns)
    }
    put(Catalogue.shortLabel(tensor), columns.name)
    put(difference.other.description, columns.other, Theme.faint)
    put(glyphs.arrow, columns.arrow, Theme.faint)
    put(difference.now.description, columns.now, Theme.changed)
    canvas.writeRight(
      Figures.change(bytes: difference.bytes, minus: glyphs.minus), in: columns.bytes)
    let squares = comparison.now.squares
    guard let error = difference.squaredError, squares > 0 else {
      canvas.writeRight(glyphs.ellipsis, in: columns.change, style: Theme.faint)
      return
    }
    canvas.writeRight(signedPercent(error / squares), in: columns.change)
    canvas.writeRight(perMiB(error / squares, difference.bytes, .nmse), in: columns.perByte)
    let most = comparison.differences.compactMap { $0.squaredError.map(abs) }.max() ?? 0
    canvas.bar(
      most > 0 ? abs(error) / most : 0, in: columns.bar, glyphs: glyphs,
      style: error > 0 ? Theme.caution : Theme.good)
  }
}
