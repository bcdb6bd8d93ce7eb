import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// The user's own keys.
struct KeyMapTests {
  private func map(_ bindings: (action: String, keys: [String])...) throws -> KeyMap {
    try KeyMap(bindings: bindings)
  }

  private func player(_ map: KeyMap, size: Size = Size(columns: 200, rows: 50)) throws -> Player {
    var options = Options()
    options.keys = map
    return Player(try SampleModel.llama().open(), size: size, options: options, answers: .madeUp)
  }

  @Test func withoutChangesItIsTheTable() throws {
    let none = try map()
    for action in Action.all {
      #expect(none.keys(of: action) == action.keys)
      #expect(!none.isChanged(action))
      for key in action.keys {
        for view in action.views { #expect(none.action(of: key, in: view)?.id == action.id) }
      }
    }
  }

  @Test func anActionCanHaveOtherKeys() throws {
    var player = try player(try map(("undo", ["x", "Ctrl-U"]), ("down", ["Shift-Down"])))
    try player.press("4x")
    #expect(player.changed.isEmpty && player.message.hasPrefix("undone: "))
    try player.press("4<C-u>")
    #expect(player.changed.isEmpty)
    let cursor = player.state.cursor
    try player.press("j")
    #expect(player.state.cursor == cursor)
    #expect(player.message == "j does nothing here: ? shows the keys")
    try player.press("<S-Down>")
    #expect(player.state.cursor == cursor + 1)
  }

  /// Two actions can change places, and one key may do different things in views that don't share it.
  @Test func keysCanBeSwapped() throws {
    let map = try map(("undo", ["s"]), ("save", ["u"]), ("foldAll", ["("]))
    #expect(map.action(of: .character("s"), in: .layers)?.id == "undo")
    #expect(map.action(of: .character("u"), in: .layers)?.id == "save")
    #expect(map.action(of: .character("("), in: .layers)?.id == "foldAll")
    #expect(map.action(of: .character("("), in: .channels)?.id == "coarser")
  }

  @Test func anActionWithoutKeysIsInThePalette() throws {
    var player = try player(try map(("pin", []), ("help", ["Y"])))
    try player.press("p")
    #expect(player.message == "p does nothing here: Y shows the keys")
    try player.press(":pin or<Enter>")
    #expect(player.message.hasPrefix("pin for"))
  }

  /// Help, the last line, the palette, messages: all name the keys that are bound.
  @Test func everythingShowsTheKeysThatAreBound() throws {
    let map = try map(
      ("undo", ["F9"]), ("help", ["Y"]), ("quit", ["Q", "Ctrl-C"]), ("palette", ["P"]),
      ("solve", ["B"]), ("fewer", ["A"]), ("pin", []), ("viewCompare", ["F10"]))
    var player = try player(map)
    try player.press("*4")
    #expect(player.message.hasSuffix("F9 undoes it"))
    let hints = player.lines.last ?? ""
    for hint in ["F9 undo", "Y help", "Q quit", "B solve", "A bits"] {
      #expect(hints.contains(hint), "\(hint)")
    }
    try player.press("Y")
    for line in ["F9                undo the last step", "no key            pin or unpin"] {
      #expect(seen(&player).contains(line), "\(line)")
    }
    try player.press("<Esc>Pundo<Enter>")
    #expect(player.changed.isEmpty)
    try player.press("Pundo")
    #expect(player.lines.contains { $0.contains("undo the last step") && $0.contains("F9") })
    try player.press("<Esc>B5bpw<Enter>")
    #expect(player.message.hasSuffix("F10 compares, F9 undoes"))
    try player.press("QdQ")
    #expect(player.hasQuit)
  }

  /// All lines of an open help page.
  private func seen(_ player: inout Player) -> String {
    var text = player.lines.joined(separator: "\n")
    for _ in 0..<60 {
      player.take([.input(.key(.down))])
      text += player.lines.joined(separator: "\n")
    }
    return text
  }

  @Test func quittingFollowsWhereThereIsNoRoom() throws {
    var player = try player(try map(("quit", ["Q"])), size: Size(columns: 20, rows: 3))
    #expect(player.lines.joined().contains("Q quits"))
    try player.press("q")
    #expect(!player.hasQuit)
    try player.press("Q")
    #expect(player.hasQuit)
  }

  @Test(arguments: [
    ("udno", ["x"], KeyMapError.unknownAction("udno", nearest: ["undo"])),
    ("undo", ["Ctrl-Foo"], .unknownKey("Ctrl-Foo", action: "undo")),
    ("undo", ["s"], .conflict(.character("s"), action: "undo", other: "save", view: "Layers")),
    ("order", ["b"], .conflict(.character("b"), action: "order", other: "solve", view: "Compare")),
    ("undo", ["Ctrl-Z"], .reserved(.control("z"), action: "undo")),
    ("quit", [], .indispensable(action: "quit")), ("back", [], .indispensable(action: "back")),
  ])
  func mistakesAreRefused(id: String, keys: [String], error: KeyMapError) {
    #expect(throws: error) { try map((id, keys)) }
  }

  @Test func mistakesAreToldInSentences() throws {
    func words(_ id: String, _ keys: String...) -> String {
      do throws(KeyMapError) {
        _ = try KeyMap(bindings: [(id, keys)])
        return ""
      } catch {
        return error.description
      }
    }
    #expect(words("undo", "s").hasSuffix("give save another key, or none: save = []"))
    #expect(words("sav", "s").contains("the nearest are save"))
    #expect(
      words("undo", "\u{1B}[2J").contains("no key '") && !words("undo", "\u{1B}").contains("\u{1B}")
    )
    #expect(words(String(repeating: "x", count: 100_000), "s").count < 200)
  }

  @Test func theListHasEveryAction() throws {
    let entries = KeyTable.entries(try map(("undo", ["x"]), ("pin", [])))
    #expect(entries.map(\.action) == Action.all.map(\.id))
    let undo = try #require(entries.first { $0.action == "undo" })
    #expect(undo.keys == ["x"] && undo.isChanged && undo.isEverywhere)
    let pin = try #require(entries.first { $0.action == "pin" })
    #expect(
      pin.keys == [] && pin.views == ["Layers", "Map", "Channels", "Quality"] && !pin.isEverywhere)
  }
}
