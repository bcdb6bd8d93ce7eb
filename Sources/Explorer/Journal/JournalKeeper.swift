import Dispatch
import Foundation
import ModelFiles
import Terminal

/// Keeps the journal of a session on a queue of its own: what else is written doesn't hold it up.
final class JournalKeeper: Sendable {
  private let queue = DispatchQueue(label: "journal")
  private let mailbox: Mailbox<ExplorerEvent>
  // Only used on the queue.
  private nonisolated(unsafe) var journal: Journal?
  private nonisolated(unsafe) var isTold = false

  init(mailbox: Mailbox<ExplorerEvent>) { self.mailbox = mailbox }

  /// Begins the journal, and tells what an earlier session left behind, and who else has the plan open.
  func open(_ folder: JournalFolder?, _ model: Model, plan: String?, stamp: FileStamp?) {
    guard let folder else { return }
    queue.async { [self] in
      let journal = Journal(folder, model: model, plan: plan, stamp: stamp)
      self.journal = journal
      tellFailure()
      let (lost, holders) = journal.look()
      if let lost { mailbox.post(.lostWork(lost)) }
      if let plan, let holder = holders.first {
        mailbox.post(
          .note(
            "\(plan.sanitised) is open in another bitladder too (process \(holder)): "
              + "whoever saves second is asked"))
      }
    }
  }

  /// Notes what was done.
  func append(_ entries: [JournalEntry]) {
    queue.async { [self] in
      journal?.append(entries)
      tellFailure()
    }
  }

  /// Removes what an earlier session left behind.
  func remove(_ path: String) { queue.async { [self] in journal?.remove(path) } }

  /// Ends the journal, once all is in it.
  /// - Parameter isKept: whether there is something in it that the next session should offer.
  func end(isKept: Bool) { queue.sync { journal?.end(isKept: isKept) } }

  /// Says once that unsaved work isn't kept.
  private func tellFailure() {
    guard !isTold, let failure = journal?.failure else { return }
    isTold = true
    mailbox.post(
      .note("unsaved work would be lost with this session: \(failure.description)"))
  }
}
