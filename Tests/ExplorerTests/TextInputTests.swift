import Terminal
import Testing

@testable import Explorer

struct TextInputTests {
  /// A text with its cursor as `|`, keys, and what they make of it.
  @Test(arguments: [
    ("", "abc", "abc|"), ("abc", "<Left>x", "abx|c"), ("abc", "<Home>x", "x|abc"),
    ("abc", "<Home><Left>x", "x|abc"), ("abc", "<Left*9><Right>x", "ax|bc"),
    ("abc", "<Right>x", "abcx|"), ("abc", "<BS>", "ab|"), ("abc", "<Home><BS>", "|abc"),
    ("abc", "<Home><Del>", "|bc"), ("abc", "<Del>", "abc|"), ("abc", "<C-a>x<C-e>y", "xabcy|"),
    ("one two", "<C-w>", "one |"), ("one two", "<C-w><C-w>", "|"), ("one  ", "<C-w>", "|"),
    ("one two", "<Left><C-w>", "one |o"), ("abc", "<C-u>", "|"), ("abc", "<Left><C-u>", "|c"),
    ("層e\u{301}", "<BS>", "層|"), ("層e\u{301}", "<Left><BS>", "|e\u{301}"),
    ("", "<BS><Del><Left><Right>", "|"),
    ("a", "<Space>b", "a b|"),
  ])
  func keysEdit(before: String, keys: String, after: String) throws {
    var input = TextInput(before)
    for case .key(let key) in try KeyScript.parse(keys) {
      let isTaken = input.handle(key)
      #expect(isTaken)
    }
    let text =
      String(input.text.prefix(input.cursor)) + "|" + String(input.text.dropFirst(input.cursor))
    #expect(text == after)
  }

  @Test(arguments: [Key.enter, .escape, .tab, .up, .function(1), .control("c"), .pageDown])
  func otherKeysAreLeftToOthers(key: Key) {
    var input = TextInput("abc")
    let isTaken = input.handle(key)
    #expect(!isTaken)
    #expect(input.string == "abc")
  }

  @Test func pastingDropsControls() {
    var input = TextInput("ad")
    _ = input.handle(.left)
    input.insert("b\u{1B}\u{7}\n\r\n\tc\u{0}\u{9B}")
    #expect(input.string == "abcd")
    #expect(input.cursor == 3)
  }

  @Test func lengthIsLimited() {
    var input = TextInput()
    input.insert(String(repeating: "x", count: 1_000_000))
    #expect(input.text.count == TextInput.maximumLength)
    _ = input.handle(.character("y"))
    #expect(input.text.count == TextInput.maximumLength)
    #expect(!input.string.contains("y"))
  }
}
