import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

/// What is looked at in the Map view.
struct MapState: Sendable {
  var line = 0
  var column = 0
  var coloring = MapColoring.bits
  var scroll = 0
  var columnScroll = 0
  /// The tensor that the cursor of the Layers view stood on when the map followed it last.
  var followed: Int?
}

/// What a cell of the map says.
enum MapFigure: Equatable {
  /// There is no tensor.
  case empty
  /// There is nothing to say of its tensors.
  case nothing
  /// It isn't known yet.
  case waiting
  case known(Double, isEstimate: Bool)
}

/// What a step on the ladder does to the tensors of a cell.
struct MapStep: Equatable {
  /// What they get; nil if that isn't the same for all.
  let choice: Choice?
  /// How many tensors change.
  let count: Int
  let bytes: Int
  /// By how much the NMSE of the plan changes; nil while that isn't known.
  let nmse: Double?
  /// Whether one of the errors is an estimate.
  let isEstimate: Bool
}

extension State {
  // MARK: - The cursor

  /// The tensors of the cell under the cursor.
  var mapCell: [Int] { mapGrid.cell(line: map.line, column: map.column) }

  /// The one of them that stands for all.
  var mapTensor: Tensor? { mapCell.first.map { model.tensors[$0] } }

  /// Puts the cursor of the map on the tensor of the Layers view, if that has moved since it did so last.
  mutating func followInMap(_ tensor: Tensor?) {
    guard let tensor, tensor.id != map.followed else { return }
    map.followed = tensor.id
    guard let place = mapGrid.place(of: tensor) else { return }
    map.line = place.line
    map.column = place.column
  }

  mutating func moveInMap(lines: Int, columns: Int = 0) {
    if message?.kind == .plain { message = nil }
    let last = max(0, mapGrid.lines.count - 1)
    map.line = min(max(0, map.line + min(max(lines, -last), last)), last)
    // Outside of blocks there is nothing to walk to, and the column stays for the lines that have some.
    if columns != 0, mapGrid.lines.indices.contains(map.line) {
      let column = mapGrid.shownColumn(line: map.line, column: map.column)
      if case .outside = mapGrid.lines[map.line].subject { return }
      map.column = min(max(0, column + columns), mapGrid.columns - 1)
    }
  }

  /// Scrolls so that the cursor is in sight.
  mutating func keepMapInSight() {
    guard mapGrid.lines.indices.contains(map.line) else { return }
    let layout = MapLayout(self)
    func scroll(_ now: Int, _ cursor: Int, _ room: Int, _ count: Int) -> Int {
      let first = min(max(now, cursor - room + 1), cursor)
      return min(max(0, first), max(0, count - room))
    }
    if map.line < layout.scrolled {
      map.scroll = scroll(map.scroll, map.line, layout.cells.rows, layout.scrolled)
    } else {
      map.scroll = min(map.scroll, max(0, layout.scrolled - layout.cells.rows))
    }
    let column = mapGrid.shownColumn(line: map.line, column: map.column)
    map.columnScroll = scroll(map.columnScroll, column, layout.columnCount, mapGrid.columns)
  }

  /// A click selects; a double click goes there.
  mutating func clickMap(_ mouse: MouseEvent) {
    guard let place = MapLayout(self).place(at: mouse.position, self) else { return }
    map.line = place.line
    if case .outside = mapGrid.lines[place.line].subject {
    } else {
      map.column = place.column
    }
    if mouse.action == .doublePress(.left) { showMapped() }
  }

  mutating func recolorMap() {
    let all = MapColoring.allCases
    map.coloring = all[(map.coloring.rawValue + 1) % all.count]
  }

  /// Goes to the tensor under the cursor in the Layers view.
  mutating func showMapped() {
    guard let tensor = mapTensor else { return }
    show(.layers)
    if !passesFilter(tensor.id) { setFilter(nil) }
    reveal(tensor.id)
    map.followed = tensor.id
  }

  // MARK: - Figures

  /// What a cell says.
  func mapFigure(of ids: [Int]) -> MapFigure {
    guard !ids.isEmpty else { return .empty }
    if map.coloring == .gain {
      guard let step = mapStep(of: ids, by: -1), step.bytes > 0 else { return .nothing }
      guard let nmse = step.nmse else { return .waiting }
      return .known(
        -nmse / Double(step.bytes) * mapUnit.bytes,
        isEstimate: step.isEstimate || !totals.isComplete)
    }
    let totals = Totals(ids.lazy.map { contributions[$0] })
    switch map.coloring {
    case .bits: return .known(totals.bitsPerWeight, isEstimate: false)
    case .bytes: return .known(Double(totals.bytes), isEstimate: false)
    case .error:
      guard totals.isComplete else { return .waiting }
      return totals.squaredError == 0
        ? .nothing : .known(totals.nmse, isEstimate: totals.estimated > 0)
    case .gain: return .nothing
    }
  }

  var mapUnit: MapUnit { MapUnit(modelBytes: model.byteCount) }

  /// For more tensors than that at once, what a step does isn't worked out before it is made.
  private static let stepLimit = 1_024

  /// The step that `by` rungs of the ladder are for the tensors of a cell; nil if none can be made.
  func mapStep(of ids: [Int], by steps: Int) -> MapStep? {
    let changes = mapChanges(of: ids, by: steps)
    guard let first = changes.first?.choice else { return nil }
    var bytes = 0
    var error: Double? = 0
    var isEstimate = false
    for (id, choice) in changes {
      let part = contribution(of: id, as: choice)
      bytes += part.bytes - contributions[id].bytes
      // What can't be read counts in no error.
      guard contributions[id].isReadable else { continue }
      if part.uncertainty != nil || contributions[id].uncertainty != nil { isEstimate = true }
      if let sum = error, let before = contributions[id].squaredError, let after = part.squaredError
      {
        error = sum + after - before
      } else {
        error = nil
      }
    }
    let isSame = changes.allSatisfy { $0.choice == first }
    return MapStep(
      choice: isSame ? first : nil, count: changes.count, bytes: bytes,
      nmse: error.map { $0 == 0 ? 0 : $0 / totals.squares }, isEstimate: isEstimate)
  }

  /// What the tensors of a cell would get by a step, those that would get something else.
  func mapChanges(of ids: [Int], by steps: Int) -> [(tensor: Int, choice: Choice)] {
    guard ids.count <= Self.stepLimit else { return [] }
    let basis = LadderBasis(self)
    var known: (tensor: Int, choice: Choice, next: Choice)?
    return ids.compactMap { id in
      let now = choice(of: id)
      let next: Choice
      if let known, known.choice == now, isAlike(known.tensor, id) {
        next = known.next
      } else {
        next = basis.ladder(of: id).step(from: now, by: steps)
        known = (id, now, next)
      }
      return next == now ? nil : (id, next)
    }
  }

  /// Whether two tensors of one cell have the same ladder: experts, mostly.
  private func isAlike(_ a: Int, _ b: Int) -> Bool {
    model.tensors[a].role == model.tensors[b].role
      && model.tensors[a].shape == model.tensors[b].shape
      && model.tensors[a].byteCount == model.tensors[b].byteCount
  }

  /// What the colours lie between, for the figures in sight.
  func mapScale(of figures: some Sequence<MapFigure>) -> HeatScale {
    switch map.coloring {
    case .bits: return HeatScale(low: 2, high: 16)
    case .error: return HeatScale(low: 1e-5, high: 1)
    // Whatever is done to the plan, a size keeps its colour.
    case .bytes:
      let sizes = mapGrid.sourceBytes
      return HeatScale(low: Double(sizes.lowerBound) / 8, high: Double(sizes.upperBound))
    case .gain:
      let gains = figures.compactMap { figure -> Double? in
        if case .known(let gain, _) = figure, gain > 0, gain.isFinite { gain } else { nil }
      }
      let high = max(gains.max() ?? 1, 1e-12)
      return HeatScale(low: max(gains.min() ?? high / 10, high / 1e4), high: high)
    }
  }

  /// The figure of a cell. What a step brings to whole blocks and roles isn't worked out: such a step is none to
  /// be chosen among others.
  func mapFigure(line: Int, column: Int) -> MapFigure {
    let subject = mapGrid.lines[line].subject
    if map.coloring == .gain {
      if case .outside = subject {
      } else if subject == .all || column == mapGrid.roles.count {
        return .empty
      }
    }
    return mapFigure(of: mapGrid.cell(line: line, column: column))
  }

  /// The columns in which a line has cells.
  func mapColumns(ofLine line: Int) -> Range<Int> {
    if case .outside = mapGrid.lines[line].subject {
      return mapGrid.roles.count..<mapGrid.columns
    }
    return 0..<mapGrid.columns
  }

  // MARK: - What is to be measured

  /// So many tensors are measured for what is in sight before all others.
  private static let sightLimit = 512

  /// The tensors of the cells in sight.
  var tensorsOnMap: [Int] {
    var ids: [Int] = []
    for line in MapLayout(self).lines(self) where mapGrid.lines[line].subject != .all {
      ids += (mapGrid.lines[line].cells.last ?? []).prefix(Self.sightLimit - ids.count)
    }
    return ids
  }

  /// What must be known for the gains in sight, and for the steps of the cell under the cursor.
  var formatsOfMapSteps: [(tensor: Int, format: Format)] {
    var steps = mapChanges(of: mapCell, by: -1) + mapChanges(of: mapCell, by: 1)
    if map.coloring == .gain {
      for line in MapLayout(self).lines(self) where mapGrid.lines[line].subject != .all {
        guard steps.count < Self.sightLimit else { break }
        for ids in mapGrid.lines[line].cells.dropLast(mapGrid.roles.isEmpty ? 0 : 1) {
          steps += mapChanges(of: ids, by: -1)
        }
      }
    }
    return steps.prefix(Self.sightLimit).compactMap { id, choice in
      guard contributions[id].isReadable, let format = choice.format else { return nil }
      return (id, format)
    }
  }
}
