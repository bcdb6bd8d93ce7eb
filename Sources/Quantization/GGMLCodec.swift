import CKernels

extension GGMLType: FormatScheme {
  /// The name as llama.cpp writes it.
  public var description: String { rawValue }

  /// Whole blocks alone count: `objection` says which rows have others.
  func storedByteCount(rows: Int, rowLength: Int) -> Int {
    rows * (rowLength / blockLength) * bytesPerBlock
  }

  func makeCodec() -> any Codec { GGMLCodec(type: self) }

  var pieceAlignment: Int? {
    if case .weightedByRow = traits.encode { nil } else { blockLength }
  }

  var usesImportance: Bool {
    switch traits.encode {
    case .plain: false
    case .weighted, .weightedByRow, .weightedOnly: true
    }
  }

  var needsImportance: Bool {
    if case .weightedOnly = traits.encode { true } else { false }
  }

  func objection(rowLength: Int) -> String? {
    blockObjection(rowLength: rowLength, blockLength: blockLength)
  }

  static let family = FormatFamily(
    knownNames: allCases.map(\.rawValue)
  ) { name throws(FormatError) in
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    guard let type = GGMLType(name: String(parts[0])) else { return nil }
    guard parts.count == 1 else {
      throw FormatError(text: name, problem: .partNotTaken(String(parts[1])))
    }
    return .ggml(type)
  }
}

/// Encodes and decodes one block type of ggml; the loops are in CKernels.
///
/// Weights after the last whole block of a row have no place in the bytes; they reconstruct and decode as NaN,
/// so that no error figure can pass for a good one. So do all weights of a type that can't be encoded without
/// importance (its bytes are zeros then), where none is given.
struct GGMLCodec: Codec {
  let type: GGMLType

  var format: Format { .ggml(type) }

  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, into reconstructed: inout MutableSpan<Float>
  ) {
    reconstruct(weights, rowLength: rowLength, importance: Span(), into: &reconstructed)
  }

  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, importance: Span<Float>,
    into reconstructed: inout MutableSpan<Float>
  ) {
    precondition(reconstructed.count >= weights.count, "too little room for the weights")
    guard rowLength > 0, weights.count > 0 else { return }
    let traits = type.traits
    guard !type.needsImportance || importance.count == rowLength else {
      for index in 0..<weights.count { reconstructed[index] = .nan }
      return
    }
    let used = Self.bytesAtOnce(type, rowLength: rowLength)
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: used) { bytes in
      importance.withUnsafeBufferPointer { importance in
        weights.withUnsafeBufferPointer { source in
          reconstructed.withUnsafeMutableBufferPointer { out in
            guard let source = source.baseAddress, let out = out.baseAddress else { return }
            let encoder = BlockEncoder(type, rowLength: rowLength, importance: importance)
            encoder.forEachStretch(of: weights.count, roomFor: used) { stretch in
              encoder.encode(source + stretch.start, stretch, to: bytes.baseAddress)
              traits.decode(bytes.baseAddress, stretch.blocks, out + stretch.start)
              (out + stretch.end).update(repeating: .nan, count: stretch.rest)
            }
          }
        }
      }
    }
  }

  func encode(_ weights: Span<Float>, rowLength: Int) -> EncodedWeights {
    encode(weights, rowLength: rowLength, importance: Span())
  }

  func encode(
    _ weights: Span<Float>, rowLength: Int, importance: Span<Float>
  ) -> EncodedWeights {
    let rowLength = max(rowLength, 0)
    let rows = rowLength > 0 ? weights.count / rowLength : 0
    let size = type.storedByteCount(rows: rows, rowLength: rowLength)
    var bytes = [UInt8](repeating: 0, count: size)
    let result = { (bytes: [UInt8]) in
      EncodedWeights(unchecked: format, rows: rows, rowLength: rowLength, bytes: bytes)
    }
    guard !type.needsImportance || importance.count == rowLength else { return result(bytes) }
    bytes.withUnsafeMutableBufferPointer { out in
      importance.withUnsafeBufferPointer { importance in
        weights.withUnsafeBufferPointer { source in
          guard let source = source.baseAddress, var next = out.baseAddress else { return }
          let encoder = BlockEncoder(type, rowLength: rowLength, importance: importance)
          encoder.forEachStretch(of: rows * rowLength, roomFor: .max) { stretch in
            encoder.encode(source + stretch.start, stretch, to: next)
            next += stretch.blocks * type.bytesPerBlock
          }
        }
      }
    }
    return result(bytes)
  }

  func decode(_ encoded: EncodedWeights, into weights: inout MutableSpan<Float>) {
    guard encoded.format == format else { return }
    let count = encoded.rows * encoded.rowLength
    precondition(weights.count >= count, "too little room for the weights")
    let traits = type.traits
    encoded.bytes.withUnsafeBufferPointer { bytes in
      weights.withUnsafeMutableBufferPointer { out in
        guard let out = out.baseAddress else { return }
        var next = bytes.baseAddress
        forEachBlockRun(
          of: count, rowLength: encoded.rowLength, blockLength: traits.blockLength
        ) { start, blocks, rest in
          if blocks > 0 { traits.decode(next, blocks, out + start) }
          next = next.map { $0 + blocks * traits.bytesPerBlock }
          (out + start + blocks * traits.blockLength).update(repeating: .nan, count: rest)
        }
      }
    }
  }

  /// The bytes of some blocks at a time, so that they stay in the cache: of one row at least where rows are
  /// encoded whole.
  private static func bytesAtOnce(_ type: GGMLType, rowLength: Int) -> Int {
    let blocks = max(1, 16_384 / type.blockLength)
    let isWhole = if case .weightedByRow = type.traits.encode { true } else { false }
    return max(blocks, isWhole ? rowLength / type.blockLength : 0) * type.bytesPerBlock
  }
}

/// Whole blocks that lie side by side, and the weights left over behind them in their row.
private struct Stretch {
  /// Where it begins, in weights.
  var start: Int
  /// Its rows, or the parts of rows, all of `length` weights.
  var rows: Int
  var length: Int
  let blockLength: Int
  /// The weights behind the last block.
  var rest = 0

  var blocks: Int { rows * (length / blockLength) }
  var end: Int { start + rows * length }
}

/// Feeds a type's encoder with rows of whole blocks.
private struct BlockEncoder {
  let encoder: GGMLType.Traits.Encoder
  let blockLength: Int
  let bytesPerBlock: Int
  let rowLength: Int
  /// Of each column; nil for none.
  let importance: UnsafePointer<Float>?

  init(
    _ type: GGMLType, rowLength: Int, importance: UnsafeBufferPointer<Float>
  ) {
    let traits = type.traits
    encoder = traits.encode
    blockLength = traits.blockLength
    bytesPerBlock = traits.bytesPerBlock
    self.rowLength = rowLength
    self.importance = importance.count == rowLength ? importance.baseAddress : nil
  }

  /// The stretches of `count` weights, none with more bytes than there is room for: some rows where all their
  /// weights are in blocks, else a row; and parts of a row where even that is too long.
  func forEachStretch(of count: Int, roomFor bytes: Int, _ body: (Stretch) -> Void) {
    guard rowLength > 0 else { return }
    let blocksAtOnce = max(1, bytes / bytesPerBlock)
    let rowBlocks = rowLength / blockLength
    let rest = rowLength % blockLength
    var start = 0
    while start < count {
      let rowEnd = start + rowLength
      if rowEnd > count || rowBlocks > blocksAtOnce || rest > 0 {
        cut(start, min(rowEnd, count), blocksAtOnce, body)
        start = min(rowEnd, count)
      } else {
        let rows = min((count - start) / rowLength, blocksAtOnce / max(1, rowBlocks))
        body(Stretch(start: start, rows: rows, length: rowLength, blockLength: blockLength))
        start += rows * rowLength
      }
    }
  }

  /// One row, or what there is of it, in parts.
  private func cut(_ start: Int, _ end: Int, _ blocksAtOnce: Int, _ body: (Stretch) -> Void) {
    var start = start
    repeat {
      let blocks = min((end - start) / blockLength, blocksAtOnce)
      let length = blocks * blockLength
      let behind = end - start - length
      let rest = behind < blockLength ? behind : 0
      body(Stretch(start: start, rows: 1, length: length, blockLength: blockLength, rest: rest))
      start += length + rest
    } while start < end
  }

  /// Encodes a stretch of weights.
  func encode(
    _ weights: UnsafePointer<Float>, _ stretch: Stretch, to bytes: UnsafeMutablePointer<UInt8>?
  ) {
    guard stretch.blocks > 0 else { return }
    switch encoder {
    case .plain(let encode):
      encode(weights, stretch.blocks, bytes)
    case .weighted(let encode), .weightedByRow(let encode), .weightedOnly(let encode):
      let column = stretch.start % rowLength
      encode(weights, importance.map { $0 + column }, stretch.rows, stretch.length, bytes)
    }
  }
}
