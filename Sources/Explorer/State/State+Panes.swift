import ModelFiles
import Planning
import Quantization
import Terminal

extension State {
  // MARK: - The focus

  /// The rows of a page in the view.
  var pageRows: Int {
    switch view {
    case .layers: layout.listRows
    case .map: MapLayout(self).cells.rows
    case .frontier: max(2, (solver.curve?.frontier.vertices.count ?? 0) / 10 + 1)
    case .compare: comparisonRows
    case .channels: ChannelsLayout(ScreenLayout(size: size).body).list.rows
    case .formats: GuideLayout(ScreenLayout(size: size).body).list.rows
    case .quality: max(1, QualityLayout(ScreenLayout(size: size).body).list.rows)
    }
  }

  mutating func moveFocus(by rows: Int) -> [Effect] {
    switch view {
    case .layers: break
    case .map:
      moveInMap(lines: rows)
      return []
    case .channels:
      moveInChannels(by: rows)
      return []
    case .formats:
      moveInGuide(by: rows)
      return []
    case .frontier:
      moveOnFrontier(by: rows)
      return []
    case .compare:
      moveInComparison(by: rows)
      return []
    case .quality:
      moveInQuality(by: rows)
      return []
    }
    guard focus == .ladder, let tensor else {
      if focus == .ladder { focus = .list }
      move(by: rows)
      return []
    }
    ladderCursor = ladder(of: tensor.id).step(from: shownChoice(of: tensor.id), by: rows)
    return []
  }

  /// From the list to the ladder, to the histogram, and to the list again; what there is no room for, or nothing to
  /// be seen in, is passed over.
  mutating func switchFocus() -> [Effect] {
    message = nil
    if focus == .list, enterLadder() { return [] }
    if focus != .histogram, enterHistogram() { return [] }
    if focus == .list {
      message = Notice(text: "put the cursor on a tensor whose weights can be read", kind: .warning)
    }
    focus = .list
    ladderCursor = nil
    return []
  }

  private mutating func enterLadder() -> Bool {
    guard hasLadder, let tensor, tensor.suitability.isQuantizable else { return false }
    focus = .ladder
    ladderCursor = choice(of: tensor.id)
    message = Notice(
      text: "on the ladder: \(glyphs.upAndDown) looks" + by("fold", "takes", after: ", ")
        + by("pane", "goes to the histogram", after: ", "))
    return true
  }

  private mutating func enterHistogram() -> Bool {
    guard let tensor, contributions[tensor.id].isReadable else { return false }
    enlargeHistogram()
    return true
  }

  /// Whether the screen has room for the ladder.
  var hasLadder: Bool { ScreenLayout(size: size).ladder.rows > 1 }

  /// Takes a new size of the screen; nobody can be on a ladder that isn't shown.
  public mutating func resize(to size: Size) {
    self.size = size
    guard focus == .ladder, !hasLadder else { return }
    focus = .list
    ladderCursor = nil
  }

  /// Enter: folds on the list, takes the rung on the ladder.
  mutating func enter() -> [Effect] {
    guard focus == .ladder, let rung = ladderCursor else {
      toggleFold()
      return []
    }
    focus = .list
    ladderCursor = nil
    switch rung {
    case .source: assign("source") { _, _ in .source }
    case .format(let format): setFormat(format)
    }
    return []
  }

  /// Escape: leaves one thing after another.
  mutating func backOut() -> [Effect] {
    if giveUpSolving() { return [] }
    if view == .layers, focus == .list, dismissFirstSteps() {
      return firstSteps.map { [.remember($0)] } ?? []
    }
    message = nil
    if view != .layers {
      show(.layers)
    } else if focus != .list {
      focus = .list
      ladderCursor = nil
    } else if rangeStart != nil {
      rangeStart = nil
    } else if !marks.isEmpty {
      marks = []
    } else if isFiltered {
      setFilter(nil)
    }
    return []
  }

  // MARK: - Opening what lies over the panes

  mutating func openFormats() {
    guard !quantizableTargets.isEmpty else {
      assign("") { state, id in state.choice(of: id) }
      return
    }
    modal = .picker(Picker(kind: .formats))
  }

  mutating func openRecipe() {
    let draft = tensor.map { Ladder.family(of: choice(of: $0.id), default: family) } ?? family
    modal = .recipe(RecipeForm(draft: draft, hasActivations: calibration != nil))
  }

  mutating func searchAgain(forward: Bool) {
    if (searchText ?? "").isEmpty {
      message = Notice(text: "nothing searched yet" + by("search", "searches", after: ": "))
    } else {
      search(forward: forward)
    }
  }

  // MARK: - Leaving

  mutating func quit() -> [Effect] {
    guard hasUnsavedChanges else { return [.quit] }
    let count = zip(edits.assignments, savedAssignments).count { $0 != $1 }
    modal = .question(
      Question(
        subject: .quit, title: "Unsaved changes",
        lines: ["\(count) tensor\(count == 1 ? " is" : "s are") not as saved."],
        answers: [
          .init(key: "s", label: "save and quit"), .init(key: "d", label: "discard"),
          .init(key: "c", label: "cancel"),
        ]))
    return []
  }
}
