import Dispatch
import Foundation
import Measurement
import Synchronization

/// Threads that share the pieces of one job at a time, the caller's among them.
final class Workers: Sendable {
  /// How many work together.
  let count: Int
  private let shared = Shared()
  private let turn = NSLock()

  /// What threads hold on to: not the workers themselves, so that these can end.
  private final class Shared: Sendable {
    let job = Mutex<Job?>(nil)
    let isStopped = Atomic<Bool>(false)
    let wake = DispatchSemaphore(value: 0)

    func serve(as worker: Int) {
      while true {
        wake.wait()
        if isStopped.load(ordering: .acquiring) { return }
        guard let job = job.withLock({ $0 }) else { continue }
        job.work(as: worker)
        job.done.leave()
      }
    }
  }

  private final class Job: Sendable {
    let body: @Sendable (Int, Int) -> Void
    let count: Int
    let next = Atomic<Int>(0)
    let done = DispatchGroup()

    init(count: Int, _ body: @escaping @Sendable (Int, Int) -> Void) {
      self.count = count
      self.body = body
    }

    func work(as worker: Int) {
      while true {
        let piece = next.add(1, ordering: .relaxed).oldValue
        guard piece < count else { return }
        body(worker, piece)
      }
    }
  }

  /// - Parameter isBackground: whether others go first.
  init(_ count: Int, isBackground: Bool = false) {
    self.count = max(1, count)
    for worker in 1..<max(1, count) {
      let thread = Thread { [shared] in
        if isBackground { lowerPriorityOfThisThread() }
        shared.serve(as: worker)
      }
      thread.name = "evaluate \(worker)"
      thread.stackSize = 1 << 21
      thread.start()
    }
  }

  deinit {
    shared.isStopped.store(true, ordering: .releasing)
    for _ in 1..<count { shared.wake.signal() }
  }

  /// Does all pieces; `body` gets the number of the thread and that of the piece.
  func run(_ pieces: Int, _ body: @escaping @Sendable (Int, Int) -> Void) {
    guard pieces > 0 else { return }
    turn.lock()
    defer { turn.unlock() }
    let job = Job(count: pieces, body)
    shared.job.withLock { $0 = job }
    for _ in 0..<min(count, pieces) - 1 {
      job.done.enter()
      shared.wake.signal()
    }
    job.work(as: 0)
    job.done.wait()
    shared.job.withLock { $0 = nil }
  }
}
