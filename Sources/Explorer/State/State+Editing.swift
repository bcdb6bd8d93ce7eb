import Consumers
import ModelFiles
import Planning
import Quantization

extension State {
  /// Gives each target a new choice, as one step; says what happened and what was left out.
  mutating func assign(_ label: String, _ newChoice: (State, Int) -> Choice) {
    let targets = quantizableTargets
    guard !targets.isEmpty else {
      message = Notice(text: refusal(), kind: .warning)
      return
    }
    let changes = targets.map { id in
      (
        tensor: id,
        assignment: Assignment(
          choice: newChoice(self, id), isPinned: edits.assignments[id].isPinned)
      )
    }
    guard let step = edits.apply(label, changes) else {
      message = Notice(text: nothingChanged(targets))
      return
    }
    ladderCursor = nil
    message = step.changes.count == 1 && targets.count == 1 ? nil : notice(for: step)
  }

  /// One step down the ladder (fewer bits) for positive `steps`, up for negative ones.
  mutating func step(by steps: Int) {
    assign(steps > 0 ? "fewer bits" : "more bits") { state, id in
      state.ladder(of: id).step(from: state.choice(of: id), by: steps)
    }
  }

  /// Formats of so many bits, in the family at hand.
  mutating func setBits(_ bits: Int) {
    let targets = quantizableTargets
    let formats = Dictionary(
      uniqueKeysWithValues: targets.compactMap { id in
        format(bits: bits, for: id).map { (id, $0) }
      })
    let lacking = targets.count - formats.count
    guard lacking == 0 || !formats.isEmpty else {
      message = Notice(text: "no type of llama.cpp has \(bits) bits here", kind: .warning)
      return
    }
    assign("\(bits) bits") { state, id in
      formats[id].map { .format($0) } ?? state.choice(of: id)
    }
    guard lacking > 0 else { return }
    message = Notice(
      text: "\(Figures.counted(lacking, "tensor")) left: no type of llama.cpp has "
        + "\(bits) bits there", kind: .warning)
  }

  /// The format of so many bits in a tensor's family; nil if it has none.
  private func format(bits: Int, for id: Int) -> Format? {
    let choice = choice(of: id)
    switch LadderKind(choice) ?? ladderKind {
    case .integers:
      return .integer(Ladder.family(of: choice, default: family).with(bits: bits))
    case .ggml:
      return LadderKind.type(bits: bits) { refusal(of: $0, for: id) == nil }
    }
  }

  /// A format for all targets that can be stored in it; says why others can't, and what llama-quantize would
  /// make of them.
  mutating func setFormat(_ format: Format) {
    if case .integer(let integer) = format { family = integer }
    ladderKind = LadderKind(.format(format)) ?? ladderKind
    let targets = quantizableTargets
    let refusals = targets.compactMap { id in
      refusal(of: format, for: id).map { (tensor: id, refusal: $0) }
    }
    let words = refusalText(format, refusals)
    if let words, refusals.count == targets.count {
      message = Notice(text: words, kind: .warning)
      return
    }
    let refused = Set(refusals.map(\.tensor))
    assign(format.description) { state, id in
      refused.contains(id) ? state.choice(of: id) : .format(format)
    }
    if let words {
      message = Notice(
        text: "\(Figures.counted(refused.count, "tensor")) left: \(words)", kind: .warning)
    }
  }

  /// Why some tensors can't have a format, and what they would silently become; nil if there are none.
  private func refusalText(
    _ format: Format, _ refusals: [(tensor: Int, refusal: FormatRefusal)]
  ) -> String? {
    guard let refusal = refusals.first?.refusal else { return nil }
    var text = "\(format) doesn't fit: \(refusal.reason)"
    if let remedy = refusal.remedy { text += "; \(remedy)" }
    guard let instead = refusal.instead else { return text }
    let more = refusals.reduce(0) { sum, refused in
      sum + (refused.refusal.extraBytes(asked: format, for: model.tensors[refused.tensor]) ?? 0)
    }
    return text + "; llama-quantize would write \(instead), "
      + Figures.change(bytes: more, minus: glyphs.minus)
  }

  /// Takes over a form's scheme, granularity and calibration: for the targets that have an integer
  /// format, and for what will get one.
  mutating func setFamily(_ draft: IntegerFormat) {
    family = draft
    let integers = quantizableTargets.filter {
      if case .format(.integer) = choice(of: $0) { true } else { false }
    }
    guard !integers.isEmpty else {
      message = Notice(text: "from now on: \(draft.familyDescription)")
      return
    }
    assign(draft.familyDescription) { state, id in
      let choice = state.choice(of: id)
      guard case .format(.integer(let format)) = choice else { return choice }
      return .format(.integer(draft.with(bits: format.bits)))
    }
  }

  /// Pins the targets, or frees them if all are pinned.
  mutating func togglePins() {
    let targets = quantizableTargets
    guard !targets.isEmpty else {
      message = Notice(text: refusal(), kind: .warning)
      return
    }
    let pin = !targets.allSatisfy { edits.assignments[$0].isPinned }
    let step = edits.apply(
      pin ? "pin" : "unpin",
      targets.map { ($0, Assignment(choice: choice(of: $0), isPinned: pin)) })
    if let step { message = notice(for: step) }
  }

  mutating func undo() {
    guard let step = edits.undo() else {
      message = Notice(text: "nothing to undo")
      return
    }
    message = Notice(text: "undone: \(describe(step))" + ways(("redo", "does it again")))
  }

  mutating func redo() {
    guard let step = edits.redo() else {
      message = Notice(text: "nothing to redo")
      return
    }
    message = Notice(text: "done again: \(describe(step))" + ways(("undo", "undoes it")))
  }

  private func notice(for step: Step) -> Notice {
    let left = targets.count - quantizableTargets.count
    let kept = left == 0 ? "" : "; \(left) not worth quantizing left as they are"
    return Notice(text: "\(describe(step))\(kept)" + ways(("undo", "undoes it")))
  }

  func describe(_ step: Step) -> String {
    let count = step.changes.count
    let what =
      count == 1
      ? model.tensors[step.changes[0].tensor].label : "\(count) tensors"
    return "\(step.label) for \(what)"
  }

  private func nothingChanged(_ targets: [Int]) -> String {
    if targets.count == 1 {
      let name = choice(of: targets[0]).description
      return "it stays at \(name): the end of the ladder, or there already"
    }
    return "nothing changes: all \(targets.count) are there already"
  }

  /// Why a change was refused.
  private func refusal() -> String {
    if origin == .map, targets.isEmpty { return "there is no tensor here" }
    if rows.isEmpty {
      return isFiltered ? "nothing passes the filter" : "this model has no tensors"
    }
    let targets = targets
    if targets.count == 1, let reason = model.tensors[targets[0]].suitability.reason {
      return "kept as it is: \(reason)"
    }
    return "none of these \(targets.count) tensors is worth quantizing"
  }

  // MARK: - Marks

  /// Marks the tensors of the row or cell, or unmarks them if all are marked; then moves down.
  mutating func toggleMark() {
    if view == .map {
      toggle(mapCell)
      return moveInMap(lines: 1)
    }
    guard let row else { return }
    toggle(members(of: row))
    rangeStart = nil
    move(by: 1)
  }

  /// Starts a range of marks, or ends it.
  mutating func toggleRange() {
    if let range = markedRange {
      rangeStart = nil
      for row in rows[range] {
        if case .tensor(let id) = row.subject {
          marks.insert(id)
        } else if isFolded(row) {
          marks.formUnion(members(of: row))
        }
      }
      message = markNotice
    } else {
      rangeStart = row?.subject
      message = Notice(
        text: "move to the other end" + by("range", "again marks all between", after: "; "))
    }
  }

  /// Marks all tensors that share the role of the one under the cursor.
  mutating func markRole() {
    guard let tensor else {
      message = Notice(text: "put the cursor on a tensor to mark all of its role", kind: .warning)
      return
    }
    let all = model.tensors.indices.filter {
      model.tensors[$0].role == tensor.role
        && model.tensors[$0].suitability.isQuantizable == tensor.suitability.isQuantizable
        && passesFilter($0)
    }
    toggle(all)
    message = markNotice
  }

  /// Marks the quantizable tensors whose names match a pattern.
  mutating func mark(matching text: String) {
    do throws(PatternError) {
      let pattern = try NameFilter(text)
      let all = model.tensors.filter { $0.suitability.isQuantizable && pattern.matches($0.name) }
        .map(\.id)
      marks.formUnion(all)
      message =
        all.isEmpty
        ? Notice(text: "no quantizable tensor matches '\(text)'", kind: .warning) : markNotice
    } catch {
      message = Notice(text: error.description, kind: .warning)
    }
  }

  private mutating func toggle(_ tensors: [Int]) {
    if marks.isSuperset(of: tensors) {
      marks.subtract(tensors)
    } else {
      marks.formUnion(tensors)
    }
  }

  private var markNotice: Notice {
    Notice(
      text: marks.isEmpty
        ? "nothing is marked"
        : "\(marks.count) marked: a step now moves them all" + by("back", "unmarks", after: "; "))
  }

  func isFolded(_ row: Row) -> Bool {
    if case .group(let group) = row.subject { !isFiltered && folded.contains(group) } else { false }
  }
}
