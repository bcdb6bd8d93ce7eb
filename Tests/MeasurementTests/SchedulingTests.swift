import Dispatch
import Foundation
import ModelFiles
import Quantization
import SampleSupport
import Synchronization
import Testing

@testable import Measurement

/// What is measured when, and that it makes no difference to the figures.
struct SchedulingTests {
  private let reports = Reports()

  private static let names = [
    "int4", "int8:affine:channel:bf16", "int3:g64:f32", "f8_e4m3", "q4_K", "q8_0", "nf4", "mxfp4",
    "int4:tensor", "int4:affine:tensor:mse", "nvfp4", "pal4",
  ]

  private static func formats(_ names: [String] = names) throws -> [Format] {
    try names.map { try Format(parsing: $0) }
  }

  private func measurer(
    _ model: Model, workers: Int = 1, givesBack: Bool? = nil,
    _ found: (@Sendable (Work, Finding) -> Void)? = nil
  ) -> Measurer {
    Measurer(model: model, workers: workers, givesBack: givesBack) { [reports] work, finding in
      found?(work, finding)
      reports.add(work)
    }
  }

  /// Tensors of some hundred pieces, so that work on them takes a while.
  private static func long(tensors: Int = 4) throws -> Model {
    let data = [UInt8](repeating: 0x3C, count: 2 << 21)
    return try SampleModel(
      (0..<tensors).map { SampleTensor("w\($0)", [2_048, 1_024], type: "BF16", data: data) }
    ).open()
  }

  private static func uneven() throws -> Model {
    try SampleModel([
      SampleTensor(
        "w", [1_500, 1_024], values: MeasurementTests.uneven(rows: 1_500, rowLength: 1_024)),
      SampleTensor(
        "v", [3, 600_000], values: MeasurementTests.uneven(rows: 3, rowLength: 600_000)),
      SampleTensor("e", [0, 64], values: []),
    ]).open()
  }

  /// Statistics, histograms and all formats of a tensor.
  private static func all(of tensor: Int, _ formats: [Format]) -> [Work] {
    let rest = formats.map { Work.measurement(tensor: tensor, format: $0) }
    return [
      .statistics(tensor: tensor), .histogram(tensor: tensor, format: nil, bins: 9),
      .histogram(tensor: tensor, format: formats[0], bins: 9),
    ] + rest
  }

  // MARK: - Figures

  /// Together or one by one, on one thread or several, with or without being interrupted.
  @Test(arguments: [1, 2, 5], [false, true])
  func theWayMakesNoDifference(workers: Int, isDisturbed: Bool) throws {
    let model = try Self.uneven()
    let works = try model.tensors.flatMap { Self.all(of: $0.id, try Self.formats()) }
    let found = Mutex<[Work: String]>([:])
    let measurer = measurer(model, workers: workers, givesBack: true) { work, finding in
      found.withLock { $0[work] = "\(finding)" }
    }
    measurer.want(background: works)
    if isDisturbed {
      var generator = SeededGenerator(seed: 3)
      for _ in 0..<300 {
        measurer.want(urgent: Array(works.shuffled(using: &generator).prefix(3)))
        usleep(200)
      }
      measurer.want(urgent: [])
    }
    #expect(reports.wait(for: works.count))
    measurer.stop()
    #expect(reports.all.count == works.count)
    var measuring = Measuring(model: model)
    for work in works {
      let alone = try measuring.perform(work) { () throws(Abandoned) in }
      #expect(found.withLock { $0[work] } == "\(alone)", "\(work)")
    }
  }

  // MARK: - Order

  private func ladders(
    _ formats: [Format], first: [Int] = [], next: [Int] = []
  ) -> LadderWishes {
    LadderWishes(first: first, next: next) { tensor in
      formats.map { .measurement(tensor: tensor, format: $0) }
    }
  }

  /// Urgent; then the ladders of what is marked or in sight; the background; other marks; all others.
  @Test func theOrder() throws {
    let model = try Self.long(tensors: 6)
    let formats = try Self.formats(["int4", "int8"])
    let measurer = measurer(model)
    let slow = Work.measurement(tensor: 0, format: try Format(parsing: "int3:tensor:mse"))
    measurer.want(urgent: [slow])
    measurer.want(ladders: ladders(formats, first: [4, 2], next: [5]))
    measurer.want(background: [.statistics(tensor: 3)])
    measurer.want(urgent: [slow, .statistics(tensor: 1)])
    #expect(reports.wait(for: 15))
    measurer.stop()
    let ladder = { (tensor: Int) in formats.map { Work.measurement(tensor: tensor, format: $0) } }
    let expected =
      [slow, .statistics(tensor: 1)] + ladder(4) + ladder(2) + [.statistics(tensor: 3)]
      + ladder(5) + ladder(0) + ladder(1) + ladder(3)
    #expect(reports.all == expected)
  }

  /// What was begun for a ladder and becomes urgent is taken out of the work on that ladder.
  @Test func aFormatIsTakenOutOfItsLadder() throws {
    let model = try Self.long(tensors: 1)
    let formats = try Self.formats(["int4", "int5", "q4_K", "q3_K", "int8"])
    let measurer = measurer(model)
    measurer.want(ladders: ladders(formats))
    usleep(5_000)
    let urgent = Work.measurement(tensor: 0, format: formats[2])
    measurer.want(urgent: [urgent])
    #expect(reports.wait(for: 5))
    measurer.stop()
    #expect(reports.all.first == urgent)
    #expect(reports.all.count == 5)
    #expect(Set(reports.all).count == 5)
  }

  @Test func laddersFollowWhatIsWanted() throws {
    let model = try Self.long(tensors: 3)
    let formats = try Self.formats(["int4", "int8", "int2"])
    let measurer = measurer(model, workers: 2)
    measurer.know([.measurement(tensor: 1, format: formats[0])])
    measurer.want(ladders: ladders(Array(formats.prefix(2))))
    #expect(reports.wait(for: 5))
    // Another format on the ladder of one tensor.
    measurer.want(ladders: ladders(formats), changed: [2])
    #expect(reports.wait(for: 1))
    measurer.want(ladders: ladders(formats), changed: [])
    measurer.want(ladders: ladders(formats), changed: nil)
    #expect(reports.wait(for: 2))
    measurer.stop()
    #expect(reports.all.count == 8)
    #expect(Set(reports.all).count == 8)
    #expect(reports.all[5] == .measurement(tensor: 2, format: formats[2]))
  }

  // MARK: - Promptness

  /// Nothing takes time in proportion to all that is to be done.
  @Test func changingTheOrderTakesNoTime() throws {
    let model = try Self.many(40_000)
    let formats = try Self.formats(["int4", "int8", "int3", "int2"])
    let asked = Mutex(0)
    let measurer = Measurer(model: model, workers: 1) { _, _ in }
    measurer.want(background: model.tensors.map { .statistics(tensor: $0.id) })
    let wishes = { (first: [Int]) in
      LadderWishes(first: first, next: Array(0..<40_000)) { tensor in
        asked.withLock { $0 += 1 }
        return formats.map { .measurement(tensor: tensor, format: $0) }
      }
    }
    measurer.want(ladders: wishes([]))
    var times: [Duration] = []
    for turn in 0..<200 {
      let urgent = formats.map { Work.measurement(tensor: turn * 7, format: $0) }
      let wishes = wishes([turn * 11])
      times.append(
        ContinuousClock().measure {
          measurer.want(urgent: urgent)
          measurer.want(ladders: wishes, changed: [])
        })
      usleep(500)
    }
    measurer.stop()
    #expect(times.sorted()[100] < .milliseconds(1))
    #expect(asked.withLock { $0 } < 40_000)
    if ProcessInfo.processInfo.environment["TIMES"] != nil {
      print("order: median \(times.sorted()[100]), 99 % \(times.sorted()[197])")
    }
  }

  private static func many(_ count: Int) throws -> Model {
    let values = [Float](repeating: 0.5, count: 64)
    let small = try SampleModel([SampleTensor("w", [2, 32], values: values)]).open()
    let tensor = small.tensors[0]
    return Model(
      name: "many", files: small.files,
      tensors: (0..<count).map {
        Tensor(
          id: $0, name: "w\($0)", shape: tensor.shape, source: tensor.source,
          offset: tensor.offset)
      })
  }

  /// Several threads that want something else all the time.
  @Test func wishesFromEverywhere() throws {
    let model = try SampleModel.llama(blocks: 2).open()
    let formats = try Self.formats(["int4", "int4:tensor:mse", "q8_0", "nvfp4"])
    let works = model.tensors.flatMap { Self.all(of: $0.id, formats) }
    let measurer = measurer(model, workers: 3)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      var generator = SeededGenerator(seed: UInt64(thread))
      for turn in 0..<300 {
        let some = works.shuffled(using: &generator)
        switch (turn + thread) % 4 {
        case 0: measurer.want(urgent: Array(some.prefix(9)))
        case 1:
          measurer.want(background: Array(some.prefix(20)), dropping: Array(some.suffix(20)))
        case 2:
          measurer.want(
            ladders: ladders(formats, first: some.prefix(3).map(\.tensor)),
            changed: turn % 3 == 0 ? nil : [some[0].tensor])
        default: measurer.want(urgent: [])
        }
        if turn % 20 == 0 { usleep(500) }
      }
    }
    measurer.want(ladders: nil)
    measurer.want(background: works)
    #expect(reports.wait(for: works.count))
    measurer.stop()
    #expect(reports.all.count == works.count)
    #expect(Set(reports.all) == Set(works))
  }

  // MARK: - Memory

  @Test func pagesAreGivenBackAndReadAgain() throws {
    let (model, values) = try ramp([2_048, 1_024])
    let reader = try #require(WeightReader(model: model, tensor: model.tensors[0]))
    for piece in 0..<reader.pieceCount {
      reader.prepare(piece, givesBack: true)
      var buffer: [Float] = []
      reader.read(piece: piece, into: &buffer)
    }
    reader.giveBack()
    #expect(weights(of: model.tensors[0], in: model) == values)
  }

  @Test func chunksCoverAllPiecesInOrder() throws {
    for rows in [0, 1, 7, 300, 9_000] {
      let (model, _) = try ramp([rows, 1_024])
      let reader = try #require(WeightReader(model: model, tensor: model.tensors[0]))
      for longest in [1, 16, 64] {
        let chunks = Chunks(reader, atMost: longest)
        #expect((0..<chunks.count).flatMap { Array(chunks[$0]) } == Array(0..<reader.pieceCount))
        #expect((0..<chunks.count).allSatisfy { chunks[$0].count <= longest })
      }
    }
  }
}
