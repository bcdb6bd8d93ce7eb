import ModelFiles
import Quantization
import Synchronization

/// Thrown by a checkpoint to abandon work that nobody wants any longer.
struct Abandoned: Error {}

/// What all work on a tensor has in common: how it is read.
struct TensorSource: Sendable {
  let tensor: Tensor
  let reader: WeightReader
  /// Of the tensor's input channels, those of its matrices one after another; none if it isn't known.
  let importance: [Float]
  /// Whether its pages are given back once they were read.
  var givesBack = false

  /// nil if the tensor can't be read as numbers.
  init?(_ model: Model, tensor: Int, importance: ModelImportance?, wholeRows: Bool) {
    self.tensor = model.tensors[tensor]
    let importance = importance?[self.tensor]
    guard
      let reader = WeightReader(
        model: model, tensor: self.tensor, wholeRows: wholeRows,
        matrices: importance?.matrices ?? 1)
    else { return nil }
    self.reader = reader
    self.importance = importance?.values ?? []
  }

  /// An estimate of the errors in a format from a sample of about so many weights.
  func estimate(
    _ format: Format, weights: Int, samples: Samples, _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> Finding {
    let matrices = tensor.rowLength > 0 ? max(1, importance.count / tensor.rowLength) : 1
    var sampler = Sampler(reader, format, importance: importance, matrices: matrices)
    let estimate = try sampler.estimate(weights: weights, samples: samples, checkpoint)
    return estimate.map { .measurement($0) } ?? .inestimable
  }

  /// The importance of a piece's columns; none where it isn't known.
  func channels(of piece: Int) -> ArraySlice<Float> {
    let channels = reader.channels(of: piece)
    guard channels.upperBound <= importance.count else { return [] }
    return importance[channels]
  }
}

/// A part of the work on a tensor that one thread does, and how far it has come: some pieces one after
/// another, of each of which everything is made that is wanted. It can be left off after each such step
/// and be taken up by any thread.
struct Slice: Sendable {
  /// Which part it is.
  let chunk: Int
  /// The pieces that are still to be taken in, but for what was made of the first.
  private(set) var pieces: Range<Int>
  /// What is made next of the first piece.
  private(set) var next = 0
  /// One for each pass.
  private(set) var tallies: [Tally]

  init(chunk: Int, pieces: Range<Int>, tallies: [Tally]) {
    self.chunk = chunk
    self.pieces = pieces
    self.tallies = tallies
  }

  /// Gives back memory that only going on would need.
  mutating func compact() {
    for index in tallies.indices { tallies[index].compact() }
  }

  /// Makes all that is wanted of one piece after another, until told to stop.
  /// - Parameters:
  ///   - isWanted: whether the pass of this index is still to be made.
  ///   - stops: asked between steps of some milliseconds at most.
  /// - Returns: whether everything is done.
  mutating func advance<E>(
    _ source: TensorSource, _ passes: [Pass], _ buffers: inout PieceBuffers,
    isWanted: (Int) -> Bool, stops: () throws(E) -> Bool
  ) throws(E) -> Bool {
    while let piece = pieces.first {
      if next == 0 { source.reader.prepare(piece, givesBack: source.givesBack) }
      buffers.read(piece, source)
      while next < passes.count {
        if try stops() { return false }
        if isWanted(next) {
          buffers.add(piece, source, passes[next], to: &tallies[next])
        } else {
          tallies[next] = .none
        }
        next += 1
      }
      next = 0
      pieces = pieces.dropFirst()
    }
    return true
  }
}

/// Counts what was measured: each weight once for each format.
final class MeasuringProgress: Sendable {
  private let weights = Atomic<Int>(0)

  var count: Int { weights.load(ordering: .relaxed) }

  func add(_ count: Int) { weights.add(count, ordering: .relaxed) }
}

/// A thread's room for a piece and for what comes back of it, kept from piece to piece.
struct PieceBuffers {
  private var weights: [Float] = []
  private var reconstructed: [Float] = []
  private var rowLength = 1
  private let progress: MeasuringProgress?

  init(progress: MeasuringProgress? = nil) { self.progress = progress }

  /// Decodes a piece of the source.
  mutating func read(_ piece: Int, _ source: TensorSource) {
    rowLength = source.reader.read(piece: piece, into: &weights)
  }

  /// Takes the piece that was read into a tally.
  mutating func add(_ piece: Int, _ source: TensorSource, _ pass: Pass, to tally: inout Tally) {
    let before = tally
    tally = .none  // so that what it holds isn't copied
    switch (pass, before) {
    case (.statistics, .statistics(var statistics)):
      statistics.add(weights.span)
      tally = .statistics(statistics)
    case (.scan, .scan(var scan)):
      scan.observe(weights.span)
      tally = .scan(scan)
    case (.errors(let codec), .errors(var sums)):
      let importance = source.channels(of: piece)
      reconstruct(codec, piece, source)
      sums.add(
        weights.span, reconstructed.span, rowLength: rowLength, importance: importance.span)
      tally = .errors(sums)
    case (.counts(_, let codec), .counts(var histogram)):
      if let codec {
        reconstruct(codec, piece, source)
        histogram.add(reconstructed.span, source: weights.span)
      } else {
        histogram.add(weights.span)
      }
      tally = .counts(histogram)
    case (.channels(_, let codec), .channels(var errors)):
      if let codec {
        reconstruct(codec, piece, source)
        errors.add(weights.span, reconstructed.span, rowLength: rowLength)
      } else {
        errors.add(weights.span, weights.span, rowLength: rowLength)
      }
      tally = .channels(errors)
    default: break
    }
    if case .scan = pass { return }
    progress?.add(weights.count)
  }

  private mutating func reconstruct(_ codec: any Codec, _ piece: Int, _ source: TensorSource) {
    if reconstructed.count != weights.count {
      reconstructed = [Float](repeating: 0, count: weights.count)
    }
    let (weights, rowLength) = (weights, rowLength)
    let importance = source.channels(of: piece)
    var target = reconstructed.mutableSpan
    if let known = codec as? KnownReconstruction {
      known.copy(source.reader.elements(of: piece), into: &target)
    } else {
      codec.reconstruct(
        weights.span, rowLength: rowLength, importance: importance.span, into: &target)
    }
  }
}

/// Does one piece of work after another on one thread, keeping its buffers between them: the same, bit for
/// bit, as several threads make of it together.
///
/// `checkpoint` is called between steps of some milliseconds at most; it may throw to abandon the work.
struct Measuring {
  private let model: Model
  private let ranges: HistogramRanges
  private let importance: ModelImportance?
  private let calibration: (any DataCalibration)?
  private var buffers = PieceBuffers()

  init(
    model: Model, importance: ModelImportance? = nil, ranges: HistogramRanges = HistogramRanges(),
    calibration: (any DataCalibration)? = nil
  ) {
    self.model = model
    self.importance = importance
    self.calibration = calibration
    self.ranges = ranges
  }

  mutating func perform(
    _ work: Work, checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> Finding {
    guard
      let source = TensorSource(
        model, tensor: work.tensor, importance: importance, wholeRows: work.needsWholeRows)
    else { return .unreadable }
    let finding = try find(work, source, checkpoint)
    // Pages that are gone read as zeros.
    return model.isIntact(source.tensor) ? finding : .lost
  }

  private mutating func find(
    _ work: Work, _ source: TensorSource, _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> Finding {
    if case .estimate(_, let format, let weights) = work {
      return try source.estimate(format, weights: weights, samples: ranges.samples, checkpoint)
    }
    var course = Course(
      work, tensor: source.tensor, ranges: ranges, calibration: calibration)
    while true {
      let pass = course.pass
      let chunks = Chunks(source.reader, atMost: pass.longestRun)
      var total = pass.empty
      for chunk in 0..<chunks.count {
        var slice = Slice(chunk: chunk, pieces: chunks[chunk], tallies: [pass.empty])
        _ = try slice.advance(source, [pass], &buffers, isWanted: { _ in true }) {
          () throws(Abandoned) in
          try checkpoint()
          return false
        }
        chunk == 0 ? total = slice.tallies[0] : total.merge(slice.tallies[0])
      }
      if let finding = course.end(total, source) { return finding }
    }
  }
}

/// How the pieces of a tensor are dealt out: in runs that depend on the tensor alone, so that sums, which are
/// added run by run in their order, don't depend on who makes them.
struct Chunks: Sendable {
  let count: Int
  private let pieceCount: Int
  private let length: Int

  /// - Parameter longest: pieces in a run at most.
  init(_ reader: WeightReader, atMost longest: Int) {
    pieceCount = reader.pieceCount
    length = min(longest, max(4, pieceCount / 32))
    count = (pieceCount + length - 1) / length
  }

  subscript(chunk: Int) -> Range<Int> {
    chunk * length..<min(pieceCount, (chunk + 1) * length)
  }
}
