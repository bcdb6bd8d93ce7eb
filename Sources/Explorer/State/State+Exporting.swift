import Consumers
import ModelFiles
import Terminal

/// What a program would get of the plan, before it is written.
struct ExportPreview: Sendable {
  let consumer: Consumer
  /// The request that brings the content, and the state of the plan that it is of; nil until it was sent.
  var request: (number: Int, revision: Int)?
  var content: ExportContent?
  /// Whether what comes nearest is accepted in place of what can't be expressed.
  var nearest = false
  var scroll = 0
  /// Where it was written; nil before.
  var written: [String]?
}

extension State {
  /// Asks for an open preview's content, again if the plan has changed meanwhile.
  mutating func settleExport() -> [Effect] {
    guard case .export(var preview) = modal, preview.written == nil,
      preview.request?.revision != edits.revision
    else { return [] }
    exports += 1
    preview.request = (exports, edits.revision)
    preview.content = nil
    preview.nearest = false
    modal = .export(preview)
    return [
      .export(ExportRequest(number: exports, consumer: preview.consumer, task: .preview(self)))
    ]
  }

  mutating func take(_ outcome: ExportOutcome) {
    switch outcome.result {
    case .preview(let content):
      guard case .export(var preview) = modal, preview.request?.number == outcome.number
      else { return }
      preview.content = content
      modal = .export(preview)
    case .written(let paths, let content):
      let names = paths.map(\.sanitised).joined(separator: ", ")
      message = Notice(text: "wrote \(names)")
      guard modal == nil else { return }
      modal = .export(
        ExportPreview(consumer: outcome.consumer, content: content, written: paths))
    case .failed(.exists(let paths), let target, let path):
      modal = .question(
        Question(
          subject: .overwriteExport(target, path: path),
          title: paths.count == 1 ? "That file is there already" : "Those files are there already",
          lines: paths.map(\.sanitised),
          answers: [
            .init(key: "o", label: "overwrite"), .init(key: "a", label: "another name"),
            .init(key: "c", label: "cancel"),
          ]))
    case .failed(.notSaved(let failed, let failure), let target, let path):
      askForPath(target, path)
      message = Notice(
        text: "\(failed.sanitised) wasn't written: \(failure.description) Another name?",
        kind: .failure)
    }
  }

  // MARK: - Keys

  mutating func handleExport(_ key: Key, _ preview: ExportPreview) -> [Effect] {
    var preview = preview
    let page = max(1, exportRows - 1)
    switch key {
    case .up, .character("k"): scroll(preview, by: -1)
    case .down, .character("j"): scroll(preview, by: 1)
    case .pageUp: scroll(preview, by: -page)
    case .pageDown, .character(" "): scroll(preview, by: page)
    case .home, .character("g"): scroll(preview, by: -preview.scroll)
    case .end, .character("G"): scroll(preview, by: exportLines(preview).count)
    case .character("n"):
      guard preview.written == nil, preview.content?.problems.isEmpty == false else { break }
      preview.nearest.toggle()
      message = nil
      modal = .export(preview)
    case .character("e"):
      modal = .picker(Picker(kind: .consumers))
    case .enter:
      if preview.written == nil { finish(preview) } else { modal = nil }
    case .escape, .character("q"), .control("c"):
      modal = nil
    default: break
    }
    return []
  }

  mutating func scroll(_ preview: ExportPreview, by lines: Int) {
    var preview = preview
    let most = max(0, exportLines(preview).count - exportRows)
    preview.scroll = min(max(0, preview.scroll + lines), most)
    modal = .export(preview)
  }

  /// Asks where to write, if there is nothing to be decided first.
  private mutating func finish(_ preview: ExportPreview) {
    guard let content = preview.content else { return }
    guard content.problems.isEmpty || preview.nearest else {
      message = Notice(
        text: "n first takes the nearest for \(Figures.counted(content.problemCount, "tensor"))",
        kind: .warning)
      return
    }
    let target = ExportTarget(consumer: preview.consumer, plan: content.plan)
    // Beside the plan, if that has a file.
    let folder = planPath.flatMap { path in path.lastIndex(of: "/").map { path[...$0] } } ?? ""
    message = nil
    askForPath(target, folder + (content.files.first?.name ?? "export"))
  }

  mutating func askForPath(_ target: ExportTarget, _ path: String) {
    modal = .prompt(Prompt(kind: .export(target), input: TextInput(path)))
  }

  mutating func write(_ target: ExportTarget, to path: String, overwriting: Bool) -> [Effect] {
    exports += 1
    message = Notice(text: "writing for \(target.consumer.rawValue)\(glyphs.ellipsis)")
    return [
      .export(
        ExportRequest(
          number: exports, consumer: target.consumer,
          task: .write(target, path: path, overwriting: overwriting)))
    ]
  }
}
