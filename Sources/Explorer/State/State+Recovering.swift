import ModelFiles
import Planning

/// Work that an earlier session left behind: offered as soon as nothing else is asked.
extension State {
  /// Asks what is to become of lost work, if there is some and no other question is open.
  mutating func offerLostWork() {
    guard modal == nil, let work = lostWork else { return }
    lostWork = nil
    var lines = [
      "A session on \(work.model.sanitised) ended without saving; its last change was on "
        + "\(work.time).",
      "\(Figures.counted(work.unsavedCount, "tensor")) \(work.unsavedCount == 1 ? "isn't" : "aren't") "
        + "as \(work.planPath.map { "in \($0.sanitised)" } ?? "the model has them").",
    ]
    if !work.isSameModel {
      lines.append("The model has changed since: choices go by the names of its tensors.")
    }
    if work.skipped > 0 {
      lines.append(
        "\(Figures.counted(work.skipped, "choice")) for tensors that it no longer has are left out."
      )
    }
    if work.others > 0 {
      lines.append(
        "\(work.others) more \(work.others == 1 ? "was" : "were") left behind: they are offered next time."
      )
    }
    modal = .question(
      Question(
        subject: .lostWork(work), title: "Unsaved work was found", lines: lines,
        answers: [
          .init(key: "t", label: "take it up"), .init(key: "d", label: "throw it away"),
          .init(key: "l", label: "later"),
        ], escape: "l"))
  }

  /// Goes on where the lost session was.
  mutating func takeUp(_ work: RecoveredWork) -> [Effect] {
    edits.replace(with: work.edits)
    opened = work.opened
    savedAssignments = work.saved
    planPath = work.planPath
    savedStamp = work.stamp
    let undo =
      edits.done.isEmpty ? "" : "; u still undoes \(Figures.counted(edits.done.count, "step"))"
    message = Notice(text: "taken up where it was\(undo); s saves")
    // First our own journal has it, then the other may go.
    let entries = [.plan(path: work.planPath, stamp: work.stamp)] + work.entries
    return [.journal(Done(entries: entries)), .dropJournal(work.journal)]
  }

  /// Takes what the plan's file holds now, as one step.
  mutating func reloaded(_ plan: Plan, path: String, stamp: FileStamp) {
    let match = PlanMatch(plan: plan, model: model, fingerprint: model.fingerprint())
    guard match.isSameModel else {
      message = Notice(
        text: "\(path.sanitised) is a plan for another model now; nothing was taken from it",
        kind: .failure)
      return
    }
    var assignments = [Assignment](repeating: Assignment(), count: model.tensors.count)
    for taken in match.taken {
      assignments[taken.tensor] = Assignment(choice: taken.choice, isPinned: taken.isPinned)
    }
    let step = edits.apply(
      "reload", assignments.enumerated().map { ($0.offset, $0.element) },
      budget: .some(plan.budget))
    planPath = path
    savedStamp = stamp
    savedAssignments = assignments
    message = Notice(
      text: step == nil
        ? "\(path.sanitised) holds what is here"
        : "\(path.sanitised) reloaded: \(Figures.counted(step?.changes.count ?? 0, "tensor")) changed; u undoes"
    )
  }
}
