import Terminal

/// The first line: the model, the views and the file.
struct TitleLine {
  let name: Rect
  let facts: Rect
  /// The views that there is room for, each with its place; the present one alone where there is little.
  let tabs: [(view: View, rect: Rect)]
  let status: Rect

  /// - Parameters:
  ///   - name: the columns of the model's name.
  ///   - status: the columns of what is said of the file.
  init(_ line: Rect, view: View, name: Int, status: Int) {
    self.status = line.inset(left: max(0, line.columns - status))
    func width(_ view: View) -> Int { view.title.columns + 2 }
    let room = line.columns - status - (status > 0 ? 1 : 0)
    let shown = [View.allCases, [view]].first { views in
      views.reduce(min(name, 16) + 1) { $0 + width($1) } <= room
    }
    var column = line.column + room - (shown ?? []).reduce(0) { $0 + width($1) }
    let nameColumns = max(0, min(name, column - line.column))
    self.name = Rect(column: line.column, row: line.row, columns: nameColumns, rows: 1)
    let start = line.column + nameColumns + 2
    facts = Rect(column: start, row: line.row, columns: max(0, column - 2 - start), rows: 1)
    var tabs: [(view: View, rect: Rect)] = []
    for view in shown ?? [] {
      tabs.append((view, Rect(column: column, row: line.row, columns: width(view), rows: 1)))
      column += width(view)
    }
    self.tabs = tabs
  }
}

extension State {
  private var fileStatus: String {
    let name = planPath.map { ($0.split(separator: "/").last.map(String.init) ?? $0).sanitised }
    guard name != nil || hasUnsavedChanges else { return "" }
    return [
      name?.truncatedMiddle(to: 32, mark: glyphs.ellipsis), hasUnsavedChanges ? "unsaved" : "saved",
    ].compactMap { $0 }.joined(separator: " \(glyphs.middleDot) ")
  }

  func titleLine(in rect: Rect) -> TitleLine {
    TitleLine(rect, view: view, name: model.name.columns, status: fileStatus.columns)
  }

  func drawTitle(on canvas: inout Canvas, in rect: Rect) {
    let line = titleLine(in: rect)
    canvas.write(
      model.name.truncatedMiddle(to: line.name.columns, mark: glyphs.ellipsis),
      at: line.name.origin, style: Theme.title, within: line.name.columns)
    // Whole facts only, as many as there is room for.
    var facts = ""
    for fact in [
      model.architecture?.sanitised, "\(Figures.count(model.weightCount)) weights",
      Figures.counted(model.tensors.count, "tensor"), model.container.rawValue,
    ].compactMap({ $0 }) {
      let longer = facts.isEmpty ? fact : "\(facts) \(glyphs.middleDot) \(fact)"
      if longer.columns > line.facts.columns { break }
      facts = longer
    }
    canvas.write(facts, at: line.facts.origin, style: Theme.faint, within: line.facts.columns)
    for (tab, place) in line.tabs {
      let isHere = tab == view
      canvas.write(
        isHere ? "[\(tab.title)]" : " \(tab.title) ", at: place.origin,
        style: isHere ? Theme.accent.with(.bold) : Theme.faint, within: place.columns)
    }
    canvas.writeRight(
      fileStatus, in: line.status, style: hasUnsavedChanges ? Theme.warning : Theme.faint)
  }
}
