import Consumers
import ModelFiles
import Terminal

/// A line of what is shown of an export.
struct ExportLine {
  var text: String
  var style = Style.standard
}

enum ExportText {
  static func hints(_ preview: ExportPreview, _ glyphs: Glyphs) -> [(String, String)] {
    if preview.written != nil {
      return [("Enter", "close"), (glyphs.upAndDown, "scroll"), ("e", "other program")]
    }
    let nearest = preview.content?.problems.isEmpty == false
    return [("Enter", "write"), ("Esc", "close")]
      + (nearest ? [("n", preview.nearest ? "not the nearest" : "take the nearest")] : [])
      + [(glyphs.upAndDown, "scroll"), ("e", "other program")]
  }
}

extension State {
  private var exportPanel: Size {
    Size(columns: min(100, size.columns), rows: max(3, size.rows - 4))
  }

  /// The lines of an export in sight.
  var exportRows: Int { max(1, exportPanel.rows - 2) }

  func drawExport(_ preview: ExportPreview, on canvas: inout Canvas) {
    let name = preview.consumer.rawValue
    let inner = canvas.drawPanel(
      preview.written == nil ? "Export for \(name)" : "Exported for \(name)", size: exportPanel,
      glyphs: glyphs)
    let lines = exportLines(preview)
    let first = min(preview.scroll, max(0, lines.count - inner.rows))
    for (line, content) in lines.dropFirst(first).prefix(inner.rows).enumerated() {
      canvas.write(
        content.text.truncated(to: inner.columns, mark: glyphs.ellipsis),
        at: inner.line(line).origin, style: content.style, within: inner.columns)
    }
    guard lines.count > inner.rows else { return }
    let more = first + inner.rows < lines.count ? "more below" : "the end"
    canvas.writeRight(
      " \(more) ",
      in: Rect(column: inner.column, row: inner.endRow, columns: inner.columns, rows: 1),
      style: Theme.faint)
  }

  /// All that is said of an export: what can't be expressed, notes, how to use it, the files.
  func exportLines(_ preview: ExportPreview) -> [ExportLine] {
    guard let content = preview.content else {
      return [ExportLine(text: "working it out\(glyphs.ellipsis)", style: Theme.faint)]
    }
    let columns = max(1, exportPanel.columns - 4)
    var lines: [ExportLine] = []
    func add(_ text: String, _ style: Style = .standard, indent: Int = 0) {
      let parts = text.wrapped(to: max(1, columns - indent), mark: glyphs.ellipsis)
      for (index, part) in parts.enumerated() {
        let blank = String(repeating: " ", count: index == 0 ? 0 : indent)
        lines.append(ExportLine(text: blank + part, style: style))
      }
    }
    for path in preview.written ?? [] { add("wrote \(path.sanitised)", Theme.title) }
    if preview.written == nil { addProblems(preview, content, add) }
    for note in content.notes { add("note: \(note.sanitised)", Theme.warning, indent: 2) }
    if !content.usage.isEmpty {
      add("then:", Theme.faint)
      for line in content.usage {
        let parts = line.sanitised.wrapped(to: max(1, columns - 6), mark: glyphs.ellipsis)
        for (index, part) in parts.enumerated() {
          lines.append(ExportLine(text: (index == 0 ? "  " : "      ") + part))
        }
      }
    }
    for file in content.files {
      let count = Figures.counted(file.lineCount, "line")
      let rest = file.lineCount - file.lines.count
      lines.append(ExportLine(text: ""))
      lines.append(ExportLine(text: "\(file.name.sanitised), \(count)", style: Theme.title))
      lines += file.lines.map { ExportLine(text: $0.sanitised, style: Theme.source) }
      if rest > 0 {
        let more = "\(glyphs.ellipsis) and \(Figures.counted(rest, "more line"))"
        lines.append(ExportLine(text: more, style: Theme.faint))
      }
    }
    return lines
  }

  /// No more tensors with the same trouble are named.
  private static var mostNames: Int { 100 }

  private func addProblems(
    _ preview: ExportPreview, _ content: ExportContent,
    _ add: (_ text: String, _ style: Style, _ indent: Int) -> Void
  ) {
    let name = preview.consumer.rawValue
    guard !content.problems.isEmpty else {
      add("\(name) can do this plan as it is", Theme.saving, 0)
      return
    }
    let change = Figures.change(bytes: content.extraBytes, minus: glyphs.minus)
    add(
      "\(name) can't do \(Figures.counted(content.problemCount, "tensor")) as the plan says; "
        + "what comes nearest: \(change)",
      Theme.warning, 0)
    add("[\(preview.nearest ? "x" : " ")] n: take the nearest", Theme.changed.with(.bold), 0)
    for group in content.problems {
      let change = Figures.change(bytes: group.extraBytes, minus: glyphs.minus)
      add(
        "\(group.asked) \(glyphs.arrow) \(group.instead) (\(change)): \(group.reason.sanitised)",
        .standard, 2)
      for tensor in group.tensors.prefix(Self.mostNames) {
        add("\(glyphs.bullet) \(tensor.sanitised)", Theme.faint, 2)
      }
      let rest = group.tensors.count - Self.mostNames
      if rest > 0 { add("and \(rest) more", Theme.faint, 2) }
    }
  }
}
