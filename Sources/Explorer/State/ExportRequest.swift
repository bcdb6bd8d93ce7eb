import Consumers
import ModelFiles
import Planning

/// An export to be built or written, off the loop.
public struct ExportRequest: Sendable {
  enum Task: Sendable {
    /// What would be written of the plan of a state.
    indirect case preview(State)
    /// The files of a plan.
    case write(ExportTarget, path: String, overwriting: Bool)
  }

  let number: Int
  let consumer: Consumer
  let task: Task

  /// Does the work.
  func run() -> ExportOutcome {
    let result: ExportOutcome.Result
    switch task {
    case .preview(let state):
      let plan = state.makePlan()
      result = .preview(ExportContent(Export(plan, for: consumer), plan: plan))
    case .write(let target, let path, let overwriting):
      let export = Export(target.plan, for: consumer, fileName: Export.fileName(path))
      do throws(ExportFailure) {
        let paths = try export.write(to: path, overwriting: overwriting)
        result = .written(paths, ExportContent(export, plan: target.plan))
      } catch {
        result = .failed(error, target, path: path)
      }
    }
    return ExportOutcome(number: number, consumer: consumer, result: result)
  }
}

/// What came of a request; opaque outside the explorer.
public struct ExportOutcome: Sendable {
  enum Result: Sendable {
    case preview(ExportContent)
    case written([String], ExportContent)
    case failed(ExportFailure, ExportTarget, path: String)
  }

  let number: Int
  let consumer: Consumer
  let result: Result
}

/// A plan that was previewed, to be written for a program.
struct ExportTarget: Sendable {
  let consumer: Consumer
  let plan: Plan
}

/// What is shown of an export.
struct ExportContent: Sendable {
  struct File: Sendable {
    let name: String
    let lineCount: Int
    /// Its first lines.
    let lines: [String]
  }

  /// No more lines of a file are shown.
  static let mostLines = 200

  let plan: Plan
  let problems: [Export.ProblemGroup]
  let notes: [String]
  let usage: [String]
  let files: [File]

  /// The tensors that can't get what the plan says.
  var problemCount: Int { problems.reduce(0) { $0 + $1.tensors.count } }
  /// What the nearest takes more.
  var extraBytes: Int { problems.reduce(0) { $0 + $1.extraBytes } }

  init(_ export: Export, plan: Plan) {
    self.plan = plan
    problems = export.problemGroups
    notes = export.notes
    usage = export.usage
    files = export.files.map { file in
      let lines = file.text.utf8.split(
        separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      // What ends with a line's end has no line after it.
      let count = lines.last?.isEmpty == true ? lines.count - 1 : lines.count
      return File(
        name: file.name, lineCount: count,
        lines: lines.prefix(min(count, Self.mostLines)).map { String(Substring($0)) })
    }
  }
}
