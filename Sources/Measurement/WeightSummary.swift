import Quantization

/// What is worth remembering of a tensor's weights: a few numbers, where the statistics that they
/// come from hold a whole distribution.
public struct WeightSummary: Sendable, Equatable {
  /// Finite weights.
  public let count: Int
  /// Weights that are no numbers.
  public let nan: Int
  /// Infinite weights.
  public let infinite: Int
  /// Weights that are zero.
  public let zeros: Int
  /// The least finite weight; 0 if there is none.
  public let minimum: Double
  /// The greatest finite weight; 0 if there is none.
  public let maximum: Double
  /// The mean of the finite weights.
  public let mean: Double
  /// Their standard deviation (of the population).
  public let deviation: Double
  /// Their excess kurtosis: 0 for a normal distribution.
  public let kurtosis: Double
  /// Weights farther than six deviations from the mean, as `WeightStatistics.outliers` counts them.
  public let outliers: Int
  /// Σw² over the finite weights.
  public let squares: Double

  /// The numbers of some statistics.
  public init(_ statistics: WeightStatistics) {
    count = statistics.count
    nan = statistics.nan
    infinite = statistics.infinite
    zeros = statistics.zeros
    minimum = Double(statistics.minimum)
    maximum = Double(statistics.maximum)
    mean = statistics.mean
    deviation = statistics.deviation
    kurtosis = statistics.kurtosis
    outliers = statistics.outliers()
    squares = Double(count) * (statistics.variance + mean * mean)
  }

  /// A summary from its numbers, as they were remembered.
  package init(
    count: Int, nan: Int, infinite: Int, zeros: Int, outliers: Int, minimum: Double,
    maximum: Double, mean: Double, deviation: Double, kurtosis: Double, squares: Double
  ) {
    self.count = count
    self.nan = nan
    self.infinite = infinite
    self.zeros = zeros
    self.outliers = outliers
    self.minimum = minimum
    self.maximum = maximum
    self.mean = mean
    self.deviation = deviation
    self.kurtosis = kurtosis
    self.squares = squares
  }
}
