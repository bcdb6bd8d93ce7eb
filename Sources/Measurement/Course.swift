import ModelFiles
import Quantization
import Synchronization

/// What is made of the weights seen so far; those of several pieces can be joined.
enum Tally: Sendable {
  case statistics(WeightStatistics)
  case errors(ErrorSums)
  case counts(Histogram)
  case scan(any TensorScan)
  case channels(ChannelErrors)
  /// That of work which is no longer done.
  case none

  /// Joins the tally of the pieces that follow.
  mutating func merge(_ next: Tally) {
    let mine = self
    self = .none  // so that what it holds isn't copied
    switch (mine, next) {
    case (.statistics(var mine), .statistics(let next)):
      mine.merge(next)
      self = .statistics(mine)
    case (.errors(let mine), .errors(let next)):
      self = .errors(mine + next)
    case (.counts(var mine), .counts(let next)):
      mine.merge(next)
      self = .counts(mine)
    case (.scan(var mine), .scan(let next)):
      mine.merge(next)
      self = .scan(mine)
    case (.channels(var mine), .channels(let next)):
      mine.merge(next)
      self = .channels(mine)
    default: self = next
    }
  }

  /// Gives back memory that only adding weights needs.
  mutating func compact() {
    guard case .statistics(var statistics) = self else { return }
    self = .none
    statistics.compact()
    self = .statistics(statistics)
  }
}

/// One pass over the pieces of a tensor for one piece of work.
enum Pass: Sendable {
  case statistics
  case scan(any TensorScan)
  case errors(any Codec)
  case counts(HistogramRange, (any Codec)?)
  case channels(OutlierLimits, (any Codec)?)

  /// A tally of no weights: a pass holds its scan as it was at the beginning.
  var empty: Tally {
    switch self {
    case .statistics: .statistics(WeightStatistics())
    case .scan(let scan): .scan(scan)
    case .errors: .errors(ErrorSums())
    case .counts(let range, let codec): .counts(Histogram(range: range, hasErrors: codec != nil))
    case .channels(let limits, _):
      .channels(ChannelErrors(outliersBelow: limits.low, above: limits.high))
    }
  }

  /// Pieces in a run at most: half a million weights are enough for what a run costs by itself, and little to
  /// wait for at the end; joining the counts of a scan costs more.
  var longestRun: Int { if case .scan = self { 64 } else { 16 } }
}

/// One piece of work on its way: the passes that it takes, one after another.
struct Course: Sendable {
  let work: Work
  private(set) var pass: Pass
  private let tensor: Tensor
  private let ranges: HistogramRanges
  private let calibration: (any DataCalibration)?

  init(
    _ work: Work, tensor: Tensor, ranges: HistogramRanges,
    calibration: (any DataCalibration)? = nil
  ) {
    self.work = work
    self.tensor = tensor
    self.ranges = ranges
    self.calibration = calibration
    pass = .statistics
    switch work {
    // An estimate isn't made in passes; nobody asks for the course of one.
    case .statistics, .estimate: break
    case .measurement(_, let format):
      pass = format.scan().map { .scan($0) } ?? .errors(codec(format))
    case .histogram(_, let format, let bins, let tile):
      let key = HistogramRanges.Key(tensor: tensor.id, bins: bins)
      pass = ranges[key].map { counting(format, tile?.range(in: $0) ?? $0) } ?? .statistics
    case .channels(_, let format):
      pass = ranges.limits(of: tensor.id).map { byChannel(format, $0) } ?? .statistics
    }
  }

  private func codec(_ format: Format) -> any Codec {
    guard format.needsActivations else { return format.codec() }
    return KnownReconstruction(format, calibration?.reconstruct(tensor, in: format))
  }

  /// Ends a pass over all pieces: what was found, or nil if there is another pass to be made.
  mutating func end(_ tally: Tally, _ source: TensorSource?) -> Finding? {
    switch (work, tally) {
    case (.statistics, .statistics(let statistics)):
      ranges.noteLimits(of: tensor.id, statistics)
      return .statistics(WeightSummary(statistics))
    case (.histogram(_, let format, let bins, let tile), .statistics(let statistics)):
      let range = HistogramRange.robust(for: statistics, bins: bins)
      ranges[HistogramRanges.Key(tensor: tensor.id, bins: bins)] = range
      pass = counting(format, tile?.range(in: range) ?? range)
    case (.channels(_, let format), .statistics(let statistics)):
      pass = byChannel(format, ranges.noteLimits(of: tensor.id, statistics))
    case (_, .scan(var scan)):
      let codec = scan.endPass()
      pass = codec.map(using) ?? .scan(scan)
    case (.measurement(_, let format), .errors(let sums)):
      return .measurement(
        Measurement(format: format, rows: tensor.rows, rowLength: tensor.rowLength, sums: sums))
    case (.histogram(_, _, _, let tile), .counts(var histogram)):
      if tile == nil, case .counts(_, let codec?) = pass, !(codec is KnownReconstruction) {
        histogram.levels = source?.levels(codec)
      }
      return .histogram(histogram)
    case (.channels, .channels):
      return known(tally)
    default:
      return .unreadable
    }
    return nil
  }

  /// What is known of rows and columns after some of the pieces; nil if that isn't what is being found.
  func known(_ tally: Tally) -> Finding? {
    guard case .channels(_, let format) = work, case .channels(let errors) = tally else {
      return nil
    }
    return .channels(ChannelMeasurement(format: format, errors: errors, rows: tensor.rows))
  }

  /// The pass that follows the scans.
  private func using(_ codec: any Codec) -> Pass {
    if case .histogram(_, _, let bins, let tile) = work,
      let range = ranges[HistogramRanges.Key(tensor: tensor.id, bins: bins)]
    {
      return .counts(tile?.range(in: range) ?? range, codec)
    }
    if case .channels = work, let limits = ranges.limits(of: tensor.id) {
      return .channels(limits, codec)
    }
    return .errors(codec)
  }

  private func counting(_ format: Format?, _ range: HistogramRange) -> Pass {
    guard let format else { return .counts(range, nil) }
    return format.scan().map { .scan($0) } ?? .counts(range, codec(format))
  }

  private func byChannel(_ format: Format?, _ limits: OutlierLimits) -> Pass {
    guard let format else { return .channels(limits, nil) }
    return format.scan().map { .scan($0) } ?? .channels(limits, codec(format))
  }
}

extension Work {
  /// Whether it is done by one thread in one go, as it takes but a moment: it has no passes.
  var isWhole: Bool {
    switch self {
    case .estimate: true
    case .statistics, .measurement, .histogram, .channels: false
    }
  }

  /// Whether what came of it is too large to be kept for ever: it may be asked for again.
  var isPassing: Bool {
    switch self {
    case .channels, .histogram(_, _, _, .some): true
    case .statistics, .measurement, .estimate, .histogram: false
    }
  }

  /// Whether it is done in one pass, which other work on the same tensor may share.
  var sharesPasses: Bool {
    guard !isWhole else { return false }
    return switch self {
    case .statistics: true
    case .measurement(_, let format): format.scan() == nil && !format.needsActivations
    case .histogram, .estimate, .channels: false
    }
  }
}

/// The ranges of histograms and the limits of outliers that were found, shared by all threads.
final class HistogramRanges: Sendable {
  struct Key: Hashable {
    let tensor: Int
    let bins: Int
  }

  /// The samples of estimates, shared as well.
  let samples = Samples()
  private let found = Mutex<[Key: HistogramRange]>([:])
  private let limits = Mutex<[Int: OutlierLimits]>([:])

  subscript(key: Key) -> HistogramRange? {
    get { found.withLock { $0[key] } }
    set { found.withLock { $0[key] = newValue } }
  }

  func limits(of tensor: Int) -> OutlierLimits? { limits.withLock { $0[tensor] } }

  @discardableResult
  func noteLimits(of tensor: Int, _ statistics: WeightStatistics) -> OutlierLimits {
    let limits = OutlierLimits(statistics)
    self.limits.withLock { $0[tensor] = limits }
    return limits
  }
}
