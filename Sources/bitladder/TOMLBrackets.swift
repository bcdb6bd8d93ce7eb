/// The brackets of a TOML file: those of tables, `[name]` and `[[name]]`, and those within values.
///
/// toml++ ends the program (an assertion) on a table without a name, and on an array that is closed by a
/// brace, so brackets are looked at before.
enum TOMLBrackets {
  /// The number of the first line with a bracket that can't be there; nil if there is none.
  static func firstFault(in bytes: [UInt8]) -> Int? {
    var line = 1
    // The brackets that will close the value.
    var open: [UInt8] = []
    var isValue = false
    var isLineStart = true
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "\n"):
        line += 1
        if open.isEmpty { (isValue, isLineStart) = (false, true) }
      case UInt8(ascii: "#"):
        while index + 1 < bytes.count, bytes[index + 1] != UInt8(ascii: "\n") { index += 1 }
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        isLineStart = false
        let end = endOfString(in: bytes, from: index)
        line += bytes[index..<end].count { $0 == UInt8(ascii: "\n") }
        index = end - 1
      case UInt8(ascii: "="):
        (isValue, isLineStart) = (true, false)
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        if isValue {
          // In ASCII the closing one is two further on.
          open.append(byte + 2)
        } else if isLineStart, byte == UInt8(ascii: "["), !hasName(bytes, after: index) {
          return line
        }
        isLineStart = false
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        if let last = open.popLast(), last != byte { return line }
        isLineStart = false
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), 0x80...:
        break  // Blank, or begins with a mark of the byte order.
      default:
        isLineStart = false
      }
      index += 1
    }
    return nil
  }

  /// Whether a name, or the end, follows the one or two brackets at `index`.
  private static func hasName(_ bytes: [UInt8], after index: Int) -> Bool {
    var rest = bytes[(index + 1)...]
    if rest.first == UInt8(ascii: "[") { rest.removeFirst() }
    rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    guard let byte = rest.first else { return true }
    let letter = byte | 0x20
    return letter >= 0x61 && letter <= 0x7A || byte >= 0x30 && byte <= 0x39
      || "_-\"'".utf8.contains(byte)
  }

  /// The place after a string that begins at `start`; an unfinished one ends with its line, or the file.
  private static func endOfString(in bytes: [UInt8], from start: Int) -> Int {
    let quote = bytes[start]
    let isLong = bytes[start...].prefix(3).count { $0 == quote } == 3
    var index = start + (isLong ? 3 : 1)
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\\") where quote == UInt8(ascii: "\""): index += 1
      case UInt8(ascii: "\n") where !isLong: return index
      case quote where !isLong: return index + 1
      case quote where bytes[index...].prefix(3).count(where: { $0 == quote }) == 3:
        return index + 3
      default: break
      }
      index += 1
    }
    return bytes.count
  }
}
