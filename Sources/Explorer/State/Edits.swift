import ModelFiles
import Planning

/// What the user decides about one tensor.
struct Assignment: Hashable, Sendable {
  var choice: Choice = .source
  var isPinned = false
}

/// One step that can be undone: which tensors changed, and from what to what.
struct Step: Sendable, Equatable {
  struct Change: Sendable, Equatable {
    let tensor: Int
    let before: Assignment
    let after: Assignment
  }

  /// The budgets before and after, if it changed what the plan is made for.
  struct BudgetChange: Sendable, Equatable {
    let before: Budget?
    let after: Budget?
  }

  let label: String
  let changes: StepChanges
  var budget: BudgetChange?

  init(label: String, changes: [Change], budget: BudgetChange? = nil) {
    self.label = label
    self.changes = StepChanges(changes)
    self.budget = budget
  }
}

/// The undoable part of the state.
struct Edits: Sendable {
  private(set) var assignments: [Assignment]
  private(set) var done: [Step] = []
  private(set) var undone: [Step] = []
  /// What the plan must not exceed, if it was solved for a budget.
  private(set) var budget: Budget?
  /// How often something was changed.
  private(set) var revision = 0
  /// The tensors that were changed since somebody took note of it; all of them at the start.
  private var touched: Set<Int>
  /// What the journal doesn't know yet.
  private var unrecorded: [JournalEntry] = []

  init(count: Int) {
    assignments = Array(repeating: Assignment(), count: count)
    touched = Set(assignments.indices)
  }

  /// Whether a tensor was changed since the last `takeTouched`.
  func isTouched(_ tensor: Int) -> Bool { touched.contains(tensor) }

  /// Gives the tensors that were changed since the last call.
  mutating func takeTouched() -> Set<Int> {
    defer { touched.removeAll() }
    return touched
  }

  /// Notes for the journal that a plan was written.
  mutating func noteSaved(path: String, stamp: FileStamp, assignments saved: [Assignment]) {
    unrecorded.append(.saved(path: path, stamp: stamp, isCurrent: saved == assignments))
  }

  /// Gives what was done since the last call, for the journal.
  mutating func takeUnrecorded() -> [JournalEntry] {
    defer { unrecorded.removeAll() }
    return unrecorded
  }

  /// Applies new assignments as one step; nil if nothing would change.
  /// - Parameter budget: what the plan is made for from now on; nil: as before.
  mutating func apply(
    _ label: String, _ new: [(tensor: Int, assignment: Assignment)],
    budget newBudget: Budget?? = nil
  ) -> Step? {
    let changes = new.compactMap { tensor, assignment in
      assignments[tensor] == assignment
        ? nil : Step.Change(tensor: tensor, before: assignments[tensor], after: assignment)
    }
    guard !changes.isEmpty else { return nil }
    var step = Step(label: label, changes: changes)
    if let newBudget, newBudget != budget {
      step.budget = .init(before: budget, after: newBudget)
      budget = newBudget
    }
    for change in changes { set(change.tensor, change.after) }
    done.append(step)
    undone = []
    unrecorded.append(.step(step))
    return step
  }

  /// Sets assignments that can't be undone: those a plan file brings at the start.
  mutating func load(_ new: [Assignment], budget newBudget: Budget?) {
    assignments = new
    budget = newBudget
    revision += 1
    touched = Set(assignments.indices)
    done = []
    undone = []
    unrecorded.append(.base(new, newBudget))
  }

  /// Goes on with the edits of another session; what is here can't be undone.
  mutating func replace(with other: Edits) {
    let revision = revision
    self = other
    self.revision = revision + 1
    touched = Set(assignments.indices)
    unrecorded = []
  }

  /// Does what a journal says was done.
  mutating func replay(_ entry: JournalEntry) {
    switch entry {
    case .base(let assignments, let budget): load(assignments, budget: budget)
    case .step(let step):
      _ = apply(
        step.label, step.changes.map { ($0.tensor, $0.after) },
        budget: step.budget.map(\.after))
    case .undo: _ = undo()
    case .redo: _ = redo()
    case .saved, .plan: break
    }
  }

  mutating func undo() -> Step? {
    guard let step = done.popLast() else { return nil }
    for change in step.changes.reversed() { set(change.tensor, change.before) }
    if let change = step.budget { budget = change.before }
    undone.append(step)
    unrecorded.append(.undo)
    return step
  }

  mutating func redo() -> Step? {
    guard let step = undone.popLast() else { return nil }
    for change in step.changes { set(change.tensor, change.after) }
    if let change = step.budget { budget = change.after }
    done.append(step)
    unrecorded.append(.redo)
    return step
  }

  private mutating func set(_ tensor: Int, _ assignment: Assignment) {
    assignments[tensor] = assignment
    touched.insert(tensor)
    revision += 1
  }
}
