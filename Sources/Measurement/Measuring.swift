import ModelFiles
import Quantization
import Synchronization

/// Thrown by a checkpoint to abandon work that nobody wants any longer.
struct Abandoned: Error {}

/// Does one piece of work after another on one thread, keeping its buffers between them.
///
/// `checkpoint` is called between pieces of some milliseconds at most; it may throw to abandon the
/// work, or do other work first.
struct Measuring {
  private let model: Model
  private var weights: [Float] = []
  private var reconstructed: [Float] = []

  private let ranges: HistogramRanges
  private let importance: ModelImportance?
  /// That of the tensor at hand.
  private var channelImportance: [Float] = []

  init(
    model: Model, importance: ModelImportance? = nil, ranges: HistogramRanges = HistogramRanges()
  ) {
    self.model = model
    self.importance = importance
    self.ranges = ranges
  }

  mutating func perform(
    _ work: Work, checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> Finding {
    let tensor = model.tensors[work.tensor]
    let importance = importance?[tensor]
    channelImportance = importance?.values ?? []
    guard
      let reader = WeightReader(
        model: model, tensor: tensor, wholeRows: work.needsWholeRows,
        matrices: importance?.matrices ?? 1)
    else { return .unreadable }
    let finding = try find(work, reader, checkpoint)
    // Pages that are gone read as zeros.
    return model.isIntact(tensor) ? finding : .lost
  }

  private mutating func find(
    _ work: Work, _ reader: WeightReader, _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> Finding {
    switch work {
    case .statistics:
      return .statistics(WeightSummary(try statistics(reader, checkpoint)))
    case .measurement(_, let format):
      return .measurement(try measurement(reader, format, checkpoint))
    case .estimate(_, let format, let weights):
      var sampler = Sampler(
        reader, format, importance: channelImportance,
        matrices: importance?[reader.tensor]?.matrices ?? 1)
      let estimate = try sampler.estimate(
        weights: weights, samples: ranges.samples, checkpoint)
      return estimate.map { .measurement($0) } ?? .inestimable
    case .histogram(_, let format, let bins):
      let range = try range(reader, bins, checkpoint)
      return .histogram(try histogram(reader, format, range, checkpoint))
    }
  }

  private mutating func statistics(
    _ reader: WeightReader, _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> WeightStatistics {
    var statistics = WeightStatistics()
    for piece in 0..<reader.pieceCount {
      try checkpoint()
      reader.read(piece: piece, into: &weights)
      statistics.add(weights.span)
    }
    return statistics
  }

  /// The range of a tensor's histograms, remembered: it takes a pass of its own.
  private mutating func range(
    _ reader: WeightReader, _ bins: Int, _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> HistogramRange {
    let key = HistogramRanges.Key(tensor: reader.tensor.id, bins: bins)
    if let range = ranges[key] { return range }
    let range = HistogramRange.robust(for: try statistics(reader, checkpoint), bins: bins)
    ranges[key] = range
    return range
  }

  private mutating func measurement(
    _ reader: WeightReader, _ format: Format, _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> Measurement {
    let codec = try codec(reader, format, checkpoint)
    var sums = ErrorSums()
    for piece in 0..<reader.pieceCount {
      try checkpoint()
      let rowLength = reconstruct(reader, piece, codec)
      sums.add(
        weights.span, reconstructed.span, rowLength: rowLength,
        importance: channels(of: piece, reader).span)
    }
    return Measurement(
      format: format, rows: reader.tensor.rows, rowLength: reader.tensor.rowLength, sums: sums)
  }

  private mutating func histogram(
    _ reader: WeightReader, _ format: Format?, _ range: HistogramRange,
    _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> Histogram {
    var histogram = Histogram(range: range)
    guard let format else {
      for piece in 0..<reader.pieceCount {
        try checkpoint()
        reader.read(piece: piece, into: &weights)
        histogram.add(weights.span)
      }
      return histogram
    }
    let codec = try codec(reader, format, checkpoint)
    for piece in 0..<reader.pieceCount {
      try checkpoint()
      reconstruct(reader, piece, codec)
      histogram.add(reconstructed.span)
    }
    return histogram
  }

  /// The codec of a format, after the passes over the whole tensor that it needs.
  private mutating func codec(
    _ reader: WeightReader, _ format: Format, _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> any Codec {
    guard var scan = format.scan() else { return format.codec() }
    while true {
      for piece in 0..<reader.pieceCount {
        try checkpoint()
        reader.read(piece: piece, into: &weights)
        scan.observe(weights.span)
      }
      if let codec = scan.endPass() { return codec }
    }
  }

  /// Reads a piece and what comes back of it.
  /// - Returns: the length of its rows, or of its part of a row.
  @discardableResult
  private mutating func reconstruct(
    _ reader: WeightReader, _ piece: Int, _ codec: any Codec
  ) -> Int {
    let rowLength = reader.read(piece: piece, into: &weights)
    if reconstructed.count != weights.count {
      reconstructed = [Float](repeating: 0, count: weights.count)
    }
    let source = weights
    let importance = channels(of: piece, reader)
    var target = reconstructed.mutableSpan
    codec.reconstruct(
      source.span, rowLength: rowLength, importance: importance.span, into: &target)
    return rowLength
  }

  /// The importance of a piece's columns; none where it isn't known.
  private func channels(of piece: Int, _ reader: WeightReader) -> ArraySlice<Float> {
    let channels = reader.channels(of: piece)
    guard channels.upperBound <= channelImportance.count else { return [] }
    return channelImportance[channels]
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
