import ModelFiles
import Planning

/// What happened to a plan, as the journal has it: enough to do the same again, with all that can be undone.
enum JournalEntry: Sendable, Equatable {
  /// The plan began, or began anew, with this; nothing before can be undone.
  case base([Assignment], Budget?)
  case step(Step)
  case undo
  case redo
  /// From here on the plan's file is this, and what it was when it was read; without a stamp it isn't there yet.
  case plan(path: String?, stamp: FileStamp?)
  /// The plan was written to a file, which is now this. With `isCurrent`, it holds all that was done so far.
  case saved(path: String, stamp: FileStamp, isCurrent: Bool)
}

/// Work that an earlier session left behind without saving it.
public struct RecoveredWork: Sendable {
  /// The file that holds it.
  let journal: String
  /// When it was changed last, as it is shown.
  let time: String
  /// The name of the model that it was made on.
  let model: String
  /// Whether the model is the one that it was made on, by its fingerprint.
  let isSameModel: Bool
  /// Choices for tensors that this model hasn't.
  let skipped: Int
  /// The plan's file and what it was when it was read or written last, if it has one.
  let planPath: String?
  let stamp: FileStamp?
  /// What was done.
  let entries: [JournalEntry]
  /// The plan as it was left, with its steps.
  let edits: Edits
  /// The plan as it was before the first step.
  let opened: [Assignment]
  /// What the plan's file holds, as far as this is known.
  let saved: [Assignment]
  /// How many more were left behind for this model.
  var others = 0

  /// How many tensors aren't as saved.
  var unsavedCount: Int { zip(edits.assignments, saved).count { $0 != $1 } }

  init(
    journal: String, time: String, header: JournalHeader, isSameModel: Bool, skipped: Int,
    entries: [JournalEntry], tensorCount: Int
  ) {
    self.journal = journal
    self.time = time
    model = header.model
    self.isSameModel = isSameModel
    self.skipped = skipped
    self.entries = entries
    var edits = Edits(count: tensorCount)
    var (path, stamp) = (header.plan, header.stamp)
    var opened = edits.assignments
    var saved = edits.assignments
    for entry in entries {
      edits.replay(entry)
      switch entry {
      case .base(let assignments, _): (opened, saved) = (assignments, assignments)
      case .plan(let newPath, let newStamp): (path, stamp) = (newPath, newStamp)
      case .saved(let newPath, let newStamp, let isCurrent):
        (path, stamp) = (newPath, newStamp)
        if isCurrent { saved = edits.assignments }
      case .step, .undo, .redo: break
      }
    }
    // What came from elsewhere than a file was never saved.
    if stamp == nil { saved = Edits(count: tensorCount).assignments }
    _ = edits.takeUnrecorded()
    (self.edits, self.opened, self.saved) = (edits, opened, saved)
    (planPath, self.stamp) = (path, stamp)
  }
}
