import ModelFiles
import Planning
import Quantization
import Terminal

/// The form that asks what to solve for.
struct SolveForm: Sendable {
  enum Row: Hashable, Sendable {
    case goal, objective, sharing, limit
    case role(Role)
  }

  /// What may be told to share a format.
  enum Sharing: Hashable, Sendable {
    case fusion(Constraints.Fusion)
    case tied

    var name: String {
      switch self {
      case .fusion(let fusion): fusion.rawValue
      case .tied: "tied"
      }
    }
  }

  /// The columns of a role.
  enum RoleColumn: Int, CaseIterable, Sendable { case atLeast, atMost, allowed, uniform }

  /// The goal as it is typed; empty for that of the settings.
  var goal = TextInput()
  var settings: SolverSettings
  var row = Row.goal
  var column = 0
  /// The cursor in the list of a role's formats, while that is open.
  var checklist: Int?
  /// Why there is no such plan, or what can't be read.
  var problem: String?
  let rows: [Row]
  /// The formats that tensors may get, from the fewest bits to the most.
  let formats: [Format]
  let objectives: [Objective]
  let sharings: [Sharing]
  /// What a device as a goal depends on.
  let fitting: Fitting
  let demand: Demand

  var role: Role? { if case .role(let role) = row { role } else { nil } }
  var roleColumn: RoleColumn { RoleColumn(rawValue: column) ?? .atLeast }
  /// What a role may get at most.
  var choices: [Choice] { [.source] + formats.reversed().map { .format($0) } }

  var columnCount: Int {
    switch row {
    case .goal, .objective, .limit: 1
    case .sharing: sharings.count
    case .role: RoleColumn.allCases.count
    }
  }

  // MARK: - Moving

  mutating func moveRow(by steps: Int) {
    let index = (rows.firstIndex(of: row) ?? 0) + steps
    row = rows[min(max(0, index), rows.count - 1)]
    column = min(column, columnCount - 1)
  }

  mutating func moveCell(by steps: Int) {
    if (0..<columnCount).contains(column + steps) {
      column += steps
      return
    }
    let before = row
    moveRow(by: steps)
    if row != before { column = steps > 0 ? 0 : columnCount - 1 }
  }

  // MARK: - Changing

  /// Left and right: along the cells of a row, or through the values of its only one.
  mutating func sidestep(by steps: Int) {
    if columnCount > 1 {
      column = min(max(0, column + steps), columnCount - 1)
    } else {
      change(by: steps)
    }
  }

  mutating func change(by steps: Int) {
    problem = nil
    func next<Value: Equatable>(_ values: [Value], after value: Value) -> Value {
      let index = values.firstIndex(of: value) ?? 0
      return values[((index + steps) % values.count + values.count) % values.count]
    }
    switch row {
    case .goal: break
    case .objective: settings.objective = next(objectives, after: settings.objective)
    case .limit:
      settings.formatLimit = next([nil] + (1...8).map { $0 }, after: settings.formatLimit)
    case .sharing:
      switch sharings[min(column, sharings.count - 1)] {
      case .fusion(let fusion): settings.together.formSymmetricDifference([fusion])
      case .tied: settings.sharesTied.toggle()
      }
    case .role(let role):
      switch roleColumn {
      case .atLeast:
        settings.atLeast[role] = next([nil] + formats.map { $0 }, after: settings.atLeast[role])
      case .atMost:
        settings.atMost[role] = next([nil] + formats.map { $0 }, after: settings.atMost[role])
      case .allowed: checklist = 0
      case .uniform: settings.uniform.formSymmetricDifference([role])
      }
    }
  }

  /// Takes a format from a role, or gives it back; one always stays.
  mutating func toggleChecked() {
    guard let role, let checklist, choices.indices.contains(checklist) else { return }
    problem = nil
    var allowed = settings.allowed[role] ?? choices
    if let index = allowed.firstIndex(of: choices[checklist]) {
      if allowed.count > 1 { allowed.remove(at: index) }
    } else {
      allowed.append(choices[checklist])
    }
    let sorted = choices.filter { allowed.contains($0) }
    settings.allowed[role] = sorted == choices ? nil : sorted
  }

  /// The settings with the goal that was typed, or with what they were opened with.
  func read() throws(GoalRefusal) -> SolverSettings {
    let typed = goal.string.split(separator: " ").joined(separator: " ")
    let text = typed.isEmpty ? settings.goalText : typed
    var settings = settings
    if FitGoal.isOne(text) {
      let fit = try FitGoal(text, fitting, demand)
      settings.goal = .budget(.bytes(fit.bytes))
      settings.goalText = fit.text
      settings.fit = fit
      return settings
    }
    let dense = text.filter { !$0.isWhitespace }
    guard let goal = PlanningGoal(dense) else {
      throw GoalRefusal(reason: "'\(text.sanitised)' isn't a goal: \(SolveText.goals)")
    }
    settings.goal = goal
    settings.goalText = dense
    settings.fit = nil
    return settings
  }

  /// The same; nil if it can't be read.
  var finished: SolverSettings? { try? read() }
}

extension State {
  /// Opens the form, as it was filled in last.
  mutating func openSolveForm() {
    let form = makeSolveForm(solver.settings)
    guard form.rows.contains(where: { if case .role = $0 { true } else { false } }) else {
      message = Notice(text: "no tensor of this model is worth quantizing", kind: .warning)
      return
    }
    modal = .solve(form)
  }

  func makeSolveForm(_ settings: SolverSettings) -> SolveForm {
    let planned = model.tensors.filter(\.suitability.isQuantizable)
    let roles = Set(planned.map(\.role))
    var sharings: [SolveForm.Sharing] = []
    if roles.contains(.attentionQ), roles.contains(.attentionK) || roles.contains(.attentionV) {
      sharings.append(.fusion(.attention))
    }
    if roles.contains(.ffnGate), roles.contains(.ffnUp) { sharings.append(.fusion(.gateUp)) }
    if planned.contains(where: { $0.expert != nil }) { sharings.append(.fusion(.experts)) }
    if !SolverSettings.tied(in: model).isEmpty { sharings.append(.tied) }
    var formats = customLadder ?? ladderKind.formats(family: family, rowLength: 1)
    formats = formats.enumerated().filter { formats.firstIndex(of: $0.element) == $0.offset }
      .map(\.element)
    // A shape like those of large models: what counts is the order.
    func bits(_ format: Format) -> Double { format.bitsPerWeight(rows: 4_096, rowLength: 4_096) }
    let sorted = formats.enumerated().sorted {
      (bits($0.element), $1.offset) < (bits($1.element), $0.offset)
    }.map(\.element)
    let rows: [SolveForm.Row] =
      [.goal, .objective] + (sharings.isEmpty ? [] : [.sharing]) + [.limit]
      + roles.sorted().map { .role($0) }
    return SolveForm(
      settings: settings, rows: rows, formats: sorted,
      objectives: Objective.allCases.filter {
        switch $0 {
        case .weighted: importance != nil
        case .divergence: quality.canRun
        case .nmse, .log, .worst: true
        }
      },
      sharings: sharings, fitting: fitting, demand: demand)
  }

  mutating func handleSolve(_ key: Key, _ form: SolveForm) {
    var form = form
    if form.checklist != nil {
      modal = .solve(handleChecklist(key, form))
      return
    }
    switch key {
    case .escape, .control("c"):
      modal = nil
      return
    case .enter:
      do throws(GoalRefusal) {
        let settings = try form.read()
        modal = nil
        if let fit = settings.fit { choose(fit.device, fit.use) }
        solve(settings)
        return
      } catch {
        form.row = .goal
        form.column = 0
        form.problem = error.reason
      }
    case .up: form.moveRow(by: -1)
    case .down: form.moveRow(by: 1)
    case .tab: form.moveCell(by: 1)
    case .backTab: form.moveCell(by: -1)
    default:
      if form.row == .goal {
        if form.goal.handle(key) { form.problem = nil }
      } else if !handleCell(key, &form) {
        modal = nil
        return
      }
    }
    modal = .solve(form)
  }

  /// Keys where nothing is typed; false for those that close the form.
  private func handleCell(_ key: Key, _ form: inout SolveForm) -> Bool {
    switch key {
    case .character("k"): form.moveRow(by: -1)
    case .character("j"): form.moveRow(by: 1)
    case .left, .character("h"): form.sidestep(by: -1)
    case .right, .character("l"): form.sidestep(by: 1)
    case .character(" "), .character("+"), .character("="): form.change(by: 1)
    case .character("-"): form.change(by: -1)
    case .character("q"), .character("b"): return false
    default: break
    }
    return true
  }

  private func handleChecklist(_ key: Key, _ form: SolveForm) -> SolveForm {
    var form = form
    let place = form.checklist ?? 0
    switch key {
    case .up, .character("k"): form.checklist = max(0, place - 1)
    case .down, .character("j"): form.checklist = min(form.choices.count - 1, place + 1)
    case .home, .character("g"): form.checklist = 0
    case .end, .character("G"): form.checklist = form.choices.count - 1
    case .character(" "), .character("+"), .character("-"): form.toggleChecked()
    case .character("*"): if let role = form.role { form.settings.allowed[role] = nil }
    case .enter, .escape, .tab, .backTab, .character("q"), .control("c"): form.checklist = nil
    default: break
    }
    return form
  }
}
