import ModelFiles
import Terminal

extension State {
  /// Asks where to write a report: beside the plan, if that has a file.
  mutating func askForReport(_ path: String? = nil) {
    let folder = planPath.flatMap { path in path.lastIndex(of: "/").map { path[...$0] } } ?? ""
    let suggestion = path ?? "\(folder)\(fileName(of: model.name)).report.html"
    modal = .prompt(Prompt(kind: .report, input: TextInput(suggestion)))
  }

  mutating func writeReport(to path: String, overwriting: Bool) -> [Effect] {
    message = Notice(text: "writing a report to \(path.sanitised)\(glyphs.ellipsis)")
    return [.report(ReportRequest(state: self, path: path, overwriting: overwriting))]
  }

  mutating func take(_ outcome: ReportOutcome) {
    let path = outcome.path.sanitised
    switch outcome.result {
    case .written(let bytes, let estimated, let unmeasured):
      let open =
        unmeasured > 0
        ? "; the errors of \(Figures.counted(unmeasured, "tensor")) aren't measured yet"
        : estimated > 0
          ? "; the errors of \(Figures.counted(estimated, "tensor")) are estimates" : ""
      message = Notice(text: "wrote the report \(path), \(Figures.bytes(bytes))\(open)")
    case .failed(.exists) where modal == nil:
      modal = .question(
        Question(
          subject: .overwriteReport(path: outcome.path), title: "That file is there already",
          lines: [path],
          answers: [
            .init(key: "o", label: "overwrite"), .init(key: "a", label: "another name"),
            .init(key: "c", label: "cancel"),
          ]))
    case .failed(let failure):
      if modal == nil { askForReport(outcome.path) }
      message = Notice(
        text: "the report wasn't written: \(failure.description)"
          + (modal == nil ? "" : " Another name?"), kind: .failure)
    }
  }
}
