import ModelFiles
import Planning
import Terminal

extension State {
  /// A click selects, a double click does what Enter does, the wheel scrolls what it is over.
  mutating func handle(_ mouse: MouseEvent) -> [Effect] {
    switch mouse.action {
    case .wheelUp: wheel(mouse, by: -3)
    case .wheelDown: wheel(mouse, by: 3)
    case .press(.left), .doublePress(.left):
      let layout = layout
      if layout.hints.contains(mouse.position) { return clickHint(mouse, layout) }
      return modal == nil ? clickView(mouse, layout) : clickModal(mouse)
    default: break
    }
    return []
  }

  private mutating func wheel(_ mouse: MouseEvent, by rows: Int) {
    guard modal == nil else { return wheelInModal(by: rows) }
    switch view {
    case .layers: wheelInLayers(mouse, by: rows)
    case .map: moveInMap(lines: rows)
    case .frontier: moveAcrossFrontier(by: rows.signum())
    case .compare: moveInComparison(by: rows)
    case .channels: moveInChannels(by: rows)
    case .formats: wheelInGuide(mouse, by: rows)
    case .quality: moveInQuality(by: rows)
    }
  }

  /// Over the histogram it zooms about the pointer; over the ladder it moves along the rungs, which takes none of
  /// them; elsewhere along the list.
  private mutating func wheelInLayers(_ mouse: MouseEvent, by rows: Int) {
    let layout = layout
    if layout.histogram.contains(mouse.position), histogramObjection == nil {
      zoomHistogram(closer: rows < 0, about: mouse.position.column - layout.histogram.column)
    } else if layout.ladder.contains(mouse.position), let tensor,
      tensor.suitability.isQuantizable
    {
      focus = .ladder
      ladderCursor = ladder(of: tensor.id).step(
        from: shownChoice(of: tensor.id), by: rows.signum())
    } else {
      if focus == .ladder { focus = .list }
      move(by: rows)
    }
  }

  private mutating func clickView(_ mouse: MouseEvent, _ layout: ScreenLayout) -> [Effect] {
    for (view, rect) in titleLine(in: layout.title).tabs where rect.contains(mouse.position) {
      show(view)
      return []
    }
    switch view {
    case .layers:
      if layout.list.contains(mouse.position) { return clickList(mouse, layout) }
      if layout.ladder.contains(mouse.position) { return clickLadder(mouse, layout) }
      if layout.histogram.contains(mouse.position), focus != .histogram { enlargeHistogram() }
    case .map: clickMap(mouse)
    case .frontier: clickFrontier(mouse)
    case .compare: clickComparison(mouse, in: layout.body)
    case .channels: clickChannels(mouse)
    case .formats: clickGuide(mouse)
    case .quality: clickQuality(mouse)
    }
    return []
  }

  private mutating func clickList(_ mouse: MouseEvent, _ layout: ScreenLayout) -> [Effect] {
    // By the second click, the first one may have scrolled.
    let index =
      mouse.action == .doublePress(.left)
      ? cursor : scroll + mouse.position.row - layout.list.row
    guard rows.indices.contains(index) else { return [] }
    let isAgain = index == cursor
    cursor = index
    if focus == .ladder { focus = .list }
    ladderCursor = nil
    guard case .group = rows[index].subject else {
      if mouse.action == .doublePress(.left) { openFormats() }
      return []
    }
    // On a group: its fold mark at once, anywhere else on the second click.
    let mark = layout.list.column + 2 + 2 * rows[index].depth
    if mouse.action == .doublePress(.left) || isAgain
      || (mark...mark + 1).contains(mouse.position.column)
    {
      toggleFold()
    }
    return []
  }

  private mutating func clickLadder(_ mouse: MouseEvent, _ layout: ScreenLayout) -> [Effect] {
    guard let tensor, tensor.suitability.isQuantizable else { return [] }
    let line = mouse.position.row - layout.ladder.row - 1
    let rungs = rungsInSight(of: tensor.id, rows: layout.ladder.rows - 1)
    guard rungs.indices.contains(line) else { return [] }
    let rung = rungs[line]
    assign(rung.description) { _, _ in rung }
    return []
  }

  private mutating func clickHint(_ mouse: MouseEvent, _ layout: ScreenLayout) -> [Effect] {
    var column = layout.hints.column
    for hint in hints(columns: layout.hints.columns) {
      if (column..<column + hint.columns).contains(mouse.position.column) {
        if let action = hint.action.flatMap(Action.named) { return perform(action) }
        return hint.press.map { handle($0) } ?? []
      }
      column += hint.columns + 2
    }
    return []
  }
}
