import CKernels

/// Equal bins over a range of weights.
public struct HistogramRange: Hashable, Sendable {
  /// The lower end of the first bin.
  public let lower: Float
  /// The upper end of the last bin, over `lower`.
  public let upper: Float
  /// The number of bins, 1...65,536.
  public let bins: Int

  /// A range; ends that aren't finite or not in order are mended to one that has an extent.
  public init(lower: Float, upper: Float, bins: Int) {
    self.bins = max(1, min(65_536, bins))
    var lower = lower.isFinite ? lower : 0
    var upper = upper.isFinite ? upper : 0
    if lower > upper { swap(&lower, &upper) }
    if lower == upper {
      lower = max(-.greatestFiniteMagnitude, lower.nextDown - abs(lower) / 2)
      upper = min(.greatestFiniteMagnitude, upper.nextUp + abs(upper) / 2)
    }
    self.lower = lower
    self.upper = upper
  }

  /// A range in which the bulk of the weights can be seen, however far the outliers are.
  ///
  /// It covers the quantiles from 0.1 % to 99.9 %, widened on both sides by a fifth of their extent but not
  /// beyond the extremes, and holds 0. It is symmetric about 0 where that adds less than half: where one side
  /// reaches at least half as far as the other.
  public static func robust(for statistics: WeightStatistics, bins: Int) -> HistogramRange {
    let low = Double(statistics.quantile(0.001))
    let high = Double(statistics.quantile(0.999))
    let margin = (high - low) / 5
    var lower = min(0, max(Double(statistics.minimum), low - margin))
    var upper = max(0, min(Double(statistics.maximum), high + margin))
    let reach = max(-lower, upper)
    if min(-lower, upper) >= reach / 2 { (lower, upper) = (-reach, reach) }
    let limit = Double(Float.greatestFiniteMagnitude)
    return HistogramRange(
      lower: Float(max(-limit, lower)), upper: Float(min(limit, upper)), bins: bins)
  }

  /// The lower edge of a bin, `bin` in 0...bins; `edge(bins)` is `upper`.
  public func edge(_ bin: Int) -> Double {
    let share = Double(bin) / Double(bins)
    return Double(lower) * (1 - share) + Double(upper) * share
  }
}

/// How many weights fall into each bin of a range, and how many outside.
///
/// Bins hold their lower edge; the last holds its upper edge too. Counts are plain; a view that wants them on
/// a logarithmic scale takes `heights`.
public struct Histogram: Sendable, Equatable {
  /// The bins.
  public let range: HistogramRange
  /// One count for each bin.
  public internal(set) var counts: [UInt64]
  /// Finite weights under the range.
  public internal(set) var below: UInt64 = 0
  /// Finite weights over the range.
  public internal(set) var above: UInt64 = 0
  /// NaN and infinities.
  public internal(set) var notFinite: UInt64 = 0
  /// Where reconstructed weights are counted: for each bin the sum of (w - ŵ)² over the source weights w in it,
  /// wherever they went. Empty where there is no reconstruction.
  public internal(set) var squaredErrors: [Double]
  /// The same sum over the source weights outside of the range.
  public internal(set) var squaredErrorOutside = 0.0
  /// The values that reconstructed weights can have, if they were asked for.
  public var levels: FormatLevels?

  /// An empty histogram, of reconstructed weights if it has errors.
  public init(range: HistogramRange, hasErrors: Bool = false) {
    self.range = range
    counts = [UInt64](repeating: 0, count: range.bins)
    squaredErrors = hasErrors ? [Double](repeating: 0, count: range.bins) : []
  }

  /// All weights counted, outside ones and ones that aren't finite too.
  public var total: UInt64 { counts.reduce(below + above + notFinite, +) }

  /// Counts weights.
  public mutating func add(_ weights: Span<Float>) {
    guard weights.count > 0 else { return }
    var outside: (UInt64, UInt64, UInt64) = (0, 0, 0)
    weights.withUnsafeBufferPointer { weights in
      counts.withUnsafeMutableBufferPointer { counts in
        withUnsafeMutableBytes(of: &outside) { outside in
          bl_histogram_add(
            weights.baseAddress, weights.count, range.lower, range.upper, counts.count,
            counts.baseAddress, outside.assumingMemoryBound(to: UInt64.self).baseAddress)
        }
      }
    }
    below += outside.0
    above += outside.1
    notFinite += outside.2
  }

  /// Counts reconstructed weights, and adds their errors to the bins of their source.
  public mutating func add(_ reconstructed: Span<Float>, source: Span<Float>) {
    add(reconstructed)
    let count = min(reconstructed.count, source.count)
    guard count > 0, squaredErrors.count == range.bins else { return }
    var outside = (0.0, 0.0)
    source.withUnsafeBufferPointer { source in
      reconstructed.withUnsafeBufferPointer { reconstructed in
        squaredErrors.withUnsafeMutableBufferPointer { errors in
          withUnsafeMutableBytes(of: &outside) { outside in
            bl_histogram_errors_add(
              source.baseAddress, reconstructed.baseAddress, count, range.lower, range.upper,
              errors.count, errors.baseAddress,
              outside.assumingMemoryBound(to: Double.self).baseAddress)
          }
        }
      }
    }
    squaredErrorOutside += outside.0 + outside.1
  }

  /// Adds the counts of other weights over the same range; false, and nothing added, if the range differs.
  @discardableResult
  public mutating func merge(_ other: Histogram) -> Bool {
    guard range == other.range, squaredErrors.count == other.squaredErrors.count else {
      return false
    }
    for bin in counts.indices { counts[bin] += other.counts[bin] }
    for bin in squaredErrors.indices { squaredErrors[bin] += other.squaredErrors[bin] }
    squaredErrorOutside += other.squaredErrorOutside
    below += other.below
    above += other.above
    notFinite += other.notFinite
    return true
  }

  /// How counts become heights.
  public enum Scale: String, CaseIterable, Hashable, Sendable {
    /// In proportion.
    case linear
    /// By log(1 + count), so that thin tails can be seen.
    case logarithmic
  }

  /// Heights 0...1 of all bins; 1 is the fullest bin, or `peak` if that is given (to compare two histograms).
  public func heights(_ scale: Scale, peak: UInt64? = nil) -> [Double] {
    let peak = max(1, peak ?? counts.max() ?? 0)
    return counts.map { count in
      switch scale {
      case .linear: min(1, Double(count) / Double(peak))
      case .logarithmic:
        min(1, Logarithms.ofOnePlus(Double(count)) / Logarithms.ofOnePlus(Double(peak)))
      }
    }
  }
}
