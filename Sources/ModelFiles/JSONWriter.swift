/// Writes JSON: the same values always give the same bytes.
///
/// Numbers keep their text, so what was read is written unchanged. Characters that a terminal would
/// obey or hide are written as `\u` escapes; the text stays valid JSON with the same meaning.
public struct JSONWriter: Sendable {
  /// How the text is laid out.
  public enum Layout: Sendable {
    /// Two spaces for each level; arrays and objects without nested ones on one line if they fit.
    case pretty
    /// No white space at all.
    case compact
  }

  /// How the text is laid out.
  public var layout: Layout
  /// The longest line that `pretty` joins an array or object into, in bytes.
  public var lineLength = 100

  /// A writer with a layout.
  public init(_ layout: Layout = .pretty) { self.layout = layout }

  /// The text of a value; `pretty` ends with a line feed.
  public func string(_ value: JSONValue) -> String {
    String(decoding: bytes(value), as: UTF8.self)
  }

  /// The text of a value in UTF-8; `pretty` ends with a line feed.
  public func bytes(_ value: JSONValue) -> [UInt8] {
    var out: [UInt8] = []
    switch layout {
    case .pretty:
      pretty(value, indent: 0, into: &out)
      out.append(UInt8(ascii: "\n"))
    case .compact:
      inline(value, comma: ",", colon: ":", into: &out)
    }
    return out
  }

  private func pretty(_ value: JSONValue, indent: Int, into out: inout [UInt8]) {
    if value.isFlat {
      let mark = out.count
      inline(value, comma: ", ", colon: ": ", into: &out)
      if out.count - mark + indent <= lineLength || value.isEmpty { return }
      out.removeLast(out.count - mark)
    }
    func line(_ level: Int) {
      out.append(UInt8(ascii: "\n"))
      out.append(contentsOf: repeatElement(UInt8(ascii: " "), count: level))
    }
    switch value {
    case .array(let elements):
      out.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        line(indent + 2)
        pretty(element, indent: indent + 2, into: &out)
      }
      line(indent)
      out.append(UInt8(ascii: "]"))
    case .object(let object):
      out.append(UInt8(ascii: "{"))
      for (index, member) in object.members.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        line(indent + 2)
        Self.quote(member.key, into: &out)
        out.append(contentsOf: ": ".utf8)
        pretty(member.value, indent: indent + 2, into: &out)
      }
      line(indent)
      out.append(UInt8(ascii: "}"))
    default:
      inline(value, comma: ", ", colon: ": ", into: &out)
    }
  }

  private func inline(
    _ value: JSONValue, comma: String, colon: String, into out: inout [UInt8]
  ) {
    switch value {
    case .null: out.append(contentsOf: "null".utf8)
    case .bool(let flag): out.append(contentsOf: (flag ? "true" : "false").utf8)
    case .number(let number): out.append(contentsOf: number.text.utf8)
    case .string(let text): Self.quote(text, into: &out)
    case .array(let elements):
      out.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { out.append(contentsOf: comma.utf8) }
        inline(element, comma: comma, colon: colon, into: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .object(let object):
      out.append(UInt8(ascii: "{"))
      for (index, member) in object.members.enumerated() {
        if index > 0 { out.append(contentsOf: comma.utf8) }
        Self.quote(member.key, into: &out)
        out.append(contentsOf: colon.utf8)
        inline(member.value, comma: comma, colon: colon, into: &out)
      }
      out.append(UInt8(ascii: "}"))
    }
  }

  /// Appends a string with its quotation marks.
  private static func quote(_ text: String, into out: inout [UInt8]) {
    out.append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out.append(contentsOf: "\\\"".utf8)
      case "\\": out.append(contentsOf: "\\\\".utf8)
      case "\n": out.append(contentsOf: "\\n".utf8)
      case "\r": out.append(contentsOf: "\\r".utf8)
      case "\t": out.append(contentsOf: "\\t".utf8)
      case _ where scalar.isUnsafeToShow:
        for unit in String(scalar).utf16 {
          out.append(contentsOf: "\\u".utf8)
          out.append(contentsOf: hex(UInt8(unit >> 8)).utf8)
          out.append(contentsOf: hex(UInt8(unit & 0xFF)).utf8)
        }
      default: out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      }
    }
    out.append(UInt8(ascii: "\""))
  }
}

extension JSONValue {
  /// Whether it holds no array and no object that holds something.
  fileprivate var isFlat: Bool {
    switch self {
    case .array(let elements): elements.allSatisfy(\.isScalar)
    case .object(let object): object.members.allSatisfy { $0.value.isScalar }
    default: true
    }
  }

  private var isScalar: Bool {
    switch self {
    case .array, .object: isEmpty
    default: true
    }
  }

  fileprivate var isEmpty: Bool {
    switch self {
    case .array(let elements): elements.isEmpty
    case .object(let object): object.members.isEmpty
    default: true
    }
  }
}
