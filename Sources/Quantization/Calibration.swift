import CKernels

/// Finds the range of a whole tensor from its pieces, in one pass over them or in two.
///
/// Give each piece to `observe`, in any order, then call `endPass`; if it returns nil, go over all pieces
/// again. `minmax` takes one pass, the others two. The result doesn't depend on how the weights are cut into
/// pieces (for `mse`, but for the last bits of the sums compared).
///
/// The same definitions hold for the ranges of channels and groups. Only finite weights count; without any,
/// the range is 0...0.
/// - `minmax`: the least and the greatest weight.
/// - `percentile(p)`: symmetric: the p-th percentile of |w|, for both ends; affine: the (100 - p)-th and the
///   p-th percentile of w, widened to hold 0. Between order statistics it is interpolated linearly, as
///   numpy.percentile does, in double precision.
/// - `mse`: k / 100 of the least and the greatest weight, k from 100 down to 21 (the grid of GPTQ's `mse`
///   option: grid 100, maxshrink 0.8); the k with the least sum of squared errors, measured with the stored
///   scale and its zero point, the sum in double precision; of equals, the largest k.
/// - `entropy`: the threshold T on |w| that S. Migacz, "8-bit inference with TensorRT" (GTC 2017) chooses.
///   With L = 2^(b-1) magnitude levels, |w| is counted into N = 16 L equal bins over 0...max|w| (bin
///   floor(|w| N / max|w|), in double precision; the maximum belongs to the last). Candidates keep the first
///   i bins, i from N down to L in steps of max(1, N / 128). P is the first i counts, with all beyond added
///   to the last of them; Q merges the first i counts, without those beyond, into levels (bin j to level
///   floor(j L / i)), and spreads each level's count evenly over its bins that aren't empty in P. Both are
///   divided by their totals; where P has weight but its level in Q none, Q is taken as 10^-4. The candidate
///   with the least KL = Σ P ln(P / Q) wins; a smaller i must be better by more than 10^-9. T is i / N of
///   max|w|, and the range is the least and the greatest weight, cut to -T...T.
public struct RangeFinder: Sendable {
  private enum State: Sendable {
    case extremes(ClippingRange)
    case mse(ClippingRange, sums: [Double])
    case entropy(ClippingRange, counts: [UInt64])
    case percentile(PercentileFinder)
    case found(ClippingRange)
  }

  private let format: IntegerFormat
  private var state: State

  /// A finder for the format's calibration, scheme and bits; its granularity is of no matter.
  public init(format: IntegerFormat) {
    self.format = format
    if case .percentile(let value) = format.calibration {
      state = .percentile(PercentileFinder(value, magnitudes: format.scheme == .symmetric))
    } else {
      state = .extremes(ClippingRange(lower: 0, upper: 0))
    }
  }

  /// Takes in one piece of the weights; does nothing once the range is found.
  public mutating func observe(_ weights: Span<Float>) {
    guard weights.count > 0 else { return }
    var kernel = format.kernelFormat
    switch state {
    case .extremes(let range):
      let piece = weights.withUnsafeBufferPointer { bl_finite_range($0.baseAddress, $0.count) }
      state = .extremes(
        ClippingRange(
          lower: min(range.lower, piece.lower), upper: max(range.upper, piece.upper)))
    case .mse(let range, var sums):
      state = .found(range)  // so that the sums aren't copied
      weights.withUnsafeBufferPointer { weights in
        sums.withUnsafeMutableBufferPointer {
          bl_mse_errors(
            &kernel, bl_range(range), weights.baseAddress, weights.count, $0.baseAddress)
        }
      }
      state = .mse(range, sums: sums)
    case .entropy(let range, var counts):
      state = .found(range)
      weights.withUnsafeBufferPointer { weights in
        counts.withUnsafeMutableBufferPointer {
          bl_entropy_count(
            weights.baseAddress, weights.count, range.reach, $0.count, $0.baseAddress)
        }
      }
      state = .entropy(range, counts: counts)
    case .percentile(var finder):
      state = .found(ClippingRange(lower: 0, upper: 0))
      finder.observe(weights)
      state = .percentile(finder)
    case .found: break
    }
  }

  /// Takes in what a copy of this finder has observed in the same pass.
  public mutating func merge(_ other: RangeFinder) {
    switch (state, other.state) {
    case (.extremes(let mine), .extremes(let its)):
      state = .extremes(
        ClippingRange(lower: min(mine.lower, its.lower), upper: max(mine.upper, its.upper)))
    case (.mse(let range, var sums), .mse(_, let its)):
      state = .found(range)  // so that the sums aren't copied
      sums.add(its)
      state = .mse(range, sums: sums)
    case (.entropy(let range, var counts), .entropy(_, let its)):
      state = .found(range)
      counts.add(its)
      state = .entropy(range, counts: counts)
    case (.percentile(var finder), .percentile(let its)):
      state = .found(ClippingRange(lower: 0, upper: 0))
      finder.merge(its)
      state = .percentile(finder)
    default: break
    }
  }

  /// Ends a pass over all pieces: the range, or nil if another pass is needed.
  public mutating func endPass() -> ClippingRange? {
    switch state {
    case .extremes(let range):
      switch format.calibration {
      case .mse where range.reach > 0:
        state = .mse(range, sums: [Double](repeating: 0, count: Int(bl_mse_candidates)))
        return nil
      case .entropy where range.reach > 0:
        let bins = Int(bl_entropy_bins_per_level) << (format.bits - 1)
        state = .entropy(range, counts: [UInt64](repeating: 0, count: bins))
        return nil
      default:
        state = .found(range)
        return range
      }
    case .mse(let range, let sums):
      var best = 0
      for k in sums.indices where sums[k] < sums[best] { best = k }
      return found(ClippingRange(bl_mse_range(bl_range(range), Int32(best))))
    case .entropy(let range, let counts):
      let kept = counts.withUnsafeBufferPointer { counts in
        Logarithms.withTable { bl_entropy_threshold(counts.baseAddress, counts.count, $0) }
      }
      return found(ClippingRange(bl_entropy_range(bl_range(range), kept, counts.count)))
    case .percentile(var finder):
      guard let range = finder.endPass() else {
        state = .percentile(finder)
        return nil
      }
      return found(range)
    case .found(let range): return range
    }
  }

  private mutating func found(_ range: ClippingRange) -> ClippingRange {
    state = .found(range)
    return range
  }

  /// The range of weights that are all at hand.
  static func range(of weights: Span<Float>, format: IntegerFormat) -> ClippingRange {
    var finder = RangeFinder(format: format)
    for _ in 0..<2 {
      finder.observe(weights)
      if let range = finder.endPass() { return range }
    }
    return ClippingRange(lower: 0, upper: 0)
  }
}

extension ClippingRange {
  /// The greater of the two ends' magnitudes.
  var reach: Float { max(-lower, upper) }
}
