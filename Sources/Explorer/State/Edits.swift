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

  let label: String
  let changes: [Change]
}

/// The undoable part of the state.
struct Edits: Sendable {
  private(set) var assignments: [Assignment]
  private(set) var done: [Step] = []
  private(set) var undone: [Step] = []
  /// The tensors that were changed since somebody took note of it; all of them at the start.
  private var touched: Set<Int>

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

  /// Applies new assignments as one step; nil if nothing would change.
  mutating func apply(_ label: String, _ new: [(tensor: Int, assignment: Assignment)]) -> Step? {
    let changes = new.compactMap { tensor, assignment in
      assignments[tensor] == assignment
        ? nil : Step.Change(tensor: tensor, before: assignments[tensor], after: assignment)
    }
    guard !changes.isEmpty else { return nil }
    let step = Step(label: label, changes: changes)
    for change in changes { set(change.tensor, change.after) }
    done.append(step)
    undone = []
    return step
  }

  /// Sets assignments that can't be undone: those a plan file brings at the start.
  mutating func load(_ new: [Assignment]) {
    assignments = new
    touched = Set(assignments.indices)
    done = []
    undone = []
  }

  mutating func undo() -> Step? {
    guard let step = done.popLast() else { return nil }
    for change in step.changes.reversed() { set(change.tensor, change.before) }
    undone.append(step)
    return step
  }

  mutating func redo() -> Step? {
    guard let step = undone.popLast() else { return nil }
    for change in step.changes { set(change.tensor, change.after) }
    done.append(step)
    return step
  }

  private mutating func set(_ tensor: Int, _ assignment: Assignment) {
    assignments[tensor] = assignment
    touched.insert(tensor)
  }
}
