import Foundation
import ModelFiles
import Quantization
import SampleSupport
import Synchronization
import Testing

@testable import Measurement

/// Figures of rows and columns, as they are measured.
struct ChannelMeasuringTests {
  private static func model() throws -> Model {
    try SampleModel([
      SampleTensor(
        "w", [700, 512], values: MeasurementTests.uneven(rows: 700, rowLength: 512)),
      SampleTensor(
        "long", [3, 600_000], values: MeasurementTests.uneven(rows: 3, rowLength: 600_000)),
      SampleTensor("empty", [0, 64], values: []),
    ]).open()
  }

  private func perform(_ work: Work, _ model: Model) throws -> ChannelMeasurement {
    var measuring = Measuring(model: model)
    let finding = try measuring.perform(work) { () throws(Abandoned) in }
    guard case .channels(let channels) = finding else { throw Abandoned() }
    return channels
  }

  /// Both sides add up to what measuring says of the tensor.
  @Test(arguments: ["int4", "int4:tensor", "int3:channel:mse", "q4_K", "pal4", "nvfp4", "bf16"])
  func rowsAndColumnsAddUpToTheMeasurement(name: String) throws {
    let model = try Self.model()
    let format = try Format(parsing: name)
    for tensor in model.tensors where format.objection(rowLength: tensor.rowLength) == nil {
      let channels = try perform(.channels(tensor: tensor.id, format: format), model)
      #expect(channels.isComplete && channels.format == format)
      #expect(channels.errors.rowCount == tensor.rows)
      var measuring = Measuring(model: model)
      guard
        case .measurement(let measurement) = try measuring.perform(
          .measurement(tensor: tensor.id, format: format), checkpoint: {}),
        case .statistics(let statistics) = try measuring.perform(
          .statistics(tensor: tensor.id), checkpoint: {})
      else {
        Issue.record("nothing was measured")
        continue
      }
      let errors = channels.errors
      let rows = (0..<errors.rowCount).map { errors.row($0) }
      let columns = (0..<errors.columnCount).map { errors.column($0) }
      let sum = measurement.sums.squaredError
      for side in [rows, columns] where tensor.weightCount > 0 {
        #expect(abs(side.reduce(0) { $0 + $1.squaredError } - sum) <= 1e-12 * sum)
        #expect(side.map(\.minimum).min() == statistics.minimum)
        #expect(side.map(\.maximum).max() == statistics.maximum)
      }
      #expect(rows.reduce(0) { $0 + $1.outliers } == columns.reduce(0) { $0 + $1.outliers })
    }
  }

  @Test func theSourceHasRangesAndNoErrors() throws {
    let model = try Self.model()
    let channels = try perform(.channels(tensor: 0, format: nil), model)
    #expect((0..<700).allSatisfy { channels.errors.row($0).squaredError == 0 })
    #expect((0..<512).contains { channels.errors.column($0).range > 0 })
  }

  /// On however many threads; what is known before is a part of it; it is done again when it's asked for again.
  @Test(arguments: [1, 2, 5])
  func threadsMakeNoDifference(workers: Int) throws {
    let model = try Self.model()
    for name in ["int4", "pal4"] {
      let work = Work.channels(tensor: 0, format: try Format(parsing: name))
      let found = Mutex<[ChannelMeasurement]>([])
      let done = DispatchSemaphore(value: 0)
      let measurer = Measurer(model: model, workers: workers) { _, finding in
        guard case .channels(let channels) = finding else { return }
        found.withLock { $0.append(channels) }
        if channels.isComplete { done.signal() }
      }
      let alone = try perform(work, model)
      for _ in 0..<2 {
        measurer.want(urgent: [work])
        #expect(done.wait(timeout: .now() + 60) == .success)
        measurer.want(urgent: [])
      }
      measurer.stop()
      let all = found.withLock { $0 }
      #expect(all.count(where: \.isComplete) >= 2)
      for known in all {
        for row in 0..<known.errors.rowCount {
          #expect(known.errors.row(row) == alone.errors.row(row))
        }
        guard known.isComplete else { continue }
        for column in 0..<known.errors.columnCount {
          #expect(known.errors.column(column) == alone.errors.column(column))
        }
      }
    }
  }

  /// Of a long tensor the first rows are known before the last.
  @Test func whatIsKnownSoFarIsTold() throws {
    let data = [UInt8](repeating: 0x3C, count: 2 << 22)
    let model = try SampleModel([
      SampleTensor("w", [4_096, 1_024], type: "BF16", data: data)
    ]).open()
    let seen = Mutex<[Int]>([])
    let done = DispatchSemaphore(value: 0)
    let measurer = Measurer(model: model, workers: 1) { _, finding in
      guard case .channels(let channels) = finding else { return }
      seen.withLock { $0.append(channels.errors.rowCount) }
      #expect(!channels.isComplete || finding.isExact)
      if channels.isComplete { done.signal() }
    }
    measurer.want(urgent: [.channels(tensor: 0, format: try Format(parsing: "int4"))])
    #expect(done.wait(timeout: .now() + 60) == .success)
    measurer.stop()
    let rows = seen.withLock { $0 }
    #expect(rows.count > 2 && rows == rows.sorted() && rows.last == 4_096)
  }

  /// Half made work that nobody wants any longer isn't kept for ever.
  @Test func fewHalfMadeFiguresAreKept() throws {
    let model = try Self.model()
    var queue = WorkQueue(model)
    let works = try (2...8).flatMap { bits in
      try ["", ":affine"].map {
        Work.channels(tensor: 0, format: try Format(parsing: "int\(bits)\($0)"))
      }
    }
    for work in works {
      queue.want(urgent: [work])
      _ = queue.next()
    }
    #expect(queue.halfMade <= 6)
    // What was asked for and is done isn't done again at once.
    queue.want(urgent: [works[0]])
    guard case .task(let job, _, _) = queue.next() else {
      Issue.record("nothing to do")
      return
    }
    queue.end(job, [works[0]])
    if case .task = queue.next() { Issue.record("done twice") }
  }
}
