import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// Hints for whoever starts for the first time.
struct FirstStepsTests {
  private func player(
    _ steps: FirstSteps? = FirstSteps(), size: Size = Size(columns: 80, rows: 24)
  ) throws -> Player {
    var options = Options()
    options.firstSteps = steps
    return Player(try SampleModel.llama().open(), size: size, options: options, answers: .madeUp)
  }

  private func line(_ player: Player) -> String {
    player.lines[ScreenLayout(size: player.state.size).message.row]
  }

  private func remembered(_ player: Player) -> [String] {
    player.effects.compactMap {
      if case .remember(let steps) = $0 { steps.remembered } else { nil }
    }
  }

  @Test func nobodyElseIsShownThem() throws {
    #expect(try line(player(nil)).isEmpty)
    #expect(try line(player(FirstSteps(remembered: "move\nbits\nsolve\nsave\nhelp\n"))).isEmpty)
  }

  @Test func eachLeavesOnceItWasDone() throws {
    var player = try player()
    #expect(
      line(player)
        == " First steps: ↑↓ move  ←→ bits  b solve  s save  ? help  Esc hides this")
    try player.press("j")
    #expect(line(player) == " First steps: ←→ bits  b solve  s save  ? help  Esc hides this")
    try player.press("<Left>")
    #expect(line(player) == " First steps: b solve  s save  ? help  Esc hides this")
    try player.press("b<Esc>s<Esc>")
    #expect(line(player) == " First steps: ? help  Esc hides this")
    try player.press("?<Esc>")
    #expect(line(player).isEmpty)
    #expect(
      remembered(player) == [
        "move\n", "move\nbits\n", "move\nbits\nsolve\n", "move\nbits\nsolve\nsave\n",
        "move\nbits\nsolve\nsave\nhelp\n",
      ])
  }

  /// Escape hides them for good, but only when there is nothing else to back out of.
  @Test func escapeHidesThem() throws {
    var player = try player()
    try player.press("*<Esc>")
    #expect(line(player).contains("First steps"))
    try player.press("<F2><Esc>")
    #expect(line(player).contains("First steps"))
    try player.press("<Esc>")
    #expect(line(player).isEmpty)
    #expect(remembered(player) == ["move\nbits\nsolve\nsave\nhelp\n"])
    try player.press("jk<Esc>")
    #expect(remembered(player).count == 1)
  }

  /// They stand where messages do, and only while there are none.
  @Test func theyAreNeverInTheWay() throws {
    for size in [
      Size(columns: 80, rows: 24), Size(columns: 60, rows: 16), Size(columns: 40, rows: 10),
      Size(columns: 120, rows: 36),
    ] {
      for keys in ["", "4", "*", "<F2>", "<F3>", "<F4>", "<F6>", "/a", "vj", "fq<Enter>"] {
        var with = try player(size: size)
        var without = try player(nil, size: size)
        try with.press(keys)
        try without.press(keys)
        let row = ScreenLayout(size: size).message.row
        for (index, pair) in zip(with.lines, without.lines).enumerated() where index != row {
          #expect(pair.0 == pair.1)
        }
        if !without.lines[row].isEmpty { #expect(with.lines[row] == without.lines[row]) }
        #expect(with.lines[row].columns < size.columns)
      }
    }
    #expect(
      try line(player(size: Size(columns: 40, rows: 10))) == " Try ↑↓ move  ←→ bits  Esc hides")
  }

  /// A warning from the start is in the log; it mustn't hide them for ever.
  @Test func movingClearsAWarning() throws {
    var player = try player()
    player.take([.note("the file is odd")])
    #expect(!line(player).contains("First steps"))
    try player.press("j")
    #expect(line(player).contains("First steps: ←→ bits"))
  }

  @Test func theyNameTheKeysThatAreBound() throws {
    var options = Options()
    options.firstSteps = FirstSteps()
    options.keys = try KeyMap(
      bindings: [("solve", ["B"]), ("help", []), ("down", ["J"]), ("fewer", ["A"])])
    let player = Player(try SampleModel.llama().open(), options: options)
    #expect(line(player) == " First steps: J move  A bits  B solve  s save  Esc hides this")
  }

  @Test func whatIsRememberedIsReadAgain() {
    #expect(FirstSteps(remembered: "").left == FirstSteps().left)
    #expect(
      FirstSteps(remembered: "bits\nnonsense\n\u{1B}\n").left == [.move, .solve, .save, .help])
    var steps = FirstSteps()
    steps.dismiss()
    #expect(FirstSteps(remembered: steps.remembered).left == [])
  }
}
