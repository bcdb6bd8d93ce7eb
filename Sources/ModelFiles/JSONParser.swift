/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Bytes from the start of the text.
  public var offset: Int
  /// What is there.
  public var found: String
  /// What should be there.
  public var expected: String

  /// One line, safe for a terminal: `byte 12: found X, expected Y`.
  public var description: String {
    "byte \(offset): found \(found.sanitised), expected \(expected.sanitised)"
  }
}

/// Strict JSON (RFC 8259): names unique within an object, valid UTF-8, nothing after the value.
///
/// Time and memory are linear in the size of the text.
public enum JSONParser {
  /// The value of a whole text, nested at most `maximumDepth` deep (up to 512).
  public static func parse(
    _ bytes: RawSpan, maximumDepth: Int = 64
  ) throws(JSONError) -> JSONValue {
    do throws(Flaw) {
      return try bytes.withUnsafeBytes { (buffer) throws(Flaw) -> JSONValue in
        try parse(buffer, maximumDepth: min(maximumDepth, 512))
      }
    } catch {
      var offset = 0
      if case .byte(let place) = error.place { offset = place }
      throw JSONError(offset: offset, found: error.found, expected: error.expected)
    }
  }

  /// The value of a whole text.
  public static func parse(_ text: String, maximumDepth: Int = 64) throws(JSONError) -> JSONValue {
    try parse(Array(text.utf8), maximumDepth: maximumDepth)
  }

  /// The value of a whole text in UTF-8.
  public static func parse(_ bytes: [UInt8], maximumDepth: Int = 64) throws(JSONError) -> JSONValue
  {
    try parse(bytes.span.bytes, maximumDepth: maximumDepth)
  }

  static func parse(
    _ bytes: UnsafeRawBufferPointer, maximumDepth: Int
  ) throws(Flaw) -> JSONValue {
    var cursor = JSONCursor(bytes, maximumDepth: maximumDepth)
    let value = try value(&cursor, depth: 1)
    try cursor.end()
    return value
  }

  private static func value(_ cursor: inout JSONCursor, depth: Int) throws(Flaw) -> JSONValue {
    guard depth <= cursor.maximumDepth else { throw cursor.tooDeep() }
    switch cursor.peek() {
    case UInt8(ascii: "{"): return .object(try object(&cursor, depth: depth))
    case UInt8(ascii: "["):
      try cursor.open(UInt8(ascii: "["))
      var elements: [JSONValue] = []
      var isFirst = true
      while try cursor.nextElement(&isFirst) {
        elements.append(try value(&cursor, depth: depth + 1))
      }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try cursor.string())
    case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): return try cursor.literal()
    default: return .number(JSONNumber(checked: try cursor.number()))
    }
  }

  private static func object(
    _ cursor: inout JSONCursor, depth: Int
  ) throws(Flaw) -> JSONObject {
    try cursor.open(UInt8(ascii: "{"))
    var object = JSONObject()
    var isFirst = true
    while let key = try cursor.nextKey(&isFirst) {
      let offset = cursor.keyOffset
      let value = try value(&cursor, depth: depth + 1)
      guard object.insert(value, for: key) else {
        throw Flaw(.byte(offset), found: "the name \(quoted(key)) twice", expected: "it once")
      }
    }
    return object
  }
}
