import Terminal
import Testing

struct KeyNameTests {
  private static let keys: [Key] =
    [
      .up, .down, .left, .right, .shiftUp, .shiftDown, .shiftLeft, .shiftRight, .pageUp, .pageDown,
      .home, .end, .tab, .backTab, .enter, .escape, .backspace, .delete, .insert, .control(" "),
    ] + (1...12).map { .function($0) }
    + "abcdefgklnopqrstuvwxyz\\]^_".map { .control($0) }
    + " aZ0~!<>-+ßé漢".map { .character($0) }

  /// What help writes is read again, in both ways of writing arrows and in any letter case.
  @Test func labelsAreNames() {
    #expect(Set(Self.keys.map(\.label)).count == Self.keys.count)
    for key in Self.keys {
      #expect(Key(name: key.label) == key, "\(key.label)")
      #expect(Key(name: key.asciiLabel) == key, "\(key.asciiLabel)")
      if key.label.count > 1 {
        #expect(Key(name: key.label.lowercased()) == key)
        #expect(Key(name: key.asciiLabel.uppercased()) == key)
      }
    }
  }

  @Test(arguments: [
    ("<C-r>", Key.control("r")), ("<lt>", .character("<")), ("<F5>", .function(5)),
    ("<S-Up>", .shiftUp), ("Return", .enter), ("PageDown", .pageDown), ("Ctrl-I", .tab),
    ("Ctrl-M", .enter), ("Ctrl-H", .backspace), ("Ctrl-[", .escape), ("x", .character("x")),
    ("X", .character("X")),
  ])
  func otherNames(name: String, key: Key) { #expect(Key(name: name) == key) }

  @Test(arguments: [
    "", " ", "xx", "Ctrl-", "Ctrl-é", "Ctrl-Foo", "Ctrl-1", "F0", "F13", "Fx", "Shift-x",
    "Alt-x", "<>", "<Nope>", "<Down*2>", "<Click 1,2>", "<Paste a>", "\u{1B}", "\u{7F}", "\n",
    "\u{202E}",
  ])
  func noNames(name: String) { #expect(Key(name: name) == nil) }
}
