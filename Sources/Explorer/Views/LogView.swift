import Terminal

/// The log of messages, the newest first.
struct LogLine {
  let text: String
  var style = Style.standard
  /// The columns at its start that tell when it was said.
  var time = ""
}

extension State {
  /// The columns and rows inside the log's frame.
  private var logSpace: Size {
    Size(
      columns: max(1, min(100, size.columns) - 4), rows: max(1, min(size.rows - 4, 24) - 2))
  }

  /// All lines of the log, wrapped.
  func logLines() -> [LogLine] {
    let indent = 20
    let room = max(10, logSpace.columns - indent)
    return log.entries.reversed().flatMap { entry in
      let kind: (mark: String, style: Style) =
        switch entry.notice.kind {
        case .plain: ("", .standard)
        case .warning: ("warning", Theme.warning)
        case .failure: ("FAILURE", Theme.failure)
        }
      let time = entry.time?.text ?? "#\(entry.number)"
      let head = time.padded(to: 10) + kind.mark.padded(to: indent - 10)
      let often = entry.count > 1 ? " (\(entry.count) times)" : ""
      // What can be done next stands apart on the line of messages.
      let text = entry.notice.text.sanitised.replacing("   ", with: "; ")
      return (text + often).wrapped(to: room).enumerated().map {
        LogLine(
          text: $0.element, style: kind.style,
          time: $0.offset == 0 ? head : String(repeating: " ", count: indent))
      }
    }
  }

  /// How far the log can be scrolled.
  var maximumLogScroll: Int { max(0, logLines().count - logSpace.rows) }

  func drawLog(scroll: Int, on canvas: inout Canvas) {
    let lines = logLines()
    let inner = canvas.drawPanel(
      "Messages, the newest first",
      size: Size(columns: logSpace.columns + 4, rows: logSpace.rows + 2), glyphs: glyphs)
    if lines.isEmpty {
      canvas.write("Nothing was said yet.", at: inner.origin, style: Theme.faint)
    }
    for (index, line) in lines.dropFirst(scroll).prefix(inner.rows).enumerated() {
      let rect = inner.line(index)
      let head = canvas.write(
        line.time, at: rect.origin, style: line.style == .standard ? Theme.faint : line.style,
        within: rect.columns)
      canvas.write(
        line.text, at: rect.inset(left: head).origin, style: line.style,
        within: max(0, rect.columns - head))
    }
    guard lines.count > inner.rows else { return }
    canvas.writeRight(
      scroll + inner.rows < lines.count ? " more below " : " the end ",
      in: Rect(column: inner.column, row: inner.endRow, columns: inner.columns, rows: 1),
      style: Theme.faint)
  }

  mutating func handleLog(_ key: Key, _ scroll: Int) {
    let page = max(1, logSpace.rows - 1)
    var scroll = scroll
    switch key {
    case .down, .character("j"): scroll += 1
    case .up, .character("k"): scroll -= 1
    case .pageDown, .character(" "): scroll += page
    case .pageUp: scroll -= page
    case .home, .character("g"): scroll = 0
    case .end, .character("G"): scroll = .max / 2
    case .escape, .enter, .character("q"), .control("c"):
      modal = nil
      return
    default:
      if keys.action(of: key, in: view)?.id == "messages" { modal = nil }
      return
    }
    scrollLog(to: scroll)
  }

  mutating func scrollLog(to scroll: Int) {
    modal = .log(scroll: min(max(0, scroll), maximumLogScroll))
  }
}
