import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

/// What can happen to the explorer.
public enum ExplorerEvent: Sendable {
  /// A key, the mouse, a new size.
  case input(Event)
  /// Something was measured.
  case found(Work, Finding)
  /// So much was known from before.
  case recalled([(Work, Finding)])
  /// So many weights are measured in a second at present.
  case pace(Double)
  /// The solver has answered.
  case solved(SolverOutcome)
  /// Something came of running the model.
  case quality(QualityNews)
  /// The user should be told something.
  case note(String)
  /// A plan was written, and is now this file.
  case saved(path: String, stamp: FileStamp, assignments: SavedAssignments)
  /// A plan couldn't be written.
  case notSaved(path: String, SaveFailure, assignments: SavedAssignments)
  /// A plan's file was read once more.
  case reloaded(Plan, path: String, stamp: FileStamp)
  /// An earlier session left this behind.
  case lostWork(RecoveredWork)
  /// What came of exporting.
  case exported(ExportOutcome)
  /// What came of writing a report.
  case reported(ReportOutcome)
  /// Something for the log alone.
  case logged(String)
  /// The time at which what follows came.
  case time(ClockTime)
}

/// The decisions that a written file holds; opaque outside the explorer.
public struct SavedAssignments: Sendable {
  let assignments: [Assignment]
  /// Whether the explorer ends after saving.
  let quits: Bool
}

/// What was done, for the journal; opaque outside the explorer.
public struct Done: Sendable {
  let entries: [JournalEntry]
}

/// What is to be done outside: measuring, files, the terminal.
public enum Effect: Sendable {
  /// Replaces what is measured first.
  case measureFirst([Work])
  /// Changes what is measured when nothing is urgent.
  case measureInBackground(added: [Work], dropped: [Work])
  /// Replaces what is measured in the time that is left, and says which tensors' ladders changed (nil: all).
  case measureLadders(LadderWishes, changed: [Int]?)
  /// Solves, on a thread that has time.
  case solve(SolverRequest)
  /// Runs the model under a plan, instead of what is being run.
  case runPlan(QualityOrder)
  /// Replaces the tensors whose own effects are measured when no plan waits.
  case measureTensors([TensorFormat])
  /// Writes a plan.
  case save(FileToSave, SavedAssignments)
  /// Reads a plan's file once more.
  case reload(path: String)
  /// Notes what was done where it outlives this process.
  case journal(Done)
  /// Removes what an earlier session left behind.
  case dropJournal(String)
  /// Builds an export, or writes one.
  case export(ExportRequest)
  /// Writes a report.
  case report(ReportRequest)
  /// Remembers what a new user has done.
  case remember(FirstSteps)
  /// Puts a text on the clipboard.
  case copy(String)
  /// Switches the mouse on or off.
  case mouse(Bool)
  /// Stops until the shell continues the program.
  case suspend
  /// Draws everything anew.
  case redraw
  /// Ends the program.
  case quit
  /// Ends the program as this signal would.
  case terminate(Int32)
}

/// A file to be written, only if what is at its path is what was expected there.
public struct FileToSave: Sendable, Equatable {
  /// Its new contents.
  public let text: String
  /// Where.
  public let path: String
  /// What must be there.
  public let expected: ExpectedFile
}
