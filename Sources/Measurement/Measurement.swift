import Quantization

/// The errors and the size of one tensor in one format.
public struct Measurement: Sendable, Equatable {
  /// The format that was measured.
  public let format: Format
  /// Stored bytes of the tensor in that format.
  public let byteCount: Int
  /// Stored bits for each weight.
  public let bitsPerWeight: Double
  /// The sums over all weights; where they were estimated, the greatest error is a lower bound.
  public let sums: ErrorSums
  /// Whether every weight was looked at.
  public let exact: Bool
  /// Where the figures lie if they were estimated from a sample.
  public let intervals: FigureIntervals?
  /// How many weights were to be encoded for it: of two estimates that with more is the better one.
  public let weightsAsked: Int

  /// A measurement of a tensor of `rows` x `rowLength` weights.
  public init(format: Format, rows: Int, rowLength: Int, sums: ErrorSums, exact: Bool = true) {
    self.format = format
    byteCount = format.storedByteCount(rows: rows, rowLength: rowLength)
    bitsPerWeight = format.bitsPerWeight(rows: rows, rowLength: rowLength)
    self.sums = sums
    self.exact = exact
    intervals = nil
    weightsAsked = sums.count
  }

  /// An estimate from a sample.
  public init(
    format: Format, rows: Int, rowLength: Int, sums: ErrorSums, intervals: FigureIntervals,
    weightsAsked: Int
  ) {
    self.format = format
    byteCount = format.storedByteCount(rows: rows, rowLength: rowLength)
    bitsPerWeight = format.bitsPerWeight(rows: rows, rowLength: rowLength)
    self.sums = sums
    exact = false
    self.intervals = intervals
    self.weightsAsked = weightsAsked
  }

  /// Whether it says more than another one: what is exact than what is estimated, a large sample than a
  /// small one.
  public func isBetter(than other: Measurement?) -> Bool {
    guard let other, !exact else { return true }
    return !other.exact && weightsAsked >= other.weightsAsked
  }

  /// Where the NMSE lies, with a confidence of 95 %; nil where it is exact.
  public var interval: Interval? { intervals?.nmse }

  /// Σ(w-ŵ)², infinite where a weight came back infinite: so it is the numerator of `figures.nmse`.
  public var squaredError: Double {
    sums.notFiniteReconstructed == 0 ? sums.squaredError : .infinity
  }

  /// The error figures of DESIGN.md's definitions.
  public var figures: ErrorFigures { sums.figures }
}

/// One thing to be computed about one tensor (by its index in the model).
public enum Work: Hashable, Sendable {
  /// Moments, extremes and counts of the weights.
  case statistics(tensor: Int)
  /// Errors of the tensor in a format.
  case measurement(tensor: Int, format: Format)
  /// Estimates of the same from a sample of about so many weights, which a later one adds to.
  case estimate(tensor: Int, format: Format, weights: Int)
  /// Counts of the weights (no format) or of the reconstructed weights, over the tensor's own
  /// robust range, in `bins` bins; with a tile, over that piece of the axis, for a panel of `bins` columns.
  case histogram(tensor: Int, format: Format?, bins: Int, tile: HistogramTile? = nil)
  /// Ranges and errors of each output row and input channel, in a format or as they are stored. What is known so
  /// far is reported from time to time.
  case channels(tensor: Int, format: Format?)

  /// The tensor's index.
  public var tensor: Int {
    switch self {
    case .statistics(let tensor), .measurement(let tensor, _), .histogram(let tensor, _, _, _),
      .estimate(let tensor, _, _), .channels(let tensor, _):
      tensor
    }
  }

  /// Whether the format shares scales along whole rows.
  var needsWholeRows: Bool {
    switch self {
    case .measurement(_, let format), .histogram(_, let format?, _, _): format.pieceAlignment == nil
    case .channels: true
    // Samples are read by the row or by a part of one, whatever a reader's pieces are.
    case .statistics, .histogram, .estimate: false
    }
  }
}

/// What came of a piece of work.
public enum Finding: Sendable {
  /// What the statistics of a tensor come to.
  case statistics(WeightSummary)
  /// A measurement.
  case measurement(Measurement)
  /// A histogram.
  case histogram(Histogram)
  /// Figures of rows and columns, of all rows or of the first ones.
  case channels(ChannelMeasurement)
  /// A sample says nothing that could be trusted: only measuring tells.
  case inestimable
  /// The weights are of a type that can't be read as numbers.
  case unreadable
  /// The file was cut short or removed while it was read: what was found is not to be trusted.
  case lost
}

extension Finding {
  /// Whether nothing was left out: true of all but estimates, and of what is known so far.
  public var isExact: Bool {
    switch self {
    case .measurement(let measurement): measurement.exact
    case .channels(let channels): channels.isComplete
    default: true
    }
  }
}
