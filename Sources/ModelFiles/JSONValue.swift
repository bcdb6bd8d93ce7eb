/// A JSON value whose objects keep their members in order.
public indirect enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// A number from a double; null if it is not finite, as JSON has no such numbers.
  public init(_ value: Double) {
    self = value.isFinite ? .number(JSONNumber(finite: value)) : .null
  }

  /// A number from an integer.
  public init(_ value: Int) { self = .number(JSONNumber(value)) }

  /// What it is, for messages: "a string", "an object".
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// The text, if it is a string.
  public var string: String? { if case .string(let text) = self { text } else { nil } }

  /// The truth value, if it is one.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The number, if it is one and whole and within 64 bits.
  public var int: Int? { if case .number(let number) = self { number.int } else { nil } }

  /// The number, if it is one within the range of a double.
  public var double: Double? { if case .number(let number) = self { number.double } else { nil } }

  /// The elements, if it is an array.
  public var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

  /// The members, if it is an object.
  public var object: JSONObject? { if case .object(let members) = self { members } else { nil } }

  /// The member of this name, if it is an object that has one.
  public subscript(key: String) -> JSONValue? { object?[key] }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A whole number.
  public init(integerLiteral value: Int) { self.init(value) }
  /// A number, or null if it is not finite.
  public init(floatLiteral value: Double) { self.init(value) }
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// Null.
  public init(nilLiteral: ()) { self = .null }
  /// An array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// An object with its members in the order written.
  public init(dictionaryLiteral members: (String, JSONValue)...) {
    self = .object(JSONObject(members.map { JSONObject.Member(key: $0.0, value: $0.1) }))
  }
}

/// A number as it was written, so that nothing is lost before it is known what it is for.
public struct JSONNumber: Sendable, Hashable {
  /// The number in JSON's syntax.
  public let text: String

  /// A whole number.
  public init(_ value: Int) { text = String(value) }

  /// A number; nil if it is not finite.
  ///
  /// Its text reads back as the same number.
  public init?(_ value: Double) {
    guard value.isFinite else { return nil }
    self.init(finite: value)
  }

  init(finite value: Double) { text = value.description }

  /// A number in JSON's syntax, checked before.
  init(checked text: String) { self.text = text }

  /// The number if it is written as a whole one and fits.
  public var int: Int? { Int(text) }

  /// The nearest double; nil if it is too large for one.
  public var double: Double? {
    guard let value = Double(text), value.isFinite else { return nil }
    return value
  }
}

/// The members of a JSON object in order, with names that are unique, by their bytes.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// A name and its value.
  public struct Member: Sendable, Equatable {
    /// The name.
    public var key: String
    /// The value.
    public var value: JSONValue

    /// A name and its value.
    public init(key: String, value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// The members in order.
  public private(set) var members: [Member] = []

  /// Where each name is; filled only when there are so many members that searching would take long.
  private var positions: [ExactText: Int] = [:]
  private static let smallCount = 16

  /// An object without members.
  public init() {}

  /// An object; of several members of one name the last one counts, in the place of the first.
  public init(_ members: [Member]) {
    for member in members { self[member.key] = member.value }
  }

  /// An object with its members in the order written.
  public init(dictionaryLiteral members: (String, JSONValue)...) {
    for (key, value) in members { self[key] = value }
  }

  /// The names in order.
  public var keys: [String] { members.map(\.key) }

  /// The number of members.
  public var count: Int { members.count }

  /// The value of a name.
  ///
  /// Setting it replaces the value or appends a member; nil removes it.
  public subscript(key: String) -> JSONValue? {
    get { position(of: key).map { members[$0].value } }
    set {
      switch (position(of: key), newValue) {
      case (let position?, let value?):
        members[position].value = value
      case (let position?, nil):
        members.remove(at: position)
        positions = [:]
        indexIfLarge()
      case (nil, let value?): append(value, for: key)
      case (nil, nil): break
      }
    }
  }

  /// Appends a member unless there is one of this name; whether it did.
  mutating func insert(_ value: JSONValue, for key: String) -> Bool {
    guard position(of: key) == nil else { return false }
    append(value, for: key)
    return true
  }

  private mutating func append(_ value: JSONValue, for key: String) {
    members.append(Member(key: key, value: value))
    if positions.isEmpty {
      indexIfLarge()
    } else {
      positions[ExactText(key)] = members.count - 1
    }
  }

  private func position(of key: String) -> Int? {
    guard positions.isEmpty else { return positions[ExactText(key)] }
    // Most names differ in length already.
    let length = key.utf8.count
    return members.firstIndex {
      $0.key.utf8.count == length && $0.key.utf8.elementsEqual(key.utf8)
    }
  }

  private mutating func indexIfLarge() {
    guard members.count > Self.smallCount else { return }
    positions = Dictionary(
      members.enumerated().map { (ExactText($1.key), $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Whether both have the same members in the same order.
  public static func == (a: JSONObject, b: JSONObject) -> Bool { a.members == b.members }
}
