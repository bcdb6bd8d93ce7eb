import Foundation
import ModelFiles
import Planning
import Quantization
import Terminal

/// The words of the form that asks what to solve for.
enum SolveText {
  static let goals = "a budget is 4.5bpw, 8GiB, 30% or fit DEVICE; an error is 23dB or <1%"

  static func hints(_ form: SolveForm, _ glyphs: Glyphs) -> [(String, String)] {
    if form.checklist != nil {
      return [("Enter", "done"), ("Space", "allow"), ("*", "all"), (glyphs.upAndDown, "choose")]
    }
    let ends = [("Enter", "solve"), ("Esc", "cancel"), (glyphs.upAndDown, "row")]
    switch form.row {
    case .goal: return ends
    case .objective, .limit: return ends + [(glyphs.leftAndRight, "value")]
    case .sharing, .role: return ends + [(glyphs.leftAndRight, "column"), ("Space", "change")]
    }
  }

  /// A sentence on the field at hand.
  static func explanation(_ form: SolveForm) -> String {
    switch form.row {
    case .goal:
      guard let settings = form.finished else { return goals }
      if let fit = settings.fit {
        let context = Quantity.text(tokens: fit.use.context)
        return "the least error that \(fit.device.name) has room for, "
          + (form.fitting.cache == nil ? "without the cache" : "with a context of \(context)")
      }
      switch settings.goal {
      case .budget: return "the least error within \(settings.goalText); or 2GiB, 30%, 23dB, <1%"
      case .maximumError(let error):
        return "the least size with an error of at most "
          + Figures.figure(error, of: settings.objective)
      }
    case .objective:
      switch form.settings.objective {
      case .nmse: return "nmse: all squared errors, over all squares"
      case .weighted: return "weighted: the same, channels by their importance"
      case .log: return "log: all tensors count alike, each by its own error"
      case .worst: return "worst: the tensor with the greatest error"
      case .divergence: return "kl: what each tensor does to the outputs, measured by running"
      }
    case .sharing: return sharing(form)
    case .limit: return "how many formats the plan may have, the source not counted"
    case .role(let role):
      switch form.roleColumn {
      case .atLeast: return "the least that tensors of the role \(role) get"
      case .atMost: return "the most that they get"
      case .allowed: return "which formats they may have: Space opens the list"
      case .uniform: return "whether they all get the same format"
      }
    }
  }

  private static func sharing(_ form: SolveForm) -> String {
    switch form.sharings[min(form.column, form.sharings.count - 1)] {
    case .fusion(.attention): "queries, keys and values of a block share a format"
    case .fusion(.gateUp): "gate and way up of a block share a format"
    case .fusion(.experts): "all experts of a block share a format, each role by itself"
    case .tied: "the embedding of tokens and the output share a format"
    }
  }

  /// A row's name.
  static func name(_ row: SolveForm.Row) -> String {
    switch row {
    case .goal: "budget"
    case .objective: "objective"
    case .sharing: "share"
    case .limit: "formats"
    case .role(let role): role.rawValue
    }
  }
}

extension State {
  func drawSolve(_ form: SolveForm, on canvas: inout Canvas) {
    let columns = max(10, min(72, size.columns - 4))
    let words = form.problem ?? SolveText.explanation(form)
    let texts = words.wrapped(to: columns, mark: glyphs.ellipsis)
    let hasRoles = form.rows.contains { if case .role = $0 { true } else { false } }
    let foot = max(1, texts.count)
    let height = form.rows.count + (hasRoles ? 2 : 0) + 1 + foot + 2
    let inner = canvas.drawPanel(
      "Solve", size: Size(columns: 76, rows: height), glyphs: glyphs)
    let footRows = min(foot, max(1, inner.rows - 2))
    let table = inner.inset(bottom: footRows + (inner.rows > footRows + 4 ? 1 : 0))
    var lines: [SolveForm.Row?] = []
    var headLine: Int?
    for row in form.rows {
      if case .role = row, headLine == nil {
        if inner.rows >= height - 2 { lines.append(nil) }
        headLine = lines.count
        lines.append(nil)
      }
      lines.append(row)
    }
    let here = lines.firstIndex { $0 == form.row } ?? 0
    let first = min(max(0, here - table.rows / 2), max(0, lines.count - table.rows))
    for (line, row) in lines.dropFirst(first).prefix(table.rows).enumerated() {
      let rect = table.line(line)
      if let row {
        drawSolveRow(row, form, on: &canvas, in: rect)
      } else if first + line == headLine {
        drawRoleHead(on: &canvas, in: rect)
      }
    }
    for (line, text) in texts.prefix(footRows).enumerated() {
      canvas.write(
        text, at: inner.line(inner.rows - footRows + line).origin,
        style: form.problem == nil ? Theme.faint : Theme.warning, within: inner.columns)
    }
    if form.checklist != nil { drawChecklist(form, on: &canvas) }
  }

  private func drawSolveRow(
    _ row: SolveForm.Row, _ form: SolveForm, on canvas: inout Canvas, in rect: Rect
  ) {
    let isAt = row == form.row
    let place = form.rows.firstIndex(of: row) ?? 0
    func setTarget(_ cell: Int, from start: Int, to end: Int) {
      canvas.setTarget(
        ClickedCell(row: place, column: cell).number,
        in: Rect(column: start, row: rect.row, columns: end - start, rows: 1))
    }
    setTarget(0, from: rect.column, to: rect.endColumn)
    canvas.write(
      SolveText.name(row), at: rect.origin, style: isAt ? Theme.title : Theme.faint, within: 12)
    let values = rect.inset(left: 13)
    let settings = form.settings
    switch row {
    case .goal:
      let room = max(1, min(24, values.columns - 1))
      if isAt, form.checklist == nil {
        let used = canvas.drawInput(form.goal, at: values.origin, columns: room)
        if used == 0 {
          canvas.write(settings.goalText, at: values.origin, style: Theme.faint, within: room)
        }
      } else {
        canvas.write(
          form.goal.string.isEmpty ? settings.goalText : form.goal.string.sanitised,
          at: values.origin, style: Theme.changed.with(.bold), within: room)
      }
      if let bytes = budgetBytes(form) {
        canvas.writeRight(bytes, in: values, style: Theme.faint)
      }
    case .objective:
      drawChoices(
        form.objectives.map(\.rawValue), form.objectives.firstIndex(of: settings.objective), isAt,
        place, on: &canvas, in: values)
    case .limit:
      drawChoices(
        ["any"] + (1...8).map(String.init), settings.formatLimit ?? 0, isAt, place, on: &canvas,
        in: values)
    case .sharing:
      var column = values.column
      for (index, sharing) in form.sharings.enumerated() {
        let isOn =
          switch sharing {
          case .fusion(let fusion): settings.together.contains(fusion)
          case .tied: settings.sharesTied
          }
        let start = column
        column +=
          canvas.write(
            "[\(isOn ? "x" : " ")] \(sharing.name)", at: Point(column: column, row: rect.row),
            style: isAt && index == form.column
              ? .reverse : isOn ? Theme.changed.with(.bold) : Theme.faint,
            within: max(0, values.endColumn - column)) + 2
        setTarget(index, from: start, to: column - 2)
      }
    case .role(let role):
      drawRole(role, form, on: &canvas, in: values)
      for (index, column) in roleColumns(values).enumerated() {
        setTarget(index, from: column.column, to: column.endColumn)
      }
    }
  }

  /// One of some values, the chosen one in brackets.
  private func drawChoices(
    _ values: [String], _ chosen: Int?, _ isAt: Bool, _ place: Int, on canvas: inout Canvas,
    in rect: Rect
  ) {
    var column = rect.column
    for (index, value) in values.enumerated() {
      let isChosen = index == chosen
      let start = column
      column += canvas.write(
        isChosen ? "[\(value)]" : " \(value) ", at: Point(column: column, row: rect.row),
        style: isChosen ? (isAt ? .reverse : Theme.changed.with(.bold)) : Theme.faint,
        within: max(0, rect.endColumn - column))
      canvas.setTarget(
        ClickedCell(row: place, column: index).number,
        in: Rect(column: start, row: rect.row, columns: column - start, rows: 1))
    }
  }

  private func roleColumns(_ rect: Rect) -> [Rect] {
    rect.splitColumns(.weight(2), .weight(2), .weight(2), .fixed(8), spacing: 1)
  }

  private func drawRoleHead(on canvas: inout Canvas, in rect: Rect) {
    canvas.fill(rect, style: Theme.head)
    canvas.write("role", at: rect.origin, style: Theme.head, within: rect.columns)
    for (name, column) in zip(
      ["at least", "at most", "formats", "uniform"], roleColumns(rect.inset(left: 13)))
    {
      canvas.write(name, at: column.origin, style: Theme.head, within: column.columns)
    }
  }

  private func drawRole(
    _ role: Role, _ form: SolveForm, on canvas: inout Canvas, in rect: Rect
  ) {
    let settings = form.settings
    let allowed = settings.allowed[role].map { list in
      list.count > 2
        ? "\(list.count) of \(form.choices.count)"
        : list.map(\.description).joined(separator: " ")
    }
    let cells: [(String, Bool)] = [
      (settings.atLeast[role]?.description ?? "any", settings.atLeast[role] != nil),
      (settings.atMost[role]?.description ?? "any", settings.atMost[role] != nil),
      (allowed ?? "all", allowed != nil),
      (settings.uniform.contains(role) ? "[x]" : "[ ]", settings.uniform.contains(role)),
    ]
    for (index, (column, cell)) in zip(roleColumns(rect), cells).enumerated() {
      let isAt = form.row == .role(role) && index == form.column
      canvas.write(
        cell.0.truncatedMiddle(to: column.columns, mark: glyphs.ellipsis), at: column.origin,
        style: isAt ? .reverse : cell.1 ? Theme.changed.with(.bold) : Theme.faint,
        within: column.columns)
    }
  }

  private func drawChecklist(_ form: SolveForm, on canvas: inout Canvas) {
    guard let role = form.role, let here = form.checklist else { return }
    let choices = form.choices
    let inner = canvas.drawPanel(
      "Formats for \(role)", size: Size(columns: 34, rows: choices.count + 2), glyphs: glyphs)
    let allowed = form.settings.allowed[role] ?? choices
    let first = min(max(0, here - inner.rows / 2), max(0, choices.count - inner.rows))
    for (line, choice) in choices.dropFirst(first).prefix(inner.rows).enumerated() {
      let isOn = allowed.contains(choice)
      canvas.write(
        "[\(isOn ? "x" : " ")] \(choice)".truncated(to: inner.columns, mark: glyphs.ellipsis),
        at: inner.line(line).origin, style: isOn ? .standard : Theme.faint, within: inner.columns)
      canvas.setTarget(first + line, in: inner.line(line))
      if first + line == here { canvas.select(inner.line(line)) }
    }
  }

  /// What a budget comes to, for the form.
  private func budgetBytes(_ form: SolveForm) -> String? {
    guard let goal = form.finished?.goal else { return nil }
    switch goal {
    case .maximumError(let error):
      let decibels = Figures.decibels(-10 * log10(error))
      return "\(glyphs.atMost) \(Figures.percent(error)), \(decibels)"
    case .budget(let budget):
      let bytes =
        switch budget {
        case .bytes(let bytes): Double(bytes)
        case .bitsPerWeight(let bits): bits * Double(model.weightCount) / 8
        case .share(let share): share * Double(model.byteCount)
        }
      guard let whole = Int(exactly: min(bytes, 0x1p62).rounded(.down)), model.weightCount > 0
      else { return nil }
      let bits = 8 * bytes / Double(model.weightCount)
      let now = Figures.bytes(totals.bytes)
      return "\(Figures.bytes(whole)), \(Figures.bits(bits)) bpw; now \(now)"
    }
  }
}
