import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

struct SearchTests {
  private var player: Player

  init() throws { player = Player(try SampleModel.llama(blocks: 12).open()) }

  private func tensors(_ player: Player) -> [String] {
    player.state.rows.compactMap {
      if case .tensor(let id) = $0.subject { player.state.model.tensors[id].name } else { nil }
    }
  }

  @Test func searchingGoesRoundInBothDirections() throws {
    var player = player
    try player.press("/up_proj<Enter>")
    #expect(player.here == "model.layers.0.mlp.up_proj.weight")
    var seen: [String?] = []
    for _ in 0..<12 {
      try player.press("n")
      seen.append(player.here)
    }
    #expect(seen == (1...12).map { "model.layers.\($0 % 12).mlp.up_proj.weight" })
    try player.press("N")
    #expect(player.here == "model.layers.11.mlp.up_proj.weight")
    try player.press("NN")
    #expect(player.here == "model.layers.9.mlp.up_proj.weight")
  }

  /// Taking the filter away leaves the cursor where the user went, even if that block was folded.
  @Test func withoutTheFilterThePlaceIsKept() throws {
    var player = player
    try player.press("f*layers.9.*<Enter>j")
    let here = try #require(player.here)
    #expect(here.contains("layers.9."))
    try player.press("<Esc>")
    #expect(!player.state.isFiltered)
    #expect(player.here == here)
  }

  /// A filter that is given up brings back the place from before it.
  @Test func aFilterGivenUpChangesNoPlace() throws {
    var player = player
    let here = player.here
    try player.press("f*layers.9.*<Esc>")
    #expect(player.here == here)
  }

  /// A match in a folded block is shown.
  @Test func searchingUnfolds() throws {
    var player = player
    #expect(!tensors(player).contains("model.layers.7.mlp.gate_proj.weight"))
    try player.press("/7.MLP.gate<Enter>")
    #expect(player.here == "model.layers.7.mlp.gate_proj.weight")
  }

  @Test func searchingIsLive() throws {
    var player = player
    try player.press("/lm_")
    #expect(player.here == "lm_head.weight")
    try player.press("xyzzy")
    #expect(player.message == "no tensor's name holds 'lm_xyzzy'")
    #expect(player.here == "lm_head.weight")
  }

  @Test(arguments: [
    ("mlp.up", 12), ("MLP.UP", 12), ("*.mlp.*", 36), ("mlp", 36), ("/layers\\.1\\./", 8),
    ("*.[0-1].*q_proj*", 2), ("?????????????ght", 0), ("lm_head.weigh?", 1), ("norm", 13),
    ("/norm|head/", 14), ("xyzzy", 0), ("", 99),
  ])
  func filtersShowWhatMatches(text: String, count: Int) throws {
    var player = player
    try player.press("f")
    player.type(text)
    if text.isEmpty {
      #expect(tensors(player).count == tensors(self.player).count)
      return
    }
    #expect(tensors(player).count == count)
    try player.press("<Enter>")
    #expect(tensors(player).count == count)
    #expect(
      player.message
        == (count == 0
          ? "nothing matches: Esc shows all again"
          : "\(count) tensor\(count == 1 ? " matches" : "s match"): Esc shows all again"))
    #expect(player.lines.count == 24)
    try player.press("<Esc>")
    #expect(tensors(player).count == tensors(self.player).count)
  }

  /// While a pattern is half typed, or if it can't be read, everything is shown.
  @Test(arguments: ["[", "/(", "/(/", "[z-a]"])
  func badPatternsFilterNothing(text: String) throws {
    var player = player
    try player.press("f")
    player.type(text)
    #expect(player.lines.count == 24)
    try player.press("<Enter>")
    #expect(!player.hasModal)
    if text != "/(" {
      #expect(player.message.hasPrefix("the pattern '\(text)' can't be read"))
      #expect(!player.state.isFiltered)
    }
  }

  @Test func escapeGoesBackToTheFilterBefore() throws {
    var player = player
    try player.press("fmlp<Enter>f<C-u>norm")
    #expect(tensors(player).count == 13)
    try player.press("<Esc>")
    #expect(tensors(player).count == 36)
    #expect(player.state.filter?.text == "mlp")
    try player.press("f<Left>x")
    #expect(player.state.filter?.text == "mlxp")
  }

  /// The cursor stays on its tensor, even through a moment in which nothing matched.
  @Test func filteringKeepsThePlace() throws {
    var player = player
    try player.press("/10.self_attn.v<Enter>")
    let before = player.here
    try player.press("fself<Enter>")
    #expect(player.here == before)
    try player.press("<Esc>")
    #expect(player.here == before)
    try player.press("fxyzzy")
    #expect(player.here == nil)
    try player.press("<Esc>")
    #expect(player.here == before)
  }

  @Test func pastedTextIsTypedLiterally() throws {
    var player = player
    player.take([.input(.paste("q4\n"))])
    #expect(player.changedNothing)
    #expect(player.message == "pasted text is only taken where something is typed")
    try player.press("f")
    player.take([.input(.paste("ml\u{1B}p\n\t."))])
    #expect(player.state.filter?.text == "mlp.")
    try player.press("<Enter><Esc>t")
    player.take([.input(.paste("int3"))])
    try player.press("<Enter>")
    #expect(player.changed.values.map { $0 } == ["int3"])
  }
}

extension Player {
  fileprivate var changedNothing: Bool { changed.isEmpty && !hasQuit }
}
