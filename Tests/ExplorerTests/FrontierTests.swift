import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

struct FrontierTests {
  private let model: Model

  init() throws { model = try SampleModel.llama().open() }

  private func played(
    _ keys: String, size: Size = Size(columns: 120, rows: 36), options: Options = Options(),
    answers: Player.Answers = .real
  ) throws -> Player {
    var player = Player(model, size: size, options: options, answers: answers)
    try player.press(keys)
    return player
  }

  private func curve(_ player: Player) throws -> Curve { try #require(player.state.solver.curve) }

  private func place(_ player: Player) throws -> FrontierPlace {
    player.state.frontierPlace(on: try curve(player))
  }

  @Test func theCurveIsThatOfTheSolver() throws {
    let player = try played("<F3>")
    let curve = try curve(player)
    let all = curve.problem.frontier().vertices
    #expect(curve.frontier.vertices == all)
    #expect(all.count > 50)
    #expect(curve.needs.isEmpty)
    // Every plan of one format stands on the curve or above it.
    #expect(curve.marks.count { $0.kind == .uniform } == 8)
    // mlx-lm's presets, whose formats aren't on the ladder: they may beat it.
    #expect(curve.marks.filter { $0.kind == .preset }.map(\.name).contains("mlx_4bit"))
    for mark in curve.marks where mark.kind == .uniform {
      let best = try #require(curve.frontier.index(within: mark.bytes))
      #expect(mark.error >= curve.frontier.vertices[best].error * (1 - 1e-9))
      let same = curve.figures { id in
        let place = curve.problem.tensors.firstIndex { $0.tensor.id == id } ?? 0
        return mark.choices[place]
      }
      #expect(same?.bytes == mark.bytes)
    }
  }

  @Test func theCursorWalks() throws {
    var player = try played("*4<F3>")
    #expect(try place(player).name == "now")
    #expect(try place(player).bytes == player.state.totals.bytes)
    let start = try place(player).bytes
    try player.press("<Down>")
    let first = try place(player)
    #expect(first.bytes > start)
    try player.press("<Down>")
    #expect(try place(player).vertex == first.vertex.map { $0 + 1 })
    try player.press("<Up*2>")
    #expect(try place(player).bytes < first.bytes)
    try player.press("<Home>")
    #expect(try place(player).vertex == 0)
    try player.press("<Left><Up>")
    #expect(try place(player).vertex == 0)
    try player.press("<End>")
    #expect(try place(player).vertex == (try curve(player)).frontier.vertices.count - 1)
    try player.press("<Right><Down><PgDn>")
    #expect(try place(player).vertex == (try curve(player)).frontier.vertices.count - 1)
  }

  /// Left and right go to another column each time, until the ends.
  @Test func everySidestepIsSeen() throws {
    var player = try played("<F3><Home>")
    let plot = player.state.frontierPlot(of: try curve(player))
    var columns = [plot.column(ofBytes: try place(player).bytes)]
    for _ in 0..<200 {
      try player.press("<Right>")
      columns.append(plot.column(ofBytes: try place(player).bytes))
    }
    let distinct = Array(Set(columns)).sorted()
    #expect(distinct.count > 20)
    #expect(Array(columns.prefix(distinct.count)) == distinct)
  }

  @Test func tabGoesFromPlanToPlan() throws {
    var player = try played("<F3>")
    var names: [String] = []
    let count = try curve(player).marks.count + 1
    for _ in 0..<count {
      try player.press("<Tab>")
      names.append(try place(player).name ?? "?")
    }
    #expect(Set(names).count == count)
    #expect(names.contains("int4"))
    #expect(names.contains("now"))
    try player.press("<S-Tab>")
    #expect(try place(player).name == names[count - 2])
  }

  @Test func enterTakesThePlan() throws {
    var player = try played("<F3><Home><Enter>")
    #expect(Set(player.changed.values) == ["int2"])
    #expect(player.state.edits.done.count == 1)
    #expect(player.state.totals.bytes == (try place(player)).bytes)
    #expect(player.message.contains("F4 compares, u undoes"))
    try player.press("u")
    #expect(player.changed.isEmpty)
    try player.press("<End><Enter>")
    #expect(player.message == "the plan is that already")
  }

  @Test func thePlanOfOneFormatIsTaken() throws {
    var player = try played("<F3>")
    while try place(player).name != "int4" { try player.press("<Tab>") }
    try player.press("<Enter>")
    #expect(Set(player.changed.values) == ["int4"])
    #expect(player.changed.count == 23)
  }

  @Test func pinnedTensorsStay() throws {
    let player = try played("8p<F3><Home><Enter>")
    #expect(player.choice("model.layers.0.self_attn.q_proj.weight") == "int8")
    #expect(player.changed.values.count { $0 == "int2" } == 22)
    #expect(player.lines.contains { $0.contains("1 pinned") })
  }

  @Test func namedPlansStandBeside() throws {
    var options = Options()
    let eight = Choice.format(try Format(parsing: "int8"))
    let six = Choice.format(try Format(parsing: "int6:g32"))
    options.plans = [
      NamedPlan(
        name: "Q6_X", kind: .preset,
        choices: model.tensors.map { $0.suitability.isQuantizable ? six : .source }),
      NamedPlan(
        name: "mine", kind: .saved,
        choices: model.tensors.map { $0.role == .output ? eight : .source }),
    ]
    var player = try played("<F3>", options: options)
    let others = try curve(player).marks.filter { $0.kind != .uniform }.map(\.name)
    #expect(others.prefix(2) == ["Q6_X", "mine"])
    let text = player.lines.joined()
    #expect(text.contains("Q6_X"))
    #expect(text.contains("mine"))
    #expect(text.contains("\u{25C6} preset"))
    while try place(player).name != "Q6_X" { try player.press("<Tab>") }
    try player.press("<Enter>")
    #expect(Set(player.changed.values) == ["int6:g32"])
  }

  @Test func aClickMovesTheCursor() throws {
    var player = try played("<F3>")
    let curve = try curve(player)
    let plot = player.state.frontierPlot(of: curve)
    let wanted = curve.frontier.vertices[curve.frontier.vertices.count / 2]
    let cell = plot.cell(bytes: wanted.bytes, error: wanted.error)
    player.take([.input(.mouse(MouseEvent(.press(.left), at: cell)))])
    let found = try place(player)
    #expect(plot.cell(bytes: found.bytes, error: found.error).column == cell.column)
    #expect(found.vertex != nil)
    let mark = try #require(curve.marks.first { $0.name == "int3" })
    let point = plot.cell(bytes: mark.bytes, error: mark.error)
    player.take([.input(.mouse(MouseEvent(.press(.left), at: point)))])
    #expect(try place(player).name == "int3")
    player.take([.input(.mouse(MouseEvent(.wheelDown, at: point)))])
    #expect(try place(player).bytes > mark.bytes)
  }

  @Test func aContradictionIsSaidInPlaceOfTheCurve() throws {
    let player = try played("4p<Down>5pb<Down*2><Space><Enter><Esc><F3>")
    #expect(player.state.solver.curve == nil)
    let words = player.lines.joined(separator: " ").split(separator: " ").joined(separator: " ")
    #expect(words.contains("must share a format, but are pinned"))
  }

  /// While figures are missing the curve rests on those that are there, and says so.
  @Test func missingFiguresAreSaid() throws {
    var player = try played("<F3>", answers: .none)
    #expect(player.lines.contains { $0.contains("figures to come") })
    player.answers = .real
    player.take([.input(.wake)])
    #expect(!player.lines.contains { $0.contains("figures to come") })
    #expect(try curve(player).needs.isEmpty)
  }

  @Test func leavingTheViewAsksForNothingMore() throws {
    var player = try played("<F3>", answers: .none)
    #expect(!player.state.solver.waiting.isEmpty)
    try player.press("<Esc>")
    #expect(player.state.view == .layers)
    #expect(player.state.solver.waiting.isEmpty)
  }

  @Test(arguments: Objective.allCases.filter { $0 != .divergence })
  func everyObjectiveHasItsCurve(objective: Objective) throws {
    var player = try played("")
    player.state.solver.settings.objective = objective
    try player.press("<F3><Home><Right*10>")
    let curve = try curve(player)
    // What a plan on the curve is said to be, it is.
    for index in stride(from: 0, to: curve.frontier.vertices.count, by: 7) {
      let choices = curve.frontier.choices(at: index)
      let options = zip(curve.problem.tensors, choices).compactMap { tensor, choice in
        tensor.options.first { $0.choice == choice }
      }
      let figures = curve.problem.figures(of: options)
      let vertex = curve.frontier.vertices[index]
      #expect(figures.bytes == vertex.bytes)
      #expect(abs(figures.error - vertex.error) <= max(1e-12, vertex.error * 1e-9))
    }
    let errors = curve.frontier.vertices.map(\.error)
    #expect(zip(errors, errors.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(player.lines.contains { $0.contains("size against \(objective.name)") })
  }
}

struct MovesTests {
  private func played(_ keys: String) throws -> Player {
    var player = Player(
      try SampleModel.llama().open(), size: Size(columns: 120, rows: 36), answers: .real)
    try player.press(keys)
    return player
  }

  @Test func theCheapestStepComesFirst() throws {
    var player = try played("b5bpw<Enter><lt>")
    guard case .moves(let list) = player.state.modal else {
      Issue.record("no list")
      return
    }
    let moves = try #require(player.state.moves(of: list))
    #expect(moves.count == 23)
    #expect(zip(moves, moves.dropFirst()).allSatisfy { $0.costPerByte <= $1.costPerByte })
    let before = player.state.totals
    try player.press("<Enter>")
    #expect(player.state.totals.bytes == before.bytes + moves[0].bytes)
    #expect(player.hasModal)
    try player.press("u")
    #expect(player.state.totals == before)
    try player.press("<Esc>")
    #expect(!player.hasModal)
  }

  @Test func moreBytesGoWhereTheyBringMost() throws {
    var player = try played("b4bpw<Enter>>")
    guard case .moves(let list) = player.state.modal else {
      Issue.record("no list")
      return
    }
    #expect(list.kind == .improvements(within: 10 << 10))
    let moves = try #require(player.state.moves(of: list))
    #expect(moves.allSatisfy { $0.bytes > 0 && $0.bytes <= 10 << 10 && $0.cost < 0 })
    #expect(zip(moves, moves.dropFirst()).allSatisfy { $0.costPerByte >= $1.costPerByte })
    try player.press("<Right>")
    #expect(player.lines.contains { $0.contains("The best use of 100 KiB more") })
    let error = player.state.totals.squaredError
    try player.press("<Enter>")
    #expect(player.state.totals.squaredError < error)
  }

  @Test func theListIsSorted() throws {
    var player = try played("b4bpw<Enter><lt>o")
    func moves() throws -> [Move] {
      guard case .moves(let list) = player.state.modal else { return [] }
      return try #require(player.state.moves(of: list))
    }
    let bySize = try moves().map { -$0.bytes }
    #expect(bySize == bySize.sorted(by: >))
    try player.press("o")
    let byError = try moves().map(\.cost)
    #expect(byError == byError.sorted())
    try player.press("<End><Down><PgDn>")
    guard case .moves(let list) = player.state.modal else { return }
    #expect(list.selected == byError.count - 1)
  }

  @Test func pinnedTensorsHaveNoSteps() throws {
    let player = try played("m*<Enter>4p<lt>")
    #expect(player.lines.contains { $0.contains("nothing can be made smaller") })
  }
}

struct ComparingTests {
  private func played(_ keys: String) throws -> Player {
    var player = Player(
      try SampleModel.llama().open(), size: Size(columns: 120, rows: 36), answers: .real)
    try player.press(keys)
    return player
  }

  @Test func theDifferencesAreThoseOfThePlans() throws {
    let player = try played("4jj3<F4>")
    let comparison = player.state.comparison
    #expect(comparison.name == "as opened")
    #expect(comparison.differences.count == 2)
    #expect(comparison.equal == player.state.model.tensors.count - 2)
    #expect(
      comparison.differences.reduce(0) { $0 + $1.bytes }
        == comparison.now.bytes - comparison.other.bytes)
    let error = comparison.differences.reduce(0) { $0 + ($1.squaredError ?? .nan) }
    #expect(abs(error - player.state.totals.squaredError) < 1e-9)
  }

  @Test func solvingIsComparedWithThePlanBefore() throws {
    var player = try played("b6bpw<Enter>b4bpw<Enter><F4>")
    #expect(player.state.comparison.name == "before")
    #expect(player.state.comparison.other.bitsPerWeight > 5)
    try player.press("<Right>")
    #expect(player.state.comparison.name == "as opened")
    try player.press("<Left>")
    #expect(player.state.comparison.name == "before")
    let first = try #require(player.state.comparison.differences.first)
    try player.press("<Enter>")
    #expect(player.state.choice(of: first.tensor) == first.other)
    #expect(!player.state.comparison.differences.contains { $0.tensor == first.tensor })
    try player.press("u")
    #expect(player.state.comparison.differences.first == first)
  }

  @Test func theListIsSorted() throws {
    var player = try played("b4bpw<Enter><F4>")
    func values(_ value: (PlanDifference) -> Double) -> [Double] {
      player.state.comparison.differences.map(value)
    }
    let errors = values { abs($0.squaredError ?? 0) }
    #expect(errors == errors.sorted(by: >))
    try player.press("o")
    let bytes = values { Double(abs($0.bytes)) }
    #expect(bytes == bytes.sorted(by: >))
    try player.press("o")
    let perByte = values { $0.perByte ?? 0 }
    #expect(perByte == perByte.sorted(by: >))
    try player.press("o")
    let places = values { Double($0.tensor) }
    #expect(places == places.sorted())
  }

  @Test func theTensorIsShownInLayers() throws {
    var player = try played("4<F4>t")
    #expect(player.state.view == .layers)
    #expect(player.here == "model.layers.0.self_attn.q_proj.weight")
    try player.press("<F4><Enter><Enter>")
    #expect(player.message == "there is no difference to take back")
  }

  @Test func errorsOfTheOtherPlanAreMeasured() throws {
    var options = Options()
    let model = try SampleModel.llama().open()
    let odd = Choice.format(try Format(parsing: "int5:affine:g64"))
    options.plans = [
      NamedPlan(
        name: "odd", kind: .preset,
        choices: model.tensors.map { $0.suitability.isQuantizable ? odd : .source })
    ]
    var player = Player(
      model, size: Size(columns: 120, rows: 36), options: options, answers: .none)
    try player.press("<F4><Right>")
    #expect(!player.state.comparison.other.isComplete)
    #expect(player.lines.joined().contains("\u{2026}"))
    player.answers = .real
    player.take([.input(.wake)])
    #expect(player.state.comparison.other.isComplete)
    #expect(player.state.comparison.other.nmse > 0)
  }
}

struct ViewTests {
  @Test func theViewsAreSwitched() throws {
    var player = Player(try SampleModel.llama().open(), answers: .madeUp)
    #expect(player.lines[0].contains("[Layers] Map  Frontier  Compare"))
    for (keys, view) in [
      ("<F3>", View.frontier), ("]", .compare), ("]", .channels), ("]", .formats), ("]", .quality),
      ("]", .layers), ("[", .quality), ("[", .formats), ("[", .channels),
      ("<F1>", .layers), ("]", .map),
      ("<F4>", .compare), ("<Esc>", .layers), (":size against error<Enter>", .frontier),
    ] {
      try player.press(keys)
      #expect(player.state.view == view)
      #expect(player.lines[0].contains("[\(view.title)]"))
    }
  }

  /// Keys of one view do nothing in another.
  @Test(arguments: ["4", "<Space>", "*", "/", "f", "c", "p", "0", "Z"])
  func keysBelongToTheirViews(keys: String) throws {
    for view in ["<F3>", "<F4>"] {
      var player = Player(try SampleModel.llama().open(), answers: .madeUp)
      try player.press(view + keys)
      #expect(player.changed.isEmpty)
      #expect(player.state.marks.isEmpty)
      #expect(!player.hasModal)
      #expect(player.message.hasSuffix("does nothing here: ? shows the keys"))
    }
  }

  @Test func thePaletteSaysWhereAnActionBelongs() throws {
    var player = Player(try SampleModel.llama().open(), answers: .madeUp)
    try player.press("<F3>:4 bits<Enter>")
    #expect(player.message == "that belongs to Layers: F1 goes there")
  }

  @Test func aClickOnATabShowsItsView() throws {
    var player = Player(try SampleModel.llama().open(), answers: .madeUp)
    let column = try #require(player.lines[0].firstRange(of: "Compare"))
    let place = player.lines[0].distance(
      from: player.lines[0].startIndex, to: column.lowerBound)
    player.take([.input(.mouse(MouseEvent(.press(.left), at: Point(column: place, row: 0))))])
    #expect(player.state.view == .compare)
  }
}
