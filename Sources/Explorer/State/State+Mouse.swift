import ModelFiles
import Planning
import Terminal

extension State {
  /// A click selects, a click on what is selected acts, the wheel scrolls.
  mutating func handle(_ mouse: MouseEvent) -> [Effect] {
    let layout = layout
    switch mouse.action {
    case .wheelUp, .wheelDown:
      let rows = mouse.action == .wheelUp ? -3 : 3
      if case .help(let scroll) = modal {
        let most = HelpView.maximumScroll(size: size, glyphs: glyphs)
        modal = .help(scroll: min(most, max(0, scroll + rows)))
      } else if case .picker(var picker) = modal {
        picker.selected = min(max(0, picker.selected + rows), max(0, items(of: picker).count - 1))
        modal = .picker(picker)
      } else if case .moves = modal {
        moveInMoves(by: rows)
      } else if case .devices = modal {
        moveInDevices(by: rows)
      } else if case .export(let preview) = modal {
        scroll(preview, by: rows)
      } else if modal == nil {
        switch view {
        case .layers: wheelInLayers(mouse, by: rows, layout)
        case .map: moveInMap(lines: rows)
        case .frontier: moveAcrossFrontier(by: rows.signum())
        case .compare: moveInComparison(by: rows)
        case .channels: moveInChannels(by: rows)
        case .formats: wheelInGuide(mouse, by: rows)
        }
      }
      return []
    case .press(.left), .doublePress(.left):
      guard modal == nil else { return [] }
      if layout.hints.contains(mouse.position) { return clickHint(mouse, layout) }
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
      case .frontier: clickFrontier(mouse.position)
      case .compare: clickComparison(mouse, in: layout.body)
      case .channels: clickChannels(mouse)
      case .formats: clickGuide(mouse)
      }
      return []
    default:
      return []
    }
  }

  /// Over the histogram it zooms about the pointer, elsewhere it moves in the list.
  private mutating func wheelInLayers(_ mouse: MouseEvent, by rows: Int, _ layout: ScreenLayout) {
    if layout.histogram.contains(mouse.position), histogramObjection == nil {
      zoomHistogram(
        closer: rows < 0, about: mouse.position.column - layout.histogram.column)
      return
    }
    if focus == .ladder { focus = .list }
    move(by: rows)
  }

  private mutating func clickList(_ mouse: MouseEvent, _ layout: ScreenLayout) -> [Effect] {
    let index = scroll + mouse.position.row - layout.list.row
    guard rows.indices.contains(index) else { return [] }
    let isAgain = index == cursor
    cursor = index
    if focus == .ladder { focus = .list }
    ladderCursor = nil
    guard case .group = rows[index].subject else { return [] }
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
      if (column..<column + hint.columns).contains(mouse.position.column),
        let action = Action.all.first(where: { $0.id == hint.action })
      {
        return perform(action)
      }
      column += hint.columns + 2
    }
    return []
  }
}
