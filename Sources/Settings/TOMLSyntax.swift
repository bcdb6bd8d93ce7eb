/// Whether bytes are TOML, version 1.0 (toml.io/en/v1.0.0), by its grammar alone: not whether a name comes twice.
///
/// toml++ ends the program (assertions) on a good deal of what isn't TOML, such as tables without a name, arrays
/// closed by a brace, and a table's header within a value; so it is given only what is.
struct TOMLSyntax {
  /// What is wrong, and in which line.
  struct Flaw: Error {
    let line: Int
    let problem: String
  }

  /// Values within values, and names of names, go no deeper.
  private static let maximumDepth = 16

  private let bytes: [UInt8]
  private var position = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Throws what is wrong first.
  static func check(_ bytes: [UInt8]) throws(Flaw) {
    var syntax = Self(bytes)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { syntax.position = 3 }
    while syntax.position < bytes.count { try syntax.line() }
  }

  // MARK: - Lines

  private mutating func line() throws(Flaw) {
    skipBlanks()
    switch next {
    case nil, UInt8(ascii: "#"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): break
    case UInt8(ascii: "["): try header()
    default: try pair(depth: 1)
    }
    skipBlanks()
    try comment()
    guard position == bytes.count || skipLineEnd() else { throw flaw("the end of the line") }
  }

  /// `[name]` or `[[name]]`.
  private mutating func header() throws(Flaw) {
    position += 1
    let isList = next == UInt8(ascii: "[")
    if isList { position += 1 }
    try name()
    for _ in 0..<(isList ? 2 : 1) { try take(UInt8(ascii: "]"), "\"]\"") }
  }

  /// `name = value`.
  private mutating func pair(depth: Int) throws(Flaw) {
    try name()
    try take(UInt8(ascii: "="), "\"=\"")
    skipBlanks()
    try value(depth: depth)
  }

  /// A name, or several with dots between; and blanks around it.
  private mutating func name() throws(Flaw) {
    for _ in 0..<Self.maximumDepth {
      skipBlanks()
      if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") {
        try string(mayBeLong: false)
      } else {
        let start = position
        while let byte = next, Self.isBare(byte) { position += 1 }
        if position == start { throw flaw("a name") }
      }
      skipBlanks()
      guard next == UInt8(ascii: ".") else { return }
      position += 1
    }
    throw flaw("at most \(Self.maximumDepth) names with dots between")
  }

  // MARK: - Values

  private mutating func value(depth: Int) throws(Flaw) {
    guard depth <= Self.maximumDepth else {
      throw flaw("values at most \(Self.maximumDepth) deep")
    }
    switch next {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): try string(mayBeLong: true)
    case UInt8(ascii: "["): try array(depth: depth)
    case UInt8(ascii: "{"): try table(depth: depth)
    default:
      let start = position
      while let byte = next, Self.isBare(byte) || ".:+".utf8.contains(byte) { position += 1 }
      // A date and a time may have a blank between them.
      if position - start == 10, next == UInt8(ascii: " "), bytes[start + 4] == UInt8(ascii: "-"),
        position + 1 < bytes.count, Self.isDigit(bytes[position + 1])
      {
        position += 1
        while let byte = next, Self.isBare(byte) || ".:+".utf8.contains(byte) { position += 1 }
      }
      guard TOMLScalar.isOne(bytes[start..<position]) else {
        position = start
        throw flaw("a value")
      }
    }
  }

  private mutating func array(depth: Int) throws(Flaw) {
    position += 1
    while true {
      try skipLines()
      if next == UInt8(ascii: "]") { break }
      try value(depth: depth + 1)
      try skipLines()
      guard next == UInt8(ascii: ",") else { break }
      position += 1
    }
    try take(UInt8(ascii: "]"), "\",\" or \"]\"")
  }

  private mutating func table(depth: Int) throws(Flaw) {
    position += 1
    skipBlanks()
    if next != UInt8(ascii: "}") {
      try pair(depth: depth + 1)
      skipBlanks()
      while next == UInt8(ascii: ",") {
        position += 1
        try pair(depth: depth + 1)
        skipBlanks()
      }
    }
    try take(UInt8(ascii: "}"), "\",\" or \"}\"")
  }

  // MARK: - Strings

  /// A string of one line, or, in three quotation marks, of several.
  private mutating func string(mayBeLong: Bool) throws(Flaw) {
    let quote = bytes[position]
    let isLong = quotes(quote) >= 3
    if isLong, !mayBeLong { throw flaw("a name of one line") }
    position += isLong ? 3 : 1
    while let byte = next {
      switch byte {
      case quote where !isLong:
        position += 1
        return
      case quote:
        // Two may come right before the three that end it.
        let count = quotes(quote)
        position += min(count, 5)
        if count >= 3 { return }
      case UInt8(ascii: "\\") where quote == UInt8(ascii: "\""): try escape(isLong: isLong)
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        guard isLong, skipLineEnd() else { throw flaw("the end of the string") }
      default:
        try notControl(byte)
        position += 1
      }
    }
    throw flaw("the end of the string")
  }

  /// How many of these marks follow.
  private func quotes(_ quote: UInt8) -> Int { bytes[position...].prefix { $0 == quote }.count }

  private mutating func escape(isLong: Bool) throws(Flaw) {
    position += 1
    let letter = next ?? 0
    switch letter {
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let digits = bytes[(position + 1)...].prefix(letter == UInt8(ascii: "u") ? 4 : 8)
      guard digits.count == (letter == UInt8(ascii: "u") ? 4 : 8),
        let number = TOMLScalar.hexadecimal(digits), Unicode.Scalar(number) != nil
      else { throw flaw("a character") }
      position += 1 + digits.count
    case _ where "btnfr\"\\".utf8.contains(letter): position += 1
    default:
      // A line end with what is blank after it.
      let start = position
      skipBlanks()
      guard isLong, skipLineEnd() else {
        position = start
        throw flaw("an escape")
      }
    }
  }

  private func notControl(_ byte: UInt8) throws(Flaw) {
    if byte < 0x20 && byte != 0x09 || byte == 0x7F { throw flaw("no control character") }
  }

  // MARK: - Bytes

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ byte: UInt8, _ expected: String) throws(Flaw) {
    guard next == byte else { throw flaw(expected) }
    position += 1
  }

  private mutating func skipBlanks() {
    while next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") { position += 1 }
  }

  private mutating func skipLineEnd() -> Bool {
    let isPair = next == UInt8(ascii: "\r") && bytes[position...].dropFirst().first == 0x0A
    guard isPair || next == UInt8(ascii: "\n") else { return false }
    position += isPair ? 2 : 1
    return true
  }

  /// Steps over blanks, comments and line ends.
  private mutating func skipLines() throws(Flaw) {
    repeat {
      skipBlanks()
      try comment()
    } while skipLineEnd()
  }

  private mutating func comment() throws(Flaw) {
    guard next == UInt8(ascii: "#") else { return }
    while let byte = next, byte != UInt8(ascii: "\n") {
      if byte == UInt8(ascii: "\r"), bytes[position...].dropFirst().first == 0x0A { return }
      try notControl(byte)
      position += 1
    }
  }

  private func flaw(_ expected: String) -> Flaw {
    let found =
      switch next {
      case nil: "the end"
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"): "the end of the line"
      case let byte? where byte > 0x20 && byte < 0x7F: "\"\(Unicode.Scalar(byte))\""
      default: "another character"
      }
    let line = 1 + bytes[..<position].count { $0 == UInt8(ascii: "\n") }
    return Flaw(line: line, problem: "found \(found), expected \(expected)")
  }

  private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

  /// Whether a byte may be in a name without quotation marks.
  private static func isBare(_ byte: UInt8) -> Bool {
    0x61...0x7A ~= byte | 0x20 || isDigit(byte) || byte == UInt8(ascii: "_") || byte == 0x2D
  }
}
