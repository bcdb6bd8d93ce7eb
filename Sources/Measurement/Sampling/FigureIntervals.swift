import Foundation

/// Where a figure lies, with a confidence of 95 %.
public struct Interval: Hashable, Sendable {
  /// The lower end.
  public let low: Double
  /// The upper end.
  public let high: Double

  /// From `low` to `high`.
  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  /// Half of its width: what stands after ±.
  public var halfWidth: Double { (high - low) / 2 }

  /// Whether a value lies in it.
  public func contains(_ value: Double) -> Bool { value >= low && value <= high }

  /// The same within bounds that the figure can't leave.
  func clamped(to bounds: ClosedRange<Double>) -> Interval {
    Interval(
      low: min(max(low, bounds.lowerBound), bounds.upperBound),
      high: max(min(high, bounds.upperBound), bounds.lowerBound))
  }
}

/// The 95 % intervals of figures that were estimated from a sample.
///
/// There is none of the greatest error: that of a sample is a lower bound, and nothing more can be said.
public struct FigureIntervals: Hashable, Sendable {
  /// That of the mean squared error.
  public let mse: Interval
  /// That of Σ(w-ŵ)²/Σw².
  public let nmse: Interval
  /// That of the cosine.
  public let cosine: Interval
  /// That of the importance-weighted NMSE; nil where no importance was given.
  public let weightedNmse: Interval?

  /// Intervals from their parts.
  public init(mse: Interval, nmse: Interval, cosine: Interval, weightedNmse: Interval?) {
    self.mse = mse
    self.nmse = nmse
    self.cosine = cosine
    self.weightedNmse = weightedNmse
  }

  /// That of the signal-to-noise ratio, in dB: it follows from the NMSE's.
  public var sqnr: Interval {
    Interval(low: Self.decibels(nmse.high), high: Self.decibels(nmse.low))
  }

  private static func decibels(_ nmse: Double) -> Double {
    nmse > 0 ? -10 * log10(nmse) : .infinity
  }
}
