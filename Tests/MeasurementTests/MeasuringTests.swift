import ModelFiles
import Quantization
import SampleSupport
import Testing

@testable import Measurement

struct MeasuringTests {
  private static let parts = [
    "sym:tensor", "sym:channel", "sym:g256", "sym:g32", "affine:tensor", "affine:channel",
    "affine:g128",
  ]
  private static let calibrations = ["minmax", "percentile=99", "mse", "entropy"]
  static let names =
    parts.flatMap { part in calibrations.map { "int4:\(part):\($0)" } }
    + [
      "int2:tensor", "int8:affine:tensor:bf16", "int3:g64:f32", "f16", "bf16", "f8_e4m3", "f8_e5m2",
      "pal2", "pal8", "int4:affine:g64:hqq", "int4:affine:channel:hqq",
    ]

  private let values = uneven()
  private let model: Model

  init() throws {
    model = try SampleModel([SampleTensor("w", [300, 257], values: values)]).open()
  }

  private func perform(_ work: Work, in model: Model? = nil) throws -> Finding {
    var measuring = Measuring(model: model ?? self.model)
    return try measuring.perform(work) { () throws(Abandoned) in }
  }

  private func measurement(_ format: Format, in model: Model? = nil) throws -> Measurement? {
    let finding = try perform(.measurement(tensor: 0, format: format), in: model)
    if case .measurement(let measurement) = finding { return measurement }
    return nil
  }

  /// Takes a tenth off all weights.
  private struct MadeUp: DataCalibration {
    let values: [Float]
    let calibratedTensors: Set<Int> = [0]

    func reconstruct(_ tensor: Tensor, in format: Format) -> [Float]? { values.map { $0 * 0.9 } }
  }

  @Test func whatNeedsActivationsIsTakenFromThem() throws {
    let format = try Format(parsing: "int4:gptq")
    let works: [Work] = [
      .measurement(tensor: 0, format: format), .channels(tensor: 0, format: format),
      .histogram(tensor: 0, format: format, bins: 64),
    ]
    var measuring = Measuring(model: model, calibration: MadeUp(values: values))
    for work in works {
      switch try measuring.perform(work, checkpoint: { () throws(Abandoned) in }) {
      case .measurement(let measurement):
        #expect(abs(measurement.figures.nmse - 0.01) < 1e-6 && measurement.format == format)
      case .channels(let channels): #expect(channels.format == format)
      case .histogram: break
      default: Issue.record("\(work) has another finding")
      }
    }
    // Nothing is made up where they aren't known.
    let bare = try #require(try measurement(format))
    #expect(bare.sums.notFiniteReconstructed == values.count && bare.byteCount > 0)
    #expect(!SamplingSchedule.canEstimate(model.tensors[0], format))
  }

  /// The whole tensor at once, scanned in one piece.
  private func reconstruct(_ format: Format) -> [Float] {
    var codec: (any Codec)?
    var scan = format.scan()
    while codec == nil, scan != nil {
      scan?.observe(values.span)
      codec = scan?.endPass()
    }
    var reconstructed = [Float](repeating: 0, count: values.count)
    var target = reconstructed.mutableSpan
    (codec ?? format.codec()).reconstruct(values.span, rowLength: 257, into: &target)
    return reconstructed
  }

  /// Sums over pieces of whole rows, in the reader's order.
  private func sums(_ reconstructed: [Float]) -> ErrorSums {
    let length = WeightReader.pieceLength / 257 * 257
    var sums = ErrorSums()
    for start in stride(from: 0, to: values.count, by: length) {
      let range = start..<min(start + length, values.count)
      sums.add(Array(values[range]).span, Array(reconstructed[range]).span)
    }
    return sums
  }

  @Test(arguments: names)
  func measuringInPiecesIsMeasuringTheWhole(name: String) throws {
    let format = try Format(parsing: name)
    let measured = try #require(try measurement(format))
    let expected = sums(reconstruct(format))
    #expect(measured.sums == expected)
    #expect(measured.sums.count == values.count)
    #expect(measured.exact)
    #expect(measured.byteCount == format.storedByteCount(rows: 300, rowLength: 257))
    #expect(measured.bitsPerWeight == 8 * Double(measured.byteCount) / Double(values.count))
    #expect(measured.figures.nmse == expected.figures.nmse)
  }

  @Test func theSameWorkGivesTheSameBits() throws {
    let format = try Format(parsing: "int3:affine:tensor:mse")
    #expect(try measurement(format) == measurement(format))
  }

  @Test func statisticsAreThoseOfTheWhole() throws {
    guard case .statistics(let statistics) = try perform(.statistics(tensor: 0)) else {
      Issue.record("no statistics")
      return
    }
    let numbers = values.map(Double.init)
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    let squares = numbers.reduce(0) { $0 + $1 * $1 }
    #expect(statistics.count == values.count)
    #expect(statistics.minimum == values.min().map(Double.init))
    #expect(statistics.maximum == values.max().map(Double.init))
    #expect(abs(statistics.mean - mean) < 1e-12)
    #expect(abs(statistics.squares - squares) < squares * 1e-12)
  }

  @Test(arguments: ["source", "int2", "int4:tensor", "f8_e5m2"])
  func histogramsCountEveryWeight(name: String) throws {
    let format = name == "source" ? nil : try Format(parsing: name)
    let work = Work.histogram(tensor: 0, format: format, bins: 50)
    guard case .histogram(let histogram) = try perform(work) else {
      Issue.record("no histogram")
      return
    }
    var statistics = WeightStatistics()
    statistics.add(values.span)
    var expected = Histogram(
      range: .robust(for: statistics, bins: 50), hasErrors: format != nil)
    let reconstructed = format.map(reconstruct) ?? values
    expected.add(reconstructed.span, source: values.span)
    expected.levels = histogram.levels
    #expect(histogram == expected)
    #expect(histogram.total == UInt64(values.count))
    let levels = ["source": 0, "int2": 4, "int4:tensor": 16, "f8_e5m2": 247]
    #expect(histogram.levels?.values.count ?? 0 == levels[name])
  }

  /// Tiles are counted anew each time, and levels that every weight shares are those of the weights that come back.
  @Test func tilesAndLevels() throws {
    let format = try Format(parsing: "int4:tensor")
    let tile = HistogramTile(level: 1, index: 9)
    guard
      case .histogram(let whole) = try perform(.histogram(tensor: 0, format: format, bins: 40)),
      case .histogram(let part) = try perform(
        .histogram(tensor: 0, format: format, bins: 40, tile: tile))
    else {
      Issue.record("no histogram")
      return
    }
    #expect(part.range == tile.range(in: whole.range) && part.total == whole.total)
    #expect(part.levels == nil)
    let levels = Set(try #require(whole.levels).values)
    #expect(Set(reconstruct(format)).isSubset(of: levels))
    let errors = whole.squaredErrors.reduce(whole.squaredErrorOutside, +)
    let again = part.squaredErrors.reduce(part.squaredErrorOutside, +)
    #expect(errors > 0 && abs(errors - again) < 1e-9 * errors)
    // Of a format with groups, those of a group like most others.
    guard
      case .histogram(let grouped) = try perform(
        .histogram(tensor: 0, format: Format(parsing: "int4:g32"), bins: 40))
    else { return }
    let group = try #require(grouped.levels)
    #expect(!group.isShared && group.values.count == 16)
    #expect((group.values.last ?? 1) < 0.3, "the rows of small weights are the most")
  }

  @Test func weightsThatAreNoNumbersAreCountedAndLeftOut() throws {
    let hostile = try SampleModel.hostile().open()
    let tensor = try #require(hostile.tensors.first { $0.name == "nan_and_inf.weight" })
    let format = try Format(parsing: "int4")
    guard
      case .measurement(let measurement) = try perform(
        .measurement(tensor: tensor.id, format: format), in: hostile)
    else {
      Issue.record("no measurement")
      return
    }
    #expect(measurement.sums.nan == 1)
    #expect(measurement.sums.infinite == 2)
    #expect(measurement.sums.count == 2_045)
    #expect(measurement.figures.nmse > 0)
    #expect(measurement.figures.nmse < 0.1)
  }

  /// Nothing that a file can hold makes measuring trap, or gives a figure that is not a number.
  @Test func hostileTensorsAreMeasured() throws {
    let hostile = try SampleModel.hostile().open()
    for tensor in hostile.tensors {
      for name in ["int2", "int4:affine:tensor:entropy", "int8:channel:mse", "f16", "f8_e4m3"] {
        let format = try Format(parsing: name)
        for work: Work in [
          .measurement(tensor: tensor.id, format: format), .statistics(tensor: tensor.id),
          .histogram(tensor: tensor.id, format: format, bins: 7),
          .histogram(tensor: tensor.id, format: nil, bins: 1),
          .channels(tensor: tensor.id, format: format),
          .channels(tensor: tensor.id, format: nil),
        ] {
          switch try perform(work, in: hostile) {
          case .measurement(let measurement):
            #expect(!measurement.figures.nmse.isNaN)
            #expect(!measurement.figures.sqnr.isNaN)
            #expect(!measurement.sums.squaredError.isNaN)
          case .statistics(let statistics): #expect(!statistics.squares.isNaN)
          case .histogram(let histogram): #expect(histogram.total == UInt64(tensor.weightCount))
          case .channels(let channels):
            #expect(channels.isComplete)
            for row in 0..<channels.errors.rowCount {
              #expect(!channels.errors.row(row).nmse.isNaN)
              #expect(!channels.errors.row(row).deviation.isNaN)
            }
            for column in 0..<channels.errors.columnCount {
              #expect(!channels.errors.column(column).nmse.isNaN)
            }
          case .unreadable: #expect(!WeightReader.canRead(tensor.source))
          case .lost: Issue.record("the file is whole")
          case .inestimable: Issue.record("it was measured")
          }
        }
      }
    }
  }

  @Test func whatWasReadFromAFileCutShortIsLost() throws {
    let folder = try ScratchFolder()
    let bytes = SampleModel([SampleTensor("w", [300, 257], values: values)]).bytes
    let model = try Model.open(folder.write("m.safetensors", bytes))
    try folder.write("m.safetensors", Array(bytes.prefix(1_000)))
    for work: Work in [
      .statistics(tensor: 0), .measurement(tensor: 0, format: try Format(parsing: "int4:tensor")),
      .histogram(tensor: 0, format: nil, bins: 5),
    ] {
      guard case .lost = try perform(work, in: model) else {
        Issue.record("\(work) was measured from a file without its weights")
        return
      }
    }
  }

  @Test func aCheckpointThatThrowsEndsTheWork() throws {
    var measuring = Measuring(model: model)
    var count = 0
    #expect(throws: Abandoned.self) {
      try measuring.perform(.statistics(tensor: 0)) { () throws(Abandoned) in
        count += 1
        if count == 2 { throw Abandoned() }
      }
    }
    #expect(count == 2)
  }
}
