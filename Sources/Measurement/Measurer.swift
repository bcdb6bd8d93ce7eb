import Dispatch
import Foundation
import ModelFiles
import Quantization
import Synchronization

/// Measures tensors on threads of lower priority, most wanted first.
///
/// Two lists say what is wanted: a short urgent one, replaced whenever the user moves, and a long
/// background one. Urgent work interrupts background work between pieces; work that stands in
/// neither list any more is abandoned. Nothing is computed twice.
public final class Measurer: Sendable {
  /// Called on a worker's thread with each piece of work that is done.
  public typealias Report = @Sendable (Work, Finding) -> Void

  private struct Queue {
    var urgent: [Work] = []
    var background: [Work] = []
    var backgroundNext = 0
    var wanted: Set<Work> = []
    var backgroundWanted: Set<Work> = []
    var started: Set<Work> = []
    var isStopped = false
  }

  private let model: Model
  private let importance: ModelImportance?
  private let ranges = HistogramRanges()
  private let report: Report
  private let workers: Int
  private let queue = Mutex(Queue())
  private let urgentCount = Atomic<Int>(0)
  private let generation = Atomic<Int>(0)
  private let wake = DispatchSemaphore(value: 0)
  private let finished = DispatchGroup()

  /// Starts the workers.
  /// - Parameters:
  ///   - importance: of the model's input channels, if it is known: formats that use it do, and errors
  ///     are weighted by it as well.
  ///   - workers: threads; all processors by default, since they have a lower priority.
  ///   - report: called on a worker's thread.
  public init(
    model: Model, importance: ModelImportance? = nil,
    workers: Int = ProcessInfo.processInfo.activeProcessorCount,
    report: @escaping Report
  ) {
    self.model = model
    self.importance = importance
    self.report = report
    self.workers = max(1, workers)
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
  public func want(urgent: [Work]) {
    replace { queue in
      queue.urgent = urgent
      queue.wanted = Set(urgent)
    }
  }

  /// Adds to the background list, at its end, and takes away what is no longer wanted.
  public func want(background added: [Work], dropping dropped: [Work] = []) {
    replace { queue in
      queue.backgroundWanted.subtract(dropped)
      for work in added where queue.backgroundWanted.insert(work).inserted {
        queue.background.append(work)
      }
    }
  }

  /// Abandons everything and waits until the workers have ended.
  public func stop() {
    replace { $0.isStopped = true }
    finished.wait()
  }

  private func replace(_ change: (inout Queue) -> Void) {
    queue.withLock { queue in
      change(&queue)
      urgentCount.store(
        queue.urgent.count { !queue.started.contains($0) }, ordering: .relaxed)
    }
    generation.add(1, ordering: .releasing)
    for _ in 0..<workers { wake.signal() }
  }

  private func run() {
    var measuring = Measuring(model: model, importance: importance, ranges: ranges)
    while true {
      while let work = next(urgentOnly: false) { perform(work, with: &measuring) }
      if queue.withLock({ $0.isStopped }) { return }
      wake.wait()
    }
  }

  private func next(urgentOnly: Bool) -> Work? {
    queue.withLock { queue in
      if queue.isStopped { return nil }
      for work in queue.urgent where queue.started.insert(work).inserted {
        urgentCount.subtract(1, ordering: .relaxed)
        return work
      }
      if urgentOnly { return nil }
      while queue.backgroundNext < queue.background.count {
        let work = queue.background[queue.backgroundNext]
        queue.backgroundNext += 1
        guard queue.backgroundWanted.contains(work) else { continue }
        if queue.started.insert(work).inserted { return work }
      }
      queue.background.removeAll()
      queue.backgroundNext = 0
      return nil
    }
  }

  private func perform(_ work: Work, with measuring: inout Measuring) {
    var seen = generation.load(ordering: .acquiring)
    var isUrgent = queue.withLock { $0.wanted.contains(work) }
    do throws(Abandoned) {
      let finding = try measuring.perform(work) { () throws(Abandoned) in
        let now = generation.load(ordering: .acquiring)
        if now != seen {
          seen = now
          let (stays, urgent) = queue.withLock { queue in
            let urgent = queue.wanted.contains(work)
            return (
              !queue.isStopped && (urgent || queue.backgroundWanted.contains(work)), urgent
            )
          }
          guard stays else { throw Abandoned() }
          isUrgent = urgent
        }
        guard !isUrgent else { return }
        // The user waits for this one: it goes first, on buffers of its own.
        while urgentCount.load(ordering: .relaxed) > 0, let urgent = next(urgentOnly: true) {
          var another = Measuring(model: model, importance: importance, ranges: ranges)
          perform(urgent, with: &another)
        }
      }
      report(work, finding)
    } catch {
      let isWantedAgain = queue.withLock { queue in
        queue.started.remove(work)
        if queue.wanted.contains(work) { urgentCount.add(1, ordering: .relaxed) }
        guard queue.wanted.contains(work) || queue.backgroundWanted.contains(work) else {
          return false
        }
        queue.background.append(work)
        return true
      }
      if isWantedAgain { wake.signal() }
    }
  }
}
