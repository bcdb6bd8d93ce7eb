import Dispatch
import Foundation
import ModelFiles
import Quantization
import Synchronization

/// Measures tensors on threads of lower priority, most wanted first.
///
/// What is wanted comes in three kinds: a short urgent list, replaced whenever the user moves; a long background
/// list; and the ladders of all tensors, which take up the time that is left. All threads work on what is
/// wanted most, however few tensors that is. Between steps of some milliseconds they look whether something
/// else is wanted more: then they leave off what they do, and go on with it later. Nothing is computed twice
/// (but figures of channels, which are too large for all of them to be kept), and figures don't depend on the
/// number of threads.
public final class Measurer: Sendable {
  /// Called on a worker's thread with each piece of work that is done.
  public typealias Report = @Sendable (Work, Finding) -> Void

  private let model: Model
  private let importance: ModelImportance?
  private let calibration: (any DataCalibration)?
  private let ranges = HistogramRanges()
  private let report: Report
  private let workers: Int
  private let givesBack: Bool
  private let queue: Mutex<WorkQueue>
  /// What was asked for since a worker looked. Workers have a lower priority: who asks must not wait for one
  /// that holds the queue, and has the processor taken away.
  private let changes = Mutex<[@Sendable (inout WorkQueue) -> Void]>([])
  private let progress = MeasuringProgress()
  private let generation = Atomic<Int>(0)
  /// Threads that found nothing to do.
  private let idle = Atomic<Int>(0)
  private let wake = DispatchSemaphore(value: 0)
  private let finished = DispatchGroup()

  /// Starts the workers.
  /// - Parameters:
  ///   - importance: of the model's input channels, if it is known: formats that use it do, and errors
  ///     are weighted by it as well.
  ///   - calibration: what formats need whose codes are chosen by activations.
  ///   - workers: threads; all processors by default, since they have a lower priority.
  ///   - givesBack: whether the pages of tensors are given back to the system once they were read in the
  ///     background; by default, if the model takes more than half of the memory.
  ///   - report: called on a worker's thread.
  public init(
    model: Model, importance: ModelImportance? = nil, calibration: (any DataCalibration)? = nil,
    workers: Int = ProcessInfo.processInfo.activeProcessorCount,
    givesBack: Bool? = nil, report: @escaping Report
  ) {
    self.model = model
    self.importance = importance
    self.calibration = calibration
    self.report = report
    self.workers = max(1, workers)
    self.givesBack = givesBack ?? model.isLargeForMemory
    queue = Mutex(WorkQueue(model))
    for index in 0..<self.workers {
      finished.enter()
      let thread = Thread { [self] in
        lowerPriorityOfThisThread()
        run()
        finished.leave()
      }
      thread.name = "measure \(index)"
      thread.stackSize = 1 << 21
      thread.start()
    }
  }

  /// Replaces the urgent list: in order of priority.
  public func want(urgent: [Work]) { change { $0.want(urgent: urgent) } }

  /// Adds to the background list, at its end, and takes away what is no longer wanted.
  public func want(background added: [Work], dropping dropped: [Work] = []) {
    change { $0.want(background: added, dropping: dropped) }
  }

  /// Replaces what is measured in the time that is left.
  /// - Parameter changed: the tensors whose ladders aren't what they were; nil: all.
  public func want(ladders: LadderWishes?, changed: [Int]? = nil) {
    change { $0.want(ladders: ladders, changed: changed) }
  }

  /// Takes note of what is known from elsewhere: it won't be measured.
  public func know(_ works: [Work]) { change { $0.know(works) } }

  /// How many weights were measured so far, each once for each format.
  public var weightsMeasured: Int { progress.count }

  /// Whether nothing is left to be done, as far as the workers know.
  public var isIdle: Bool {
    idle.load(ordering: .sequentiallyConsistent) == workers && changes.withLock(\.isEmpty)
  }

  /// Abandons everything and waits until the workers have ended.
  public func stop() {
    change { $0.isStopped = true }
    finished.wait()
  }

  private func change(_ change: @escaping @Sendable (inout WorkQueue) -> Void) {
    changes.withLock { $0.append(change) }
    generation.add(1, ordering: .releasing)
    for _ in 0..<workers { wake.signal() }
  }

  private func takeChanges() -> [@Sendable (inout WorkQueue) -> Void] {
    changes.withLock { changes in
      defer { changes = [] }
      return changes
    }
  }

  private func wakeOthers() {
    for _ in 0..<idle.load(ordering: .sequentiallyConsistent) { wake.signal() }
  }

  // MARK: - The workers

  private func run() {
    var buffers = PieceBuffers(progress: progress)
    var isIdle = false
    while true {
      let seen = generation.load(ordering: .acquiring)
      let (next, isStopped) = queue.withLock { queue in
        for change in takeChanges() { change(&queue) }
        return (queue.next(), queue.isStopped)
      }
      if isStopped { return }
      if case .nothing = next {
        // Looks once more after it has said that it is idle: nothing that comes up now is missed.
        if isIdle { wake.wait() } else { idle.add(1, ordering: .sequentiallyConsistent) }
        isIdle = true
        continue
      }
      if isIdle { idle.subtract(1, ordering: .sequentiallyConsistent) }
      isIdle = false
      switch next {
      case .task(let job, .prepare, let isUrgent): prepare(job, isUrgent)
      case .task(let job, .advance(let slice, let source, let passes), _):
        advance(slice, source, passes, of: job, seen, &buffers)
      case .task(let job, .whole(let work), _): perform(work, of: job, seen)
      case .ask(let tensor, let wishes, let revision):
        let works = wishes.works(tensor)
        queue.withLock { $0.settle(tensor: tensor, works, revision: revision) }
        wakeOthers()
      case .nothing: break
      }
    }
  }

  private func prepare(_ job: Job, _ isUrgent: Bool) {
    guard
      var source = TensorSource(
        model, tensor: job.tensor, importance: importance,
        wholeRows: job.works.contains(where: \.needsWholeRows))
    else { return end(job, job.works.map { ($0, .unreadable) }) }
    source.givesBack = givesBack && !isUrgent
    if let findings = job.begin(source, ranges: ranges, calibration: calibration) {
      end(job, findings)
    } else {
      wakeOthers()
    }
  }

  private func advance(
    _ slice: Slice, _ source: TensorSource, _ passes: [Pass], of job: Job, _ seen: Int,
    _ buffers: inout PieceBuffers
  ) {
    var slice = slice
    let isDone = slice.advance(source, passes, &buffers, isWanted: job.isActive) {
      generation.load(ordering: .acquiring) != seen
    }
    guard isDone else { return job.park(slice) }
    if let findings = job.finish(slice) {
      if source.givesBack { source.reader.giveBack() }
      end(job, findings)
    } else if let (work, finding) = job.knownSoFar(), model.isIntact(source.tensor) {
      report(work, finding)
    }
    wakeOthers()
  }

  /// Does work in one go, unless it isn't wanted any longer: else, as lists change with every finding, it might
  /// never end.
  private func perform(_ work: Work, of job: Job, _ seen: Int) {
    var seen = seen
    var measuring = Measuring(
      model: model, importance: importance, ranges: ranges, calibration: calibration)
    do throws(Abandoned) {
      let finding = try measuring.perform(work) { () throws(Abandoned) in
        let now = generation.load(ordering: .acquiring)
        guard now != seen else { return }
        seen = now
        let isWanted = queue.withLock { queue in
          for change in takeChanges() { change(&queue) }
          return queue.isWanted(work)
        }
        if !isWanted { throw Abandoned() }
      }
      end(job, [(work, finding)])
    } catch {
      job.release()
    }
  }

  private func end(_ job: Job, _ findings: [(Work, Finding)]) {
    // Pages that are gone read as zeros.
    let isIntact = model.isIntact(model.tensors[job.tensor])
    queue.withLock { $0.end(job, findings.map(\.0)) }
    for (work, finding) in findings {
      if case .unreadable = finding {
        report(work, finding)
      } else {
        report(work, isIntact ? finding : .lost)
      }
    }
  }
}
