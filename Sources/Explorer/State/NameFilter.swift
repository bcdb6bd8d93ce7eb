import Planning

/// What a user types to pick tensors by name: a glob or /regular expression/ if it looks like one,
/// otherwise a text that the name holds, upper and lower case alike.
struct NameFilter: Sendable {
  let text: String
  private let pattern: Pattern?

  /// Reads a filter.
  /// - Throws: ``PatternError`` if it looks like a pattern and can't be read.
  init(_ text: String) throws(PatternError) {
    self.text = text
    let isPattern = text.hasPrefix("/") || text.contains { "*?[".contains($0) }
    pattern = isPattern ? try Pattern(text) : nil
  }

  func matches(_ name: String) -> Bool {
    pattern?.matches(name) ?? name.contains(ignoringCase: text)
  }
}

extension String {
  /// Whether the text stands in this one, upper and lower case alike (ASCII).
  func contains(ignoringCase text: String) -> Bool {
    let haystack = Array(utf8)
    let needle = Array(text.utf8)
    guard needle.count <= haystack.count else { return false }
    return (0...(haystack.count - needle.count)).contains { start in
      needle.indices.allSatisfy { lowered(haystack[start + $0]) == lowered(needle[$0]) }
    }
  }
}

private func lowered(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
