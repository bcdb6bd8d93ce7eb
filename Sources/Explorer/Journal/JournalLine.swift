import Foundation
import ModelFiles
import Planning

/// The first line of a journal: whose it is.
struct JournalHeader: Codable, Sendable {
  static let currentVersion = 1

  /// The version of the form.
  var bitladderJournal = Self.currentVersion
  /// The model's name.
  var model: String
  var fingerprint: String
  /// The process that writes it.
  var process: Int32
  /// The plan's file and what it was when it was read, if it has one.
  var plan: String?
  var stamp: FileStamp?
}

/// Any other line: one of its members is there. Tensors go by their names, so that a journal can be read even where
/// the model has changed.
struct JournalLine: Codable, Sendable {
  struct Change: Codable, Sendable {
    var tensor: String
    var from: Stored?
    var to: Stored
  }

  /// A decision about a tensor.
  struct Stored: Codable, Sendable {
    var format: String
    var pinned: Bool?

    init(_ assignment: Assignment) {
      format = assignment.choice.description
      pinned = assignment.isPinned ? true : nil
    }

    var assignment: Assignment? {
      guard let choice = try? Choice(parsing: format) else { return nil }
      return Assignment(choice: choice, isPinned: pinned ?? false)
    }
  }

  struct Step: Codable, Sendable {
    var label: String
    var changes: [Change]
    var budget: Budgets?
  }

  /// The budgets before and after.
  struct Budgets: Codable, Sendable {
    var from: Budget?
    var to: Budget?
  }

  /// The tensors that don't begin as the model has them.
  struct Base: Codable, Sendable {
    var tensors: [Change]
    var budget: Budget?
  }

  struct PlanFile: Codable, Sendable {
    var path: String?
    var stamp: FileStamp?
  }

  struct Saved: Codable, Sendable {
    var path: String
    var stamp: FileStamp
    var isCurrent: Bool
  }

  var base: Base?
  var step: Step?
  var undo: Bool?
  var redo: Bool?
  var plan: PlanFile?
  var saved: Saved?
}

/// Turns entries into lines and back, for the tensors of one model.
struct JournalCoder {
  private let names: [String]
  private let ids: [String: Int]

  init(_ model: Model) {
    names = model.tensors.map(\.name)
    ids = Dictionary(
      zip(names, names.indices), uniquingKeysWith: { first, _ in first })
  }

  var tensorCount: Int { names.count }

  func line(_ entry: JournalEntry) -> JournalLine {
    switch entry {
    case .base(let assignments, let budget):
      let tensors = zip(names, assignments).compactMap { name, assignment in
        assignment == Assignment() ? nil : JournalLine.Change(tensor: name, to: .init(assignment))
      }
      return JournalLine(base: .init(tensors: tensors, budget: budget))
    case .step(let step):
      let changes = step.changes.map {
        JournalLine.Change(
          tensor: names[$0.tensor], from: .init($0.before), to: .init($0.after))
      }
      let budgets = step.budget.map { JournalLine.Budgets(from: $0.before, to: $0.after) }
      return JournalLine(step: .init(label: step.label, changes: changes, budget: budgets))
    case .undo: return JournalLine(undo: true)
    case .redo: return JournalLine(redo: true)
    case .saved(let path, let stamp, let isCurrent):
      let path = JournalFolder.absolute(path)
      return JournalLine(saved: .init(path: path, stamp: stamp, isCurrent: isCurrent))
    case .plan(let path, let stamp):
      return JournalLine(plan: .init(path: path.map(JournalFolder.absolute), stamp: stamp))
    }
  }

  /// The entry of a line; nil if it is none.
  /// - Parameter skipped: grows by the changes of tensors that the model hasn't.
  func entry(_ line: JournalLine, skipped: inout Int) -> JournalEntry? {
    if let base = line.base {
      var assignments = [Assignment](repeating: Assignment(), count: names.count)
      for change in base.tensors {
        guard let assignment = change.to.assignment else { return nil }
        if let id = ids[change.tensor] { assignments[id] = assignment } else { skipped += 1 }
      }
      return .base(assignments, base.budget)
    }
    if let step = line.step {
      var changes: [Step.Change] = []
      for change in step.changes {
        guard let before = change.from?.assignment, let after = change.to.assignment else {
          return nil
        }
        if let id = ids[change.tensor] {
          changes.append(.init(tensor: id, before: before, after: after))
        } else {
          skipped += 1
        }
      }
      let budget = step.budget.map { Step.BudgetChange(before: $0.from, after: $0.to) }
      return .step(Step(label: step.label, changes: changes, budget: budget))
    }
    if line.undo == true { return .undo }
    if line.redo == true { return .redo }
    if let plan = line.plan { return .plan(path: plan.path, stamp: plan.stamp) }
    return line.saved.map { .saved(path: $0.path, stamp: $0.stamp, isCurrent: $0.isCurrent) }
  }
}
