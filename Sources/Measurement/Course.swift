import ModelFiles
import Quantization
import Synchronization

/// What is made of the weights seen so far; those of several pieces can be joined.
enum Tally: Sendable {
  case statistics(WeightStatistics)
  case errors(ErrorSums)
  case counts(Histogram)
  case scan(any TensorScan)
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

  /// A tally of no weights: a pass holds its scan as it was at the beginning.
  var empty: Tally {
    switch self {
    case .statistics: .statistics(WeightStatistics())
    case .scan(let scan): .scan(scan)
    case .errors: .errors(ErrorSums())
    case .counts(let range, let codec): .counts(Histogram(range: range, hasErrors: codec != nil))
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

  init(_ work: Work, tensor: Tensor, ranges: HistogramRanges) {
    self.work = work
    self.tensor = tensor
    self.ranges = ranges
    switch work {
    // An estimate isn't made in passes; nobody asks for the course of one.
    case .statistics, .estimate: pass = .statistics
    case .measurement(_, let format):
      pass = format.scan().map { .scan($0) } ?? .errors(format.codec())
    case .histogram(_, let format, let bins, let tile):
      let key = HistogramRanges.Key(tensor: tensor.id, bins: bins)
      pass = ranges[key].map { Self.counting(format, tile?.range(in: $0) ?? $0) } ?? .statistics
    }
  }

  /// Ends a pass over all pieces: what was found, or nil if there is another pass to be made.
  mutating func end(_ tally: Tally, _ source: TensorSource?) -> Finding? {
    switch (work, tally) {
    case (.statistics, .statistics(let statistics)):
      return .statistics(WeightSummary(statistics))
    case (.histogram(_, let format, let bins, let tile), .statistics(let statistics)):
      let range = HistogramRange.robust(for: statistics, bins: bins)
      ranges[HistogramRanges.Key(tensor: tensor.id, bins: bins)] = range
      pass = Self.counting(format, tile?.range(in: range) ?? range)
    case (_, .scan(var scan)):
      let codec = scan.endPass()
      pass = codec.map(using) ?? .scan(scan)
    case (.measurement(_, let format), .errors(let sums)):
      return .measurement(
        Measurement(format: format, rows: tensor.rows, rowLength: tensor.rowLength, sums: sums))
    case (.histogram(_, _, _, let tile), .counts(var histogram)):
      if tile == nil, case .counts(_, let codec?) = pass {
        histogram.levels = source?.levels(codec)
      }
      return .histogram(histogram)
    default:
      return .unreadable
    }
    return nil
  }

  /// The pass that follows the scans.
  private func using(_ codec: any Codec) -> Pass {
    if case .histogram(_, _, let bins, let tile) = work,
      let range = ranges[HistogramRanges.Key(tensor: tensor.id, bins: bins)]
    {
      return .counts(tile?.range(in: range) ?? range, codec)
    }
    return .errors(codec)
  }

  private static func counting(_ format: Format?, _ range: HistogramRange) -> Pass {
    guard let format else { return .counts(range, nil) }
    return format.scan().map { .scan($0) } ?? .counts(range, format.codec())
  }
}

extension Work {
  /// Whether it is done by one thread in one go, as it takes but a moment: it has no passes.
  var isWhole: Bool {
    switch self {
    case .estimate: true
    case .statistics, .measurement, .histogram: false
    }
  }

  /// Whether it is never done again: not so the tiles of a histogram, which take memory and are dropped in time.
  var isDoneForGood: Bool {
    if case .histogram(_, _, _, .some) = self { false } else { true }
  }

  /// Whether it is done in one pass, which other work on the same tensor may share.
  var sharesPasses: Bool {
    guard !isWhole else { return false }
    return switch self {
    case .statistics: true
    case .measurement(_, let format): format.scan() == nil
    case .histogram, .estimate: false
    }
  }
}

/// The ranges of histograms that were found, shared by all threads.
final class HistogramRanges: Sendable {
  struct Key: Hashable {
    let tensor: Int
    let bins: Int
  }

  /// The samples of estimates, shared as well.
  let samples = Samples()
  private let found = Mutex<[Key: HistogramRange]>([:])

  subscript(key: Key) -> HistogramRange? {
    get { found.withLock { $0[key] } }
    set { found.withLock { $0[key] = newValue } }
  }
}
