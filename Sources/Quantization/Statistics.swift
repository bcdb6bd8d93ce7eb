import CKernels

/// What is known of the weights of a tensor: counts, extremes, moments, quantiles.
///
/// NaN and infinities are counted and kept out of all else. Moments are central moments of each piece, merged
/// by the formulas of P. Pébay, "Formulas for Robust, One-Pass Parallel Computation of Covariances and
/// Arbitrary-Order Statistical Moments", Sandia report SAND2008-6212 (2008), section 3.1: nothing is lost to
/// cancellation where the mean is large against the deviation.
public struct WeightStatistics: Sendable, Equatable {
  /// Finite weights.
  public private(set) var count = 0
  /// NaN.
  public private(set) var nan = 0
  /// Positive and negative infinities.
  public private(set) var infinite = 0
  /// Weights that are 0 or -0.
  public private(set) var zeros = 0
  /// The least finite weight; 0 if there are none.
  public var minimum: Float { count > 0 ? least : 0 }
  /// The greatest finite weight; 0 if there are none.
  public var maximum: Float { count > 0 ? greatest : 0 }
  /// The mean; 0 without weights.
  public private(set) var mean = 0.0
  /// The counts from which quantiles come.
  public private(set) var sketch = QuantileSketch()

  private var least = Float.infinity
  private var greatest = -Float.infinity
  private var m2 = 0.0
  private var m3 = 0.0
  private var m4 = 0.0

  /// No weights.
  public init() {}

  /// The share of zeros in the finite weights, 0...1.
  public var zeroShare: Double { count > 0 ? Double(zeros) / Double(count) : 0 }

  /// The population variance, Σ(w - mean)² / n.
  public var variance: Double { count > 0 ? m2 / Double(count) : 0 }

  /// The population standard deviation.
  public var deviation: Double { variance.squareRoot() }

  /// The third standardised moment; 0 for symmetric weights and for constants.
  public var skewness: Double {
    guard m2 > 0 else { return 0 }
    let value = m3 / Double(count) / (variance * deviation)
    return value.isFinite ? value : 0
  }

  /// The excess kurtosis, m4 / m2² - 3: 0 for normal weights, 3 for Laplace's, -2 at least; 0 for constants.
  public var kurtosis: Double {
    guard m2 > 0 else { return 0 }
    let value = m4 / m2 / m2 * Double(count) - 3
    return value.isFinite ? value : 0
  }

  /// Adds a piece of the weights.
  public mutating func add(_ weights: Span<Float>) {
    guard weights.count > 0 else { return }
    let piece = weights.withUnsafeBufferPointer { bl_moments_of($0.baseAddress, $0.count) }
    nan += Int(piece.nan)
    infinite += Int(piece.infinite)
    zeros += Int(piece.zeros)
    least = min(least, piece.minimum)
    greatest = max(greatest, piece.maximum)
    mergeMoments(
      count: Int(piece.count), mean: piece.mean, m2: piece.m2, m3: piece.m3, m4: piece.m4)
    sketch.add(weights)
  }

  /// Adds the statistics of other weights.
  public mutating func merge(_ other: WeightStatistics) {
    nan += other.nan
    infinite += other.infinite
    zeros += other.zeros
    least = min(least, other.least)
    greatest = max(greatest, other.greatest)
    mergeMoments(
      count: other.count, mean: other.mean, m2: other.m2, m3: other.m3, m4: other.m4)
    sketch.merge(other.sketch)
  }

  /// Gives back memory that only adding needs (see `QuantileSketch.compact`).
  public mutating func compact() { sketch.compact() }

  /// The quantile `p` in 0...1, from the sketch: exact for BF16 sources, within 2^-8 relative for others, and
  /// never outside the extremes.
  public func quantile(_ p: Double) -> Float {
    guard count > 0 else { return 0 }
    return max(minimum, min(maximum, sketch.quantile(p)))
  }

  /// How many weights are more than `deviations` standard deviations from the mean.
  ///
  /// Counted in the sketch, so that weights within 2^-8 of the limit may fall on either side.
  public func outliers(beyond deviations: Double = 6) -> Int {
    guard count > 0, deviation > 0 else { return 0 }
    let reach = deviations * deviation
    return sketch.count(under: mean - reach, over: mean + reach)
  }

  private mutating func mergeMoments(
    count n: Int, mean otherMean: Double, m2: Double, m3: Double, m4: Double
  ) {
    guard n > 0 else { return }
    guard count > 0 else {
      (count, mean, self.m2, self.m3, self.m4) = (n, otherMean, m2, m3, m4)
      return
    }
    let a = Double(count)
    let b = Double(n)
    let sum = a + b
    let delta = otherMean - mean
    let step = delta / sum
    let ab = a * b
    self.m4 +=
      m4 + ab * (a * a - ab + b * b) * delta * step * step * step
      + 6 * step * step * (a * a * m2 + b * b * self.m2) + 4 * step * (a * m3 - b * self.m3)
    self.m3 += m3 + ab * (a - b) * delta * step * step + 3 * step * (a * m2 - b * self.m2)
    self.m2 += m2 + ab * delta * step
    mean += b * step
    count += n
  }
}
