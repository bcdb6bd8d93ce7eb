import ModelFiles
import Quantization
import Synchronization

/// Estimates the errors of one tensor in one format from a sample.
struct Sampler {
  private let reader: WeightReader
  private let format: Format
  private let importance: [Float]
  private let units: SamplingUnits
  private let seed: UInt64
  private let scouts: Int?
  private var weights: [Float] = []
  private var reconstructed: [Float] = []

  /// Weights between two checkpoints.
  private static let checkpointInterval = 16_384

  /// - Parameters:
  ///   - importance: of the tensor's input channels, those of its matrices one after another; empty: unknown.
  ///   - seed: by the tensor's place, so that the same file gives the same sample.
  ///   - scouts: how many units are looked at before some are chosen; nil: what suits the sample's size.
  init(
    _ reader: WeightReader, _ format: Format, importance: [Float] = [], matrices: Int = 1,
    seed: UInt64? = nil, scouts: Int? = nil
  ) {
    self.reader = reader
    self.format = format
    self.importance = importance
    self.scouts = scouts
    let tensor = reader.tensor
    units = SamplingUnits(tensor, alignment: format.pieceAlignment, matrices: matrices)
    self.seed = seed ?? Self.seed(of: tensor)
  }

  /// Where a tensor stands decides about its sample.
  static func seed(of tensor: Tensor) -> UInt64 {
    UInt64(bitPattern: Int64(tensor.offset)) &* 31 &+ UInt64(tensor.weightCount)
  }

  /// An estimate from about `size` weights; nil if there can be no honest one.
  mutating func estimate(
    weights size: Int, samples: Samples, _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> Measurement? {
    guard SamplingSchedule.canEstimate(reader.tensor, format), units.count > 1 else { return nil }
    let wanted = max(24, (size + units.unitLength - 1) / units.unitLength)
    let key = Samples.Key(tensor: reader.tensor.id, format: format, seed: seed)
    let scouts = min(units.count, self.scouts ?? Sample.scoutCount(units, size: wanted))
    var sample: Sample
    if let known = samples.take(key), known.scouted >= scouts {
      sample = known
    } else {
      sample = try scout(scouts, size: wanted, samples: samples, checkpoint)
    }
    do throws(Abandoned) {
      try encode(&sample, size: wanted, checkpoint)
    } catch {
      samples.keep(sample, key)
      throw error
    }
    samples.keep(sample, key)
    guard let estimator = SampleEstimator(sample) else { return nil }
    let tensor = reader.tensor
    let sums = estimator.sums(weightCount: tensor.weightCount)
    return Measurement(
      format: format, rows: tensor.rows, rowLength: tensor.rowLength, sums: sums,
      intervals: estimator.intervals(of: sums), weightsAsked: size)
  }

  /// The first phase: looks at the weights of many units.
  private mutating func scout(
    _ count: Int, size: Int, samples: Samples, _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) -> Sample {
    var generator = SplitMix(seed: seed)
    let key = Samples.ScoutKey(tensor: reader.tensor.id, units: units, seed: seed, count: count)
    let scouting: Sample.Scouting
    if let known = samples[key] {
      scouting = known
    } else {
      var found = Sample.Scouting()
      let scouts = Sample.scouts(units, count: count, generator: &generator)
      try reader.expect(scouts.map(units.elements), checkpoint)
      var passed = Self.checkpointInterval
      for unit in scouts {
        if passed >= Self.checkpointInterval {
          try checkpoint()
          passed = 0
        }
        reader.read(elements: units.elements(of: unit), into: &weights)
        passed += weights.count
        var sums = ErrorSums()
        sums.add(weights.span, weights.span)
        found.source += sums
        found.peaks.add(weights.span)
        found.units.append(unit)
        found.ends.append(found.peaks.peaks.count)
      }
      samples[key] = found
      scouting = found
    }
    generator = SplitMix(seed: seed ^ 0x5DEE_CE66_D1CE_4E5B)
    return Sample(units, format, scouting: scouting, size: size, generator: &generator)
  }

  /// The second phase: encodes what the sample lacks.
  private mutating func encode(
    _ sample: inout Sample, size: Int, _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) {
    let codec = format.codec()
    var passed = Self.checkpointInterval
    for (stratum, unit) in sample.missing(size: size) {
      if passed >= Self.checkpointInterval {
        try checkpoint()
        passed = 0
      }
      let elements = units.elements(of: unit)
      let rowLength = reader.read(elements: elements, into: &weights)
      if reconstructed.count != weights.count {
        reconstructed = [Float](repeating: 0, count: weights.count)
      }
      let channels = reader.channels(of: elements)
      let own = channels.upperBound <= importance.count ? importance[channels] : []
      let source = weights
      var target = reconstructed.mutableSpan
      codec.reconstruct(source.span, rowLength: rowLength, importance: own.span, into: &target)
      var sums = ErrorSums()
      sums.add(weights.span, reconstructed.span, rowLength: rowLength, importance: own.span)
      sample.add(sums, to: stratum)
      passed += weights.count
    }
  }
}

/// The samples at hand, shared by all threads: a later estimate adds to what an earlier one looked at, unless it
/// needs more places to choose from.
final class Samples: Sendable {
  struct Key: Hashable {
    let tensor: Int
    let format: Format
    let seed: UInt64
  }

  struct ScoutKey: Hashable {
    let tensor: Int
    let units: SamplingUnits
    let seed: UInt64
    let count: Int
  }

  /// How many samples are kept, some hundred KiB each, and how many scouted units, some hundred bytes each.
  private static let limit = (samples: 48, scouted: 1 << 17)

  private struct State {
    var samples: [Key: Sample] = [:]
    var order: [Key] = []
    var scoutings: [ScoutKey: Sample.Scouting] = [:]
    var scoutOrder: [ScoutKey] = []
  }

  private let state = Mutex(State())

  /// Takes a sample out, so that one thread alone works on it.
  func take(_ key: Key) -> Sample? { state.withLock { $0.samples.removeValue(forKey: key) } }

  func keep(_ sample: Sample, _ key: Key) {
    state.withLock { state in
      state.samples[key] = sample
      state.order.removeAll { $0 == key }
      state.order.append(key)
      if state.order.count > Self.limit.samples {
        state.samples[state.order.removeFirst()] = nil
      }
    }
  }

  subscript(key: ScoutKey) -> Sample.Scouting? {
    get { state.withLock { $0.scoutings[key] } }
    set {
      state.withLock { state in
        state.scoutings[key] = newValue
        state.scoutOrder.removeAll { $0 == key }
        state.scoutOrder.append(key)
        var kept = state.scoutOrder.reduce(0) { $0 + $1.count }
        while kept > Self.limit.scouted, state.scoutOrder.count > 1 {
          let first = state.scoutOrder.removeFirst()
          state.scoutings[first] = nil
          kept -= first.count
        }
      }
    }
  }
}
