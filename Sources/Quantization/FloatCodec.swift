import CKernels

/// Casts weights to a floating-point type and back.
struct FloatCodec: Codec {
  let float: FloatFormat

  init(_ format: FloatFormat) { float = format }

  var format: Format { .float(float) }

  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, into reconstructed: inout MutableSpan<Float>
  ) {
    precondition(reconstructed.count >= weights.count, "too little room for the weights")
    guard rowLength > 0, weights.count > 0 else { return }
    weights.withUnsafeBufferPointer { source in
      reconstructed.withUnsafeMutableBufferPointer { out in
        guard let source = source.baseAddress, let out = out.baseAddress else { return }
        switch float {
        case .f32: out.update(from: source, count: weights.count)
        case .f16: bl_round_f16(source, weights.count, out)
        case .bf16: bl_round_bf16(source, weights.count, out)
        case .f8E4M3: bl_round_f8(.e4m3, source, weights.count, out)
        case .f8E5M2: bl_round_f8(.e5m2, source, weights.count, out)
        }
      }
    }
  }

  func encode(_ weights: Span<Float>, rowLength: Int) -> EncodedWeights {
    let rows = rowLength > 0 ? weights.count / rowLength : 0
    let count = rows * max(rowLength, 0)
    let bytes = weights.withUnsafeBufferPointer { source in
      switch float {
      case .f32: littleEndian(count) { for i in 0..<count { $0[i] = source[i].bitPattern } }
      case .f16: littleEndian(count) { bl_encode_f16(source.baseAddress, count, $0.baseAddress) }
      case .bf16: littleEndian(count) { bl_encode_bf16(source.baseAddress, count, $0.baseAddress) }
      case .f8E4M3:
        littleEndian(count) { bl_encode_f8(.e4m3, source.baseAddress, count, $0.baseAddress) }
      case .f8E5M2:
        littleEndian(count) { bl_encode_f8(.e5m2, source.baseAddress, count, $0.baseAddress) }
      }
    }
    return EncodedWeights(
      unchecked: format, rows: rows, rowLength: max(rowLength, 0), bytes: bytes)
  }

  func decode(_ encoded: EncodedWeights, into weights: inout MutableSpan<Float>) {
    guard encoded.format == format else { return }
    let count = encoded.rows * encoded.rowLength
    precondition(weights.count >= count, "too little room for the weights")
    let bytes = encoded.bytes.span.bytes
    switch float {
    case .f32: Decode.f32(bytes, into: &weights)
    case .f16: Decode.f16(bytes, into: &weights)
    case .bf16: Decode.bf16(bytes, into: &weights)
    case .f8E4M3: Decode.f8E4M3(bytes, into: &weights)
    case .f8E5M2: Decode.f8E5M2(bytes, into: &weights)
    }
  }
}

/// The bytes of `count` integers that `fill` writes.
private func littleEndian<Pattern: FixedWidthInteger>(
  _ count: Int, _ fill: (UnsafeMutableBufferPointer<Pattern>) -> Void
) -> [UInt8] {
  guard count > 0 else { return [] }
  let patterns = [Pattern](unsafeUninitializedCapacity: count) { buffer, initialized in
    fill(UnsafeMutableBufferPointer(rebasing: buffer[0..<count]))
    initialized = count
  }
  return patterns.map(\.littleEndian).withUnsafeBytes { Array($0) }
}

extension bl_f8_format {
  /// OCP E4M3: bias 7, greatest 0x7E = 448, NaN 0x7F, no infinity.
  static let e4m3 = bl_f8_format(mantissa_bits: 3, bias: 7, maximum_code: 0x7e, nan_code: 0x7f)
  /// OCP E5M2: bias 15, greatest 0x7B = 57,344, infinity 0x7C, quiet NaN 0x7E.
  static let e5m2 = bl_f8_format(mantissa_bits: 2, bias: 15, maximum_code: 0x7b, nan_code: 0x7e)
}
