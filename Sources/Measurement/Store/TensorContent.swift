import ModelFiles
import Quantization

/// What a tensor is filed under: its bytes, with all that decides what they mean.
///
/// Two tensors with the same key have the same measurements, wherever their files are and whatever they are
/// called. The key is a digest over **all** bytes: a sample wouldn't do, since fine-tuned models differ from
/// their base in few places. It is made once for each tensor, when its first finding comes in and its bytes are
/// in the cache of the disk, at some tens of GB/s; measuring one format is slower. So that a tensor that was
/// seen before needs no pass, the store knows where it was (`FileIdentity` and offset); and so that one that was
/// copied or moved needs one only where it pays, it knows a digest of a small sample, which contents that are
/// equal share, and few others do.
struct TensorContent {
  /// The bytes hashed in one piece; the digests of the pieces are hashed together. Part of the definition.
  private static let pieceLength = 1 << 20
  /// The bytes of a sample: from the tensor's middle.
  private static let sampleLength = 2048

  /// The digest of a tensor's content; nil if its file was cut short.
  static func hash(of tensor: Tensor, in model: Model) -> ContentHash? {
    var words = header(tensor)
    var start = 0
    let file = model.files[tensor.file]
    while start < tensor.byteCount {
      let end = min(tensor.byteCount, start + pieceLength)
      guard let hash = hash(of: file, in: tensor.offset + start..<tensor.offset + end) else {
        return nil
      }
      words += [hash.first, hash.second]
      start = end
    }
    return model.isIntact(tensor) ? ContentHash(of: words) : nil
  }

  /// The digest of a part of a tensor's content; nil if its file was cut short.
  static func sample(of tensor: Tensor, in model: Model) -> ContentHash? {
    let count = min(sampleLength, tensor.byteCount)
    let start = tensor.offset + (tensor.byteCount - count) / 2
    guard let hash = hash(of: model.files[tensor.file], in: start..<start + count) else {
      return nil
    }
    return ContentHash(of: header(tensor) + [hash.first, hash.second])
  }

  /// The digest of type and shape alone.
  static func shape(of tensor: Tensor) -> ContentHash { ContentHash(of: header(tensor)) }

  /// The digest of a sample of a file: sixteen places, or fewer where there are many files.
  static func sample(of file: MappedFile, places: Int) -> ContentHash? {
    var words: [UInt64] = []
    let count = min(sampleLength, file.byteCount)
    for place in 1...max(1, places) {
      let start = Int(Double(file.byteCount - count) * Double(place) / Double(max(1, places)))
      guard let hash = hash(of: file, in: start..<start + count) else { return nil }
      words += [hash.first, hash.second]
    }
    return ContentHash(of: words)
  }

  /// The digest of what decides about a tensor's importance.
  static func hash(of importance: TensorImportance) -> ContentHash {
    let values = importance.values.withUnsafeBytes { ContentHash(of: $0) }
    return ContentHash(of: [values.first, values.second, UInt64(importance.matrices)])
  }

  /// Type and shape, and how it is cut into rows, which the name may decide.
  private static func header(_ tensor: Tensor) -> [UInt64] {
    var name = tensor.source.rawValue
    let type = name.withUTF8 { ContentHash(of: UnsafeRawBufferPointer($0)) }
    let numbers = [tensor.shape.count] + tensor.shape + [tensor.rows, tensor.rowLength]
    return [type.first, type.second] + numbers.map { UInt64(bitPattern: Int64($0)) }
  }

  private static func hash(of file: MappedFile, in range: Range<Int>) -> ContentHash? {
    file.withBytes(in: range) { bytes in
      bytes.byteCount == range.count ? bytes.withUnsafeBytes { ContentHash(of: $0) } : nil
    }
  }
}
