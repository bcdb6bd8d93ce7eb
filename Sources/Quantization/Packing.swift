import CKernels

/// Codes of 1 to 8 bits one after another, the first in the low bits of the first byte.
public enum Packing {
  /// The bytes that `count` codes take.
  public static func byteCount(_ count: Int, bits: Int) -> Int { (count * bits + 7) / 8 }

  /// Packs the low `bits` bits (1...8) of each code; the last byte is filled up with zeros.
  public static func pack(_ codes: [UInt8], bits: Int) -> [UInt8] {
    precondition((1...8).contains(bits), "codes have 1 to 8 bits")
    var packed = [UInt8](repeating: 0, count: byteCount(codes.count, bits: bits))
    packed.withUnsafeMutableBufferPointer { out in
      codes.withUnsafeBufferPointer {
        bl_pack($0.baseAddress, $0.count, Int32(bits), out.baseAddress)
      }
    }
    return packed
  }

  /// The first `count` codes of packed bytes, each in the low bits of a byte; fewer if the bytes end.
  public static func unpack(_ bytes: ArraySlice<UInt8>, count: Int, bits: Int) -> [UInt8] {
    precondition((1...8).contains(bits), "codes have 1 to 8 bits")
    let count = max(0, min(count, bytes.count * 8 / bits))
    var codes = [UInt8](repeating: 0, count: count)
    codes.withUnsafeMutableBufferPointer { out in
      bytes.withUnsafeBufferPointer {
        bl_unpack($0.baseAddress, count, Int32(bits), out.baseAddress)
      }
    }
    return codes
  }
}

/// Where the parts of encoded integer weights are.
struct IntegerLayout {
  let format: IntegerFormat
  let rows: Int
  let rowLength: Int
  let scaleCount: Int
  let codeBytes: Int  // of one row

  init(_ format: IntegerFormat, rows: Int, rowLength: Int) {
    self.format = format
    self.rows = rows
    self.rowLength = rowLength
    scaleCount = format.scaleCount(rows: rows, rowLength: rowLength)
    codeBytes = format.codeByteCount(rowLength: rowLength)
  }

  /// Weights that share a scale, within a row.
  var groupLength: Int { format.groupLength(rowLength: rowLength) }

  /// Scales of one row; 0 where there is one for all.
  var scalesPerRow: Int {
    format.granularity == .tensor ? 0 : (rowLength + groupLength - 1) / groupLength
  }

  var scaleOffset: Int { rows * codeBytes }
  var zeroPointOffset: Int { scaleOffset + scaleCount * format.scaleType.byteCount }

  func codes(ofRow row: Int, in bytes: [UInt8]) -> [UInt8] {
    let start = row * codeBytes
    return Packing.unpack(bytes[start..<start + codeBytes], count: rowLength, bits: format.bits)
  }

  /// The packed codes of all rows: `encode` fills in those of each group, row by row.
  func encodeGroups(
    of weights: Span<Float>,
    _ encode: (
      _ group: UnsafePointer<Float>, _ count: Int, _ codes: UnsafeMutablePointer<UInt8>
    ) -> Void
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(format.storedByteCount(rows: rows, rowLength: rowLength))
    var codes = [UInt8](repeating: 0, count: rowLength)
    for row in 0..<rows {
      weights.withUnsafeBufferPointer { source in
        codes.withUnsafeMutableBufferPointer { codes in
          guard let source = source.baseAddress, let codes = codes.baseAddress else { return }
          for start in stride(from: 0, to: rowLength, by: groupLength) {
            let count = min(groupLength, rowLength - start)
            encode(source + (row * rowLength + start), count, codes + start)
          }
        }
      }
      bytes += Packing.pack(codes, bits: format.bits)
    }
    return bytes
  }

  /// Calls `decode` with the codes of each group and the room for its weights; `scale` is the index of its scale.
  func decodeGroups(
    in bytes: [UInt8], into weights: inout MutableSpan<Float>,
    _ decode: (
      _ scale: Int, _ codes: UnsafePointer<UInt8>, _ count: Int, _ out: UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    precondition(weights.count >= rows * rowLength, "too little room for the weights")
    for row in 0..<rows {
      let codes = codes(ofRow: row, in: bytes)
      weights.withUnsafeMutableBufferPointer { out in
        codes.withUnsafeBufferPointer { codes in
          guard let out = out.baseAddress, let codes = codes.baseAddress else { return }
          for start in stride(from: 0, to: rowLength, by: groupLength) {
            let scale =
              format.granularity == .tensor ? 0 : row * scalesPerRow + start / groupLength
            let count = min(groupLength, rowLength - start)
            decode(scale, codes + start, count, out + (row * rowLength + start))
          }
        }
      }
    }
  }

  func scales(in bytes: [UInt8]) -> [Float] { reals(at: scaleOffset, in: bytes) }

  private func reals(at offset: Int, in bytes: [UInt8]) -> [Float] {
    (0..<scaleCount).map { index in
      let size = format.scaleType.byteCount
      let start = offset + index * size
      let pattern = (0..<size).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) }
      return format.scaleType.value(pattern)
    }
  }

  /// The zero points of `hqq`, stored as scales are.
  func realZeroPoints(in bytes: [UInt8]) -> [Float] { reals(at: zeroPointOffset, in: bytes) }

  func zeroPoints(in bytes: [UInt8]) -> [Int] {
    guard format.scheme == .affine else { return [Int](repeating: 0, count: scaleCount) }
    return Packing.unpack(bytes[zeroPointOffset...], count: scaleCount, bits: format.bits).map(
      Int.init)
  }
}

extension IntegerFormat.ScaleType {
  /// A scale from its stored bits.
  func value(_ pattern: UInt32) -> Float {
    switch self {
    case .f32: Float(bitPattern: pattern)
    case .bf16: Float(bitPattern: pattern << 16)
    case .f16: Decode.half(UInt16(truncatingIfNeeded: pattern))
    }
  }

  /// The stored bytes of a scale that has been rounded to this type.
  func append(_ scale: Float, to bytes: inout [UInt8]) {
    switch self {
    case .f32:
      for shift in [0, 8, 16, 24] {
        bytes.append(UInt8(truncatingIfNeeded: scale.bitPattern >> shift))
      }
    case .bf16:
      for shift in [16, 24] { bytes.append(UInt8(truncatingIfNeeded: scale.bitPattern >> shift)) }
    case .f16:
      let half = Decode.halfPattern(scale)
      for shift in [0, 8] { bytes.append(UInt8(truncatingIfNeeded: half >> shift)) }
    }
  }

  var kernelValue: Int32 {
    switch self {
    case .f16: Int32(bl_scale_f16)
    case .bf16: Int32(bl_scale_bf16)
    case .f32: Int32(bl_scale_f32)
    }
  }
}
