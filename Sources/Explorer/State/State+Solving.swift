import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

/// What was asked of the solver, and what it found.
struct SolverState: Sendable {
  /// A figure that is waited for; without a format the tensor's statistics.
  struct Need: Hashable, Sendable {
    let tensor: Int
    let format: Format?

    init(_ work: Work) {
      tensor = work.tensor
      format =
        switch work {
        case .measurement(_, let format), .estimate(_, let format, _): format
        case .statistics, .histogram, .channels: nil
        }
    }
  }

  /// A plan that is being solved.
  struct Open: Sendable {
    var task = SolverRequest.Task.plan
    let settings: SolverSettings
    /// The request that is being worked on; nil while figures are waited for.
    var number: Int?
    /// Whether it is known which figures it needs.
    var hasAsked = false
  }

  /// What a plan that was solved from estimates rests on.
  struct Unsure: Sendable {
    let settings: SolverSettings
    let revision: Int
    var inexact: Set<Need>
  }

  /// What the curve depends on.
  struct CurveKey: Sendable, Equatable {
    let kind: LadderKind
    let family: IntegerFormat
    let settings: SolverSettings
    var findings: Int
    var effects: Int
    let edits: Int

    /// Whether nothing but figures came in since.
    func isRefresh(of other: CurveKey?) -> Bool {
      guard var other else { return false }
      other.findings = findings
      other.effects = effects
      return other == self
    }
  }

  /// What was asked last.
  var settings = SolverSettings()
  var open: Open?
  /// What is waited for, and the work that brings it.
  var waiting: [Need: Work] = [:]
  /// The number of the last request.
  var requests = 0
  var curve: Curve?
  /// Why there is no curve.
  var objection: String?
  var curveKey: CurveKey?
  var curveInFlight: (number: Int, key: CurveKey)?
  var unsure: Unsure?
  /// What the plan was before it was solved.
  var before: [Assignment]?
  /// How many findings of errors there were so far.
  var findings = 0
}

extension State {
  /// Whether a plan is being solved, or figures for it are waited for.
  public var isSolving: Bool { solver.open != nil }

  /// Whether the screen is to show what the solver is still working on.
  public var isThinking: Bool {
    isSolving || !solver.waiting.isEmpty || solver.curveInFlight != nil
      || wantsCurve && solver.curveKey != curveKey
  }

  /// Whether the screen shows the curve, or what follows from it.
  private var wantsCurve: Bool {
    if case .moves = modal { return true }
    return view == .frontier
  }

  private var curveKey: SolverState.CurveKey {
    var settings = solver.settings
    settings.goal = .maximumError(0)
    settings.goalText = ""
    settings.fit = nil
    return SolverState.CurveKey(
      kind: ladderKind, family: family, settings: settings, findings: solver.findings,
      effects: settings.objective == .divergence ? quality.effectCount : 0, edits: edits.revision)
  }

  private func basis(_ settings: SolverSettings, plans: [NamedPlan] = []) -> SolverBasis {
    SolverBasis(
      ladders: LadderBasis(self), findings: findings, settings: settings, plans: plans,
      presets: presets, needsExact: needsExact, effects: quality.effects,
      running: quality.subject?.tensors, hopeless: quality.hopeless)
  }

  /// What the curve of a report is made of.
  var solverBasis: SolverBasis { basis(solver.settings, plans: namedPlans) }

  // MARK: - Asking

  /// Solves for what the settings say: as soon as all figures are there.
  mutating func solve(_ settings: SolverSettings) {
    solver.settings = settings
    solver.unsure = nil
    solver.open = .init(settings: settings)
    if settings.objective == .divergence, quality.phase == .asleep { quality.start() }
    message = nil
  }

  /// Gives up what is being solved; whether there was anything.
  mutating func giveUpSolving() -> Bool {
    guard solver.open?.task == .plan else { return false }
    solver.open = nil
    quality.wantedBySolver = []
    message = Notice(text: "solving was given up; the plan is as it was")
    return true
  }

  /// Sends what is to be solved, and asks for the figures that are missing for it.
  mutating func settleSolver() -> [Effect] {
    var effects: [Effect] = []
    if view == .compare { effects += want(comparisonNeeds) }
    if view == .quality { effects += want(qualityNeeds) }
    guard !isWaitingForModel else { return effects }
    if wantsCurve, solver.curveInFlight == nil, solver.curveKey != curveKey {
      solver.requests += 1
      solver.curveInFlight = (solver.requests, curveKey)
      effects.append(
        .solve(
          SolverRequest(
            number: solver.requests, task: .curve,
            basis: solverBasis,
            isRefresh: curveKey.isRefresh(of: solver.curveKey))))
    }
    if let open = solver.open, open.number == nil,
      solver.waiting.isEmpty && quality.wantedBySolver.isEmpty || !open.hasAsked
    {
      solver.requests += 1
      solver.open?.number = solver.requests
      solver.open?.hasAsked = true
      effects.append(
        .solve(
          SolverRequest(
            number: solver.requests, task: open.task, basis: basis(open.settings))))
    }
    if !isSolving, !wantsCurve, view != .compare, view != .quality, !solver.waiting.isEmpty {
      effects += dropWork(Array(solver.waiting.values))
      solver.waiting = [:]
    }
    return effects
  }

  /// Whether what is to be solved is about the outputs of a model that isn't ready to be run yet. One that can't be
  /// run ends it.
  private var isWaitingForModel: Bool {
    mutating get {
      guard solver.settings.objective == .divergence, quality.subject == nil else { return false }
      if case .unavailable(let reason) = quality.phase {
        solver.settings.objective = .nmse
        if solver.open != nil { message = Notice(text: reason, kind: .warning) }
        solver.open = nil
        return false
      }
      return true
    }
  }

  /// Asks for figures that aren't on their way.
  private mutating func want(_ needs: [Work]) -> [Effect] {
    var added: [Work] = []
    for work in needs
    where !findings.has(work) && solver.waiting.updateValue(work, forKey: .init(work)) != work {
      added.append(work)
    }
    return added.isEmpty ? [] : [.measureInBackground(added: added, dropped: [])]
  }

  /// Asks for figures, and for no others that were waited for, unless the screen shows the curve.
  private mutating func wantOnly(_ needs: [Work]) -> [Effect] {
    guard !wantsCurve else { return want(needs) }
    let wanted = Set(needs.map { SolverState.Need($0) })
    let dropped = solver.waiting.filter { !wanted.contains($0.key) }
    for need in dropped.keys { solver.waiting[need] = nil }
    return want(needs) + dropWork(Array(dropped.values))
  }

  private func dropWork(_ works: [Work]) -> [Effect] {
    let dropped = works.filter { pending[$0.tensor] != $0 }
    return dropped.isEmpty ? [] : [.measureInBackground(added: [], dropped: dropped)]
  }

  /// Takes note of something that was found.
  mutating func noteForSolver(_ work: Work, _ finding: Finding) -> [Effect] {
    switch work {
    case .histogram, .channels: return []
    case .statistics, .measurement, .estimate: break
    }
    solver.findings += 1
    let need = SolverState.Need(work)
    if case .measurement = work { solver.unsure?.inexact.remove(need) }
    switch finding {
    case .unreadable, .lost:
      solver.waiting = solver.waiting.filter { $0.key.tensor != work.tensor }
    case .inestimable:
      // Only measuring tells.
      if solver.waiting.removeValue(forKey: need) != nil, let format = need.format {
        return want([.measurement(tensor: work.tensor, format: format)])
      }
    case .measurement, .statistics, .histogram, .channels:
      guard let wanted = solver.waiting[need] else { return [] }
      let isEnough =
        switch wanted {
        case .measurement: finding.isExact
        default: true
        }
      if isEnough { solver.waiting[need] = nil }
    }
    return []
  }

  // MARK: - Answers

  mutating func take(_ outcome: SolverOutcome) -> [Effect] {
    if outcome.task == .curve { return takeCurve(outcome) }
    guard let open = solver.open, open.number == outcome.number else { return [] }
    guard outcome.pins == LadderBasis(self).pins else {
      // Pinned or freed meanwhile: once more.
      solver.open?.number = nil
      return []
    }
    switch outcome.result {
    case .needs(let needs, let effects):
      solver.open?.number = nil
      quality.wantedBySolver = effects
      return wantOnly(needs) + settleQuality()
    case .contradiction(let sentence):
      solver.open = nil
      guard outcome.task == .plan else { return [] }
      message = Notice(text: sentence, kind: .warning)
      guard modal == nil else { return [] }
      var form = makeSolveForm(open.settings)
      form.problem = sentence
      modal = .solve(form)
    case .solved(let solved):
      solver.open = nil
      if outcome.task == .plan { apply(solved) } else { check(solved) }
    case .curve:
      break
    }
    return []
  }

  private mutating func takeCurve(_ outcome: SolverOutcome) -> [Effect] {
    guard let flight = solver.curveInFlight, flight.number == outcome.number else { return [] }
    solver.curveInFlight = nil
    solver.curveKey = flight.key
    switch outcome.result {
    case .curve(let curve):
      solver.curve = curve
      solver.objection = nil
      refreshMoves()
      guard wantsCurve else { return [] }
      quality.wantedBySolver = curve.effectNeeds
      return want(curve.needs) + settleQuality()
    case .contradiction(let sentence):
      solver.curve = nil
      solver.objection = sentence
    case .needs, .solved:
      break
    }
    return []
  }

  /// Makes a solved plan the present one, as one step.
  private mutating func apply(_ solved: Solved) {
    let before = edits.assignments
    let changes = solved.choices.map { tensor, choice in
      (
        tensor: tensor,
        assignment: Assignment(choice: choice, isPinned: before[tensor].isPinned)
      )
    }
    let words = words(on: solved)
    let label = "solving for \(solved.settings.goalText.sanitised)"
    let step = edits.apply(label, changes, budget: .some(solved.settings.budget))
    if !solved.inexact.isEmpty {
      solver.unsure = .init(
        settings: solved.settings, revision: edits.revision,
        inexact: Set(solved.inexact.map { .init($0) }))
    }
    guard step != nil else {
      message = Notice(text: "the plan is that already: \(words)")
      return
    }
    solver.before = before
    compare.against = Self.beforeSolving
    message = Notice(text: words + ways(("viewCompare", "compares"), ("undo", "undoes")))
  }

  /// A solved plan's size and error, and how far from the best it may be at most.
  private func words(on solved: Solved) -> String {
    let solution = solved.solution
    let about = solved.inexact.isEmpty ? "" : glyphs.about + " "
    let bits =
      solved.weights == 0 ? 0 : 8 * Double(solution.bytes) / Double(solved.weights)
    let bound =
      switch solution.bound {
      case .error(let error): Figures.figure(error, of: solved.settings.objective)
      case .bytes(let bytes): Figures.bytes(bytes)
      }
    let goodness =
      solution.isOptimal
      ? solved.inexact.isEmpty ? "none is better" : "the best by estimates"
      : "bound \(about)\(bound), gap \(glyphs.atMost) \(Figures.percent(solution.gap))"
    return
      "\(Figures.bytes(solution.bytes)), \(Figures.bits(bits)) bpw, "
      + "\(solved.settings.objective.shortName) \(about)"
      + "\(Figures.figure(solution.error, of: solved.settings.objective)); \(goodness)"
  }

  /// Once everything is exact, says whether a plan that was solved from estimates is still the best.
  mutating func checkAgain() {
    guard let unsure = solver.unsure, unsure.inexact.isEmpty, solver.open == nil else { return }
    solver.unsure = nil
    guard unsure.revision == edits.revision else { return }
    solver.open = .init(task: .check, settings: unsure.settings)
  }

  private mutating func check(_ solved: Solved) {
    let hasBudget = solved.settings.budget != nil
    let found = solved.solution
    // Equal but for what can't be seen.
    let isAsGood = hasBudget && solved.present.map { $0 <= found.error * 1.0001 } == true
    let isBest = isAsGood || solved.choices.allSatisfy { choice(of: $0.tensor) == $0.choice }
    let goal = solved.settings.goalText.sanitised
    let figure =
      hasBudget
      ? Figures.figure(found.error, of: solved.settings.objective) : Figures.bytes(found.bytes)
    message = Notice(
      text: "exact figures are there: "
        + (isBest
          ? "the plan for \(goal) is still the best, \(figure)"
          : "another plan for \(goal) is better, \(figure)"
            + by("solve", "Enter takes it", after: "; ")))
  }

  /// What is said while a plan is solved; nil if none is.
  var solverStatus: String? {
    guard let open = solver.open, open.task == .plan else { return nil }
    let goal = open.settings.goalText.sanitised
    if open.number == nil, solver.waiting.isEmpty, !quality.wantedBySolver.isEmpty {
      let count = quality.wantedBySolver.count
      return "solving for \(goal) once \(Figures.counted(count, "more tensor")) "
        + (count == 1 ? "was run alone" : "were run alone") + by("back", "gives up", after: "; ")
    }
    guard open.number == nil, !solver.waiting.isEmpty else {
      return "solving for \(goal)\(glyphs.ellipsis)"
    }
    let count = solver.waiting.count
    var text =
      "solving for \(goal) once \(Figures.counted(count, "more figure")) "
      + (count == 1 ? "is there" : "are there")
    // The totals' figures were asked for before.
    let works = Set(solver.waiting.values).union(pending.values)
    let weights = works.reduce(0.0) { sum, work in
      if case .estimate(_, _, let weights) = work { return sum + Double(weights) }
      return sum + Double(model.tensors[work.tensor].weightCount)
    }
    if pace > 0 { text += ", about \(Figures.duration(weights / pace))" }
    return text + by("back", "gives up", after: "; ")
  }
}

extension Objective {
  /// What its figure is called where there is little room.
  var shortName: String {
    switch self {
    case .nmse: "NMSE"
    case .weighted: "weighted NMSE"
    case .log: "geometric mean"
    case .worst: "worst NMSE"
    case .divergence: "KL"
    }
  }

  /// What a step changes, in a column's head.
  var changeName: String {
    switch self {
    case .nmse, .weighted, .worst: "NMSE"
    case .log: "error"
    case .divergence: "KL"
    }
  }
}
