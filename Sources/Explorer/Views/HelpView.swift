import Terminal

/// The help page: every action by section, from the table of actions.
enum HelpView {
  private enum Line {
    case heading(String)
    case action(keys: String, title: String)
    case blank
  }

  static func draw(_ state: State, on canvas: inout Canvas, scroll: Int) {
    let glyphs = state.glyphs
    let lines = lines(state)
    let inner = canvas.drawPanel(
      "Keys", size: panelSize(canvas.size, lines: lines.count), glyphs: glyphs)
    let start = min(scroll, max(0, lines.count - inner.rows))
    for (index, line) in lines.dropFirst(start).prefix(inner.rows).enumerated() {
      let rect = inner.line(index)
      switch line {
      case .heading(let text):
        canvas.write(text, at: rect.origin, style: Theme.title, within: rect.columns)
      case .action(let keys, let title):
        canvas.write(keys, at: rect.inset(left: 2).origin, style: Theme.accent, within: 17)
        let text = rect.inset(left: 20)
        canvas.write(title, at: text.origin, within: text.columns)
      case .blank: break
      }
    }
    if lines.count > inner.rows {
      let more = start + inner.rows < lines.count ? "more below" : "the end"
      canvas.writeRight(
        " \(more) ",
        in: Rect(column: inner.column, row: inner.endRow, columns: inner.columns, rows: 1),
        style: Theme.faint)
    }
  }

  /// How far the page can be scrolled.
  static func maximumScroll(_ state: State) -> Int {
    let count = lines(state).count
    return max(0, count - (panelSize(state.size, lines: count).rows - 2))
  }

  private static func panelSize(_ size: Size, lines: Int) -> Size {
    Size(columns: min(78, size.columns), rows: min(lines + 2, max(3, size.rows - 2)))
  }

  /// The actions of a section as the help page lists them: those that share a title as one.
  static func entries(
    of section: Action.Section, _ map: KeyMap
  ) -> [(keys: [Key], title: String)] {
    var entries: [(keys: [Key], title: String)] = []
    for action in Action.all where action.section == section {
      let title = action.helpTitle ?? action.title
      if entries.last?.title == title {
        entries[entries.count - 1].keys += map.keys(of: action)
      } else {
        entries.append((map.keys(of: action), title))
      }
    }
    return entries
  }

  private static func lines(_ state: State) -> [Line] {
    var lines: [Line] = []
    let room = max(10, panelSize(state.size, lines: 0).columns - 24)
    for section in Action.Section.allCases {
      if !lines.isEmpty { lines.append(.blank) }
      lines.append(.heading(section.rawValue))
      for entry in entries(of: section, state.keys) {
        let keys = entry.keys.map { $0.label(in: state.glyphs) }
        let names = keys.isEmpty ? "no key" : keys.joined(separator: " ")
        // Where a title needs more than one line, the keys stand at the first.
        let parts = entry.title.wrapped(to: room, mark: state.glyphs.ellipsis)
        for (index, part) in parts.enumerated() {
          lines.append(.action(keys: index == 0 ? names : "", title: part))
        }
      }
    }
    return lines
  }
}
