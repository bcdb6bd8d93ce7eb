/// The header of a safetensors file that is to be written, and where the tensors' data goes.
///
/// As the safetensors package does, tensors of wide types come first, so that each is aligned to its type, and those
/// of one width by their names.
public struct SafetensorsHeader: Sendable {
  /// A tensor that the file will hold.
  public struct Tensor: Sendable, Hashable {
    /// The name.
    public let name: String
    /// The dimensions, row-major.
    public let shape: [Int]
    /// How the elements are stored.
    public let type: SourceType
    /// The size of the data in bytes.
    public let byteCount: Int

    /// A tensor; nil if safetensors has no such type, or it is too large.
    public init?(name: String, shape: [Int], type: SourceType) {
      guard SourceType(safetensorsName: type.rawValue) == type, let count = elementCount(shape),
        let bytes = type.byteCount(elements: count), bytes < 1 << 60
      else { return nil }
      self.name = name
      self.shape = shape
      self.type = type
      byteCount = bytes
    }
  }

  /// All bytes before the first tensor's data.
  public let bytes: [UInt8]
  /// Where each tensor's data begins, by its name, in bytes from the start of the file.
  public let offsets: [String: Int]
  /// The size of the whole file.
  public let byteCount: Int

  /// A header.
  /// - Parameter metadata: texts for `__metadata__`.
  public init(metadata: [(key: String, value: String)], tensors: [Tensor]) {
    let ordered = tensors.sorted {
      ($1.type.bytesPerBlock, $0.name) < ($0.type.bytesPerBlock, $1.name)
    }
    var object = JSONObject()
    if !metadata.isEmpty {
      object["__metadata__"] = .object(
        JSONObject(metadata.map { JSONObject.Member(key: $0.key, value: .string($0.value)) }))
    }
    var starts: [String: Int] = [:]
    var end = 0
    for tensor in ordered {
      starts[tensor.name] = end
      object[tensor.name] = [
        "dtype": .string(tensor.type.rawValue),
        "shape": .array(tensor.shape.map { JSONValue($0) }),
        "data_offsets": [JSONValue(end), JSONValue(end + tensor.byteCount)],
      ]
      end += tensor.byteCount
    }
    var text = JSONWriter(.compact).bytes(.object(object))
    text += repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
    bytes = littleEndianBytes(UInt64(text.count)) + text
    let start = bytes.count
    offsets = starts.mapValues { $0 + start }
    byteCount = start + end
  }
}
