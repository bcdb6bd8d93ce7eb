import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

struct EditingTests {
  private let model: Model

  init() throws { model = try SampleModel.llama().open() }

  private func played(_ keys: String) throws -> Player {
    var player = Player(model, answers: .madeUp)
    try player.press(keys)
    return player
  }

  /// Keys, and the choices that they lead to.
  @Test(arguments: [
    ("4", ["layers.0.self_attn.q_proj": "int4"]),
    ("4j8", ["layers.0.self_attn.q_proj": "int4", "layers.0.self_attn.k_proj": "int8"]),
    ("40", [:]), ("2345678", ["layers.0.self_attn.q_proj": "int8"]),
    ("7", ["layers.0.self_attn.q_proj": "int7"]),
    ("h", ["layers.0.self_attn.q_proj": "int8"]), ("<Left>l", [:]), ("--+=", [:]), ("l", [:]),
    ("<Left*3>", ["layers.0.self_attn.q_proj": "f8_e5m2"]),
    ("<Left*50>", ["layers.0.self_attn.q_proj": "int2"]), ("<Left*50><Right*50>", [:]),
    ("4u", [:]), ("4u<C-r>", ["layers.0.self_attn.q_proj": "int4"]),
    ("45uu<C-r>", ["layers.0.self_attn.q_proj": "int4"]),
    ("45u3<C-r>", ["layers.0.self_attn.q_proj": "int3"]),
    ("tint5:affine:g32<Enter>", ["layers.0.self_attn.q_proj": "int5:affine:g32"]),
    ("tint5:percentile=99.25<Enter>", ["layers.0.self_attn.q_proj": "int5:percentile=99.25"]),
    // What needs activations is refused without them.
    ("tint4:gptq<Enter>", [:]),
    ("tINT3:SYM<Enter>", ["layers.0.self_attn.q_proj": "int3"]),
    ("t<Down*2><Enter>", ["layers.0.self_attn.q_proj": "int8:g32"]), ("txyzzy<Enter>", [:]),
    ("t4<Esc>", [:]), ("t4<C-c>", [:]),
    ("4c<Right><Enter>", ["layers.0.self_attn.q_proj": "int4:affine"]),
    ("4c<Right><Esc>", ["layers.0.self_attn.q_proj": "int4"]),
    ("4c<Down><Right><Enter>", ["layers.0.self_attn.q_proj": "int4:g64"]),
    ("4c<Down><Left><Enter>", ["layers.0.self_attn.q_proj": "int4:g256"]),
    ("4cjj<Right*2><Enter>", ["layers.0.self_attn.q_proj": "int4:mse"]),
    ("4cjj<Right><Down><Right><Enter>", ["layers.0.self_attn.q_proj": "int4:percentile=99.99"]),
    ("4c<Right><Down*2><Left><Enter>", ["layers.0.self_attn.q_proj": "int4:affine:hqq"]),
    // What hqq doesn't go with takes its place.
    ("4c<Right><Down*2><Left><Up*2><Right><Enter>", ["layers.0.self_attn.q_proj": "int4"]),
    (
      "4c<Right><Down*2><Left><Up><Left*2><Right*5><Enter>",
      ["layers.0.self_attn.q_proj": "int4:affine:tensor"]
    ),
    ("4c<Down*3><Left><Enter>", ["layers.0.self_attn.q_proj": "int4:f32"]),
    ("c<Right><Enter>4", ["layers.0.self_attn.q_proj": "int4:affine"]),
    (
      "c<Right><Enter>4j3",
      [
        "layers.0.self_attn.q_proj": "int4:affine", "layers.0.self_attn.k_proj": "int3:affine",
      ]
    ),
    ("4<Tab><Down><Enter>", ["layers.0.self_attn.q_proj": "int3"]),
    ("<Tab>G<Enter>", ["layers.0.self_attn.q_proj": "int2"]),
    ("4<Tab>g<Enter>", [:]), ("4<Tab><Down><Esc>", ["layers.0.self_attn.q_proj": "int4"]),
    ("4<Tab><Down><Tab><Enter>", ["layers.0.self_attn.q_proj": "int4"]),
    (":back to<Enter>", [:]), (":5 bits<Enter>", ["layers.0.self_attn.q_proj": "int5"]),
  ])
  func keysChangeChoices(keys: String, expected: [String: String]) throws {
    let player = try played(keys)
    #expect(
      player.changed
        == Dictionary(
          uniqueKeysWithValues: expected.map { ("model.\($0.key).weight", $0.value) }))
  }

  @Test(arguments: [
    ("*4", "self_attn.q_proj", 3), ("k4", "layers.0.", 7),
    ("<Space><Space>4", "layers.0.self_attn.", 2),
    ("v<Down*3>v4", "layers.0.self_attn.", 4), ("<Down*3>v<Up*3>v4", "layers.0.self_attn.", 4),
    ("m*.mlp.*<Enter>4", ".mlp.", 9), ("m/layers\\.[01].*up/<Enter>4", ".mlp.up_proj", 2),
    ("mDOWN<Enter>4", ".mlp.down_proj", 3), ("m*<Enter>4", "weight", 23),
    ("fattn<Enter>k4", "layers.0.self_attn.", 4), ("Zgj4", "layers.0.", 7),
  ])
  func manyAreChangedAtOnce(keys: String, part: String, count: Int) throws {
    let player = try played(keys)
    #expect(player.changed.count == count)
    #expect(player.changed.allSatisfy { $0.key.contains(part) && $0.value == "int4" })
    // One step, however many it changed.
    var undone = player
    try undone.press("u")
    #expect(undone.changed.isEmpty)
  }

  @Test(arguments: [
    ("G4", "kept as it is: norm"), ("G<Left>", "kept as it is: norm"),
    ("Gt", "kept as it is: norm"),
    ("Gp", "kept as it is: norm"), ("G<Tab>", "on the histogram: i o zoom"),
    ("fnorm<Enter>G*4", "none of these 4 tensors is worth quantizing"),
    ("fxyzzy<Enter>4", "nothing passes the filter"), ("u", "nothing to undo"),
    ("<C-r>", "nothing to redo"),
    ("44", "it stays at int4: the end of the ladder, or there already"),
    ("*44", "nothing changes: all 3 are there already"),
    ("l", "it stays at source: the end of the ladder, or there already"),
    ("n", "nothing searched yet: / searches"), ("x", "x does nothing here: ? shows the keys"),
    ("<F9>", "F9 does nothing here: ? shows the keys"), ("mxyzzy<Enter>", "no quantizable tensor"),
    ("m[<Enter>", "the pattern '[' can't be read: a [ has no ]"),
    ("f/(/<Enter>", "the pattern '/(/' can't be read"), ("/xyzzy<Enter>", "no tensor's name holds"),
    ("k*", "put the cursor on a tensor to mark all of its role"),
  ])
  func whatCannotBeDoneSaysWhy(keys: String, words: String) throws {
    let player = try played(keys)
    #expect(player.message.hasPrefix(words))
  }

  @Test func stepsAreNamed() throws {
    var player = try played("*4")
    #expect(player.message == "4 bits for 3 tensors   u undoes it")
    try player.press("u")
    #expect(player.message == "undone: 4 bits for 3 tensors   Ctrl-R does it again")
    try player.press("<C-r>")
    #expect(player.message == "done again: 4 bits for 3 tensors   u undoes it")
    try player.press("mnorm<Enter><Esc>k6")
    #expect(
      player.message
        == "6 bits for 7 tensors; 1 not worth quantizing left as they are   u undoes it")
  }

  @Test func pinsAreTurnedOnAndOff() throws {
    var player = try played("4p")
    let id = try #require(player.state.tensor?.id)
    #expect(
      player.state.edits.assignments[id]
        == Assignment(choice: .format(try Format(parsing: "int4")), isPinned: true))
    try player.press("5")
    #expect(player.state.edits.assignments[id].isPinned)
    try player.press("*p")
    #expect(player.state.edits.assignments.count { $0.isPinned } == 3)
    try player.press("p")
    #expect(player.state.edits.assignments.count { $0.isPinned } == 0)
    try player.press("u")
    #expect(player.state.edits.assignments.count { $0.isPinned } == 3)
  }

  /// A range belongs to the row that it was begun on, wherever that is when it ends.
  @Test func aRangeKeepsItsBeginning() throws {
    var player = try played("vj")
    let begun = try #require(player.state.rangeStart)
    #expect(player.state.markedRange?.count == 2)
    // Block 0 is folded away above, and the cursor with it.
    try player.press("Z")
    #expect(player.state.markedRange == nil)
    try player.press("Zgg")
    #expect(player.state.rangeStart == begun)
    let start = try #require(player.state.rows.firstIndex { $0.subject == begun })
    #expect(player.state.markedRange == 0...start)
  }

  /// Escape takes back one thing after another, the nearest first.
  @Test func escapeBacksOutInOrder() throws {
    var player = try played("fproj<Enter><Space>v<Tab>")
    #expect(player.state.focus == .ladder)
    try player.press("<Esc>")
    #expect(player.state.focus == .list)
    #expect(player.state.rangeStart != nil)
    try player.press("<Esc>")
    #expect(player.state.rangeStart == nil)
    #expect(player.state.marks.count == 1)
    try player.press("<Esc>")
    #expect(player.state.marks.isEmpty)
    #expect(player.state.isFiltered)
    try player.press("<Esc>")
    #expect(!player.state.isFiltered)
    try player.press("<Esc>")
    #expect(!player.hasQuit)
  }

  /// A ladder that the screen has no room for can't have the focus.
  @Test func nobodyIsOnALadderThatIsNotShown() throws {
    var player = Player(model, size: Size(columns: 60, rows: 16))
    try player.press("<Tab>")
    #expect(player.state.focus == .histogram)
    try player.press("<Tab>")
    player.take([.input(.resize(Size(columns: 80, rows: 24)))])
    try player.press("<Tab>")
    #expect(player.state.focus == .ladder)
    player.take([.input(.resize(Size(columns: 60, rows: 16)))])
    #expect(player.state.focus == .list)
    try player.press("j")
    #expect(player.state.cursor == 3)
  }

  @Test func aCustomLadderIsKeptTo() throws {
    var options = Options()
    options.ladder = try ["int6", "int3", "int6", "f8_e4m3"].map { try Format(parsing: $0) }
    var player = Player(model, options: options, answers: .madeUp)
    var seen: [String] = []
    for _ in 0..<5 {
      try player.press("<Left>")
      seen += player.changed.values
    }
    #expect(seen == ["f8_e4m3", "int6", "int3", "int3", "int3"])
  }

  @Test(arguments: [
    ("j", 1), ("<Down*3>", 3), ("jjk", 1), ("G<Up>", 26), ("Gg", -2), ("<End>", 27),
    ("<End><Home>", -2), ("<PgDn>", 8), ("<PgDn*9>", 27), ("<PgDn><PgUp>", 0),
  ])
  func movingMoves(keys: String, rows: Int) throws {
    let player = try played(keys)
    #expect(player.state.cursor == 2 + rows)
    let layout = ScreenLayout(size: player.state.size)
    #expect(
      (player.state.scroll..<player.state.scroll + layout.listRows).contains(player.state.cursor))
  }

  @Test func foldingKeepsThePlace() throws {
    var player = try played("<Enter>")
    #expect(player.state.row?.subject == .group(.block(stack: nil, index: 0)))
    #expect(player.state.rows.count == 22)
    try player.press("<Enter>")
    #expect(player.state.rows.count == 30)
    try player.press("<Down*3>ZG")
    #expect(player.state.rows.count == 6)
    try player.press("Z")
    #expect(player.state.rows.count == 30)
  }
}
