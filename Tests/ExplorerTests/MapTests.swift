import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

struct MapTests {
  private let model: Model

  init() throws { model = try SampleModel.llama().open() }

  private func played(
    _ keys: String, size: Size = Size(columns: 120, rows: 36),
    answers: Player.Answers = .madeUp, model: Model? = nil
  ) throws -> Player {
    var player = Player(model ?? self.model, size: size, answers: answers)
    try player.press(keys)
    return player
  }

  /// Every tensor worth quantizing stands in one cell, blocks down and roles across.
  @Test func theGridHoldsAllThatCanBeChanged() throws {
    for sample in [SampleModel.llama(), .mixture(), .hostile(), .single(), SampleModel([])] {
      let model = try sample.open()
      let grid = MapGrid(tensors: model.tensors, catalogue: Catalogue(tensors: model.tensors))
      let worth = model.tensors.filter(\.suitability.isQuantizable).map(\.id)
      #expect(grid.kept == model.tensors.count - worth.count)
      let lines = grid.lines.filter { $0.subject != .all }
      #expect(lines.flatMap { $0.cells.last ?? [] }.sorted() == worth)
      for line in grid.lines {
        #expect(line.cells.count == grid.columns)
        guard case .block(_, let index) = line.subject else { continue }
        #expect(line.cells.dropLast().flatMap { $0 }.sorted() == line.cells.last?.sorted())
        for (role, ids) in zip(grid.roles, line.cells) {
          #expect(ids.allSatisfy { model.tensors[$0].role == role })
          #expect(ids.allSatisfy { model.tensors[$0].block == index })
        }
      }
      if let sums = grid.lines.last, sums.subject == .all {
        #expect(sums.cells.last?.sorted() == worth)
      }
    }
  }

  @Test func theCursorWalks() throws {
    var player = try played("/1.self_attn.k<Enter><F2>")
    #expect(player.here == "model.layers.1.self_attn.k_proj.weight")
    try player.press("<Right>")
    #expect(player.here == "model.layers.1.self_attn.v_proj.weight")
    try player.press("<Down>")
    #expect(player.here == "model.layers.2.self_attn.v_proj.weight")
    try player.press("hk")
    #expect(player.here == "model.layers.1.self_attn.k_proj.weight")
    // Outside of blocks there is one cell; the column is kept.
    try player.press("<Home>")
    #expect(player.here == "model.embed_tokens.weight")
    #expect(player.state.targets.count == 1)
    try player.press("<Left><Down>")
    #expect(player.here == "model.layers.0.self_attn.k_proj.weight")
    try player.press("<Left*20>")
    #expect(player.here == "model.layers.0.self_attn.q_proj.weight")
    try player.press("<Right*20>")
    #expect(player.state.targets.count == 7)
    try player.press("<End>")
    #expect(player.state.targets.count == 23)
    try player.press("<PgUp><PgUp>")
    #expect(player.here == "model.embed_tokens.weight")
  }

  /// The map starts where Layers is, and stays where it was if Layers didn't move.
  @Test func theMapFollowsLayers() throws {
    var player = try played("/2.mlp.up<Enter><F2>")
    #expect(player.here == "model.layers.2.mlp.up_proj.weight")
    try player.press("<Up*2><F1>")
    #expect(player.here == "model.layers.2.mlp.up_proj.weight")
    try player.press("<F2>")
    #expect(player.here == "model.layers.0.mlp.up_proj.weight")
    try player.press("<Enter>")
    #expect(player.state.view == .layers)
    #expect(player.here == "model.layers.0.mlp.up_proj.weight")
    try player.press("<Up><F2>")
    #expect(player.here == "model.layers.0.mlp.gate_proj.weight")
    // What the map stands on is what the views beside it are about.
    try player.press("<Down><F3>")
    #expect(player.here == "model.layers.1.mlp.gate_proj.weight")
  }

  @Test func stepsChangeTheCell() throws {
    var player = try played("/1.self_attn.q<Enter><F2>4")
    #expect(player.changed == ["model.layers.1.self_attn.q_proj.weight": "int4"])
    try player.press("-")
    #expect(player.choice("model.layers.1.self_attn.q_proj.weight") == "int3")
    try player.press("+=")
    #expect(player.choice("model.layers.1.self_attn.q_proj.weight") == "int5")
    try player.press("p0")
    #expect(player.changed.isEmpty)
    try player.press("u")
    #expect(player.choice("model.layers.1.self_attn.q_proj.weight") == "int5")
    // A whole block, and a whole role.
    try player.press("<Right*9>3")
    #expect(player.changed.count == 7)
    #expect(player.changed.keys.allSatisfy { $0.hasPrefix("model.layers.1.") })
    try player.press("u<End><Left*9>6")
    #expect(player.changed.count == 3)
    #expect(Set(player.changed.values) == ["int6"])
  }

  @Test func expertsAreOneCell() throws {
    let model = try SampleModel.mixture().open()
    var player = try played("<F2><End><Up*2><Right*9><Left>", model: model)
    let ids = player.state.targets
    #expect(Set(ids.map { model.tensors[$0].expert }).count == 4)
    try player.press("4")
    #expect(player.changed.count == 4)
    #expect(player.lines.joined().contains("int4"))
  }

  @Test func cellsAreMarked() throws {
    var player = try played("/1.self_attn.q<Enter><F2><Space>")
    #expect(player.state.marks.count == 1)
    #expect(player.here == "model.layers.2.self_attn.q_proj.weight")
    try player.press("<Space>4")
    #expect(player.changed.count == 2)
    try player.press("<Up*2>*")
    #expect(player.state.marks.count == 3)
    try player.press("<Esc>")
    #expect(player.state.view == .layers)
    try player.press("<Esc>")
    #expect(player.state.marks.isEmpty)
  }

  @Test func anEmptyCellSaysSo() throws {
    var generator = SeededGenerator(seed: 1)
    let model = try SampleModel(
      ["0.self_attn.q_proj", "1.mlp.up_proj"].map {
        .random("model.layers.\($0).weight", [64, 64], from: &generator)
      }
    ).open()
    var player = try played("<F2><Home><Right>", model: model)
    #expect(player.here == nil)
    try player.press("4")
    #expect(player.message == "there is no tensor here")
    #expect(player.lines.joined().contains("no such tensor"))
    try player.press("-<Enter>tc<Esc><Space>")
    #expect(player.state.view == .map)
    #expect(player.state.marks.isEmpty)
    #expect(player.here == "model.layers.1.mlp.up_proj.weight")
  }

  // MARK: - Figures

  @Test func coloursGoRound() throws {
    var player = try played("*4<F2>")
    var seen: [MapColoring] = []
    for _ in 0..<4 {
      seen.append(player.state.map.coloring)
      #expect(player.lines.joined().contains(player.state.map.coloring.title(player.state.mapUnit)))
      try player.press("o")
    }
    #expect(seen == MapColoring.allCases)
    #expect(player.state.map.coloring == .bits)
  }

  @Test func gainsAreThoseOfAStepUp() throws {
    var player = try played("m*layers*<Enter>4<Esc>/1.mlp.up<Enter><F2>ooo", answers: .real)
    let id = try #require(player.state.tensor?.id)
    let before = player.state.totals
    guard case .known(let gain, false) = player.state.mapFigure(of: [id]) else {
      Issue.record("no gain")
      return
    }
    try player.press("+")
    let after = player.state.totals
    let bytes = Double(after.bytes - before.bytes)
    let expected = (before.squaredError - after.squaredError) / before.squares / bytes * 0x1p20
    #expect(abs(gain - expected) < expected * 1e-6)
    // What is lossless can't become better.
    try player.press("0")
    #expect(player.state.mapFigure(of: [id]) == .nothing)
  }

  @Test func whatIsInSightIsMeasured() throws {
    var player = try played("m*layers*<Enter>4<Esc><F2>", answers: .none)
    let id = try #require(player.state.tensor?.id)
    try player.press("o")
    #expect(player.state.mapFigure(of: [id]) == .waiting)
    try player.press("oo")
    let formats = Set(
      player.state.urgent.compactMap { work in
        if case .measurement(_, let format) = work { format.description } else { nil }
      })
    #expect(formats.isSuperset(of: ["int3", "int4", "int5"]))
    #expect(
      player.state.urgent.allSatisfy { if case .histogram = $0 { false } else { true } })
    player.answers = .madeUp
    player.take([.input(.wake)])
    #expect(player.state.mapFigure(of: [id]) != .waiting)
  }

  @Test func shortFiguresAreShort() {
    for (value, text) in [
      (0.0, "0"), (1.0, "100"), (0.599, "59.9"), (0.0803, "8.03"), (0.009_12, "0.912"),
      (0.000_45, "0.045"), (0.000_04, "0.004"), (1e-7, "1e-5"), (123.0, "1e4"), (-0.01, "-1.00"),
      (.infinity, "inf"), (9.99e-6, "0.001"), (9.96e-8, "1e-5"),
    ] {
      #expect(ShortFigures.percent(value) == text)
    }
    for exponent in -30...30 {
      let value =
        3.777 * (0..<abs(exponent)).reduce(1.0) { sum, _ in sum * (exponent < 0 ? 0.1 : 10) }
      #expect(ShortFigures.percent(value).columns <= 5)
      #expect(ShortFigures.percent(value, about: "~").columns <= 6)
    }
    #expect(ShortFigures.bytes(33_792) == "33.0K")
    #expect(ShortFigures.bytes(512) == "512B")
    #expect(ShortFigures.bits(16) == "16.0")
    #expect(ShortFigures.bits(4.125) == "4.12")
  }

  @Test func scalesHaveEightSteps() {
    let scale = HeatScale(low: 1, high: 16)
    #expect(
      [0, 1, 1.4, 2, 4, 8, 15, 16, .infinity].map(scale.step) == [1, 1, 1, 3, 5, 7, 8, 8, 8])
    #expect(HeatScale(low: 0, high: 0).step(of: 0) == 1)
    #expect(HeatScale(low: 5, high: 5).step(of: 5) == 1)
    for depth in ColorDepth.allCases {
      let styles = (1...8).map { HeatScale.style(step: $0, depth: depth) }
      let distinct = Set(styles.map(\.background)).count
      #expect(distinct == [.none: 1, .eight: 3, .sixteen: 6, .many: 8][depth])
      // They need not be reduced to what there is.
      #expect(styles.allSatisfy { $0.reduced(to: depth) == $0 })
    }
  }

  // MARK: - Room

  /// Long models scroll, and so do many roles; the cursor stays in sight and can be clicked.
  @Test(arguments: [
    Size(columns: 40, rows: 10), Size(columns: 60, rows: 16), Size(columns: 80, rows: 24),
    Size(columns: 200, rows: 60),
  ])
  func theCursorStaysInSight(size: Size) throws {
    let model = try SampleModel.llama(blocks: 40).open()
    var player = try played("<F2><Home>", size: size, answers: .none, model: model)
    for keys in ["<Down>", "<PgDn>", "<End>", "<PgUp>", "<Right*4>", "<Left*2>", "<Up*7>"] {
      try player.press(keys)
      let state = player.state
      let layout = MapLayout(state)
      let row = layout.row(ofLine: state.map.line, state)
      #expect(layout.lines(state).contains(state.map.line))
      let column = state.mapGrid.shownColumn(line: state.map.line, column: state.map.column)
      #expect(layout.columns(state).contains(column))
      let cell = layout.cell(column, in: row, state)
      #expect(ScreenLayout(size: size).body.contains(cell.origin))
      #expect(cell.endColumn <= size.columns)
      var clicked = player
      try clicked.press("<Home><Left*9>")
      clicked.state.map.scroll = state.map.scroll
      clicked.state.map.columnScroll = state.map.columnScroll
      clicked.take([
        .input(.mouse(MouseEvent(.press(.left), at: Point(column: cell.column + 2, row: cell.row))))
      ])
      #expect(clicked.state.targets == state.targets)
    }
  }

  @Test func aDoubleClickGoesToLayers() throws {
    var player = try played("<F2>")
    let layout = MapLayout(player.state)
    let cell = layout.cell(2, in: layout.cells.line(3), player.state)
    let point = Point(column: cell.column + 3, row: cell.row)
    player.take([.input(.mouse(MouseEvent(.press(.left), at: point)))])
    #expect(player.here == "model.layers.2.self_attn.v_proj.weight")
    player.take([.input(.mouse(MouseEvent(.wheelUp, at: point)))])
    #expect(player.here == "model.embed_tokens.weight")
    player.take([.input(.mouse(MouseEvent(.doublePress(.left), at: point)))])
    #expect(player.state.view == .layers)
    #expect(player.here == "model.layers.2.self_attn.v_proj.weight")
  }
}
