/// The key-value pairs of a file in order: GGUF's metadata, or `__metadata__` of safetensors.
public struct Metadata: Sendable {
  /// A key and its value.
  public struct Entry: Sendable {
    /// The key, as in the file.
    public let key: String
    /// Its value.
    public internal(set) var value: MetadataValue
  }

  /// The pairs in the order of the file.
  public private(set) var entries: [Entry] = []
  private var positions: [String: Int] = [:]

  /// No pairs.
  public init() {}

  /// The value of a key.
  public subscript(key: String) -> MetadataValue? { positions[key].map { entries[$0].value } }

  /// Whether there is none.
  public var isEmpty: Bool { entries.isEmpty }

  mutating func set(_ value: MetadataValue, for key: String) {
    if let position = positions[key] {
      entries[position].value = value
    } else {
      positions[key] = entries.count
      entries.append(Entry(key: key, value: value))
    }
  }
}

/// A value of a file's metadata.
public enum MetadataValue: Sendable, CustomStringConvertible {
  case uint8(UInt8)
  case int8(Int8)
  case uint16(UInt16)
  case int16(Int16)
  case uint32(UInt32)
  case int32(Int32)
  case float32(Float)
  case bool(Bool)
  case string(String)
  case array(MetadataArray)
  case uint64(UInt64)
  case int64(Int64)
  case float64(Double)

  /// The text, if it is a string.
  public var string: String? { if case .string(let text) = self { text } else { nil } }

  /// The value, if it is a whole number of any width that fits.
  public var int: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(value)
    default: nil
    }
  }

  /// The value, if it is a number.
  public var double: Double? {
    switch self {
    case .float32(let value): Double(value)
    case .float64(let value): value
    default: int.map(Double.init)
    }
  }

  /// The truth value, if it is one.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The array, if it is one.
  public var array: MetadataArray? { if case .array(let array) = self { array } else { nil } }

  /// The value for people, safe for a terminal; long arrays are cut.
  public var description: String {
    switch self {
    case .uint8(let value): "\(value)"
    case .int8(let value): "\(value)"
    case .uint16(let value): "\(value)"
    case .int16(let value): "\(value)"
    case .uint32(let value): "\(value)"
    case .int32(let value): "\(value)"
    case .float32(let value): "\(value)"
    case .bool(let value): "\(value)"
    case .string(let text): text.sanitised
    case .array(let array): array.description
    case .uint64(let value): "\(value)"
    case .int64(let value): "\(value)"
    case .float64(let value): "\(value)"
    }
  }
}

/// The types of GGUF's metadata, by their numbers in the file.
public enum MetadataType: UInt32, Sendable, CaseIterable, CustomStringConvertible {
  case uint8 = 0
  case int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

  /// The name shown: "uint8", "string".
  public var description: String {
    switch self {
    case .uint8: "uint8"
    case .int8: "int8"
    case .uint16: "uint16"
    case .int16: "int16"
    case .uint32: "uint32"
    case .int32: "int32"
    case .float32: "float32"
    case .bool: "bool"
    case .string: "string"
    case .array: "array"
    case .uint64: "uint64"
    case .int64: "int64"
    case .float64: "float64"
    }
  }

  /// The bytes of a value; nil for strings and arrays, which say themselves.
  var fixedSize: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }

  /// The fewest bytes that a value can take: a length for strings, a type and a count for arrays.
  var minimumSize: Int {
    switch self {
    case .string: 8
    case .array: 12
    default: fixedSize ?? 1
    }
  }
}

/// An array in a file's metadata.
///
/// Its elements stay in the file until they are asked for; a tokenizer has hundreds of thousands
/// of them.
public struct MetadataArray: Sendable, CustomStringConvertible {
  /// The type of the elements.
  public let elementType: MetadataType
  /// The number of elements.
  public let count: Int

  let file: MappedFile
  /// Where the first element begins, in bytes from the start of the file.
  let offset: Int

  /// The first elements, at most `limit`.
  public func prefix(_ limit: Int) -> [MetadataValue] {
    guard file.isIntact else { return [] }
    return file.withUnsafeBytes { bytes in
      var reader = GGUFReader(bytes, file: file, position: offset)
      var values: [MetadataValue] = []
      for _ in 0..<max(0, min(limit, count)) {
        // Checked when the file was opened; if it has changed since, the rest is left out.
        guard let value = try? reader.value(elementType, key: "", depth: 1) else { break }
        values.append(value)
      }
      return values
    }
  }

  /// The count, the type and the first elements, for people.
  public var description: String {
    let shown = prefix(8).map(\.description).joined(separator: ", ")
    if count <= 8 { return "[\(shown)]" }
    return "[\(shown), …] (\(counted(count, "element")) of \(elementType))"
  }
}
