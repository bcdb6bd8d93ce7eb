/// The header of a GGUF file that is to be written, and where the tensors' data goes.
///
/// Version 3, as ggml writes it: each tensor's data begins at a multiple of the alignment, and zeros fill up what
/// is between, behind the last one too.
public struct GGUFHeader: Sendable {
  /// A tensor that the file will hold.
  public struct Tensor: Sendable {
    /// The name.
    public let name: String
    /// The dimensions, row-major.
    public let shape: [Int]
    /// How the elements are stored: a type of ggml.
    public let type: SourceType

    /// A tensor; nil if ggml has no such type, or rows aren't whole blocks of it.
    public init?(name: String, shape: [Int], type: SourceType) {
      guard type.ggmlNumber != nil, (shape.last ?? 1) % type.blockLength == 0,
        let count = elementCount(shape), let bytes = type.byteCount(elements: count),
        bytes < 1 << 60
      else { return nil }
      self.name = name
      self.shape = shape
      self.type = type
      byteCount = bytes
    }

    /// The size of the data in bytes.
    public let byteCount: Int
  }

  /// All bytes before the first tensor's data.
  public let bytes: [UInt8]
  /// Where each tensor's data begins, in bytes from the start of the file.
  public let offsets: [Int]
  /// The size of the whole file.
  public let byteCount: Int

  /// A header.
  /// - Parameter pairs: the metadata; `general.alignment` among it decides the alignment, which is 32 without.
  public init(pairs: [GGUFPair], tensors: [Tensor]) {
    let alignment = Self.alignment(pairs)
    func aligned(_ size: Int) -> Int { (size + alignment - 1) / alignment * alignment }
    var bytes = Array("GGUF".utf8) + littleEndianBytes(UInt32(3))
    bytes += littleEndianBytes(UInt64(tensors.count)) + littleEndianBytes(UInt64(pairs.count))
    for pair in pairs {
      bytes += GGUFPair.stored(pair.key) + littleEndianBytes(pair.type.rawValue)
      bytes += pair.bytes
    }
    var position = 0
    var offsets: [Int] = []
    for tensor in tensors {
      bytes += GGUFPair.stored(tensor.name)
      // ggml counts no leading dimensions of 1, but one dimension at least.
      let shape = tensor.shape.drop { $0 == 1 }
      let dimensions = shape.isEmpty ? [1] : Array(shape.reversed())
      bytes += littleEndianBytes(UInt32(dimensions.count))
      for dimension in dimensions { bytes += littleEndianBytes(UInt64(dimension)) }
      bytes += littleEndianBytes(tensor.type.ggmlNumber ?? 0)
      bytes += littleEndianBytes(UInt64(position))
      offsets.append(position)
      position += aligned(tensor.byteCount)
    }
    bytes += repeatElement(0, count: aligned(bytes.count) - bytes.count)
    self.bytes = bytes
    self.offsets = offsets.map { $0 + bytes.count }
    byteCount = bytes.count + position
  }

  private static func alignment(_ pairs: [GGUFPair]) -> Int {
    let pair = pairs.last { $0.key == GGUF.alignmentKey && $0.type == .uint32 }
    guard let bytes = pair?.bytes, bytes.count == 4 else { return 32 }
    return max(1, bytes.reversed().reduce(0) { $0 << 8 | Int($1) })
  }
}
