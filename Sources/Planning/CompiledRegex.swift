#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A POSIX extended regular expression, compiled by the C library.
///
/// Back-references are refused: without them the C library matches in time linear in the text.
final class CompiledRegex: Sendable {
  /// Longer patterns, and larger repetition counts, are refused: the automaton grows with both.
  static let maximumLength = 500
  static let maximumRepetition = 100

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
    var repetition: Int?
    var repetitions = 0
    for character in text {
      if escaped, character.isASCII, character.isNumber { return "it has a back-reference" }
      escaped = character == "\\" && !escaped
      switch character {
      case "{":
        repetition = 0
        repetitions += 1
      case "}", ",": repetition = character == "," ? 0 : nil
      default:
        guard let digit = character.wholeNumberValue, let count = repetition else { continue }
        repetition = min(count * 10 + digit, 1_000_000)
        if count * 10 + digit > maximumRepetition {
          return "it repeats more than \(maximumRepetition) times"
        }
      }
    }
    // Nested counts multiply: (a{100}){100} is an automaton of ten thousand states.
    return repetitions > 2 ? "it has more than two counted repetitions" : nil
  }
}
