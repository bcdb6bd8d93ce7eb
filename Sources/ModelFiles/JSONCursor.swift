/// Reads JSON (RFC 8259) from bytes, piece by piece, without building a tree.
///
/// Strict: no comments, no trailing commas, no control characters in strings, valid UTF-8 only. It
/// is what the tree parser and the readers of large headers share. The bytes must outlive it.
struct JSONCursor {
  let bytes: UnsafeRawBufferPointer
  private(set) var position = 0
  /// The place of the last name in its file.
  private(set) var keyOffset = 0
  /// The place of the first byte in its file, for messages.
  let start: Int
  let maximumDepth: Int

  init(_ bytes: UnsafeRawBufferPointer, start: Int = 0, maximumDepth: Int = 64) {
    self.bytes = bytes
    self.start = start
    self.maximumDepth = maximumDepth
  }

  /// The place of the next byte in its file.
  var offset: Int { start + position }

  // MARK: Structure

  /// The next byte that is not white space, which stays where it is; nil at the end.
  @inline(__always)
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return byte
      }
    }
    return nil
  }

  /// Steps over `{` or `[`.
  mutating func open(_ bracket: UInt8) throws(Flaw) {
    guard peek() == bracket else {
      throw unexpected(bracket == UInt8(ascii: "{") ? "an object" : "an array")
    }
    position += 1
  }

  /// The name of the next member, up to and with its colon; nil after the last, with the `}` read.
  ///
  /// `isFirst` is true before the first call for an object and is changed by it.
  mutating func nextKey(_ isFirst: inout Bool) throws(Flaw) -> String? {
    guard try nextItem(&isFirst, end: UInt8(ascii: "}")) else { return nil }
    guard peek() == UInt8(ascii: "\"") else { throw unexpected("a name in quotation marks") }
    keyOffset = offset
    let key = try string()
    guard peek() == UInt8(ascii: ":") else { throw unexpected("\":\"") }
    position += 1
    return key
  }

  /// Whether an array has another element, which is next; false after the last, with the `]` read.
  mutating func nextElement(_ isFirst: inout Bool) throws(Flaw) -> Bool {
    try nextItem(&isFirst, end: UInt8(ascii: "]"))
  }

  @inline(__always)
  private mutating func nextItem(_ isFirst: inout Bool, end: UInt8) throws(Flaw) -> Bool {
    let next = peek()
    if next == end && isFirst {
      position += 1
      return false
    }
    if isFirst {
      isFirst = false
      return true
    }
    switch next {
    case end:
      position += 1
      return false
    case UInt8(ascii: ","):
      position += 1
      if peek() == end { throw unexpected("another item after \",\"") }
      return true
    default:
      throw unexpected("\",\" or \"\(Character(Unicode.Scalar(end)))\"")
    }
  }

  /// Steps over a whole value, checking its syntax.
  mutating func skipValue(depth: Int = 1) throws(Flaw) {
    guard depth <= maximumDepth else { throw tooDeep() }
    switch peek() {
    case UInt8(ascii: "{"):
      position += 1
      var isFirst = true
      while try nextKey(&isFirst) != nil { try skipValue(depth: depth + 1) }
    case UInt8(ascii: "["):
      position += 1
      var isFirst = true
      while try nextElement(&isFirst) { try skipValue(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): _ = try literal()
    default: _ = try number()
    }
  }

  /// Makes sure that only white space is left.
  mutating func end() throws(Flaw) {
    if peek() != nil { throw unexpected("nothing after the end of the JSON") }
  }

  // MARK: Scalars

  /// `true`, `false` or `null`.
  mutating func literal() throws(Flaw) -> JSONValue {
    _ = peek()
    for (word, value) in [("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null)]
    where bytes[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw unexpected("a value")
  }

  /// The text of a number in JSON's syntax.
  mutating func number() throws(Flaw) -> String {
    guard let first = peek(), isDigit(first) || first == UInt8(ascii: "-") else {
      throw unexpected("a value")
    }
    let from = position
    if first == UInt8(ascii: "-") { position += 1 }
    if position < bytes.count, bytes[position] == UInt8(ascii: "0") {
      position += 1
    } else {
      try digits()
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      try digits()
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count,
        bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
      {
        position += 1
      }
      try digits()
    }
    return String(decoding: bytes[from..<position], as: UTF8.self)
  }

  private mutating func digits() throws(Flaw) {
    let from = position
    while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    if position == from { throw unexpected("a digit") }
  }

  /// A number that is whole, not negative and within 63 bits; `what` names it in messages.
  mutating func wholeNumber(_ what: @autoclosure () -> String) throws(Flaw) -> Int {
    guard let first = peek(), isDigit(first) || first == UInt8(ascii: "-") else {
      throw unexpected(what())
    }
    let from = position
    var value = 0
    var fits = true
    while position < bytes.count, isDigit(bytes[position]) {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(
        Int(bytes[position] &- UInt8(ascii: "0")))
      if overflow || carry { fits = false }
      value = fits ? sum : 0
      position += 1
    }
    // Leading zeros, signs, fractions, exponents: read again as a number of any kind.
    let isPlain: Bool
    if position < bytes.count {
      let next = bytes[position] | 0x20
      isPlain = position > from && next != UInt8(ascii: ".") | 0x20 && next != UInt8(ascii: "e")
    } else {
      isPlain = position > from
    }
    let hasLeadingZero = position > from + 1 && first == UInt8(ascii: "0")
    if fits && isPlain && !hasLeadingZero { return value }
    position = hasLeadingZero ? from + 1 : from
    if hasLeadingZero { throw unexpected("no digits after a leading 0") }
    let text = try number()
    throw Flaw(.byte(start + from), found: abbreviated(text), expected: what())
  }

  /// The text of a string.
  mutating func string() throws(Flaw) -> String {
    guard peek() == UInt8(ascii: "\"") else { throw unexpected("a string") }
    position += 1
    let from = position
    var seen: UInt8 = 0
    while position < bytes.count {
      let byte = bytes[position]
      seen |= byte
      if byte == UInt8(ascii: "\"") {
        let range = from..<position
        position += 1
        // Decoding is much faster than validating, and ASCII needs no check.
        if seen < 0x80 {
          return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        }
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
          throw notUTF8(range)
        }
        return text
      }
      if byte == UInt8(ascii: "\\") { return try stringWithEscapes(from: from) }
      if byte < 0x20 { throw unexpected("no control character in a string") }
      position += 1
    }
    throw unexpected("the end of a string")
  }

  /// The rest of a string whose first escape is at `position`.
  private mutating func stringWithEscapes(from: Int) throws(Flaw) -> String {
    var text = Array(bytes[from..<position])
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        guard let valid = String(validating: text, as: UTF8.self) else {
          throw notUTF8(from..<position)
        }
        position += 1
        return valid
      case UInt8(ascii: "\\"):
        text.append(contentsOf: String(try escape()).utf8)
      case 0..<0x20:
        throw unexpected("no control character in a string")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw unexpected("the end of a string")
  }

  /// The character of the escape at `position`.
  private mutating func escape() throws(Flaw) -> Unicode.Scalar {
    position += 1
    guard position < bytes.count else { throw unexpected("an escape") }
    let letter = bytes[position]
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      position += 1
      return Unicode.Scalar(letter)
    case UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"),
      UInt8(ascii: "t"):
      position += 1
      switch letter {
      case UInt8(ascii: "b"): return "\u{8}"
      case UInt8(ascii: "f"): return "\u{C}"
      case UInt8(ascii: "n"): return "\n"
      case UInt8(ascii: "r"): return "\r"
      default: return "\t"
      }
    case UInt8(ascii: "u"):
      position += 1
      let unit = try hexUnit()
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // A pair of surrogates stands for one character.
      if unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      {
        position += 2
        let low = try hexUnit()
        let value = 0x10000 + ((unit - 0xD800) << 10) + (low & 0x3FF)
        if low & 0xFC00 == 0xDC00, let scalar = Unicode.Scalar(value) { return scalar }
      }
      throw Flaw(.byte(offset), found: "half a surrogate pair", expected: "a character")
    default:
      throw unexpected("an escape")
    }
  }

  private mutating func hexUnit() throws(Flaw) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count,
        let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
      else { throw unexpected("four hexadecimal digits") }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }

  // MARK: Messages

  /// The error that something else is at `position`.
  func unexpected(_ expected: String) -> Flaw {
    Flaw(.byte(offset), found: next, expected: expected)
  }

  func tooDeep() -> Flaw {
    Flaw(
      .byte(offset), found: "JSON nested more than \(maximumDepth) deep",
      expected: "at most \(maximumDepth)")
  }

  private func notUTF8(_ range: Range<Int>) -> Flaw {
    Flaw(.byte(start + range.lowerBound), found: "a string that is not UTF-8", expected: "UTF-8")
  }

  /// What is at `position`, in words.
  private var next: String {
    guard position < bytes.count else { return "the end of the JSON" }
    let byte = bytes[position]
    switch byte {
    case UInt8(ascii: "{"): return "an object"
    case UInt8(ascii: "["): return "an array"
    case UInt8(ascii: "\""): return "a string"
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return "a number"
    case 0x21..<0x7F:
      // A word such as `null`, or one character.
      let word = bytes[position...].prefix(12).prefix { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }
      return
        "\"\(String(decoding: word.isEmpty ? bytes[position...position] : word, as: UTF8.self))\""
    default: return "a byte 0x" + hex(byte)
    }
  }
}

/// A byte as two hexadecimal digits.
func hex(_ byte: UInt8) -> String {
  (byte < 16 ? "0" : "") + String(byte, radix: 16)
}

/// A number's text, cut if it is too long for a line.
func abbreviated(_ text: String) -> String {
  text.utf8.count <= 40 ? text : String(text.prefix(37)) + "…"
}
