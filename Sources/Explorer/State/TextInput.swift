import Terminal

/// A line of text being typed.
struct TextInput: Sendable, Equatable {
  static let maximumLength = 4_096

  private(set) var text: [Character] = []
  private(set) var cursor = 0

  init(_ text: String = "") {
    self.text = Array(text)
    cursor = self.text.count
  }

  var string: String { String(text) }

  /// Takes a key that edits; false for any other key.
  mutating func handle(_ key: Key) -> Bool {
    switch key {
    case .character(let character): insert(String(character))
    case .backspace:
      guard cursor > 0 else { return true }
      text.remove(at: cursor - 1)
      cursor -= 1
    case .delete: if cursor < text.count { text.remove(at: cursor) }
    case .left: cursor = max(0, cursor - 1)
    case .right: cursor = min(text.count, cursor + 1)
    case .home, .control("a"): cursor = 0
    case .end, .control("e"): cursor = text.count
    case .control("u"):
      text.removeFirst(cursor)
      cursor = 0
    case .control("w"): deleteWord()
    default: return false
    }
    return true
  }

  /// Inserts pasted text, without line ends and other control characters.
  mutating func insert(_ string: String) {
    // Lazily: of a pasted book no more is looked at than there is room for.
    let clean = Array(
      string.lazy.filter { character in
        character.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
      }.prefix(max(0, Self.maximumLength - text.count)))
    text.insert(contentsOf: clean, at: cursor)
    cursor += clean.count
  }

  private mutating func deleteWord() {
    var start = cursor
    while start > 0, text[start - 1] == " " { start -= 1 }
    while start > 0, text[start - 1] != " " { start -= 1 }
    text.removeSubrange(start..<cursor)
    cursor = start
  }
}
