import Measurement
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

  /// Whether a tensor can be filed: all its bytes lie in one file, whose state tells whether they are the same.
  static func isFilable(_ tensor: Tensor) -> Bool {
    tensor.byteCount > 0 && (tensor.packing?.parts ?? []).allSatisfy { $0.file == tensor.file }
  }

  /// The digest of a tensor's content; nil if its file was cut short.
  static func hash(of tensor: Tensor, in model: Model) -> ContentHash? {
    var words = header(tensor)
    let file = model.files[tensor.file]
    for stretch in stretches(of: tensor) {
      var start = stretch.lowerBound
      while start < stretch.upperBound {
        let end = min(stretch.upperBound, start + pieceLength)
        guard let hash = hash(of: file, in: start..<end) else { return nil }
        words += [hash.first, hash.second]
        start = end
      }
    }
    return model.isIntact(tensor) ? ContentHash(of: words) : nil
  }

  /// The digest of a part of a tensor's content; nil if its file was cut short.
  static func sample(of tensor: Tensor, in model: Model) -> ContentHash? {
    var words = header(tensor)
    for stretch in stretches(of: tensor) {
      let count = min(sampleLength, stretch.count)
      let start = stretch.lowerBound + (stretch.count - count) / 2
      guard let hash = hash(of: model.files[tensor.file], in: start..<start + count) else {
        return nil
      }
      words += [hash.first, hash.second]
    }
    return ContentHash(of: words)
  }

  /// Where its bytes lie in its file.
  private static func stretches(of tensor: Tensor) -> [Range<Int>] {
    guard let packing = tensor.packing else {
      return [tensor.offset..<tensor.offset + tensor.byteCount]
    }
    return packing.parts.map { $0.offset..<$0.offset + $0.byteCount }
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
    let type = digest(of: tensor.source)
    var numbers = [tensor.shape.count] + tensor.shape + [tensor.rows, tensor.rowLength]
    if let packing = tensor.packing { numbers += meaning(of: packing) }
    return [type.first, type.second] + numbers.map { UInt64(bitPattern: Int64($0)) }
  }

  private static func digest(of type: SourceType) -> ContentHash {
    var name = type.rawValue
    return name.withUTF8 { ContentHash(of: UnsafeRawBufferPointer($0)) }
  }

  /// All that decides what the bytes of packed weights mean.
  private static func meaning(of packing: TensorPacking) -> [Int] {
    let scheme =
      switch packing.scheme {
      case .float8: [1]
      case .mxfp8: [2]
      case .mxfp4: [3]
      case .nvfp4(let isDivided): [4, isDivided ? 1 : 0]
      case .int8: [5]
      case .packedIntegers(let bits): [6, bits]
      case .gptq(let bits, let isFirstFormat): [7, bits, isFirstFormat ? 1 : 0]
      case .awq: [8]
      case .mlx(let bits): [9, bits]
      }
    let parts = packing.parts.flatMap { part in
      let kind =
        switch part.kind {
        case .codes: 0
        case .scales: 1
        case .zeroPoints: 2
        case .groupIndex: 3
        case .globalScale: 4
        case .shape: 5
        }
      return [kind, Int(truncatingIfNeeded: digest(of: part.source).first), part.shape.count]
        + part.shape
    }
    return scheme + [
      packing.matrixRows, packing.columns, packing.groupRows, packing.groupColumns,
      packing.scaleRows, packing.scaleColumns, packing.parts.count,
    ] + parts
  }

  private static func hash(of file: MappedFile, in range: Range<Int>) -> ContentHash? {
    file.withBytes(in: range) { bytes in
      bytes.byteCount == range.count ? bytes.withUnsafeBytes { ContentHash(of: $0) } : nil
    }
  }
}
