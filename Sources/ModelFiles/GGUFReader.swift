/// Reads GGUF's little-endian values from bytes, each checked against what the file holds.
struct GGUFReader {
  let bytes: UnsafeRawBufferPointer
  let file: MappedFile
  private(set) var position: Int

  /// Arrays may hold arrays, but no file in use nests them more than once.
  static let maximumDepth = 4
  /// The limit of safetensors; no header in use comes near it, and reading a longer one would only
  /// cost time and memory.
  static let maximumHeaderLength = Safetensors.maximumHeaderLength

  init(_ bytes: UnsafeRawBufferPointer, file: MappedFile, position: Int) {
    self.bytes = bytes
    self.file = file
    self.position = position
  }

  /// The bytes that are left.
  var remaining: Int { bytes.count - position }

  /// A number of fixed width.
  mutating func integer<T: FixedWidthInteger>(
    _ type: T.Type = T.self, _ what: @autoclosure () -> String
  ) throws(Flaw) -> T {
    let size = MemoryLayout<T>.size
    guard size <= remaining else { throw endOfFile(what()) }
    let value = bytes.loadUnaligned(fromByteOffset: position, as: T.self)
    position += size
    return T(littleEndian: value)
  }

  /// The bytes of a string: a length of 64 bits, then the text.
  mutating func stringBytes(_ what: @autoclosure () -> String) throws(Flaw) -> Range<Int> {
    let place = position
    let length = try integer(UInt64.self, "the length of \(what())")
    guard length <= remaining else {
      throw Flaw(
        .byte(place), found: "\(what()), \(length) bytes long",
        expected: "at most \(grouped(remaining)), the rest of the file")
    }
    try checkHeaderLength(Int(length))
    let range = position..<position + Int(length)
    position = range.upperBound
    return range
  }

  /// A string that names something: UTF-8, and not empty, as padding read by mistake would be.
  mutating func name(_ what: @autoclosure () -> String) throws(Flaw) -> String {
    let place = position
    let range = try stringBytes(what())
    if range.isEmpty {
      throw Flaw(.byte(place), found: "\(what()) that is empty", expected: "a name")
    }
    guard let name = String(validating: bytes[range], as: UTF8.self) else {
      throw Flaw(.byte(place), found: "\(what()) that is not UTF-8", expected: "UTF-8")
    }
    return name
  }

  /// The type of a value.
  mutating func type(of key: String) throws(Flaw) -> MetadataType {
    let number = try integer(UInt32.self, "the type of a value")
    guard let type = MetadataType(rawValue: number) else {
      throw Flaw(.key(key), found: "the value type \(number)", expected: "a type from 0 to 12")
    }
    return type
  }

  /// A value of a type.
  ///
  /// Arrays are stepped over, and stay in the file.
  mutating func value(
    _ type: MetadataType, key: String, depth: Int = 0
  ) throws(Flaw) -> MetadataValue {
    let what = "a value of type \(type)"
    switch type {
    case .uint8: return .uint8(try integer(UInt8.self, what))
    case .int8: return .int8(try integer(Int8.self, what))
    case .uint16: return .uint16(try integer(UInt16.self, what))
    case .int16: return .int16(try integer(Int16.self, what))
    case .uint32: return .uint32(try integer(UInt32.self, what))
    case .int32: return .int32(try integer(Int32.self, what))
    case .uint64: return .uint64(try integer(UInt64.self, what))
    case .int64: return .int64(try integer(Int64.self, what))
    case .float32: return .float32(Float(bitPattern: try integer(UInt32.self, what)))
    case .float64: return .float64(Double(bitPattern: try integer(UInt64.self, what)))
    case .bool:
      let byte = try integer(UInt8.self, what)
      guard byte <= 1 else {
        throw Flaw(.key(key), found: "the truth value \(byte)", expected: "0 or 1")
      }
      return .bool(byte == 1)
    case .string:
      // Tokens and texts are not always UTF-8; what is not is replaced.
      return .string(String(decoding: bytes[try stringBytes("a string")], as: UTF8.self))
    case .array: return .array(try array(key: key, depth: depth + 1))
    }
  }

  private mutating func array(key: String, depth: Int) throws(Flaw) -> MetadataArray {
    guard depth <= Self.maximumDepth else {
      throw Flaw(
        .key(key), found: "arrays nested more than \(Self.maximumDepth) deep",
        expected: "at most \(Self.maximumDepth)")
    }
    try checkHeaderLength(0)
    let type = try type(of: key)
    let claimed = try integer(UInt64.self, "the count of an array")
    guard claimed <= remaining / type.minimumSize else {
      throw Flaw(
        .key(key), found: "an array of \(claimed) values of type \(type)",
        expected:
          "at most \(grouped(remaining / type.minimumSize)), what the rest of the file holds")
    }
    let count = Int(claimed)
    let start = position
    if let size = type.fixedSize {
      // The count is within what remains, so neither product nor sum overflows.
      position += count * size
    } else {
      for _ in 0..<count {
        if type == .string {
          _ = try stringBytes("a string of an array")
        } else {
          _ = try array(key: key, depth: depth + 1)
        }
      }
    }
    return MetadataArray(elementType: type, count: count, file: file, offset: start)
  }

  /// Makes sure that so many bytes more are still a header, and that reading it takes no age.
  private func checkHeaderLength(_ more: Int) throws(Flaw) {
    guard position <= Self.maximumHeaderLength, more <= Self.maximumHeaderLength - position else {
      throw Flaw(
        .byte(position), found: "a header that goes on here",
        expected: "one of at most \(grouped(Self.maximumHeaderLength)) bytes")
    }
  }

  private func endOfFile(_ what: String) -> Flaw {
    Flaw(
      .byte(position), found: "the end of the file", expected: what,
      remedy: "a partial download?")
  }
}
