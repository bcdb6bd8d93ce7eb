import Measurement
import ModelFiles
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// The histogram: zooming and panning, the levels under it, the errors over it, and how it is found.
struct HistogramTests {
  private let model: Model

  init() throws { model = try SampleModel.llama(blocks: 2).open() }

  private func played(
    _ keys: String, size: Size = Size(columns: 80, rows: 24), answers: Player.Answers = .real
  ) throws -> Player {
    var player = Player(model, size: size, answers: answers)
    try player.press(keys)
    return player
  }

  private func shown(_ player: Player, format: Format? = nil) throws -> ShownHistogram {
    let state = player.state
    let tensor = try #require(state.tensor)
    return try #require(
      state.shownHistogram(of: tensor.id, format: format, columns: state.layout.histogramBins))
  }

  private func weights(_ player: Player) throws -> [Float] {
    let tensor = try #require(player.state.tensor)
    let reader = try #require(WeightReader(model: model, tensor: tensor))
    var piece: [Float] = []
    return (0..<reader.pieceCount).flatMap { index in
      reader.read(piece: index, into: &piece)
      return piece
    }
  }

  // MARK: - Zoom and pan

  /// What a column says is what lies between its edges, however deep it is.
  @Test(arguments: [
    "H", "Hi", "Hiii<Left*3>", "Hiiiiiii..", "Hiiiiiiiiiiii", "Hoo,", "i.", "H<Left>o<Right>",
  ])
  func columnsAreCounted(keys: String) throws {
    let player = try played(keys)
    let shown = try shown(player)
    #expect(!shown.isCoarse)
    let weights = try weights(player)
    #expect(shown.counts.reduce(shown.below + shown.above, +) == UInt64(weights.count))
    let width = (shown.upper - shown.lower) / Double(shown.counts.count)
    var differences = 0
    for (column, count) in shown.counts.enumerated() {
      let edge = shown.lower + Double(column) * width
      let expected = weights.count { Double($0) >= edge && Double($0) < edge + width }
      differences += abs(expected - Int(count))
    }
    // The ends of the axis are rounded to single precision.
    #expect(differences <= 2 + weights.count / 1_000)
  }

  @Test func zoomingInAndOutComesBack() throws {
    var player = try played("H")
    let before = try shown(player).counts
    try player.press("iiiiooo")
    #expect(player.state.histogram.window.zoom == 1)
    try player.press("o")
    #expect(player.state.histogram.window == .whole)
    #expect(try shown(player).counts == before)
    try player.press("ii<Right*9>w")
    #expect(player.state.histogram.window == .whole)
    try player.press("iii<Home>")
    #expect(player.state.histogram.window == .whole)
  }

  /// At both ends there is a word, and nothing changes any more.
  @Test func thereAreEnds() throws {
    var player = try played("H")
    try player.press(String(repeating: "i", count: 30))
    #expect(player.state.histogram.window.zoom == HistogramWindow.zooms.upperBound)
    #expect(player.message.contains("single precision"))
    try player.press("w" + String(repeating: "o", count: 30))
    #expect(player.message == "all weights are in sight")
    #expect(try shown(player).below == 0 && shown(player).above == 0)
    try player.press("<Left>")
    #expect(player.message.contains("no weights lie further left"))
    try player.press("w" + String(repeating: "<Right>", count: 40))
    #expect(player.message.contains("no weights lie further right"))
    #expect(abs(player.state.histogram.window.centre) < 3)
  }

  /// Until the finer counts are there, the coarse ones are shown, and said to be so: no key waits.
  @Test func coarseCountsComeFirst() throws {
    var player = try played("4H")
    player.answers = .none
    try player.press("iii")
    let coarse = try shown(player)
    #expect(coarse.isCoarse)
    #expect(player.lines.joined().contains("counting"))
    // Eight columns share a bin: its count as it is, nothing between.
    let changes = zip(coarse.counts, coarse.counts.dropFirst()).count { $0 != $1 }
    #expect(changes <= coarse.counts.count / 8 + 1)
    let wanted = player.state.urgent.compactMap { work -> HistogramTile? in
      if case .histogram(_, _, _, let tile) = work { tile } else { nil }
    }
    #expect(wanted.count == 2)
    player.answers = .real
    player.take([.input(.wake)])
    #expect(try !shown(player).isCoarse)
    #expect(!player.lines.joined().contains("counting"))
  }

  /// Tiles that nobody looks at any more make room for others.
  @Test func tilesAreDropped() {
    var findings = Findings(count: 1)
    func work(_ index: Int) -> Work {
      .histogram(
        tensor: 0, format: nil, bins: 4, tile: HistogramTile(level: 1, index: index))
    }
    let whole = Work.histogram(tensor: 0, format: nil, bins: 4)
    let counted = Finding.histogram(
      Histogram(range: HistogramRange(lower: -1, upper: 1, bins: 64)))
    findings.add(whole, counted)
    for index in 0..<300 { findings.add(work(index), counted) }
    #expect(findings.histograms.count == Findings.tilesAtMost + 1)
    #expect(findings.has(whole) && findings.has(work(299)) && !findings.has(work(0)))
  }

  /// A window stays where it is when the screen changes its width.
  @Test func resizingKeepsTheWindow() throws {
    var player = try played("H" + "iii<Left*5>")
    let before = try shown(player)
    player.take([.input(.resize(Size(columns: 120, rows: 36)))])
    let after = try shown(player)
    let width = before.upper - before.lower
    #expect(after.counts.count > before.counts.count)
    #expect(abs(after.lower - before.lower) < width / 20)
    #expect(abs(after.upper - before.upper) < width / 20)
  }

  // MARK: - Finding one's way

  @Test func tabLeadsThroughThePanes() throws {
    var player = try played("", answers: .madeUp)
    #expect(player.state.focus == .list)
    try player.press("<Tab>")
    #expect(player.state.focus == .ladder)
    try player.press("<Tab>")
    #expect(player.state.focus == .histogram && player.state.ladderCursor == nil)
    try player.press("<Tab>")
    #expect(player.state.focus == .list)
    try player.press("H<Esc>")
    #expect(player.state.focus == .list && player.state.view == .layers)
    // Where there is no ladder, it is passed over.
    player.take([.input(.resize(Size(columns: 60, rows: 16)))])
    try player.press("<Tab>")
    #expect(player.state.focus == .histogram)
    try player.press("<F2>")
    #expect(player.state.focus == .list)
  }

  /// Steps work on it as everywhere; the arrows pan, and up and down go to other tensors.
  @Test func stepsWorkOnTheHistogram() throws {
    var player = try played("4H", answers: .madeUp)
    let here = try #require(player.here)
    #expect(player.choice(here) == "int4")
    try player.press("-")
    let less = player.choice(here)
    #expect(less != "int4")
    try player.press("+")
    #expect(player.choice(here) == "int4")
    try player.press("<Left*2>i<Right>")
    #expect(player.choice(here) == "int4" && player.state.histogram.window != .whole)
    try player.press("<Down>")
    #expect(player.here != here && player.state.focus == .histogram)
    let hints = player.lines.last ?? ""
    for word in ["closer", "farther", "pan", "? help", "q quit"] { #expect(hints.contains(word)) }
  }

  @Test func theWheelZoomsAboutThePointer() throws {
    for keys in ["", "H"] {
      var player = try played(keys, size: Size(columns: 120, rows: 36))
      let rect = player.state.layout.histogram
      let column = rect.columns / 4
      let point = Point(column: rect.column + column, row: rect.row + 2)
      func edge() throws -> Double {
        let shown = try shown(player)
        return shown.lower
          + (shown.upper - shown.lower) * Double(column) / Double(shown.counts.count)
      }
      let before = try edge()
      let width = try shown(player).upper - shown(player).lower
      for _ in 0..<4 { player.take([.input(.mouse(MouseEvent(.wheelUp, at: point)))]) }
      #expect(player.state.histogram.window.zoom == 4)
      #expect(abs(try edge() - before) < width * 1e-5)
      player.take([.input(.mouse(MouseEvent(.wheelDown, at: point)))])
      #expect(player.state.histogram.window.zoom == 3)
      #expect(player.state.cursor == (try played(keys, answers: .none)).state.cursor)
    }
  }

  @Test func aClickMakesItLarge() throws {
    var player = try played("", answers: .madeUp)
    let rect = player.state.layout.histogram
    let point = Point(column: rect.column + 3, row: rect.row + 1)
    player.take([.input(.mouse(MouseEvent(.press(.left), at: point)))])
    #expect(player.state.focus == .histogram)
    #expect(player.state.layout.histogram.rows > rect.rows)
    let list = player.state.layout.list
    player.take([
      .input(.mouse(MouseEvent(.press(.left), at: Point(column: 20, row: list.row))))
    ])
    #expect(player.state.focus == .histogram && player.state.cursor == player.state.scroll)
  }

  @Test func refusalsSayWhy() throws {
    var player = Player(try SampleModel([]).open())
    try player.press("i")
    #expect(player.message.contains("put the cursor on a tensor"))
    player = try played("", size: Size(columns: 60, rows: 16), answers: .madeUp)
    try player.press("i")
    #expect(player.message.contains("H makes some"))
    try player.press("<F3>:zoom in<Enter>")
    #expect(player.message.contains("belongs to Layers"))
  }

  // MARK: - What is drawn

  @Test(arguments: [
    Size(columns: 60, rows: 16), Size(columns: 80, rows: 24), Size(columns: 120, rows: 36),
    Size(columns: 200, rows: 60), Size(columns: 40, rows: 10),
  ]) func itHasMostOfTheScreen(size: Size) throws {
    let layout = ScreenLayout(size: size, isHistogramLarge: true)
    #expect(layout.histogram.rows >= (size.rows < 16 ? 4 : size.rows / 2 - 1))
    #expect(layout.histogram.endRow <= layout.message.row)
    let player = try played("4H", size: size)
    let text = player.lines.joined(separator: "\n")
    for word in ["source", "int4", "both"] { #expect(text.contains(word), "\(size): \(word)") }
    if layout.histogram.rows >= HistogramPanel.leastRowsForErrors {
      #expect(text.contains("grid of the median group: 16 levels"))
      #expect(text.contains("RMS error"))
    }
  }

  /// The ticks stand under the columns in which the weights come back, where all weights share the levels.
  @Test func ticksStandUnderTheLevels() throws {
    let format = try Format(parsing: "f8_e5m2")
    let state = try played("tf8_e5m2<Enter>Hiii").state
    let id = try #require(state.tensor?.id)
    let columns = state.layout.histogramBins
    let back = try #require(state.shownHistogram(of: id, format: format, columns: columns))
    let levels = try #require(state.formatLevels(of: id, format: format, columns: columns))
    #expect(levels.isShared)
    for (column, count) in back.counts.enumerated() where count > 0 {
      let width = (back.upper - back.lower) / Double(columns)
      let edge = back.lower + Double(column) * width
      #expect(
        levels.values.contains {
          Double($0) >= edge - width * 1e-3 && Double($0) < edge + width * 1.001
        }, "column \(column)")
    }
  }

  @Test func theErrorCurveIsSwitched() throws {
    var player = try played("3H")
    #expect(player.lines.joined().contains("RMS error, to "))
    try player.press("E")
    #expect(player.lines.joined().contains("share of the error, to "))
    try player.press("E")
    #expect(!player.lines.joined().contains("error, to "))
    #expect(player.message.contains("not shown"))
    try player.press("E<Esc>E")
    #expect(player.message.contains("H makes room"))
  }

  @Test(arguments: [Glyphs.unicode, .ascii]) func inksAreToldApartByCharacters(glyphs: Glyphs) {
    let paint = HistogramPaint(glyphs: glyphs)
    let inks = [paint.both.full, paint.sourceOnly.full, paint.reconstructedOnly.full]
    #expect(Set(inks).count == 3)
    #expect(paint.cell(source: 8, reconstructed: 0, isPlain: false)?.0 == inks[1])
    #expect(paint.cell(source: -3, reconstructed: 20, isPlain: false)?.0 == inks[2])
    #expect(paint.cell(source: 9, reconstructed: 8, isPlain: false)?.0 == inks[0])
    #expect(paint.cell(source: 0, reconstructed: -1, isPlain: false) == nil)
  }

  @Test func endsOfTheAxisAreToldApart() {
    for (lower, upper) in [(-0.1, 0.1), (0.123_456, 0.123_478), (-5e-7, 4e-7), (1, 1.000_001)] {
      let (left, right) = Figures.ends(lower, upper)
      #expect(left != right)
    }
  }
}
