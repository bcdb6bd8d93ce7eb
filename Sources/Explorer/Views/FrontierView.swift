import Foundation
import ModelFiles
import Planning
import Quantization
import Terminal

/// Where the parts of the Frontier view stand.
struct FrontierLayout {
  let head: Rect
  let plot: Rect
  /// The names of errors, to the left of the plot.
  let errors: Rect
  /// The axis of sizes, then bits per weight, then bytes where there is room.
  let axis: Rect
  /// What is said of the plan under the cursor.
  let facts: Rect
  /// Whether that stands beside the plot.
  let isBeside: Bool

  init(_ body: Rect) {
    head = body.line(0)
    let rest = body.inset(top: 1)
    isBeside = body.columns >= 100 && body.rows >= 16
    let diagram: Rect
    if isBeside {
      let parts = rest.splitColumns(.weight(1), .fixed(min(52, body.columns / 3)), spacing: 2)
      diagram = parts[0].inset(left: 1)
      facts = parts[1].inset(top: 1, right: 1)
    } else {
      let parts = rest.splitRows(.weight(1), .fixed(body.rows >= 18 ? 4 : body.rows >= 12 ? 2 : 1))
      diagram = parts[0].inset(left: 1, right: 1)
      facts = parts[1].inset(left: 1, right: 1)
    }
    let rows = diagram.splitRows(.weight(1), .fixed(diagram.rows >= 9 ? 3 : 2))
    let labels = diagram.columns >= 70 ? 16 : 8
    errors = rows[0].splitColumns(.fixed(labels), .weight(1))[0]
    plot = rows[0].inset(left: labels + 1)
    axis = rows[1].inset(left: labels + 1)
  }
}

extension State {
  /// The diagram of a curve on a screen of this body.
  private func frontierPlot(of curve: Curve, marks: [Curve.Mark], in body: Rect) -> FrontierPlot {
    let points =
      curve.frontier.vertices.map { ($0.bytes, $0.error) } + marks.map { ($0.bytes, $0.error) }
    return FrontierPlot(
      area: FrontierLayout(body).plot, weights: curve.problem.weights, points: points)
  }

  /// The diagram as it stands on the screen.
  func frontierPlot(of curve: Curve) -> FrontierPlot {
    frontierPlot(of: curve, marks: marks(on: curve), in: ScreenLayout(size: size).body)
  }

  func drawFrontier(on canvas: inout Canvas, in body: Rect) {
    let layout = FrontierLayout(body)
    canvas.fill(layout.head, style: Theme.head)
    guard let curve = solver.curve else {
      let text = solver.objection ?? "working out the best plans" + glyphs.ellipsis
      canvas.write(
        "size against error", at: layout.head.inset(left: 1).origin, style: Theme.head)
      for (line, part) in text.wrapped(to: max(1, body.columns - 4)).enumerated() {
        canvas.write(
          part, at: body.inset(left: 2, top: 2 + line).origin,
          style: solver.objection == nil ? Theme.faint : Theme.warning, within: body.columns - 4)
      }
      return
    }
    let marks = marks(on: curve)
    let place = frontierPlace(on: curve)
    let plot = frontierPlot(of: curve, marks: marks, in: body)
    drawFrontierHead(curve, on: &canvas, in: layout.head.inset(left: 1, right: 1))
    drawAxes(plot, curve.problem.objective, on: &canvas, layout)
    canvas.withClip(plot.area) { drawCurve(curve, marks, place, plot, on: &$0) }
    drawPlace(place, marks.first { $0.kind == .present }, curve, on: &canvas, layout)
  }

  // MARK: - The head

  private func drawFrontierHead(_ curve: Curve, on canvas: inout Canvas, in line: Rect) {
    var notes: [String] = []
    if !curve.needs.isEmpty { notes.append("\(curve.needs.count) figures to come") }
    if curve.estimated > 0 { notes.append("\(curve.estimated) figures \(glyphs.about)") }
    let pins = edits.assignments.count { $0.isPinned }
    if pins > 0 { notes.append("\(pins) pinned") }
    let constraints = solver.settings.constraintCount
    if constraints > 0 { notes.append(Figures.counted(constraints, "constraint")) }
    if solver.settings.formatLimit != nil { notes.append("any number of formats") }
    let left = "size against \(curve.problem.objective.name)"
    let right = notes.joined(separator: " \(glyphs.middleDot) ")
    let used = canvas.write(left, at: line.origin, style: Theme.head, within: line.columns)
    let kinds = Set(curve.marks.map(\.kind))
    let signs: [(String, String)] =
      [
        (glyphs.presentSign, "now"), (glyphs.uniformSign, "one format"),
      ] + (kinds.contains(.preset) ? [(glyphs.presetSign, "preset")] : [])
      + (kinds.contains(.saved) ? [(glyphs.savedSign, "saved")] : [])
    let legend = signs.map { "\($0.0) \($0.1)" }.joined(separator: "  ")
    if used + legend.columns + right.columns + 6 <= line.columns {
      canvas.write(
        legend, at: Point(column: line.column + used + 3, row: line.row), style: Theme.head)
    }
    if used + right.columns + 2 <= line.columns {
      canvas.writeRight(right, in: line, style: Theme.head)
    }
  }

  // MARK: - Axes

  private func drawAxes(
    _ plot: FrontierPlot, _ objective: Objective, on canvas: inout Canvas, _ layout: FrontierLayout
  ) {
    let area = plot.area
    guard area.rows > 0, area.columns > 0 else { return }
    canvas.verticalLine(
      column: area.column - 1, rows: area.row..<area.endRow, glyphs: glyphs, style: Theme.faint)
    for (error, row) in plot.errorTicks where row < area.endRow - (plot.hasLossless ? 1 : 0) {
      let isRelative = objective != .divergence
      drawErrorTick(
        isRelative ? tickText(error) : String(format: "%g", error),
        isRelative ? -10 * log10(error) : .infinity, row, on: &canvas, layout)
    }
    if plot.hasLossless {
      drawErrorTick(
        Figures.figure(0, of: objective), .infinity, area.endRow - 1, on: &canvas, layout)
    }
    let axis = layout.axis
    canvas.horizontalLine(
      row: axis.row, columns: area.column..<area.endColumn, glyphs: glyphs, style: Theme.faint)
    canvas.write(
      glyphs.bottomLeft, at: Point(column: area.column - 1, row: axis.row), style: Theme.faint)
    drawSizeTicks(plot, on: &canvas, axis)
  }

  /// A round error, short: `10 %`, `0.03 %`, `1e-4 %`.
  private func tickText(_ error: Double) -> String {
    let percent = error * 100
    if percent >= 0.000_95 { return String(format: "%g %%", (percent * 1e6).rounded() / 1e6) }
    let exponent = Int(log10(percent * 1.000_1).rounded(.down))
    return "\(Int((percent / pow(10, Double(exponent))).rounded()))e\(exponent) %"
  }

  private func drawErrorTick(
    _ percent: String, _ decibels: Double, _ row: Int, on canvas: inout Canvas,
    _ layout: FrontierLayout
  ) {
    let area = layout.plot
    for column in stride(from: area.column + 3, to: area.endColumn, by: 4) {
      canvas.write(glyphs.middleDot, at: Point(column: column, row: row), style: Theme.faint)
    }
    canvas.write(
      glyphs.teeLeft, at: Point(column: area.column - 1, row: row), style: Theme.faint)
    let line = Rect(
      column: layout.errors.column, row: row, columns: layout.errors.columns, rows: 1)
    canvas.writeRight(percent, in: line, style: Theme.faint)
    if line.columns >= 16, decibels.isFinite {
      canvas.write(
        String(format: "%.0f dB", decibels + 0), at: line.origin, style: Theme.faint, within: 7)
    }
  }

  private func drawSizeTicks(_ plot: FrontierPlot, on canvas: inout Canvas, _ axis: Rect) {
    for tick in plot.bitTicks {
      canvas.write(
        glyphs.teeDown, at: Point(column: tick.column, row: axis.row), style: Theme.faint)
    }
    guard axis.rows > 1 else { return }
    canvas.writeRight("bpw", in: axis.line(1), style: Theme.faint)
    // The roundest first; what finds no room is left out.
    let room = [axis.inset(right: 4), axis]
    var taken: [[Range<Int>]] = [[], []]
    for tick in plot.bitTicks.sorted(by: { $0.roundness < $1.roundness }) {
      let bits = tick.bits == tick.bits.rounded() ? "\(Int(tick.bits))" : "\(tick.bits)"
      for (line, text) in [bits, Figures.bytes(tick.bytes)].enumerated() where line + 1 < axis.rows
      {
        let start = max(axis.column - 1, tick.column - text.columns / 2)
        let columns = start - 1..<start + text.columns + 1 + line
        guard start + text.columns <= room[line].endColumn,
          !taken[line].contains(where: { $0.overlaps(columns) })
        else { continue }
        taken[line].append(columns)
        canvas.write(
          text, at: Point(column: start, row: axis.row + line + 1), style: Theme.faint)
      }
    }
  }

  // MARK: - The curve

  private func drawCurve(
    _ curve: Curve, _ marks: [Curve.Mark], _ place: FrontierPlace, _ plot: FrontierPlot,
    on canvas: inout Canvas
  ) {
    let area = plot.area
    var dots = BrailleCanvas(size: Size(columns: area.columns, rows: area.rows))
    var previous: Point?
    for vertex in curve.frontier.vertices {
      let point = Point(
        column: plot.dotColumn(ofBytes: vertex.bytes), row: plot.dotRow(ofError: vertex.error))
      dots.line(from: previous ?? point, to: point)
      previous = point
    }
    dots.draw(on: &canvas, at: area.origin, glyphs: glyphs, style: Theme.accent)

    var labels = LabelPlacer(area: area)
    for row in 0..<area.rows {
      for column in 0..<area.columns where !dots.isEmpty(column: column, row: row) {
        labels.avoid(Point(column: area.column + column, row: area.row + row))
      }
    }
    // What matters most on top, and named first.
    let marks = marks.sorted { $0.kind.rawValue > $1.kind.rawValue }
    for mark in marks {
      let point = plot.cell(bytes: mark.bytes, error: mark.error)
      labels.take(point)
      canvas.write(sign(of: mark.kind), at: point, style: style(of: mark.kind))
    }
    let cursor = plot.cell(bytes: place.bytes, error: place.error)
    labels.take(cursor)
    for mark in marks.reversed() {
      let point = plot.cell(bytes: mark.bytes, error: mark.error)
      let name = mark.name.truncatedMiddle(to: 24, mark: glyphs.ellipsis)
      guard let start = labels.place(name, at: point) else { continue }
      canvas.write(
        name, at: start, style: mark.kind == .uniform ? Theme.faint : style(of: mark.kind))
    }
    drawCursor(at: cursor, isOnMark: place.name != nil, on: &canvas, in: area)
  }

  /// The cursor: on the curve a sign of its own, on another plan its sign; both reversed.
  private func drawCursor(
    at point: Point, isOnMark: Bool, on canvas: inout Canvas, in area: Rect
  ) {
    let cell = Rect(column: point.column, row: point.row, columns: 1, rows: 1)
    if !isOnMark { canvas.write(glyphs.cursorSign, at: point) }
    canvas.select(cell)
    canvas.restyle(cell) { $0.with(.bold) }
  }

  private func sign(of kind: Curve.Mark.Kind) -> String {
    switch kind {
    case .present: glyphs.presentSign
    case .saved: glyphs.savedSign
    case .preset: glyphs.presetSign
    case .uniform: glyphs.uniformSign
    }
  }

  private func style(of kind: Curve.Mark.Kind) -> Style {
    switch kind {
    case .present: Theme.title
    case .saved: Theme.good
    case .preset: Theme.preset
    case .uniform: Theme.caution
    }
  }

  // MARK: - The plan under the cursor

  private func drawPlace(
    _ place: FrontierPlace, _ present: Curve.Mark?, _ curve: Curve, on canvas: inout Canvas,
    _ layout: FrontierLayout
  ) {
    let facts = layout.facts
    guard facts.rows > 0 else { return }
    let lines = placeLines(place, present, curve)
    if layout.isBeside {
      var line = 0
      for (text, style) in lines {
        guard line < facts.rows else { return }
        canvas.write(
          text.truncated(to: facts.columns, mark: glyphs.ellipsis), at: facts.line(line).origin,
          style: style, within: facts.columns)
        line += 1
      }
      drawFormatShares(place, curve, on: &canvas, in: facts.inset(top: line + 1))
      return
    }
    // In rows: as much as there is room for, one fact after another.
    var point = facts.origin
    let shown = lines.dropFirst(facts.rows == 1 ? 1 : 0) + [(shareText(place), Theme.changed)]
    for (text, style) in shown {
      if point.column > facts.column, point.column + text.columns > facts.endColumn {
        point = Point(column: facts.column, row: point.row + 1)
      }
      guard point.row < facts.endRow else { return }
      point.column +=
        canvas.write(
          text.truncated(to: facts.endColumn - point.column, mark: glyphs.ellipsis), at: point,
          style: style) + 3
    }
  }

  private func placeLines(
    _ place: FrontierPlace, _ present: Curve.Mark?, _ curve: Curve
  ) -> [(String, Style)] {
    let weights = curve.problem.weights
    let bits = weights == 0 ? 0 : 8 * Double(place.bytes) / Double(weights)
    let saving = model.byteCount == 0 ? 0 : 1 - Double(place.bytes) / Double(model.byteCount)
    let about = curve.estimated > 0 ? glyphs.about + " " : ""
    let objective = curve.problem.objective.shortName
    let isRelative = curve.problem.objective != .divergence
    var lines: [(String, Style)] = [
      (place.name.map { $0 == "now" ? "the plan now" : $0 } ?? "best of its size", Theme.title),
      (
        "\(Figures.bytes(place.bytes))  \(Figures.bits(bits)) bpw  "
          + Figures.saving(saving, minus: glyphs.minus), .standard
      ),
      (
        "\(objective) \(about)\(Figures.figure(place.error, of: curve.problem.objective))"
          + (isRelative ? "  " + Figures.decibels(-10 * log10(place.error)) : ""),
        isRelative ? Theme.Severity(nmse: place.error).style : .standard
      ),
    ]
    if let present, place.name != present.name {
      lines.append(
        (
          "against now: \(Figures.change(bytes: place.bytes - present.bytes, minus: glyphs.minus))  "
            + signed(place.error - present.error, curve.problem.objective), Theme.faint
        ))
    }
    // Between two plans of the curve there may be one that is better than the smaller of them.
    if place.vertex == nil, let index = curve.frontier.index(within: place.bytes),
      curve.frontier.vertices[index].error < place.error
    {
      let best = curve.frontier.vertices[index]
      lines.append(
        (
          "the best of that size: \(objective) \(about)"
            + Figures.figure(best.error, of: curve.problem.objective), Theme.faint
        ))
    }
    if let index = place.vertex {
      for (step, word) in [(index - 1, "before"), (index, "next")] {
        guard curve.frontier.moves.indices.contains(step) else { continue }
        lines.append(("\(word): \(describe(curve.frontier.moves[step], curve))", Theme.faint))
      }
    }
    return lines
  }

  /// An error's change with its sign.
  func signedPercent(_ change: Double) -> String {
    (change < 0 ? glyphs.minus : "+") + Figures.percent(abs(change))
  }

  /// An objective's change with its sign.
  func signed(_ change: Double, _ objective: Objective) -> String {
    (change < 0 ? glyphs.minus : "+") + Figures.figure(abs(change), of: objective)
  }

  /// What a step changes.
  private func describe(_ move: Move, _ curve: Curve) -> String {
    "\(subject(of: move, curve.problem)) \(move.from) \(glyphs.arrow) \(move.to)"
  }

  private func formatShares(_ place: FrontierPlace) -> [(choice: Choice, count: Int, bytes: Int)] {
    var shares: [Choice: (count: Int, bytes: Int)] = [:]
    guard let curve = solver.curve else { return [] }
    for (tensor, choice) in zip(curve.problem.tensors, place.choices) {
      shares[choice, default: (0, 0)].count += 1
      shares[choice, default: (0, 0)].bytes += choice.byteCount(of: tensor.tensor)
    }
    return shares.map { ($0.key, $0.value.count, $0.value.bytes) }.sorted {
      ($1.bytes, $0.choice.description) < ($0.bytes, $1.choice.description)
    }
  }

  private func shareText(_ place: FrontierPlace) -> String {
    formatShares(place).map { "\($0.choice) \(glyphs.times)\($0.count)" }.joined(separator: "  ")
  }

  /// What the plan's bytes are spent on.
  private func drawFormatShares(
    _ place: FrontierPlace, _ curve: Curve, on canvas: inout Canvas, in rect: Rect
  ) {
    guard rect.rows > 1 else { return }
    canvas.fill(rect.line(0), style: Theme.head)
    canvas.write("where its bytes go", at: rect.origin, style: Theme.head, within: rect.columns)
    let shares = formatShares(place)
    let most = shares.map(\.bytes).max() ?? 0
    for (line, share) in shares.prefix(rect.rows - 1).enumerated() {
      let parts = rect.line(line + 1).splitColumns(
        .fixed(min(18, rect.columns / 3)), .fixed(5), .fixed(9), .weight(1), spacing: 1)
      canvas.write(
        share.choice.description.truncatedMiddle(to: parts[0].columns, mark: glyphs.ellipsis),
        at: parts[0].origin, style: Theme.changed, within: parts[0].columns)
      canvas.writeRight("\(glyphs.times)\(share.count)", in: parts[1], style: Theme.faint)
      canvas.writeRight(Figures.bytes(share.bytes), in: parts[2])
      canvas.bar(
        most == 0 ? 0 : Double(share.bytes) / Double(most), in: parts[3], glyphs: glyphs,
        style: Theme.accent)
    }
  }
}

extension Glyphs {
  /// The plan at hand.
  var presentSign: String { isASCII ? "@" : point }
  /// A plan of one format.
  var uniformSign: String { circle }
  /// A preset.
  var presetSign: String { isASCII ? "#" : diamond }
  /// A plan that was saved.
  var savedSign: String { isASCII ? "%" : "◇" }
  /// The cursor on the curve.
  var cursorSign: String { isASCII ? "+" : "┼" }
}
