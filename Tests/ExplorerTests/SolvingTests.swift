import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer
@testable import Measurement

struct SolvingTests {
  private let model: Model

  init() throws { model = try SampleModel.llama().open() }

  private func played(_ keys: String, answers: Player.Answers = .real) throws -> Player {
    var player = Player(model, size: Size(columns: 120, rows: 36), answers: answers)
    try player.press(keys)
    return player
  }

  private func form(_ player: Player) throws -> SolveForm {
    guard case .solve(let form) = player.state.modal else { throw Missing() }
    return form
  }

  private struct Missing: Error {}

  // MARK: - The form

  @Test(arguments: [
    ("4.5bpw", PlanningGoal.budget(.bitsPerWeight(4.5))), ("8GiB", .budget(.bytes(8 << 30))),
    ("30%", .budget(.share(0.3))), (" 30 % ", .budget(.share(0.3))),
    ("1.5 mib", .budget(.bytes(3 << 19))), ("<1%", .maximumError(0.01)),
    ("\u{2264} 1 %", .maximumError(0.01)), ("<=0.005", .maximumError(0.005)),
    ("20dB", .maximumError(0.01)), ("<20dB", .maximumError(0.01)),
  ])
  func goalsAreRead(text: String, expected: PlanningGoal) {
    #expect(PlanningGoal(text) == expected)
  }

  @Test(arguments: [
    "", "4.5", "bpw", "-1bpw", "101%", "8Gi", "<", "<-1%", "nan%", "infGiB", "1e99GiB", "4,5bpw",
  ])
  func whatIsNoGoalIsRefused(text: String) {
    #expect(PlanningGoal(text) == nil)
  }

  @Test func anUnreadableGoalStaysInTheForm() throws {
    let player = try played("b4.5<Enter>")
    #expect(try form(player).problem?.hasPrefix("'4.5' isn't a goal: a budget is") == true)
    #expect(player.lines.joined().contains("'4.5' isn't a goal"))
    #expect(player.changed.isEmpty)
  }

  /// Keys in the form, and what they make of the settings.
  @Test(arguments: [
    ("b<Down><Right>", "log"), ("b<Down><Space>", "log"), ("b<Down><Left>", "worst"),
    ("b<Down>-", "worst"), ("b<Down*2><Space>", "nmse qkv"),
    ("b<Down*2><Right><Space>", "nmse gate-up"), ("b<Down*2><Tab><Space><BS>", "nmse gate-up"),
    ("b<Down*2><Right*2><Space>", "nmse tied"), ("b<Down*2><Space><Space>", "nmse"),
    ("b<Down*3><Right*2>", "nmse 2"), ("b<Down*3><Left>", "nmse 8"),
    ("b<Down*5><Space>", "nmse attn_q>=int2"), ("bjjjj", "nmse"),
    ("b<Down*5><Space*2>-", "nmse attn_q>=int2"), ("b<Down*5>-", "nmse attn_q>=f16"),
    ("b<Down*6><Right>+", "nmse attn_k<=int2"), ("b<Down*5><Right*3><Space>", "nmse attn_q=attn_q"),
    ("b<Down*4><Tab*2><Space><Space>j<Space><Enter>", "nmse token_embd:9"),
    ("b<Down*4><Tab*2><Space><Space>*<Esc>", "nmse"),
    ("b<Down*4><Tab*2><Space><Space*2><Esc>", "nmse"),
  ])
  func theFormChangesSettings(keys: String, expected: String) throws {
    let settings = try form(try played(keys)).settings
    var words = [settings.objective.rawValue]
    words += settings.together.map(\.rawValue)
    if settings.sharesTied { words.append("tied") }
    if let limit = settings.formatLimit { words.append("\(limit)") }
    words += settings.atLeast.map { "\($0.key)>=\($0.value)" }
    words += settings.atMost.map { "\($0.key)<=\($0.value)" }
    words += settings.uniform.map { "\($0)=\($0)" }
    words += settings.allowed.map { "\($0.key):\($0.value.count)" }
    #expect(words.joined(separator: " ") == expected)
  }

  @Test(arguments: ["b<Esc>", "b<C-c>", "b<Down>q", "b<Down>b"])
  func theFormIsClosed(keys: String) throws {
    let player = try played(keys)
    #expect(!player.hasModal)
    #expect(player.changed.isEmpty)
  }

  @Test func aSettingStays() throws {
    let player = try played("b3.5bpw<Down*2><Space><Enter>b")
    let form = try form(player)
    #expect(form.settings.together == [.attention])
    #expect(form.settings.goalText == "3.5bpw")
    #expect(player.lines.contains { $0.contains("budget       3.5bpw") })
  }

  @Test func aModelWithNothingToPlanSaysSo() throws {
    var player = Player(try SampleModel([]).open())
    try player.press("b")
    #expect(player.message == "no tensor of this model is worth quantizing")
  }

  // MARK: - Solving

  /// The same as the command `plan` finds: the solver's own answer for the same figures.
  @Test(arguments: ["4bpw", "6bpw", "30%", "100KiB", "<0.5%", "30dB"])
  func theSolvedPlanIsTheSolversOwn(goal: String) throws {
    let player = try played("b\(goal.replacing("<", with: "<lt>"))<Enter>", answers: .real)
    let state = player.state
    let candidates = model.tensors.filter(\.suitability.isQuantizable).map { tensor in
      (tensor: tensor, formats: state.ladder(of: tensor.id).rungs.compactMap(\.format))
    }
    let inputs = PlanningInputs(
      model: model, candidates: candidates, measurement: { state.measurement(of: $0, $1) },
      squares: { state.findings.statistics[$0]?.squares })
    let problem = try PlanningProblem(tensors: inputs.options, kept: inputs.kept)
    let solution: Solution
    switch try #require(PlanningGoal(goal)) {
    case .budget(let budget):
      solution = try problem.solve(
        budget: problem.bytes(of: budget, sourceBytes: model.byteCount))
    case .maximumError(let error): solution = try problem.solve(maximumError: error)
    }
    for (tensor, choice) in zip(problem.tensors, solution.choices) {
      #expect(state.choice(of: tensor.tensor.id) == choice)
    }
    #expect(state.totals.bytes == solution.bytes)
    #expect(abs(state.totals.nmse - solution.error) <= solution.error * 1e-9)
    #expect(state.edits.done.count == 1)
    #expect(player.message.contains(solution.isOptimal ? "none is better" : "gap"))
  }

  @Test func solvingIsOneStep() throws {
    var player = try played("4b4bpw<Enter>")
    let solved = player.state.edits.assignments
    #expect(player.state.edits.budget == .bitsPerWeight(4))
    try player.press("u")
    #expect(player.changed.count == 1)
    #expect(player.state.edits.budget == nil)
    #expect(player.message.hasPrefix("undone: solving for 4bpw for "))
    try player.press("<C-r>")
    #expect(player.state.edits.assignments == solved)
    #expect(player.state.edits.budget == .bitsPerWeight(4))
    try player.press("b<Enter>")
    #expect(player.message.hasPrefix("the plan is that already: "))
  }

  @Test func pinsAreKept() throws {
    let player = try played("2p<Down>pb6bpw<Enter>")
    #expect(player.choice("model.layers.0.self_attn.q_proj.weight") == "int2")
    #expect(player.choice("model.layers.0.self_attn.k_proj.weight") == "source")
    #expect(player.state.edits.assignments.count { $0.isPinned } == 2)
    #expect(player.state.totals.bitsPerWeight <= 6)
  }

  @Test func constraintsAreKept() throws {
    let player = try played(
      "b5bpw<Down*2><Space><Right><Space><Down><Right*3><Down*3><Right*3><Space><Enter>")
    for block in 0..<3 {
      let prefix = "model.layers.\(block)."
      let q = player.choice(prefix + "self_attn.q_proj.weight")
      #expect(player.choice(prefix + "self_attn.k_proj.weight") == q)
      #expect(player.choice(prefix + "self_attn.v_proj.weight") == q)
      #expect(
        player.choice(prefix + "mlp.gate_proj.weight")
          == player.choice(prefix + "mlp.up_proj.weight"))
    }
    #expect(Set(player.changed.values).count <= 3)
  }

  /// What can't be done is said in a sentence, and the form is open again, as it was filled in.
  @Test(arguments: [
    ("b0.1bpw<Enter>", "the budget of"), ("2pb<lt>0.0001%<Enter>", "an error of"),
    (
      "b<Down*5><Space*4><Right>+<Enter>",
      "nothing is left for model.layers.0.self_attn.q_proj.weight: attn_q must have at least"
    ),
    (
      "4p<Down>5pb<Down*2><Space><Enter>",
      "model.layers.0.self_attn.k_proj.weight and model.layers.0.self_attn.q_proj.weight must share a format"
    ),
    ("4p<Down>5pb<Down*3><Right><Enter>", "at most 1 format may be used, but 2 are pinned"),
  ])
  func contradictionsAreSaid(keys: String, words: String) throws {
    let player = try played(keys)
    let problem = try #require(try form(player).problem)
    #expect(problem.hasPrefix(words), "\(problem)")
    #expect(player.message == problem)
    let start = problem.split(separator: " ").prefix(4).joined(separator: " ")
    #expect(player.lines.contains { $0.contains(start) })
    #expect(player.state.edits.done.allSatisfy { !$0.label.hasPrefix("solving") })
  }

  // MARK: - Figures that aren't there yet

  @Test func missingFiguresAreWaitedFor() throws {
    var player = try played("b4bpw<Enter>", answers: .none)
    #expect(player.state.isSolving)
    #expect(player.changed.isEmpty)
    #expect(
      player.lines.contains {
        $0.contains("solving for 4bpw once") && $0.contains("more figures are there; Esc gives up")
      })
    let asked = player.effects.flatMap { effect -> [Work] in
      if case .measureInBackground(let added, _) = effect { added } else { [] }
    }
    #expect(Set(player.state.solver.waiting.values).isSubset(of: asked))
    // One after another.
    for work in player.state.solver.waiting.values {
      #expect(player.changed.isEmpty)
      player.take([.found(work, MadeUp.finding(work))])
    }
    #expect(!player.state.isSolving)
    #expect(player.state.solver.waiting.isEmpty)
    #expect(!player.changed.isEmpty)
    player.take([.pace(1)])
    #expect(!player.lines.joined().contains("solving for"))
  }

  @Test func waitingCanBeGivenUp() throws {
    var player = try played("b4bpw<Enter>", answers: .none)
    player.take([.pace(1000)])
    #expect(player.lines.joined().contains(", about "))
    let waited = Set(player.state.solver.waiting.values)
    try player.press("<Esc>")
    #expect(!player.state.isSolving)
    #expect(player.message == "solving was given up; the plan is as it was")
    let dropped = player.effects.flatMap { effect -> [Work] in
      if case .measureInBackground(_, let dropped) = effect { dropped } else { [] }
    }
    // What the totals need stays wanted.
    #expect(Set(dropped) == waited.subtracting(player.state.pending.values))
    player.answers = .madeUp
    player.take([.input(.wake)])
    #expect(player.changed.isEmpty)
  }

  @Test func aNewerRequestCounts() throws {
    var state = try played("").state
    for tensor in model.tensors where tensor.suitability.isQuantizable {
      let works = LadderBasis(state).works(of: tensor.id)
      var measuring = Measuring(model: model)
      for work in works {
        let finding = try measuring.perform(work) { () throws(Abandoned) in }
        _ = state.update([.found(work, finding)])
      }
    }
    func request(_ keys: String) throws -> SolverRequest {
      let effects = try KeyScript.parse(keys).flatMap { state.update([.input($0)]) }
      return try #require(
        effects.compactMap { if case .solve(let request) = $0 { request } else { nil } }.last)
    }
    let old = try request("b4bpw<Enter>")
    let new = try request("b8bpw<Enter>")
    // The answer to the older one comes late.
    _ = state.update([.solved(old.run())])
    #expect(state.isSolving)
    #expect(state.edits.done.isEmpty)
    _ = state.update([.solved(new.run())])
    let solved = state.edits.assignments
    #expect(state.totals.bitsPerWeight > 4)
    _ = state.update([.solved(old.run())])
    #expect(state.edits.assignments == solved)
    #expect(state.edits.done.count == 1)
  }

  /// What is pinned while the solver works is kept.
  @Test func pinsMadeMeanwhileAreKept() throws {
    let player = try played("b4bpw<Enter>b<Esc>u")
    var state = player.state
    var pending: [SolverRequest] = []
    for event in try KeyScript.parse("b3bpw<Enter>8p") {
      for case .solve(let request) in state.update([.input(event)]) { pending.append(request) }
    }
    #expect(pending.count == 1)
    while let request = pending.popLast() {
      for case .solve(let next) in state.update([.solved(request.run())]) { pending.append(next) }
    }
    #expect(!state.isSolving)
    let pinned = try #require(state.edits.assignments.firstIndex { $0.isPinned })
    #expect(state.choice(of: pinned).description == "int8")
    #expect(state.totals.bitsPerWeight <= 3)
  }

  @Test func theEstimateOfALargeTensorWillDo() throws {
    let model = try SampleModel.large().open()
    var player = Player(model, answers: .none)
    try player.press("b4bpw<Enter>")
    func answer(_ isWanted: (Work) -> Bool) {
      while let work = player.state.solver.waiting.values.first(where: isWanted) {
        player.take([.found(work, MadeUp.finding(work))])
      }
    }
    answer { _ in true }
    #expect(player.message.contains("NMSE \u{2248} "))
    #expect(player.message.contains("the best by estimates"))
    #expect(player.state.edits.done.count == 1)
    let inexact = try #require(player.state.solver.unsure?.inexact)
    #expect(!inexact.isEmpty)
    for need in inexact {
      let format = try #require(need.format)
      let work = Work.measurement(tensor: need.tensor, format: format)
      player.take([.found(work, MadeUp.finding(work))])
    }
    #expect(player.message.hasPrefix("exact figures are there: "))
    #expect(player.state.edits.done.count == 1)
    #expect(player.state.solver.unsure == nil)
  }

  /// A script's plan rests on exact figures alone, and its next key waits for it.
  @Test func scriptsWaitForThePlan() throws {
    let screen = MemoryScreen(size: Size(columns: 120, rows: 36), depth: .many, glyphs: .unicode)
    let state = Session.play(
      try KeyScript.parse("b4bpw<Enter>ub5bpw<Enter>"), model, options: Options(), plan: nil,
      on: screen)
    #expect(state.edits.done.count == 1)
    #expect(state.totals.bitsPerWeight <= 5)
    #expect(state.totals.bitsPerWeight > 4)
    #expect(state.totals.estimated == 0)
  }

  @Test func tensorsWhoseFileIsGoneAreLeftOut() throws {
    var player = try played("b4bpw<Enter>", answers: .none)
    let lost = try #require(player.state.tensor?.id)
    player.take([.found(.statistics(tensor: lost), .lost)])
    for work in player.state.solver.waiting.values {
      player.take([.found(work, MadeUp.finding(work))])
    }
    #expect(!player.state.isSolving)
    #expect(player.state.choice(of: lost) == .source)
    #expect(!player.changed.isEmpty)
  }
}

extension SampleModel {
  /// A tensor that is large enough to be estimated first.
  fileprivate static func large() -> SampleModel {
    var generator = SeededGenerator(seed: 3)
    return SampleModel([
      SampleTensor(
        "model.layers.0.mlp.up_proj.weight", [8_192, 4_096], type: "BF16",
        data: Array(repeating: 0, count: 1 << 26)),
      .random("model.layers.0.mlp.down_proj.weight", [64, 96], from: &generator),
    ])
  }
}
