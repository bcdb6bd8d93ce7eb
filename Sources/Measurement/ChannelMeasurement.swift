import Quantization

/// Ranges, errors and outliers of each output row and input channel of a tensor in a format, as far as they are known.
public struct ChannelMeasurement: Sendable {
  /// Weights farther than so many deviations from the tensor's mean are outliers.
  public static let outlierDeviations = 6.0

  /// What was measured; nil: the source itself.
  public let format: Format?
  /// The figures of the rows seen so far, and of their columns.
  public let errors: ChannelErrors
  /// The tensor's rows.
  public let rows: Int

  /// What is known of a tensor of so many rows.
  public init(format: Format?, errors: ChannelErrors, rows: Int) {
    self.format = format
    self.errors = errors
    self.rows = rows
  }

  /// Whether all rows were seen.
  public var isComplete: Bool { errors.rowCount >= rows }
}

/// Where a tensor's outliers begin.
struct OutlierLimits: Sendable {
  let low: Double
  let high: Double

  init(_ statistics: WeightStatistics) {
    let reach = ChannelMeasurement.outlierDeviations * statistics.deviation
    low = statistics.mean - reach
    high = statistics.mean + reach
  }
}
