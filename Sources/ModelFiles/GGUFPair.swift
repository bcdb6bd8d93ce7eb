/// A key of GGUF's metadata with its value, as they are stored: what is read from one file can be written into
/// another without loss.
public struct GGUFPair: Sendable, Equatable {
  /// The key.
  public let key: String
  /// The type of the value.
  public let type: MetadataType
  /// The value's bytes; for an array its elements' type, their number, and the elements.
  public let bytes: [UInt8]

  init(key: String, type: MetadataType, bytes: [UInt8]) {
    self.key = key
    self.type = type
    self.bytes = bytes
  }

  /// A string.
  public init(_ key: String, _ value: String) {
    self.init(key: key, type: .string, bytes: Self.stored(value))
  }

  /// A truth value.
  public init(_ key: String, _ value: Bool) {
    self.init(key: key, type: .bool, bytes: [value ? 1 : 0])
  }

  /// A number without a sign.
  public init(_ key: String, _ value: UInt32) {
    self.init(key: key, type: .uint32, bytes: littleEndianBytes(value))
  }

  /// A floating-point number.
  public init(_ key: String, _ value: Float) {
    self.init(key: key, type: .float32, bytes: littleEndianBytes(value.bitPattern))
  }

  /// An array of strings.
  public init(_ key: String, _ values: [String]) {
    self.init(key: key, type: .string, count: values.count, values.lazy.map(Self.stored).joined())
  }

  /// An array of whole numbers.
  public init(_ key: String, _ values: [Int32]) {
    self.init(
      key: key, type: .int32, count: values.count, values.lazy.map(littleEndianBytes).joined())
  }

  /// An array of floating-point numbers.
  public init(_ key: String, _ values: [Float]) {
    let patterns = values.lazy.map { littleEndianBytes($0.bitPattern) }
    self.init(key: key, type: .float32, count: values.count, patterns.joined())
  }

  private init(
    key: String, type: MetadataType, count: Int, _ elements: some Sequence<UInt8>
  ) {
    self.init(
      key: key, type: .array,
      bytes: littleEndianBytes(type.rawValue) + littleEndianBytes(UInt64(count)) + elements)
  }

  /// A string as GGUF stores it: its length, then its text.
  static func stored(_ text: String) -> [UInt8] {
    littleEndianBytes(UInt64(text.utf8.count)) + text.utf8
  }
}

/// A number as files store it.
func littleEndianBytes(_ number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}

extension Model {
  /// The metadata of its first GGUF file that has any, byte for byte; none of other files.
  public func storedPairs() throws(ModelFileError) -> [GGUFPair] {
    guard container == .gguf else { return [] }
    for file in files {
      let pairs = try GGUF.pairs(of: file)
      if !pairs.isEmpty { return pairs }
    }
    return []
  }
}
