import CKernels

/// Encodes and decodes one integer format; the loops are in CKernels.
struct IntegerCodec: Codec {
  let integer: IntegerFormat
  let range: ClippingRange?

  init(_ format: IntegerFormat, range: ClippingRange?) {
    integer = format
    self.range = range
  }

  var format: Format { .integer(integer) }

  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, into reconstructed: inout MutableSpan<Float>
  ) {
    precondition(reconstructed.count >= weights.count, "too little room for the weights")
    guard rowLength > 0, weights.count > 0 else { return }
    var kernel = integer.kernelFormat
    let grid = tensorGrid(weights)
    weights.withUnsafeBufferPointer { source in
      reconstructed.withUnsafeMutableBufferPointer { out in
        guard let source = source.baseAddress, let out = out.baseAddress else { return }
        if let grid {
          bl_integer_apply(&kernel, grid, source, weights.count, out)
          return
        }
        let group = integer.groupLength(rowLength: rowLength)
        Logarithms.withTable { logarithms in
          for start in stride(from: 0, to: weights.count, by: rowLength) {
            let count = min(rowLength, weights.count - start)
            bl_integer_reconstruct_row(
              &kernel, source + start, count, group, logarithms, out + start)
          }
        }
      }
    }
  }

  func encode(_ weights: Span<Float>, rowLength: Int) -> EncodedWeights {
    let rows = rowLength > 0 ? weights.count / rowLength : 0
    let layout = IntegerLayout(integer, rows: rows, rowLength: max(rowLength, 0))
    var grids: [bl_grid] = []
    grids.reserveCapacity(layout.scaleCount)
    var kernel = integer.kernelFormat
    let shared = tensorGrid(weights)
    if let shared, layout.scaleCount > 0 { grids.append(shared) }
    var bytes = layout.encodeGroups(of: weights) { group, count, codes in
      let grid = shared ?? self.grid(of: group, count: count)
      if shared == nil { grids.append(grid) }
      bl_integer_codes(&kernel, grid, group, count, codes)
    }
    for grid in grids { integer.scaleType.append(grid.scale, to: &bytes) }
    if integer.scheme == .affine {
      let zeroPoints = grids.map { UInt8(truncatingIfNeeded: $0.zero_point) }
      bytes += Packing.pack(zeroPoints, bits: integer.bits)
    }
    return EncodedWeights(
      unchecked: format, rows: rows, rowLength: layout.rowLength, bytes: bytes)
  }

  func decode(_ encoded: EncodedWeights, into weights: inout MutableSpan<Float>) {
    guard encoded.format == format else { return }
    let layout = IntegerLayout(integer, rows: encoded.rows, rowLength: encoded.rowLength)
    let scales = layout.scales(in: encoded.bytes)
    let zeroPoints = layout.zeroPoints(in: encoded.bytes)
    var kernel = integer.kernelFormat
    layout.decodeGroups(in: encoded.bytes, into: &weights) { index, codes, count, out in
      let grid = bl_grid(scale: scales[index], zero_point: Int32(zeroPoints[index]))
      bl_integer_decode(&kernel, grid, codes, count, out)
    }
  }

  /// The grid of one group, by the format's calibration.
  private func grid(of group: UnsafePointer<Float>, count: Int) -> bl_grid {
    var kernel = integer.kernelFormat
    let range = Logarithms.withTable { bl_integer_range(&kernel, group, count, $0) }
    return bl_integer_grid(&kernel, range)
  }

  /// The one grid of a format with tensor granularity; nil for others.
  ///
  /// Without a range given, these weights
  /// are taken as the tensor.
  private func tensorGrid(_ weights: Span<Float>) -> bl_grid? {
    guard integer.granularity == .tensor else { return nil }
    let range = range ?? RangeFinder.range(of: weights, format: integer)
    var kernel = integer.kernelFormat
    return bl_integer_grid(&kernel, bl_range(range))
  }
}

extension IntegerFormat {
  /// The format as the kernels take it.
  package var kernelFormat: bl_integer_format {
    var kernel = bl_integer_format()
    kernel.bits = Int32(bits)
    kernel.affine = scheme == .affine ? 1 : 0
    kernel.scale_type = scaleType.kernelValue
    switch calibration {
    case .minmax: kernel.calibration = Int32(bl_minmax)
    case .percentile(let value):
      kernel.calibration = Int32(bl_percentile)
      kernel.percentile = value
    case .mse, .gptq, .gptqAct, .awq: kernel.calibration = Int32(bl_mse)
    case .entropy: kernel.calibration = Int32(bl_entropy)
    case .hqq: break  // kernels of its own
    }
    return kernel
  }

  /// Weights that share a scale in a row of this length.
  package func groupLength(rowLength: Int) -> Int {
    if case .group(let length) = granularity { return length }
    return max(rowLength, 1)
  }
}

extension bl_range {
  init(_ range: ClippingRange) { self.init(lower: range.lower, upper: range.upper) }
}

extension ClippingRange {
  init(_ range: bl_range) { self.init(lower: range.lower, upper: range.upper) }
}
