import Dispatch
import Foundation
import ModelFiles
import Quantization
import Synchronization

/// Writes a file out of a model's weights, on all processors.
///
/// Each thread takes the next step there is, and holds no more than that in memory. The bytes don't depend on the
/// number of threads.
public struct Applier: Sendable {
  private let model: Model
  private let identities: [FileIdentity?]
  private let threads: Int

  /// - Parameters:
  ///   - identities: of the model's files when their headers had been read; another one later means that the model
  ///     was changed.
  public init(
    model: Model, identities: [FileIdentity?],
    threads: Int = ProcessInfo.processInfo.activeProcessorCount
  ) {
    self.model = model
    self.identities = identities
    self.threads = max(1, threads)
  }

  /// Begins a file, if there is room for it.
  public func begin(
    _ path: String, _ output: OutputFile, overwriting: Bool
  ) throws(ApplyFailure) -> PendingFile {
    let file = try Self.saving { () throws(SaveFailure) in
      try PendingFile(path, expecting: overwriting ? .anything : .absent)
    }
    if let free = file.freeBytes, free < output.byteCount {
      throw ApplyFailure(
        "\(path.sanitised): found \(free) bytes free on the disk, needs \(output.byteCount)")
    }
    return file
  }

  /// Writes all bytes of a file; its name it gets from whoever began it.
  /// - Parameter progress: called some times a second with the weights that are done, on the calling thread.
  public func write(
    _ output: OutputFile, to file: PendingFile, progress: (Int) -> Void
  ) throws(ApplyFailure) {
    try Self.saving { () throws(SaveFailure) in
      try file.reserve(output.byteCount)
      for part in output.fixed { try file.write(part.bytes.span.bytes, at: part.offset) }
      // The end may be padding, which nobody writes.
      if output.byteCount > 0 { try file.extend(to: output.byteCount) }
    }
    let jobs = try scanned(output.jobs, progress)
    let givesBack = model.isLargeForMemory
    let queue = StepQueue(jobs)
    let worker = StepWorker(model: model, file: file)
    try run(queue, progress, worker) { (worker, job, step) throws(StepFailure) in
      try worker.perform(step, of: jobs[job], givesBack: givesBack)
    }
    try checkSource()
  }

  /// Whether the model's files are as they were: throws if not.
  public func checkSource() throws(ApplyFailure) {
    for (file, identity) in zip(model.files, identities)
    where !file.isIntact || file.identity != identity {
      throw changedSource(file)
    }
  }

  /// Does something with files; what the system says against it, in the words of this work.
  public static func saving<R>(_ body: () throws(SaveFailure) -> R) throws(ApplyFailure) -> R {
    do throws(SaveFailure) {
      return try body()
    } catch {
      throw ApplyFailure("\(error.description) Nothing was written.")
    }
  }

  // MARK: - Threads

  /// Does all steps, on threads that each have a state of their own.
  /// - Returns: the states at the end.
  @discardableResult
  private func run<State: Sendable>(
    _ queue: StepQueue, _ progress: (Int) -> Void, _ initial: State,
    _ body: @Sendable @escaping (inout State, _ job: Int, _ step: Int) throws(StepFailure) -> Void
  ) throws(ApplyFailure) -> [State] {
    let failure = Mutex<StepFailure?>(nil)
    let states = Mutex<[State]>([])
    let done = DispatchSemaphore(value: 0)
    let count = max(1, min(threads, queue.stepCount))
    for _ in 0..<count {
      let thread = Thread {
        var state = initial
        do throws(StepFailure) {
          while let (job, step) = queue.next() {
            try body(&state, job, step)
            queue.finish(job)
          }
        } catch {
          queue.stop()
          failure.withLock { $0 = $0 ?? error }
        }
        states.withLock { $0.append(state) }
        done.signal()
      }
      thread.stackSize = 1 << 20
      thread.start()
    }
    var changed: ApplyFailure?
    for _ in 0..<count {
      while done.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
        progress(queue.weightsDone)
        guard changed == nil else { continue }
        // Rather now than when all is done.
        do throws(ApplyFailure) { try checkSource() } catch {
          changed = error
          queue.stop()
        }
      }
    }
    progress(queue.weightsDone)
    if let changed { throw changed }
    switch failure.withLock({ $0 }) {
    case .lost(let tensor): throw changedSource(model.files[tensor.file])
    case .notWritten(let error): throw ApplyFailure("\(error.description) Nothing was written.")
    case nil: return states.withLock { $0 }
    }
  }

  /// The jobs with codecs for all: some have to see the whole tensor before.
  private func scanned(
    _ jobs: [TensorJob], _ progress: (Int) -> Void
  ) throws(ApplyFailure) -> [TensorJob] {
    var jobs = jobs
    for index in jobs.indices where jobs[index].codec == nil {
      guard var scan = jobs[index].making.format?.scan() else { continue }
      let job = jobs[index]
      repeat {
        let begun = ScanState(scan: scan)
        let model = model
        let states = try run(StepQueue([job]), { _ in progress(0) }, begun) {
          (state, _, step) throws(StepFailure) in
          job.read(step, into: &state.weights)
          guard model.isIntact(job.tensor) else { throw .lost(job.tensor) }
          let weights = state.weights
          state.scan.observe(weights.span)
        }
        guard let first = states.first else { break }
        scan = first.scan
        for other in states.dropFirst() { scan.merge(other.scan) }
        jobs[index].codec = scan.endPass()
      } while jobs[index].codec == nil
    }
    return jobs
  }

  private struct ScanState: Sendable {
    var scan: any TensorScan
    var weights: [Float] = []
  }
}

extension TensorJob {
  /// The weights of a step, for a scan.
  func read(_ step: Int, into weights: inout [Float]) {
    switch steps {
    case .pieces(let reader): reader.read(piece: step, into: &weights)
    case .rows(let reader, let count):
      let rows = rows(of: step, count)
      let length = tensor.orderedRowLength
      reader.read(
        elements: rows.lowerBound * length..<rows.upperBound * length, into: &weights)
    case .bytes, .storedRows: weights = []
    }
  }
}

/// Hands out the steps of jobs, in order.
private final class StepQueue: Sendable {
  private struct Place {
    var job = 0
    var step = 0
    var done = 0
  }

  private let stepCounts: [Int]
  private let weights: [Int]
  private let place = Mutex(Place())

  init(_ jobs: [TensorJob]) {
    stepCounts = jobs.map(\.stepCount)
    weights = jobs.map(\.weightsPerStep)
  }

  var stepCount: Int { stepCounts.reduce(0, +) }
  var weightsDone: Int { place.withLock { $0.done } }

  /// The next step; nil if there is none left.
  func next() -> (job: Int, step: Int)? {
    place.withLock { place in
      while place.job < stepCounts.count, place.step >= stepCounts[place.job] {
        place.job += 1
        place.step = 0
      }
      guard place.job < stepCounts.count else { return nil }
      place.step += 1
      return (place.job, place.step - 1)
    }
  }

  func finish(_ job: Int) {
    place.withLock { $0.done += weights[job] }
  }

  /// Hands out no more.
  func stop() {
    place.withLock { $0.job = stepCounts.count }
  }
}
