import Dispatch
import Foundation
import Measurement
import ModelFiles
import Quantization
import SampleSupport
import Synchronization
import Testing

/// What a measurer reported, in order; threads can wait for it.
final class Reports: Sendable {
  private let works = Mutex<[Work]>([])
  private let arrived = DispatchSemaphore(value: 0)

  var all: [Work] { works.withLock { $0 } }

  func add(_ work: Work) {
    works.withLock { $0.append(work) }
    arrived.signal()
  }

  /// Waits for so many more; false if they don't come within a minute.
  func wait(for count: Int) -> Bool {
    (0..<count).allSatisfy { _ in arrived.wait(timeout: .now() + 60) == .success }
  }
}

struct MeasurerTests {
  private let formats: [Format]
  private let model: Model
  private let reports = Reports()

  init() throws {
    formats = try ["int2", "int3", "int4", "int5", "int6", "int8", "f8_e4m3"].map {
      try Format(parsing: $0)
    }
    model = try SampleModel.llama(blocks: 2).open()
  }

  /// Everything that can be wanted of the model.
  private var everything: [Work] {
    model.tensors.flatMap { tensor in
      [.statistics(tensor: tensor.id), .histogram(tensor: tensor.id, format: nil, bins: 9)]
        + formats.map { Work.measurement(tensor: tensor.id, format: $0) }
    }
  }

  private func measurer(workers: Int, of model: Model? = nil) -> Measurer {
    Measurer(model: model ?? self.model, workers: workers) { [reports] work, _ in
      reports.add(work)
    }
  }

  @Test(arguments: [1, 2, 5])
  func everythingIsDoneOnce(workers: Int) {
    let measurer = measurer(workers: workers)
    measurer.want(background: everything + everything.reversed())
    measurer.want(urgent: Array(everything.prefix(30)))
    #expect(reports.wait(for: everything.count))
    measurer.want(background: everything)
    measurer.want(urgent: everything)
    measurer.stop()
    #expect(reports.all.count == everything.count)
    #expect(Set(reports.all) == Set(everything))
  }

  @Test func oneWorkerKeepsTheOrder() {
    let measurer = measurer(workers: 1)
    measurer.want(background: everything)
    #expect(reports.wait(for: everything.count))
    measurer.stop()
    // Histograms take passes of their own, after those that the others share.
    let shared = model.tensors.flatMap { tensor in
      let works = everything.filter { $0.tensor == tensor.id }
      return [works[0]] + works.dropFirst(2) + [works[1]]
    }
    #expect(reports.all == shared)
  }

  /// A long piece of background work is under way: what is urgent comes first all the same.
  @Test func urgentWorkInterruptsBackgroundWork() throws {
    let long = try Self.longModel()
    let measurer = measurer(workers: 1, of: long)
    let background = Work.measurement(tensor: 0, format: try Format(parsing: "int4:tensor:mse"))
    let urgent = [1, 2, 3].map { Work.statistics(tensor: $0) }
    measurer.want(background: [background])
    measurer.want(urgent: urgent)
    #expect(reports.wait(for: 4))
    measurer.stop()
    #expect(reports.all == urgent + [background])
  }

  @Test func theListsAreReplaced() throws {
    let long = try Self.longModel()
    let measurer = measurer(workers: 1, of: long)
    let slow = Work.measurement(tensor: 0, format: try Format(parsing: "int4:tensor:mse"))
    measurer.want(urgent: [slow, .statistics(tensor: 1)])
    measurer.want(urgent: [.statistics(tensor: 2)])
    #expect(reports.wait(for: 1))
    // Abandoned, and now wanted again.
    measurer.want(urgent: [slow])
    #expect(reports.wait(for: 1))
    measurer.stop()
    #expect(reports.all == [.statistics(tensor: 2), slow])
  }

  @Test func workThatMovesBetweenTheListsIsDoneOnce() throws {
    let long = try Self.longModel()
    let measurer = measurer(workers: 2, of: long)
    let slow = Work.measurement(tensor: 0, format: try Format(parsing: "int4:tensor:mse"))
    for _ in 0..<50 {
      measurer.want(urgent: [slow])
      measurer.want(background: [slow])
      measurer.want(urgent: [])
      measurer.want(background: [])
    }
    measurer.want(background: [slow])
    #expect(reports.wait(for: 1))
    measurer.stop()
    #expect(reports.all == [slow])
  }

  @Test func stoppingWhileBusyEndsTheWork() throws {
    let long = try Self.longModel()
    let format = try Format(parsing: "int4:tensor:mse")
    let measurer = measurer(workers: 3, of: long)
    measurer.want(background: (0..<4).map { .measurement(tensor: $0, format: format) })
    measurer.stop()
    let count = reports.all.count
    #expect(count < 4)
    measurer.want(urgent: [.statistics(tensor: 0)])
    #expect(reports.all.count == count)
  }

  @Test func nothingWantedIsNothingDone() {
    let measurer = measurer(workers: 2)
    measurer.want(urgent: [])
    measurer.want(background: [])
    measurer.stop()
    #expect(reports.all == [])
  }

  /// A user who moves about and edits faster than anything can be measured.
  @Test(arguments: [1, 4])
  func manyWishesNeverLock(workers: Int) {
    let measurer = measurer(workers: workers)
    var generator = SeededGenerator(seed: 11)
    let everything = everything
    for turn in 0..<2_000 {
      let start = Int.random(in: 0..<everything.count, using: &generator)
      measurer.want(urgent: Array(everything[start...].prefix(12)))
      if turn % 7 == 0 { measurer.want(background: everything.shuffled(using: &generator)) }
      if turn % 50 == 0 { Thread.sleep(forTimeInterval: 0.001) }
    }
    measurer.want(urgent: [])
    measurer.want(background: everything)
    #expect(reports.wait(for: everything.count))
    measurer.stop()
    #expect(reports.all.count == everything.count)
    #expect(Set(reports.all) == Set(everything))
  }

  @Test func reportsMayAskForMore() {
    let box = Mutex<Measurer?>(nil)
    let model = model
    let measurer = Measurer(model: model, workers: 2) { [reports] work, _ in
      reports.add(work)
      guard case .statistics(let tensor) = work, tensor + 1 < model.tensors.count else { return }
      box.withLock { $0?.want(urgent: [.statistics(tensor: tensor + 1)]) }
    }
    box.withLock { $0 = measurer }
    measurer.want(urgent: [.statistics(tensor: 0)])
    #expect(reports.wait(for: model.tensors.count))
    measurer.stop()
    box.withLock { $0 = nil }
    #expect(reports.all.count == model.tensors.count)
  }

  @Test func whatCannotBeReadIsReported() throws {
    let hostile = try SampleModel.hostile().open()
    let packed = try #require(hostile.tensors.first { $0.source == .f8E8M0 })
    let unreadable = Mutex(false)
    let measurer = Measurer(model: hostile, workers: 1) { [reports] work, finding in
      if case .unreadable = finding { unreadable.withLock { $0 = true } }
      reports.add(work)
    }
    measurer.want(urgent: [.statistics(tensor: packed.id)])
    #expect(reports.wait(for: 1))
    measurer.stop()
    #expect(unreadable.withLock { $0 })
  }

  /// Four tensors, each of many pieces, so that work on them takes a while.
  private static func longModel() throws -> Model {
    let data = [UInt8](repeating: 0x3C, count: 2 << 21)
    return try SampleModel(
      (0..<4).map { SampleTensor("w\($0)", [2_048, 1_024], type: "BF16", data: data) }
    ).open()
  }
}
