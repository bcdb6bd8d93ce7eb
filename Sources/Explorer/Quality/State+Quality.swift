import Evaluation
import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

extension State {
  // MARK: - Asking

  /// Whether the screen is to show what running the model is still to bring.
  var isRunningModel: Bool {
    guard quality.isOn else { return false }
    return quality.phase == .starting
      || quality.failure == nil && !(quality.isCurrent && quality.reading?.isComplete == true)
      || !quality.waiting.isEmpty
  }

  /// Asks for the figures of the plan at hand if it has changed, and for the effects of single tensors that are to be
  /// seen, or that the solver waits for.
  mutating func settleQuality() -> [Effect] {
    guard let options = quality.options else { return [] }
    if quality.phase == .asleep, options.isAutomatic && quality.orders == 0 {
      quality.phase = .starting
    }
    guard quality.isOn else { return [] }
    return settlePlanRun() + settleTensorRuns()
  }

  private mutating func settlePlanRun() -> [Effect] {
    guard quality.revision != edits.revision else { return [] }
    quality.revision = edits.revision
    let formats = model.tensors.map { choice(of: $0.id).format }
    guard formats != quality.ordered else { return [] }
    quality.ordered = formats
    quality.failure = nil
    let known = quality.known(formats)
    quality.isCurrent = known != nil
    if let known { quality.reading = known }
    quality.orders += 1
    // Of a plan that is known nothing is to be run; what is being run isn't wanted any more.
    let wanted = known == nil ? formats : nil
    return [.runPlan(QualityOrder(number: quality.orders, formats: wanted))]
  }

  private mutating func settleTensorRuns() -> [Effect] {
    guard let subject = quality.subject else { return [] }
    var wanted = quality.wantedBySolver
    if view == .quality {
      let known = Set(wanted)
      let shown = qualityRows.compactMap { row in
        row.format.map { TensorFormat(tensor: row.tensor, format: $0) }
      }
      wanted += shown.filter { !known.contains($0) }
    }
    wanted = wanted.filter {
      subject.tensors.contains($0.tensor) && quality.effect(of: $0.tensor, in: $0.format) == nil
        && !quality.hopeless.contains($0)
    }
    let all = Set(wanted)
    quality.wantedBySolver.removeAll { !all.contains($0) }
    guard all != Set(quality.waiting) else { return [] }
    quality.waiting = wanted
    quality.waitingAtMost = wanted.isEmpty ? 0 : max(quality.waitingAtMost, wanted.count)
    return [.measureTensors(wanted)]
  }

  /// Runs the model from now on whenever the plan changes, or no longer.
  mutating func switchQuality() -> [Effect] {
    switch quality.phase {
    case .unavailable(let reason): message = Notice(text: reason, kind: .warning)
    case .asleep:
      guard quality.options != nil else {
        message = Notice(text: "models aren't run here", kind: .warning)
        return []
      }
      quality.start()
      message = Notice(
        text: "running \(model.name) under every plan from now on"
          + by("viewQuality", "shows more", after: "; "))
    case .starting, .ready:
      quality.phase = .asleep
      quality.reading = nil
      quality.isCurrent = false
      quality.waiting = []
      quality.wantedBySolver = []
      // Nothing is to be run: what is being run is given up.
      quality.orders += 1
      message = Notice(
        text: "\(model.name) isn't run any more" + by("runModel", "runs it", after: "; "))
      return [
        .runPlan(QualityOrder(number: quality.orders, formats: nil)), .measureTensors([]),
      ]
    }
    return []
  }

  // MARK: - Answers

  mutating func take(_ news: QualityNews) -> [Effect] {
    switch news.kind {
    case .ready(let subject, let known):
      quality.take(known)
      if quality.phase == .starting { quality.phase = .ready(subject) }
    case .unavailable(let reason):
      quality.phase = .unavailable(reason)
      quality.wantedBySolver = []
      if view == .quality || quality.options?.isAutomatic == false {
        message = Notice(text: reason, kind: .warning)
      }
    case .reading(let order, let reading):
      guard order == quality.orders, quality.isOn else { break }
      quality.reading = reading
      quality.isCurrent = true
      if let ordered = quality.ordered { quality.keep(reading, of: ordered) }
    case .effects(let effects):
      quality.take(effects)
    case .failed(let order, let subject, let reason):
      if let subject { quality.hopeless.insert(subject) }
      if let order, order == quality.orders {
        quality.failure = reason
        message = Notice(text: reason, kind: .warning)
      }
    }
    return []
  }

  // MARK: - The tensors

  /// What a tensor is shown with in the Quality view.
  struct QualityRow: Sendable, Equatable {
    let tensor: Int
    /// What its effect is measured in: what the plan gives it, or where that is the source what it might get.
    let format: Format?
    let isPlanned: Bool
    let nmse: Double?
    let isEstimate: Bool
    let effect: TensorEffect?
    /// How many times the effect is what its error would make one expect; nil where either is unknown, or nothing.
    var surprise: Double?
  }

  /// About so many bits per weight has what a tensor that stays as it is might get.
  private static let usualBits = 4.5

  /// The format of the ladder that is shown for a tensor that has none.
  private func usualFormat(_ tensor: Int) -> Format? {
    let subject = model.tensors[tensor]
    func distance(_ format: Format) -> Double {
      abs(format.bitsPerWeight(rows: subject.rows, rowLength: subject.rowLength) - Self.usualBits)
    }
    return LadderBasis(self).candidates(of: tensor).min { distance($0) < distance($1) }
  }

  /// The tensors that can be quantized and that the forward pass uses, in the order that was chosen.
  var qualityRows: [QualityRow] {
    guard let subject = quality.subject else { return [] }
    var rows = model.tensors.compactMap { tensor -> QualityRow? in
      guard tensor.suitability.isQuantizable, subject.tensors.contains(tensor.id) else {
        return nil
      }
      let chosen = choice(of: tensor.id).format
      let format = chosen ?? usualFormat(tensor.id)
      let measured = format.flatMap { measurement(of: tensor.id, $0) }
      return QualityRow(
        tensor: tensor.id, format: format, isPlanned: chosen != nil,
        nmse: measured?.figures.nmse, isEstimate: measured?.exact == false,
        effect: format.flatMap { quality.effect(of: tensor.id, in: $0) })
    }
    let ratios = rows.compactMap(Self.ratio).sorted()
    if !ratios.isEmpty, ratios[ratios.count / 2] > 0 {
      let typical = ratios[ratios.count / 2]
      for index in rows.indices {
        rows[index].surprise = Self.ratio(rows[index]).map { $0 / typical }
      }
    }
    func key(_ row: QualityRow) -> Double {
      switch quality.order {
      case .effect: row.effect?.distance ?? -1
      case .misleading: row.surprise ?? -1
      case .error: row.nmse ?? -1
      case .model: 0
      }
    }
    return rows.map { (key($0), $0) }.sorted { ($1.0, $0.1.tensor) < ($0.0, $1.1.tensor) }.map(\.1)
  }

  /// Effect for error.
  private static func ratio(_ row: QualityRow) -> Double? {
    guard let nmse = row.nmse, let effect = row.effect, nmse > 0, effect.distance > 0 else {
      return nil
    }
    return effect.distance / nmse
  }

  /// What is to be measured for the list.
  var qualityNeeds: [Work] {
    qualityRows.compactMap { row in
      guard let format = row.format, row.nmse == nil || needsExact && row.isEstimate else {
        return nil
      }
      return .measurement(tensor: row.tensor, format: format)
    }
  }

  // MARK: - Keys

  /// The tensor under the cursor.
  var qualityTensor: Int? { quality.tensor ?? qualityRows.first?.tensor }

  mutating func moveInQuality(by steps: Int) {
    let rows = qualityRows
    guard !rows.isEmpty else { return }
    let here = rows.firstIndex { $0.tensor == quality.tensor } ?? 0
    let last = rows.count - 1
    quality.tensor = rows[min(max(0, here + min(max(steps, -last), last)), last)].tensor
  }

  mutating func reorderQuality() {
    let all = QualityState.Order.allCases
    quality.order = all[(quality.order.rawValue + 1) % all.count]
    quality.tensor = nil
    message = Notice(text: "sorted \(quality.order.title)")
  }

  /// Goes to the tensor under the cursor in the Layers view.
  mutating func showQualityTensor() {
    guard let tensor = qualityTensor else { return }
    show(.layers)
    reveal(tensor)
  }

  /// The first row in sight, given the rows and where the cursor is.
  func firstQualityRow(_ rows: [QualityRow], lines: Int) -> Int {
    let here = rows.firstIndex { $0.tensor == quality.tensor } ?? 0
    return min(max(0, here - lines / 2), max(0, rows.count - lines))
  }

  /// A click selects.
  mutating func clickQuality(_ mouse: MouseEvent) {
    let list = QualityLayout(ScreenLayout(size: size).body).list
    let rows = qualityRows
    let index = firstQualityRow(rows, lines: list.rows) + mouse.position.row - list.row
    guard list.contains(mouse.position), rows.indices.contains(index) else { return }
    // By the second click, the first one may have scrolled.
    if mouse.action == .doublePress(.left) { return showQualityTensor() }
    quality.tensor = rows[index].tensor
  }
}
