import Planning
import Terminal

extension State {
  /// The whole screen as it is now.
  public func draw() -> Canvas {
    let theme = Theme(theme, depth: colors)
    return Theme.$current.withValue(theme) {
      var canvas = drawScreen()
      theme.finish(&canvas)
      return canvas
    }
  }

  private func drawScreen() -> Canvas {
    var canvas = Canvas(size: size)
    let layout = layout
    guard layout.arrangement != .tooSmall else {
      drawTooSmall(on: &canvas)
      return canvas
    }
    drawTitle(on: &canvas, in: layout.title)
    drawTotals(on: &canvas, in: layout.totals)
    switch view {
    case .layers:
      drawList(on: &canvas, layout: layout)
      drawDetails(on: &canvas, layout: layout)
    case .map: drawMap(on: &canvas, in: layout.body)
    case .frontier: drawFrontier(on: &canvas, in: layout.body)
    case .compare: drawComparison(on: &canvas, in: layout.body)
    case .channels: drawChannels(on: &canvas, in: layout.body)
    case .formats: drawGuide(on: &canvas, in: layout.body)
    case .quality: drawQuality(on: &canvas, in: layout.body)
    }
    drawMessage(on: &canvas, in: layout.message)
    drawHints(on: &canvas, in: layout.hints)
    drawModal(on: &canvas, layout: layout)
    return canvas
  }

  private func drawTooSmall(on canvas: inout Canvas) {
    let minimum = ScreenLayout.minimum
    let lines = [
      "Too small: \(size), needs \(minimum)",
      hasUnsavedChanges ? by("quit", "asks", after: "unsaved; ") : by("quit", "quits"),
    ]
    let top = max(0, (size.rows - lines.count) / 2)
    for (index, line) in lines.enumerated() {
      let column = max(0, (size.columns - line.columns) / 2)
      canvas.write(line, at: Point(column: column, row: top + index))
    }
    if case .question(let question) = modal, case .quit = question.subject, size.rows > 3 {
      canvas.write(by("quit", "again discards"), at: Point(column: 0, row: size.rows - 1))
    }
  }

  // MARK: - The head

  /// A figure of the totals; where there is no room for all of them, those with the lowest rank go first.
  private struct TotalsPart {
    let text: String
    var style = Style.standard
    var gap = 2
    var rank = 9
    var columns: Int { text.columns + gap }
  }

  private func totalsParts(columns: Int) -> [TotalsPart] {
    var parts = weightParts(columns: columns)
    if let (text, isEstimate) = qualityText {
      parts.append(TotalsPart(text: text, style: isEstimate ? Theme.faint : Theme.title, rank: 5))
    }
    return parts
  }

  /// Sizes, and what becomes of the weights.
  private func weightParts(columns: Int) -> [TotalsPart] {
    var parts = [
      TotalsPart(text: Figures.bytes(totals.sourceBytes), gap: 1),
      TotalsPart(text: glyphs.arrow, style: Theme.faint, gap: 1),
      TotalsPart(text: Figures.bytes(totals.bytes), style: Theme.title),
      TotalsPart(
        text: Figures.saving(totals.saving, minus: glyphs.minus), style: Theme.saving, rank: 3),
    ]
    if columns >= 100 {
      let saving = Figures.saving(totals.savingAgainstHalf, minus: glyphs.minus)
      parts.append(TotalsPart(text: "(\(saving) against F16)", style: Theme.faint, rank: 0))
    }
    parts.append(TotalsPart(text: "\(Figures.bits(totals.bitsPerWeight)) bpw", rank: 2))
    guard totals.squares > 0 || totals.isComplete else {
      parts.append(TotalsPart(text: "NMSE \(glyphs.ellipsis)", style: Theme.faint, rank: 4))
      return parts
    }
    let interval = totals.interval
    let style = errorStyle(totals.nmse, isEstimate: interval != nil)
    let open = totals.isComplete ? "" : glyphs.ellipsis
    parts.append(
      TotalsPart(text: "NMSE \(percentText(totals.nmse, interval))\(open)", style: style, rank: 4))
    parts.append(
      TotalsPart(
        text: (interval == nil ? "" : glyphs.about) + Figures.decibels(totals.sqnr) + open,
        style: style, rank: 1))
    return parts
  }

  private func drawTotals(on canvas: inout Canvas, in rect: Rect) {
    var parts = totalsParts(columns: rect.columns)
    if let fit {
      // While something is measured, how far that is must be seen, too.
      let room = rect.columns - (pending.isEmpty ? 0 : 10)
      parts = withFit(fit, parts, columns: room)
    } else if quality.isOn {
      let room = rect.columns - (pending.isEmpty ? 0 : 10)
      for rank in 0...4 where parts.reduce(-2, { $0 + $1.columns }) > room {
        parts.removeAll { $0.rank <= rank }
      }
    }
    var column = rect.column
    // A figure that is cut off would read as another one.
    for part in parts {
      guard column + part.text.columns <= rect.endColumn else {
        column = rect.endColumn
        break
      }
      column += canvas.write(
        part.text, at: Point(column: column, row: rect.row), style: part.style)
      column += part.gap
    }
    drawProgress(on: &canvas, in: rect, from: column)
  }

  /// The totals and how the plan fits its device: in the most words for which only figures go that others
  /// tell as well.
  private func withFit(_ fit: Fit, _ parts: [TotalsPart], columns: Int) -> [TotalsPart] {
    let texts = FitText.summaries(fit, glyphs)
    for text in texts {
      for rank in 0...(text == texts.last ? 5 : 2) {
        let kept = parts.filter { $0.rank >= rank }
        guard kept.reduce(text.columns, { $0 + $1.columns }) <= columns else { continue }
        return kept + [TotalsPart(text: text, style: fit.fits ? .standard : Theme.warning)]
      }
    }
    return parts
  }

  private func drawProgress(on canvas: inout Canvas, in rect: Rect, from column: Int) {
    let room = rect.endColumn - column
    guard !pending.isEmpty, pendingAtMost > 0 else {
      let text = "ladders \(Figures.pace(pace))"
      if pace > 0, room >= text.columns {
        canvas.writeRight(text, in: rect, style: Theme.faint)
      }
      return
    }
    let done = pendingAtMost - pending.count
    var text = "measuring \(done)/\(pendingAtMost)"
    if let secondsLeft {
      let more = ", \(Figures.pace(pace)), \(Figures.duration(secondsLeft)) left"
      if room >= text.columns + more.columns + 12 { text += more }
    }
    if room >= text.columns + 12 {
      let bar = Rect(
        column: rect.endColumn - 10, row: rect.row, columns: 10, rows: 1)
      canvas.fill(bar, with: glyphs.shades[1], style: Theme.faint)
      canvas.bar(
        Double(done) / Double(pendingAtMost), in: bar, glyphs: glyphs, style: Theme.accent)
      canvas.writeRight(text, in: rect.inset(right: 11), style: Theme.faint)
    } else if room >= 8 {
      canvas.writeRight("\(done)/\(pendingAtMost)", in: rect, style: Theme.faint)
    }
  }

  // MARK: - The foot

  private func drawMessage(on canvas: inout Canvas, in rect: Rect) {
    if case .prompt(let prompt) = modal {
      drawPrompt(prompt, on: &canvas, in: rect)
      return
    }
    if let message {
      let style: Style =
        switch message.kind {
        case .plain: .standard
        case .warning: Theme.warning
        case .failure: Theme.failure
        }
      canvas.write(
        message.text.truncated(to: rect.columns, mark: glyphs.ellipsis), at: rect.origin,
        style: style, within: rect.columns)
      return
    }
    var parts: [String] = []
    if rangeStart != nil { parts.append("marking a range" + by("range", "ends it", after: ": ")) }
    if !marks.isEmpty { parts.append("\(marks.count) marked") }
    if let filter { parts.append("filter: \(filter.text.sanitised)") }
    if !parts.isEmpty { parts.append(by("back", "backs out")) }
    if let words = solverStatus { parts = [words] }
    if showsFirstSteps { drawFirstSteps(on: &canvas, in: rect) }
    canvas.write(
      parts.joined(separator: "  "), at: rect.origin, style: Theme.mark, within: rect.columns)
  }

  /// What a new user may try first.
  private func drawFirstSteps(on canvas: inout Canvas, in rect: Rect) {
    var column = rect.column
    func put(_ text: String, _ style: Style) {
      column += canvas.write(
        text, at: Point(column: column, row: rect.row), style: style,
        within: max(0, rect.endColumn - column))
    }
    put(firstStepsTitle(columns: rect.columns), Theme.title)
    for hint in firstStepHints(columns: rect.columns) {
      put(hint.key + " ", Theme.key)
      put(hint.text + "  ", .standard)
    }
  }

  private func drawPrompt(_ prompt: Prompt, on canvas: inout Canvas, in rect: Rect) {
    let label =
      switch prompt.kind {
      case .search: "/"
      case .filter: "filter: "
      case .mark: "mark: "
      case .saveAs: "save as: "
      case .export(let target): "write for \(target.consumer.rawValue): "
      case .report: "write a report: "
      }
    let start = rect.column + canvas.write(label, at: rect.origin, style: Theme.key)
    let room = max(1, rect.endColumn - start - 1)
    let used = canvas.drawInput(
      prompt.input, at: Point(column: start, row: rect.row), columns: room)
    let note: String? =
      switch prompt.kind {
      case .filter, .mark: "text, glob or /regex/"
      case .search where message != nil: message?.text
      case .saveAs where message != nil, .export where message != nil,
        .report where message != nil:
        message?.text
      default: nil
      }
    if let note, room - used > note.columns + 2 {
      canvas.writeRight(note, in: rect, style: Theme.faint)
    }
  }

  /// The keys that work now, the most important first, then in the order of the table.
  private func drawHints(on canvas: inout Canvas, in rect: Rect) {
    var column = rect.column
    for hint in hints(columns: rect.columns) {
      column += canvas.write(
        hint.key, at: Point(column: column, row: rect.row), style: Theme.key,
        within: max(0, rect.endColumn - column))
      column += 1
      column += canvas.write(
        hint.text, at: Point(column: column, row: rect.row), style: Theme.faint,
        within: max(0, rect.endColumn - column))
      column += 2
    }
  }

  /// A key and what it does, for the last line.
  struct Hint: Equatable {
    let key: String
    let text: String
    let action: String?
    /// The key that a click on it stands for, where it is no action.
    var press: Key?
    var columns: Int { key.columns + 1 + text.columns }
  }

  /// As many hints as fit, help and quit among them.
  func hints(columns: Int) -> [Hint] {
    let all = currentHints
    var chosen: [Int] = []
    var used = 0
    for (index, hint) in all.enumerated().sorted(by: { $0.element.priority < $1.element.priority })
    {
      let width = hint.hint.columns + (chosen.isEmpty ? 0 : 2)
      if used + width > columns { continue }
      used += width
      chosen.append(index)
    }
    return chosen.sorted().map { all[$0].hint }
  }

  /// Where Tab leads.
  private var nameOfNextPane: String {
    switch focus {
    case .list: hasLadder && tensor?.suitability.isQuantizable == true ? "ladder" : "histogram"
    case .ladder: "histogram"
    case .histogram: "list"
    }
  }

  private var currentHints: [(hint: Hint, priority: Int)] {
    func fixed(_ pairs: [(String, String)]) -> [(hint: Hint, priority: Int)] {
      pairs.enumerated().map { index, pair in
        (Hint(key: pair.0, text: pair.1, action: nil, press: Key(name: pair.0)), index)
      }
    }
    switch modal {
    case .help, .log: return fixed([("Esc", "close"), (glyphs.upAndDown, "scroll")])
    case .picker:
      return fixed([("Enter", "take"), ("Esc", "cancel"), (glyphs.upAndDown, "choose")])
    case .recipe:
      return fixed([
        ("Enter", "apply"), ("Esc", "cancel"), (glyphs.upAndDown, "field"),
        (glyphs.leftAndRight, "value"),
      ])
    case .prompt: return fixed([("Enter", "done"), ("Esc", "cancel")])
    case .question(let question):
      return fixed(question.answers.map { (String($0.key), $0.label) })
    case .solve(let form):
      return fixed(SolveText.hints(form, glyphs))
    case .moves(let list):
      return fixed(MovesText.hints(list, glyphs))
    case .devices: return fixed(FitText.hints(glyphs))
    case .export(let preview): return fixed(ExportText.hints(preview, glyphs))
    case nil: break
    }
    if view == .layers, focus == .histogram { return histogramHints }
    return Action.all.compactMap { action in
      guard let hint = action.hint, action.refusal(in: self) == nil else { return nil }
      if focus == .ladder, action.id == "fold" {
        return (Hint(key: key("fold") ?? "Enter", text: "take", action: action.id), 0)
      }
      guard let first = keys.keys(of: action).first else { return nil }
      let key =
        ["fewer", "smaller", "mapLeft"].contains(action.id) && first == .left && focus != .histogram
        ? glyphs.leftAndRight : first.label(in: glyphs)
      let text = action.id == "pane" ? nameOfNextPane : hint.text
      return (Hint(key: key, text: text, action: action.id), hint.priority)
    }
  }
}
