import ModelFiles
import Planning
import Terminal

extension State {
  /// Moves the cursor by rows, staying on the list.
  mutating func move(by rows: Int) {
    guard !self.rows.isEmpty else { return }
    cursor = min(max(0, cursor + rows), self.rows.count - 1)
    ladderCursor = nil
  }

  /// Scrolls so that the cursor is in sight with a row of context where there is room.
  mutating func keepCursorInSight(listRows: Int) {
    guard listRows > 0 else { return }
    let margin = listRows > 4 ? 1 : 0
    scroll = min(scroll, max(0, cursor - margin))
    scroll = max(scroll, cursor + margin - listRows + 1)
    scroll = min(max(0, scroll), max(0, rows.count - listRows))
  }

  /// Folds or unfolds the group at the cursor; on a tensor, its innermost group.
  mutating func toggleFold() {
    guard let row else { return }
    switch row.subject {
    case .group(let group):
      if folded.remove(group) == nil { folded.insert(group) }
    case .tensor(let id):
      guard let group = catalogue.ancestors[id].last else { return }
      folded.insert(group)
      refreshRows()
      moveTo(.group(group))
      return
    }
    refreshRows()
  }

  /// Folds everything if anything is unfolded, else unfolds all blocks (but not their experts).
  mutating func toggleAllFolds() {
    let groups = Set(catalogue.groups)
    let blocks = groups.filter { if case .block = $0 { true } else { false } }
    let outermost = blocks.isEmpty ? groups : blocks
    let parent = tensor.flatMap { catalogue.ancestors[$0.id].first }
    if outermost.isSubset(of: folded) {
      folded.subtract(outermost)
    } else {
      folded.formUnion(groups)
    }
    refreshRows()
    if let parent, folded.contains(parent) { moveTo(.group(parent)) }
  }

  /// Puts the cursor on a row, if it is shown.
  mutating func moveTo(_ subject: Row.Subject) {
    if let index = rows.firstIndex(where: { $0.subject == subject }) {
      cursor = index
      ladderCursor = nil
    }
  }

  /// Puts the cursor on a tensor, unfolding what hides it.
  mutating func reveal(_ tensor: Int) {
    for group in catalogue.ancestors[tensor] { folded.remove(group) }
    refreshRows()
    moveTo(.tensor(tensor))
  }

  // MARK: - Search

  /// Goes to the next tensor whose name holds the searched text: from the row at the cursor, onwards.
  /// - Parameter includingHere: whether the row under the cursor counts.
  mutating func search(forward: Bool, includingHere: Bool = false) {
    guard let text = searchText, !text.isEmpty else { return }
    let order = catalogue.rows(folded: [], filter: rowFilter)
      .compactMap { row -> Int? in if case .tensor(let id) = row.subject { id } else { nil } }
    guard !order.isEmpty else { return }
    let here = position(in: order)
    let count = order.count
    for offset in (includingHere ? 0 : 1)...count {
      let index = ((here + (forward ? offset : -offset)) % count + count) % count
      if model.tensors[order[index]].name.contains(ignoringCase: text) {
        reveal(order[index])
        message = nil
        return
      }
    }
    message = Notice(text: "no tensor's name holds '\(text)'", kind: .warning)
  }

  private func position(in order: [Int]) -> Int {
    guard let row else { return 0 }
    let anchor: Int? =
      switch row.subject {
      case .tensor(let id): id
      case .group(let group): catalogue.members[group]?.first
      }
    return anchor.flatMap { order.firstIndex(of: $0) } ?? 0
  }

  // MARK: - Filter

  /// Shows only tensors whose names match. A pattern that can't be read yet, as while it is typed,
  /// filters nothing.
  mutating func setFilter(_ text: String?) {
    filter = text.flatMap { $0.isEmpty ? nil : try? NameFilter($0) }
    // Without the filter folds count again: they mustn't hide where the user is.
    let here = isFiltered || isBoundToReturn ? nil : tensor?.id
    refreshRows()
    if let here { reveal(here) }
  }
}
