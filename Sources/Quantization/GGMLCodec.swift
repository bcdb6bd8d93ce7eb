import CKernels

extension GGMLType: FormatScheme {
  /// The name as llama.cpp writes it.
  public var description: String { rawValue }

  /// Whole blocks alone count: `objection` says which rows have others.
  func storedByteCount(rows: Int, rowLength: Int) -> Int {
    rows * (rowLength / blockLength) * bytesPerBlock
  }

  func makeCodec() -> any Codec { GGMLCodec(type: self) }

  var pieceAlignment: Int? { blockLength }

  func objection(rowLength: Int) -> String? {
    rowLength % blockLength == 0 ? nil : "rows of \(rowLength) aren't a multiple of \(blockLength)"
  }

  /// The names of types that can be written; those that can only be read are known, and refused.
  static let family = FormatFamily(
    knownNames: allCases.filter(\.canEncode).map(\.rawValue)
  ) { name throws(FormatError) in
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    guard let type = GGMLType(name: String(parts[0])) else { return nil }
    guard parts.count == 1 else {
      throw FormatError(text: name, problem: .partNotTaken(String(parts[1])))
    }
    guard type.canEncode else {
      throw FormatError(
        text: name, problem: .readOnly(type),
        nearest: Format.names(near: name).filter { $0.hasPrefix(name.prefix(1)) })
    }
    return .ggml(type)
  }
}

/// Encodes and decodes one block type of ggml; the loops are in CKernels.
///
/// Weights after the last whole block of a row have no place in the bytes; they reconstruct and decode as NaN,
/// so that no error figure can pass for a good one. A type without an encoder (which no parser hands out)
/// encodes to zeros and reconstructs as NaN.
struct GGMLCodec: Codec {
  let type: GGMLType

  var format: Format { .ggml(type) }

  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, into reconstructed: inout MutableSpan<Float>
  ) {
    precondition(reconstructed.count >= weights.count, "too little room for the weights")
    guard rowLength > 0, weights.count > 0 else { return }
    let traits = type.traits
    guard let encode = traits.encode else {
      for index in 0..<weights.count { reconstructed[index] = .nan }
      return
    }
    // Some blocks at a time, so that their bytes stay in the cache.
    let step = max(1, 4096 / traits.blockLength)
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: step * traits.bytesPerBlock) { bytes in
      weights.withUnsafeBufferPointer { source in
        reconstructed.withUnsafeMutableBufferPointer { out in
          guard let source = source.baseAddress, let out = out.baseAddress else { return }
          forEachRun(of: weights.count, rowLength: rowLength) { start, blocks, rest in
            for block in stride(from: 0, to: blocks, by: step) {
              let count = min(step, blocks - block)
              let offset = start + block * traits.blockLength
              encode(source + offset, count, bytes.baseAddress)
              traits.decode(bytes.baseAddress, count, out + offset)
            }
            (out + start + blocks * traits.blockLength).update(repeating: .nan, count: rest)
          }
        }
      }
    }
  }

  func encode(_ weights: Span<Float>, rowLength: Int) -> EncodedWeights {
    let rowLength = max(rowLength, 0)
    let rows = rowLength > 0 ? weights.count / rowLength : 0
    let size = type.storedByteCount(rows: rows, rowLength: rowLength)
    var bytes = [UInt8](repeating: 0, count: size)
    let traits = type.traits
    if let encode = traits.encode {
      bytes.withUnsafeMutableBufferPointer { out in
        weights.withUnsafeBufferPointer { source in
          guard let source = source.baseAddress, var next = out.baseAddress else { return }
          forEachRun(of: rows * rowLength, rowLength: rowLength) { start, blocks, _ in
            encode(source + start, blocks, next)
            next += blocks * traits.bytesPerBlock
          }
        }
      }
    }
    return EncodedWeights(unchecked: format, rows: rows, rowLength: rowLength, bytes: bytes)
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
        forEachRun(of: count, rowLength: encoded.rowLength) { start, blocks, rest in
          if blocks > 0 { traits.decode(next, blocks, out + start) }
          next = next.map { $0 + blocks * traits.bytesPerBlock }
          (out + start + blocks * traits.blockLength).update(repeating: .nan, count: rest)
        }
      }
    }
  }

  private func forEachRun(
    of count: Int, rowLength: Int, _ body: (_ start: Int, _ blocks: Int, _ rest: Int) -> Void
  ) {
    forEachBlockRun(of: count, rowLength: rowLength, blockLength: type.blockLength, body)
  }
}
