import Measurement
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

struct ChannelsTests {
  private let model: Model

  init() throws { model = try SampleModel.llama().open() }

  private func played(
    _ keys: String, size: Size = Size(columns: 100, rows: 30), model: Model? = nil,
    answers: Player.Answers = .real, options: Options = Options()
  ) throws -> Player {
    var player = Player(model ?? self.model, size: size, options: options, answers: answers)
    try player.press(keys)
    return player
  }

  private func text(_ player: Player) -> String { player.lines.joined(separator: "\n") }

  /// The channels in the list, as they are shown.
  private func listed(_ player: Player) throws -> [Int] {
    let digest = try #require(player.state.channels.digest)
    return (0..<digest.count).map { digest.channel(at: $0) }
  }

  private func figures(_ player: Player) throws -> [ChannelFigures] {
    let (measurement, digest) = try #require(player.state.shownChannels)
    return (0..<digest.count).map { measurement.errors.figures(of: $0, digest.key.axis) }
  }

  // MARK: - What is shown

  @Test func theViewIsAboutTheTensorAtTheCursor() throws {
    var player = try played("4<F5>")
    #expect(player.state.view == .channels)
    #expect(text(player).contains("model.layers.0.self_attn.q_proj.weight"))
    #expect(text(player).contains("64 rows × 64 inputs"))
    #expect(try figures(player).count == 64)
    try player.press("<F2><Right><F5>")
    #expect(text(player).contains("model.layers.0.self_attn.k_proj.weight"))
    #expect(try figures(player).count == 32)
    try player.press("<Esc>")
    #expect(player.state.view == .layers)
  }

  @Test func bothSidesAddUpToTheTotals() throws {
    var player = try played("4<F5>")
    let id = try #require(player.state.tensor?.id)
    let sum = try #require(player.state.contributions[id].squaredError)
    for _ in 0..<2 {
      let digest = try #require(player.state.channels.digest)
      #expect(abs(digest.squaredError - sum) <= 1e-12 * sum)
      try player.press("<Tab>")
    }
  }

  @Test func theListIsSorted() throws {
    var player = try played("4<F5>")
    #expect(try listed(player) == Array(0..<64))
    let values: [(ChannelFigures) -> Double] = [
      { $0.squaredError }, { $0.range }, { Double($0.outliers) },
    ]
    for axis in ChannelsState.Axis.allCases {
      for value in values {
        try player.press("o")
        let figures = try figures(player)
        let sorted = figures.indices.sorted {
          let (a, b) = (value(figures[$0]), value(figures[$1]))
          return a == b ? $0 < $1 : a > b
        }
        #expect(try listed(player) == sorted)
        #expect(player.state.channels.cursor == sorted.first)
      }
      try player.press("o")
      #expect(player.state.channels.order == .model)
      if axis == .rows { try player.press("<Tab>") }
    }
    #expect(player.state.channels.axis == .columns)
  }

  @Test func theCursorWalks() throws {
    var player = try played("4<F5>")
    try player.press("<Down>jj<Up>")
    #expect(player.state.channels.cursor == 2)
    try player.press("<End>")
    #expect(player.state.channels.cursor == 63)
    #expect(player.lines.contains { $0.contains("   63 ") })
    try player.press("<PgUp>")
    let rows = ChannelsLayout(ScreenLayout(size: player.state.size).body).list.rows
    #expect(player.state.channels.cursor == 63 - rows + 1)
    try player.press("g")
    #expect(player.state.channels.cursor == 0)
    // Each side has a cursor of its own.
    try player.press("j<Tab>jjj<Tab>")
    #expect(player.state.channels.cursor == 1)
    try player.press("<Tab>")
    #expect(player.state.channels.cursor == 3)
    // A step keeps it.
    try player.press("-")
    #expect(player.state.channels.cursor == 3)
  }

  /// Sorting before anything is known shows the worst one as soon as it is.
  @Test func sortingDoesNotWaitForFigures() throws {
    var player = try played("4<F5>o", answers: .none)
    #expect(player.state.channels.digest == nil)
    #expect(text(player).contains("measuring its rows and columns"))
    player.answers = .real
    player.take([.input(.wake)])
    #expect(player.state.channels.cursor == (try listed(player)).first)
    #expect(player.state.channels.scroll == 0)
    try player.press("n")
    #expect(player.state.channels.cursor == (try listed(player)).first)
  }

  @Test func tensorsCanBeWalkedFromHere() throws {
    var player = try played("<F5>")
    #expect(player.here == "model.layers.0.self_attn.q_proj.weight")
    try player.press("n")
    #expect(player.here == "model.layers.0.self_attn.k_proj.weight")
    try player.press("NN")
    #expect(player.here == "model.embed_tokens.weight")
    try player.press("N")
    #expect(player.message.contains("first tensor"))
    try player.press("n*")
    #expect(player.message.contains("does nothing here"))
    for _ in 0..<40 { try player.press("n") }
    #expect(player.here == "lm_head.weight")
    #expect(player.message.contains("last tensor"))
    // What isn't worth it is passed over, a filter is heeded.
    try player.press("<F1>f*.1.mlp.*<Enter><F5>nnnnnn")
    #expect(player.here?.hasPrefix("model.layers.1.mlp.") == true)
    try player.press("<F2><F5>N")
    #expect(player.here?.hasPrefix("model.layers.1.mlp.") == true)
  }

  @Test func whatCannotBeShownSaysWhy() throws {
    var player = try played("G<F5>")
    #expect(text(player).contains("kept as it is: norm"))
    try player.press("(")
    #expect(player.message == "there is no granularity to choose here")
    try player.press("jo<Tab>k")
    #expect(player.changed.isEmpty)
    player = try played("k<F5>")
    #expect(text(player).contains("the cursor stands on a group"))
    try player.press("n")
    #expect(player.here == "model.layers.0.self_attn.q_proj.weight")
    player = try played("<F5>n", model: SampleModel([]).open())
    #expect(text(player).contains("no tensor of this model is worth quantizing"))
  }

  @Test func wordsSayWhereTheErrorIs() throws {
    // One row in a hundred has a hundred times the error of the others.
    var values = [Float](repeating: 0, count: 100 * 32)
    for index in values.indices {
      let row = index / 32
      values[index] = Float((index * 29) % 31 - 15) * (row == 42 ? 1 : 0.1)
    }
    let model = try SampleModel([SampleTensor("w.weight", [100, 32], values: values)]).open()
    let player = try played("tint4:channel<Enter><F5>", model: model)
    #expect(text(player).contains("1 of 100 output rows holds 49.9 % of the error"))
    let even = try played("tint4:channel<Enter><F5><Tab>", model: model)
    #expect(text(even).contains("spread evenly over the 32 input channels"))
  }

  // MARK: - Steps and granularity

  @Test func stepsWorkAsInLayers() throws {
    var player = try played("<F5>4")
    let name = "model.layers.0.self_attn.q_proj.weight"
    #expect(player.choice(name) == "int4")
    let before = try #require(player.state.channels.digest)
    try player.press("-")
    #expect(player.choice(name) == "int3")
    let after = try #require(player.state.channels.digest)
    #expect(after.squaredError > before.squaredError)
    #expect(after.maximum == before.maximum)
    try player.press("u")
    #expect(player.state.channels.digest?.key == before.key)
    try player.press("<Left>p0")
    #expect(player.choice(name) == "source")
    #expect(text(player).contains("nothing is lost yet"))
  }

  @Test func granularityIsAStepToo() throws {
    var player = try played("4<F5>")
    let name = "model.layers.0.self_attn.q_proj.weight"
    // Rows of 64 have no groups that are longer, but for the one that they have.
    let tensor = try #require(player.state.tensor)
    #expect(
      player.state.granularities(of: tensor).map(\.granularity.name)
        == ["tensor", "channel", "g128", "g32"])
    try player.press(")")
    #expect(player.choice(name) == "int4:g32")
    try player.press(")")
    #expect(player.message == "nothing finer")
    try player.press("((")
    #expect(player.choice(name) == "int4:tensor")
    try player.press("(")
    #expect(player.message == "nothing coarser")
    try player.press("uuu")
    #expect(player.choice(name) == "int4")
    try player.press("u")
    #expect(player.changed.isEmpty)
    try player.press(")")
    #expect(player.message.contains("the source has no scales"))
    try player.press("tq8_0<Enter>)")
    #expect(player.message.contains("q8_0 shares scales in its own way"))
    #expect(text(player).contains("q8_0: blocks of 32"))
    #expect(player.state.granularityBase(of: tensor).bits == 8)
  }

  @Test func whatTheFormatCannotHaveIsLeftOut() throws {
    let player = try played("tint4:affine:channel:hqq<Enter><F5>")
    let tensor = try #require(player.state.tensor)
    #expect(
      player.state.granularities(of: tensor).map(\.description)
        == ["int4:affine:channel:hqq", "int4:affine:g32:hqq"])
  }

  // MARK: - Measuring

  @Test func whatIsSeenIsMeasuredFirst() throws {
    let player = try played("4<F5>", answers: .none)
    let id = try #require(player.state.tensor?.id)
    let int4 = try Format(parsing: "int4")
    #expect(player.state.urgent.first == .channels(tensor: id, format: int4))
    for name in ["int4:tensor", "int4:channel", "int4:g32"] {
      let work = Work.measurement(tensor: id, format: try Format(parsing: name))
      #expect(player.state.urgent.contains(work))
    }
    #expect(player.state.urgent.allSatisfy { if case .histogram = $0 { false } else { true } })
    let layers = try played("4", answers: .none)
    #expect(layers.state.urgent.allSatisfy { if case .channels = $0 { false } else { true } })
  }

  /// Ranges stay while the errors of another format are measured.
  @Test func rangesStayWhileErrorsAreMeasured() throws {
    var player = try played("4<F5>")
    player.answers = .none
    try player.press("3")
    #expect(text(player).contains("measuring the errors"))
    #expect(try figures(player).count == 64)
    #expect(!player.state.areChannelErrorsCurrent)
    player.answers = .real
    player.take([.input(.wake)])
    #expect(player.state.areChannelErrorsCurrent)
    #expect(!text(player).contains("measuring"))
  }

  @Test func partsAreShownAsSuch() throws {
    var player = try played("4<F5>", answers: .none)
    let id = try #require(player.state.tensor?.id)
    let int4 = try Format(parsing: "int4")
    let work = Work.channels(tensor: id, format: int4)
    func part(_ rows: Int) -> Finding { .channels(MadeUp.channels(id, int4, rows: rows)) }
    player.take([.found(work, part(5))])
    #expect(text(player).contains("so far 5 of 12 rows, 41.7 %"))
    #expect(player.state.urgent.contains(work))
    player.take([.found(work, part(12))])
    #expect(!text(player).contains("so far"))
    #expect(!player.state.urgent.contains(work))
    // A part that comes late takes nothing away.
    player.take([.found(work, part(9))])
    #expect(player.state.channels.digest?.count == 12)
  }

  /// Only the latest figures are kept, those at hand among them.
  @Test func oldFiguresAreForgotten() {
    var findings = Findings(count: 10)
    let rows = Findings.channelsAtMost / 3
    let weights = [Float](repeating: 1, count: rows)
    var errors = ChannelErrors(outliersBelow: -2, above: 2)
    errors.add(weights.span, weights.span, rowLength: 1)
    let measurement = ChannelMeasurement(format: nil, errors: errors, rows: rows)
    for tensor in 0..<10 {
      findings.add(.channels(tensor: tensor, format: nil), .channels(measurement))
      #expect(findings.has(.channels(tensor: tensor, format: nil)))
      #expect(findings.channels.count <= 2)
    }
  }

  // MARK: - The profile and the mouse

  /// Every channel stands in some column, every column has channels, in order.
  @Test(arguments: [1, 2, 5, 63, 64, 65, 100, 768, 4_097])
  func theProfileHoldsEveryChannel(count: Int) {
    for columns in [1, 7, 30, 64, 110] {
      let plot = ChannelPlot(
        Rect(column: 3, row: 2, columns: columns, rows: 7), count: count, hasErrors: true)
      var next = 0
      for column in plot.band.column..<plot.band.endColumn {
        guard let channels = plot.channels(at: column) else {
          Issue.record("an empty column")
          return
        }
        #expect(channels.lowerBound <= next)
        next = max(next, channels.upperBound)
      }
      #expect(next == count)
      for channel in 0..<count {
        let column = plot.column(of: channel)
        #expect(plot.channels(at: column)?.contains(channel) == true)
      }
    }
  }

  @Test func theMouseSelects() throws {
    var player = try played("4<F5>", size: Size(columns: 120, rows: 36))
    let layout = ChannelsLayout(ScreenLayout(size: player.state.size).body)
    func click(_ column: Int, _ row: Int) {
      player.take([
        .input(.mouse(MouseEvent(.press(.left), at: Point(column: column, row: row))))
      ])
    }
    click(layout.list.column + 3, layout.list.row + 4)
    #expect(player.state.channels.cursor == 4)
    click(layout.plot.endColumn - 1, layout.plot.row + 1)
    #expect(player.state.channels.cursor == 63)
    let tabs = player.state.channelTabs(in: layout.switches)
    click(tabs[1].rect.column + 2, tabs[1].rect.row)
    #expect(player.state.channels.axis == .columns)
    click(tabs[1].rect.column + 2, tabs[1].rect.row)
    #expect(player.state.channels.axis == .columns)
    click(layout.panel.column + 3, layout.panel.row + 3)
    #expect(player.choice("model.layers.0.self_attn.q_proj.weight") == "int4:channel")
    try player.press("u")
    #expect(player.choice("model.layers.0.self_attn.q_proj.weight") == "int4")
    player.take([
      .input(.mouse(MouseEvent(.wheelDown, at: Point(column: 5, row: layout.list.row))))
    ])
    #expect(player.state.channels.cursor == 3)
  }
}
