import CKernels

/// Encodes and decodes affine integer formats with the `hqq` calibration: Half-Quadratic Quantization (Badri and
/// Shaji 2023, mobiusml/hqq); the loops are in CKernels.
///
/// The solver of hqq 0.2.8 (`optimize_weights_proximal_v2` with its defaults: p = 0.7, beta = 10, kappa = 1.01,
/// 20 iterations, early stop), on each group by itself (hqq stops when the mean over the tensor gets worse):
/// - 1 / scale = (2^b - 1) / (max - min), without widening to hold 0; 1 where max - min <= 10^-4, and at most
///   20,000 (hqq's own limits, which make small weights coarse). The scale is rounded to its stored type first.
/// - The zero point z starts at -min / scale. Each iteration takes q = clamp(round(w / scale + z), 0, 2^b - 1) and
///   r = (q - z) x scale; if mean|w - r| isn't less than before, the z before is taken and the search ends; else
///   e = shrink(w - r), z = mean(q - (w - e) / scale), beta = beta x kappa. shrink(x) = sign(x) max(0, |x| -
///   |x|^(p-1) / beta).
/// - z is rounded to the scale's stored type, and codes follow from the stored scale and z.
///
/// So zero points aren't whole numbers: they are stored as scales are (f16, as hqq keeps them, unless the format
/// says otherwise), and 0 itself is off the grid by up to half a step. NaN encodes as 0 does, infinities as the
/// ends of the grid; neither counts in the search.
struct HQQCodec: Codec {
  let integer: IntegerFormat

  var format: Format { .integer(integer) }

  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, into reconstructed: inout MutableSpan<Float>
  ) {
    precondition(reconstructed.count >= weights.count, "too little room for the weights")
    guard rowLength > 0, weights.count > 0 else { return }
    var kernel = integer.kernelFormat
    let group = integer.groupLength(rowLength: rowLength)
    weights.withUnsafeBufferPointer { source in
      reconstructed.withUnsafeMutableBufferPointer { out in
        guard let source = source.baseAddress, let out = out.baseAddress else { return }
        for start in stride(from: 0, to: weights.count, by: rowLength) {
          let count = min(rowLength, weights.count - start)
          bl_hqq_reconstruct_row(&kernel, source + start, count, group, out + start)
        }
      }
    }
  }

  func encode(_ weights: Span<Float>, rowLength: Int) -> EncodedWeights {
    let rows = rowLength > 0 ? weights.count / rowLength : 0
    let layout = IntegerLayout(integer, rows: rows, rowLength: max(rowLength, 0))
    var grids: [bl_hqq_grid] = []
    grids.reserveCapacity(layout.scaleCount)
    var kernel = integer.kernelFormat
    var bytes = layout.encodeGroups(of: weights) { group, count, codes in
      let grid = bl_hqq_search(&kernel, group, count)
      grids.append(grid)
      bl_hqq_codes(&kernel, grid, group, count, codes)
    }
    for grid in grids { integer.scaleType.append(grid.scale, to: &bytes) }
    for grid in grids { integer.scaleType.append(grid.zero_point, to: &bytes) }
    return EncodedWeights(
      unchecked: format, rows: rows, rowLength: layout.rowLength, bytes: bytes)
  }

  func decode(_ encoded: EncodedWeights, into weights: inout MutableSpan<Float>) {
    guard encoded.format == format else { return }
    let layout = IntegerLayout(integer, rows: encoded.rows, rowLength: encoded.rowLength)
    let scales = layout.scales(in: encoded.bytes)
    let zeroPoints = layout.realZeroPoints(in: encoded.bytes)
    layout.decodeGroups(in: encoded.bytes, into: &weights) { index, codes, count, out in
      let grid = bl_hqq_grid(scale: scales[index], zero_point: zeroPoints[index])
      bl_hqq_decode(grid, codes, count, out)
    }
  }
}
