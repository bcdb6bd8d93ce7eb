#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A POSIX extended regular expression, compiled by the C library.
///
/// Back-references are refused: without them the C library matches in time linear in the text.
final class CompiledRegex: Sendable {
  /// Longer patterns, and larger automata, are refused: compiling and matching take time with both.
  static let maximumLength = 500
  static let maximumStates = 2000

  // regexec() is thread-safe and doesn't change the compiled expression.
  private nonisolated(unsafe) var compiled = regex_t()

  /// Compiles an expression.
  /// - Parameter pattern: what the user wrote, for errors.
  init(_ text: String, pattern: String) throws(PatternError) {
    if let reason = Self.objection(to: text) { throw .unreadable(pattern, reason) }
    let status = regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB)
    guard status == 0 else {
      var message = [CChar](repeating: 0, count: 200)
      let length = regerror(status, &compiled, &message, message.count)
      let bytes = message.prefix(max(0, min(length, message.count) - 1)).map(
        UInt8.init(bitPattern:))
      throw .unreadable(pattern, String(decoding: bytes, as: UTF8.self).lowercased())
    }
  }

  deinit { regfree(&compiled) }

  func matches(_ text: String) -> Bool { regexec(&compiled, text, 0, nil, 0) == 0 }

  private static func objection(to text: String) -> String? {
    if text.isEmpty { return "it is empty" }
    if text.utf8.count > maximumLength { return "it is longer than \(maximumLength) bytes" }
    var escaped = false
    for byte in text.utf8 {
      if escaped, 0x30...0x39 ~= byte { return "it has a back-reference" }
      escaped = byte == UInt8(ascii: "\\") && !escaped
    }
    return RegexSize.states(of: text) > maximumStates
      ? "it repeats too much: what is repeated within a repetition multiplies" : nil
  }
}
