import ModelFiles
import Quantization
import SampleSupport
import Testing

@testable import Measurement

/// Tensors that samples may be fooled by.
enum SampledTensor: String, CaseIterable, Sendable {
  case gaussian, laplace, outliers, structured

  static let shape = (rows: 1536, rowLength: 1024)

  /// The weights of one of the kind's variants.
  func weights(variant: Int) -> [Float] {
    let (rows, length) = Self.shape
    var generator = SeededGenerator(seed: UInt64(variant) * 977 + 5)
    func bell() -> Float {
      // Four units instead of twelve: these tensors are large.
      var sum: Float = -2
      for _ in 0..<4 { sum += generator.unit() }
      return sum * 1.732
    }
    var weights = [Float](repeating: 0, count: rows * length)
    for index in weights.indices { weights[index] = 0.02 * bell() }
    switch self {
    case .gaussian:
      if variant % 2 == 1 {
        // Rows of unlike width.
        for row in 0..<rows {
          let width = 0.5 + generator.unit()
          for column in 0..<length { weights[row * length + column] *= width }
        }
      }
    case .laplace:
      for index in weights.indices {
        let (a, b) = (generator.bell(), bell())
        // A product of two, heavier in its tails than Laplace's, or a normal of exponential variance.
        weights[index] = variant % 2 == 0 ? 0.02 * a * b : weights[index] * abs(a)
      }
    case .outliers: addOutliers(&weights, variant, &generator)
    case .structured: structure(&weights, variant, &generator)
    }
    return weights
  }

  private func addOutliers(
    _ weights: inout [Float], _ variant: Int, _ generator: inout SeededGenerator
  ) {
    let (rows, length) = Self.shape
    switch variant % 4 {
    case 0:  // rare large weights, one in some thousand
      for index in weights.indices where generator.unit() < 0.0002 {
        weights[index] = (generator.unit() - 0.5) * 4
      }
    case 1:  // rarer and larger ones
      for index in weights.indices where generator.unit() < 0.00003 { weights[index] = 2 }
    case 2:  // large rows
      for row in 0..<rows where generator.unit() < 0.01 {
        for column in 0..<length { weights[row * length + column] *= 15 }
      }
    default:  // large channels
      for column in 0..<length where generator.unit() < 0.005 {
        for row in 0..<rows { weights[row * length + column] *= 20 }
      }
    }
  }

  private func structure(
    _ weights: inout [Float], _ variant: Int, _ generator: inout SeededGenerator
  ) {
    let (rows, length) = Self.shape
    for row in 0..<rows {
      for column in 0..<length {
        let index = row * length + column
        switch variant % 4 {
        case 0: weights[index] = Float(row * 3 + column) / 5000 - 0.3  // a ramp
        case 1: if (row / 64 + column / 128) % 3 == 0 { weights[index] *= 0.01 }  // blocks
        case 2:  // a coarse grid in some of the rows
          if row % 5 != 0 { weights[index] = (weights[index] * 64).rounded() / 64 }
        default:  // bf16
          weights[index] = Float(bitPattern: weights[index].bitPattern & 0xFFFF_0000)
        }
      }
    }
  }
}

struct SamplingTests {
  static let formats = ["int4", "int4:affine:g32", "q4_K", "int8:channel", "mxfp4"]

  struct Outcome {
    var cases = 0
    var covered = 0
    var mseCovered = 0
    var cosineCovered = 0
    var ratios: [Double] = []
    var widths: [Double] = []
  }

  static func measurement(_ model: Model, _ format: Format) throws -> Measurement {
    var measuring = Measuring(model: model)
    let work = Work.measurement(tensor: 0, format: format)
    let finding = try measuring.perform(work) { () throws(Abandoned) in }
    guard case .measurement(let measurement) = finding else { throw Missing() }
    return measurement
  }

  struct Missing: Error {}

  static func estimate(
    _ model: Model, _ format: Format, weights: Int, seed: UInt64, scouts: Int?, _ samples: Samples
  ) throws -> Measurement {
    let reader = try #require(WeightReader(model: model, tensor: model.tensors[0]))
    var sampler = Sampler(reader, format, seed: seed, scouts: scouts)
    let estimate = try sampler.estimate(weights: weights, samples: samples) {
      () throws(Abandoned) in
    }
    return try #require(estimate)
  }

  /// The exact figures lie in the intervals as often as they claim, and four times the sample halves them.
  @Test(arguments: SampledTensor.allCases)
  func intervalsHold(kind: SampledTensor) throws {
    let (rows, length) = SampledTensor.shape
    var all = Outcome()
    for variant in 0..<4 {
      let weights = kind.weights(variant: variant)
      let model = try SampleModel([SampleTensor("w", [rows, length], values: weights)]).open()
      for name in Self.formats {
        let format = try Format(parsing: name)
        let exact = try Self.measurement(model, format).figures
        var outcome = Outcome()
        for seed in 0..<26 {
          // As many scouted as for large tensors, fewer, or all units.
          let scouts = [nil, 1_024, 8_192][seed % 3]
          let samples = Samples()
          let key = UInt64(seed * 7919 + variant * 31 + 1)
          func estimate(_ weights: Int) throws -> Measurement {
            try Self.estimate(
              model, format, weights: weights, seed: key, scouts: scouts, samples)
          }
          let first = try estimate(1 << 16)
          outcome.cases += 1
          let intervals = try #require(first.intervals)
          if intervals.nmse.contains(exact.nmse) { outcome.covered += 1 }
          if intervals.mse.contains(exact.mse) { outcome.mseCovered += 1 }
          if intervals.cosine.contains(exact.cosine) { outcome.cosineCovered += 1 }
          outcome.widths.append(intervals.nmse.halfWidth / exact.nmse)
          guard seed < 4 else { continue }
          let second = try estimate(1 << 18)
          let interval = try #require(second.interval)
          outcome.ratios.append(intervals.nmse.halfWidth / interval.halfWidth)
        }
        all += outcome
      }
    }
    print(kind, all.summary)
    #expect(all.cases >= 500)
    for covered in [all.covered, all.mseCovered, all.cosineCovered] {
      #expect(Double(covered) >= 0.93 * Double(all.cases))
    }
    // Four times as many weights: half as wide, or somewhat less, since the tensor isn't endless.
    #expect((1.9...3).contains(all.ratios.sorted()[all.ratios.count / 2]))
    #expect(all.widths.sorted()[all.widths.count / 2] < 0.06)
  }
}

extension SamplingTests {
  private func sample(
    _ tensor: SampleTensor, _ name: String, weights: [Int], samples: Samples = Samples()
  ) throws -> [Measurement?] {
    let model = try SampleModel([tensor]).open()
    let reader = try #require(WeightReader(model: model, tensor: model.tensors[0]))
    let format = try Format(parsing: name)
    return try weights.map { size in
      var sampler = Sampler(reader, format)
      return try sampler.estimate(weights: size, samples: samples) { () throws(Abandoned) in }
    }
  }

  private static func noise(_ shape: [Int]) -> SampleTensor {
    var generator = SeededGenerator(seed: 11)
    return .random("w", shape, from: &generator)
  }

  @Test func theSameFileGivesTheSameEstimate() throws {
    let tensor = Self.noise([512, 512])
    #expect(
      try sample(tensor, "int4", weights: [20_000])
        == sample(tensor, "int4", weights: [20_000]))
  }

  /// A later sample holds the earlier one: the samples at hand are added to.
  @Test func nothingIsEncodedTwice() throws {
    let samples = Samples()
    let tensor = Self.noise([512, 1024])
    let format = try Format(parsing: "int4")
    let key = Samples.Key(tensor: 0, format: format, seed: try sampleSeed(tensor))
    var before: [[ErrorSums]] = []
    for size in [30_000, 60_000, 120_000] {
      _ = try sample(tensor, "int4", weights: [size], samples: samples)
      let sample = try #require(samples.take(key))
      samples.keep(sample, key)
      let now = sample.strata.map(\.found)
      for (old, new) in zip(before, now) { #expect(Array(new.prefix(old.count)) == old) }
      #expect(now.joined().count > before.joined().count)
      #expect(now.joined().reduce(0) { $0 + $1.count } < size + size / 4)
      before = now
    }
  }

  private func sampleSeed(_ tensor: SampleTensor) throws -> UInt64 {
    let model = try SampleModel([tensor]).open()
    return Sampler.seed(of: model.tensors[0])
  }

  /// Where codes depend on all weights of the tensor a sample says nothing; nor does one without errors, or
  /// with one that isn't finite.
  @Test func whatASampleCannotTell() throws {
    let tensor = Self.noise([256, 512])
    for name in ["int4:tensor", "pal4", "nvfp4:tensor", "bf16"] {
      #expect(try sample(tensor, name, weights: [20_000]) == [nil], "\(name)")
    }
    let huge = SampleTensor("w", [256, 512], values: [Float](repeating: 1e6, count: 131_072))
    #expect(try sample(huge, "f16", weights: [20_000]) == [nil])
    let zeros = SampleTensor("w", [256, 512], values: [Float](repeating: 0, count: 131_072))
    #expect(try sample(zeros, "int4", weights: [20_000]) == [nil])
  }

  /// Estimates as work, on weights that are no numbers, short rows, and a file cut short.
  @Test func hostileTensorsAreSampled() throws {
    let hostile = try SampleModel.hostile().open()
    var measuring = Measuring(model: hostile)
    for tensor in hostile.tensors {
      for name in ["int2", "int4:channel", "q4_K", "f8_e4m3", "int8:affine:g32:entropy"] {
        let format = try Format(parsing: name)
        let work = Work.estimate(tensor: tensor.id, format: format, weights: 1_000)
        switch try measuring.perform(work, checkpoint: { () throws(Abandoned) in }) {
        case .measurement(let measurement):
          let intervals = try #require(measurement.intervals)
          #expect(!measurement.exact && intervals.nmse.contains(measurement.figures.nmse))
          #expect(!intervals.mse.low.isNaN && !intervals.cosine.high.isNaN)
        case .inestimable, .unreadable: break
        default: Issue.record("an unexpected finding for \(work)")
        }
      }
    }
  }

  /// Units lie side by side, within rows and matrices, and cover the tensor.
  @Test(arguments: [
    (rows: 7, length: 2_000, step: Int?.some(32)), (5, 300, nil), (64, 16, 1), (40, 96, 32),
    (6, 5_000, nil), (3, 513, 1),
  ])
  func unitsCoverTheTensor(rows: Int, length: Int, step: Int?) {
    for matrices in [1, rows] {
      let units = SamplingUnits(rows: rows, rowLength: length, step: step, matrices: matrices)
      var end = 0
      for unit in 0..<units.count {
        let elements = units.elements(of: unit)
        #expect(elements.lowerBound == end && !elements.isEmpty)
        if elements.lowerBound / length != (elements.upperBound - 1) / length {
          #expect(elements.lowerBound % length == 0 && elements.count % length == 0)
        }
        if let step { #expect(elements.lowerBound % length % step == 0) }
        end = elements.upperBound
      }
      #expect(end == rows * length)
    }
  }

  @Test func weightedErrorsAreEstimated() throws {
    let (rows, length) = SampledTensor.shape
    let weights = SampledTensor.laplace.weights(variant: 0)
    let model = try SampleModel([SampleTensor("w", [rows, length], values: weights)]).open()
    let importance = (0..<length).map { Float(1 + $0 % 17) }
    let reader = try #require(WeightReader(model: model, tensor: model.tensors[0]))
    for name in ["iq2_xxs", "q4_K"] {
      let format = try Format(parsing: name)
      var exact = ErrorSums()
      var (piece, back) = ([Float](), [Float]())
      for index in 0..<reader.pieceCount {
        let rowLength = reader.read(piece: index, into: &piece)
        back = [Float](repeating: 0, count: piece.count)
        var room = back.mutableSpan
        format.codec().reconstruct(
          piece.span, rowLength: rowLength, importance: importance.span, into: &room)
        exact.add(piece.span, back.span, rowLength: rowLength, importance: importance.span)
      }
      var sampler = Sampler(reader, format, importance: importance)
      let estimate = try sampler.estimate(weights: 1 << 17, samples: Samples()) {
        () throws(Abandoned) in
      }
      let interval = try #require(estimate?.intervals?.weightedNmse)
      #expect(interval.contains(try #require(exact.figures.weightedNmse)))
      #expect(interval.halfWidth < 0.1 * (interval.low + interval.high) / 2)
    }
  }

  @Test func studentsDistribution() {
    for (degrees, quantile) in [(1.0, 12.706), (4, 2.776), (7, 2.365), (12, 2.179), (1e9, 1.96)] {
      #expect(abs(Student.quantile(degreesOfFreedom: degrees) - quantile) < 0.02)
    }
  }

  @Test func smallTensorsGoStraightToTheExactFigure() throws {
    let small = try SampleModel([Self.noise([256, 256])]).open().tensors[0]
    #expect(SamplingSchedule.rounds(of: small, format: try Format(parsing: "int4")).isEmpty)
    let large = try SampleModel([Self.noise([1024, 1024])]).open().tensors[0]
    let slow = SamplingSchedule.rounds(of: large, format: try Format(parsing: "int8:entropy"))
    #expect(slow == [1 << 16, 1 << 18])
  }
}

extension SamplingTests.Outcome {
  static func += (a: inout Self, b: Self) {
    a.cases += b.cases
    a.covered += b.covered
    a.mseCovered += b.mseCovered
    a.cosineCovered += b.cosineCovered
    a.ratios += b.ratios
    a.widths += b.widths
  }

  var summary: String {
    let width = widths.sorted()[widths.count / 2]
    let ratio = ratios.sorted()[ratios.count / 2]
    return
      "covered \(covered)/\(cases), mse \(mseCovered), cosine \(cosineCovered), half width \(width), ratio \(ratio)"
  }
}
