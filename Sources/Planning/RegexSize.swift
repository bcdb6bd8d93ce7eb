/// How large the automaton of an extended regular expression becomes.
///
/// The C library makes copies of what is repeated: `x+` is `xx*`, `x{3,5}` is five of it. So repetitions
/// within each other multiply, and thirty plus signs would take all memory there is.
enum RegexSize {
  /// Where counting ends; more than any expression may have.
  private static let most = 1 << 30

  private struct Level {
    /// The states so far, and those of the last thing, which a repetition after it copies.
    var total = 0
    var last = 0

    mutating func add(_ states: Int) {
      last = min(most, states)
      total = min(most, total + last)
    }

    mutating func repeatLast(_ copies: Int) {
      let before = last
      last = min(most, last.multipliedReportingOverflow(by: copies).partialValue + 1)
      total = min(most, total + last - before)
    }
  }

  /// The number of states, about; never less than half of what the C library makes.
  static func states(of text: String) -> Int {
    let bytes = Array(text.utf8)
    var levels = [Level()]
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      let top = levels.count - 1
      switch byte {
      case UInt8(ascii: "("): levels.append(Level())
      case UInt8(ascii: ")") where top > 0:
        let inner = levels.removeLast().total
        levels[top - 1].add(inner + 1)
      case UInt8(ascii: "*"), UInt8(ascii: "?"): levels[top].repeatLast(1)
      case UInt8(ascii: "+"): levels[top].repeatLast(2)
      case UInt8(ascii: "{"):
        if let copies = copies(bytes, &index) {
          levels[top].repeatLast(copies)
        } else {
          levels[top].add(1)
        }
      case UInt8(ascii: "["):
        skipSet(bytes, &index)
        levels[top].add(1)
      case UInt8(ascii: "\\"):
        index += 1
        levels[top].add(1)
      default: levels[top].add(1)
      }
    }
    return levels.reduce(0) { min(most, $0 + $1.total) }
  }

  /// The copies that `{n}`, `{n,}` or `{n,m}` asks for; nil, and nothing read, if it is none of them.
  private static func copies(_ bytes: [UInt8], _ index: inout Int) -> Int? {
    guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else { return nil }
    let bounds = bytes[index..<end].split(
      separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard bounds.count <= 2, bounds.joined().allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
    let numbers = bounds.map { digits in
      digits.reduce(0) { min(1 << 20, $0 * 10 + Int($1 - 0x30)) }
    }
    index = end + 1
    let isOpen = bounds.count == 2 && bounds[1].isEmpty
    return max(1, (numbers.max() ?? 0) + (isOpen ? 1 : 0))
  }

  /// Steps over the rest of a set: `[]a]`, `[^[:alpha:]_]`.
  private static func skipSet(_ bytes: [UInt8], _ index: inout Int) {
    if index < bytes.count, bytes[index] == UInt8(ascii: "^") { index += 1 }
    if index < bytes.count, bytes[index] == UInt8(ascii: "]") { index += 1 }
    while index < bytes.count, bytes[index] != UInt8(ascii: "]") {
      let mark = index + 1 < bytes.count ? bytes[index + 1] : 0
      if bytes[index] == UInt8(ascii: "["), [0x3A, 0x2E, 0x3D].contains(mark) {
        // A class: up to the same mark and a bracket.
        index += 2
        while index + 1 < bytes.count, !(bytes[index] == mark && bytes[index + 1] == 0x5D) {
          index += 1
        }
        index += 1
      }
      index += 1
    }
    index += 1
  }
}
