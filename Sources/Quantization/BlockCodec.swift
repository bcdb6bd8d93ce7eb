/// What a block of weights and its scale take.
struct BlockGeometry {
  /// Weights of a block.
  let length: Int
  /// Bytes of a block's codes.
  let codeBytes: Int
  /// Bytes of a block's scale.
  let scaleBytes: Int
  /// Bytes of what all blocks of the tensor share.
  var tensorBytes = 0

  func storedByteCount(rows: Int, rowLength: Int) -> Int {
    let blocks = rows * (rowLength / length)
    return blocks * (codeBytes + scaleBytes) + (blocks > 0 ? tensorBytes : 0)
  }

  func objection(rowLength: Int) -> String? {
    blockObjection(rowLength: rowLength, blockLength: length)
  }
}

/// Why rows of a length can't be cut into blocks; nil if they can.
func blockObjection(rowLength: Int, blockLength: Int) -> String? {
  rowLength % blockLength == 0
    ? nil : "rows of \(rowLength) aren't a multiple of \(blockLength)"
}

/// A codec of blocks of weights with a scale each, and perhaps one scale for the tensor.
///
/// Stored bytes: the codes of all blocks, then the scales of all blocks, then the tensor's scale (f32). Weights
/// after the last whole block of a row have no place in the bytes; they reconstruct and decode as NaN, so that
/// no error figure can pass for a good one.
protocol BlockCodec: Codec {
  var geometry: BlockGeometry { get }

  /// The scale of the tensor; 1 where there is none.
  func tensorScale(of weights: Span<Float>) -> Float

  func round(
    _ weights: UnsafePointer<Float>, blocks: Int, tensorScale: Float,
    into out: UnsafeMutablePointer<Float>)

  func encode(
    _ weights: UnsafePointer<Float>, blocks: Int, tensorScale: Float,
    codes: UnsafeMutablePointer<UInt8>, scales: UnsafeMutablePointer<UInt8>)

  func decode(
    codes: UnsafePointer<UInt8>, scales: UnsafePointer<UInt8>, blocks: Int, tensorScale: Float,
    into out: UnsafeMutablePointer<Float>)
}

extension BlockCodec {
  func tensorScale(of weights: Span<Float>) -> Float { 1 }

  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, into reconstructed: inout MutableSpan<Float>
  ) {
    precondition(reconstructed.count >= weights.count, "too little room for the weights")
    guard rowLength > 0, weights.count > 0 else { return }
    let tensorScale = tensorScale(of: weights)
    let length = geometry.length
    weights.withUnsafeBufferPointer { source in
      reconstructed.withUnsafeMutableBufferPointer { out in
        guard let source = source.baseAddress, let out = out.baseAddress else { return }
        forEachBlockRun(of: weights.count, rowLength: rowLength, blockLength: length) {
          start, blocks, rest in
          round(source + start, blocks: blocks, tensorScale: tensorScale, into: out + start)
          (out + start + blocks * length).update(repeating: .nan, count: rest)
        }
      }
    }
  }

  func encode(_ weights: Span<Float>, rowLength: Int) -> EncodedWeights {
    let rowLength = max(rowLength, 0)
    let rows = rowLength > 0 ? weights.count / rowLength : 0
    let geometry = geometry
    let blocks = rows * (rowLength / geometry.length)
    let size = geometry.storedByteCount(rows: rows, rowLength: rowLength)
    let tensorScale = tensorScale(of: weights)
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { out, initialized in
      initialized = size
      weights.withUnsafeBufferPointer { source in
        guard let source = source.baseAddress, var codes = out.baseAddress, blocks > 0 else {
          return
        }
        var scales = codes + blocks * geometry.codeBytes
        forEachBlockRun(
          of: rows * rowLength, rowLength: rowLength, blockLength: geometry.length
        ) { start, blocks, _ in
          encode(
            source + start, blocks: blocks, tensorScale: tensorScale, codes: codes, scales: scales)
          codes += blocks * geometry.codeBytes
          scales += blocks * geometry.scaleBytes
        }
        if geometry.tensorBytes > 0 {
          UnsafeMutableRawPointer(scales).storeBytes(
            of: tensorScale.bitPattern.littleEndian, as: UInt32.self)
        }
      }
    }
    return EncodedWeights(unchecked: format, rows: rows, rowLength: rowLength, bytes: bytes)
  }

  func decode(_ encoded: EncodedWeights, into weights: inout MutableSpan<Float>) {
    guard encoded.format == format else { return }
    let count = encoded.rows * encoded.rowLength
    precondition(weights.count >= count, "too little room for the weights")
    let geometry = geometry
    let tensorScale = geometry.tensorScale(in: encoded) ?? 1
    encoded.bytes.withUnsafeBufferPointer { bytes in
      weights.withUnsafeMutableBufferPointer { out in
        guard let out = out.baseAddress else { return }
        var codes = bytes.baseAddress
        var scales = codes.map { $0 + geometry.blocks(in: encoded) * geometry.codeBytes }
        forEachBlockRun(
          of: count, rowLength: encoded.rowLength, blockLength: geometry.length
        ) { start, blocks, rest in
          if let at = codes, let scale = scales, blocks > 0 {
            decode(
              codes: at, scales: scale, blocks: blocks, tensorScale: tensorScale,
              into: out + start)
            codes = at + blocks * geometry.codeBytes
            scales = scale + blocks * geometry.scaleBytes
          }
          (out + start + blocks * geometry.length).update(repeating: .nan, count: rest)
        }
      }
    }
  }
}

extension BlockGeometry {
  func blocks(in encoded: EncodedWeights) -> Int { encoded.rows * (encoded.rowLength / length) }

  /// The stored scale of the tensor; nil if there is none.
  func tensorScale(in encoded: EncodedWeights) -> Float? {
    guard tensorBytes > 0, blocks(in: encoded) > 0 else { return nil }
    return Float(bitPattern: encoded.bytes.suffix(tensorBytes).littleEndian)
  }

  /// The stored scales of the blocks, little-endian.
  func scalePatterns(in encoded: EncodedWeights) -> [UInt32] {
    let blocks = blocks(in: encoded)
    return (0..<blocks).map { block in
      let start = blocks * codeBytes + block * scaleBytes
      return encoded.bytes[start..<start + scaleBytes].littleEndian
    }
  }
}

extension ArraySlice<UInt8> {
  /// Up to four bytes as a number.
  var littleEndian: UInt32 { reversed().reduce(0) { $0 << 8 | UInt32($1) } }
}

/// Calls `body` for the runs of whole blocks in `count` weights: where each starts, its blocks, and the weights
/// left over behind it. Rows of whole blocks are one run together.
func forEachBlockRun(
  of count: Int, rowLength: Int, blockLength: Int,
  _ body: (_ start: Int, _ blocks: Int, _ rest: Int) -> Void
) {
  guard rowLength > 0, rowLength % blockLength != 0 else {
    return body(0, count / blockLength, count % blockLength)
  }
  for start in stride(from: 0, to: count, by: rowLength) {
    let row = min(rowLength, count - start)
    body(start, row / blockLength, row % blockLength)
  }
}
