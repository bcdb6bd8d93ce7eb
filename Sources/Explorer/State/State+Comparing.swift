import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

/// What is looked at in the Compare view.
struct CompareState: Sendable {
  enum Order: Int, CaseIterable, Sendable {
    case error, bytes, perByte, model

    var title: String {
      switch self {
      case .error: "by error"
      case .bytes: "by size"
      case .perByte: "by error per MiB"
      case .model: "in the model's order"
      }
    }
  }

  /// The name of the other plan.
  var against: String?
  var order = Order.error
  var cursor = 0
}

/// A tensor that two plans treat differently.
struct PlanDifference: Sendable, Equatable {
  let tensor: Int
  let other: Choice
  let now: Choice
  /// How many bytes more it takes now.
  let bytes: Int
  /// By how much its squared errors are greater now; nil while that isn't known.
  let squaredError: Double?

  /// What each byte costs that is saved, or brings that is spent.
  var perByte: Double? {
    squaredError.map { bytes == 0 ? 0 : abs($0 / Double(bytes)) }
  }
}

/// The plan beside another one.
struct Comparison: Sendable {
  let name: String
  let now: Totals
  let other: Totals
  let differences: [PlanDifference]
  /// How many tensors get the same.
  let equal: Int
}

extension State {
  static let beforeSolving = "before"
  private static let asOpened = "as opened"

  /// The plans that can be compared with the one at hand.
  var comparedPlans: [NamedPlan] {
    [NamedPlan(name: Self.asOpened, kind: .saved, choices: opened.map(\.choice))] + namedPlans
  }

  private var comparedPlan: NamedPlan? {
    let plans = comparedPlans
    return plans.first { $0.name == compare.against } ?? plans.first
  }

  /// The plan beside the chosen other one.
  var comparison: Comparison {
    let plan = comparedPlan
    var differences: [PlanDifference] = []
    var others = contributions
    for tensor in model.tensors.indices {
      let now = choice(of: tensor)
      guard let other = plan?.choices[tensor], other != now else { continue }
      let part = contribution(of: tensor, as: other)
      others[tensor] = part
      var change: Double?
      if let a = contributions[tensor].squaredError, let b = part.squaredError { change = a - b }
      differences.append(
        PlanDifference(
          tensor: tensor, other: other, now: now, bytes: contributions[tensor].bytes - part.bytes,
          squaredError: change))
    }
    return Comparison(
      name: plan?.name ?? "", now: totals, other: Totals(others), differences: sorted(differences),
      equal: model.tensors.count - differences.count)
  }

  private func sorted(_ differences: [PlanDifference]) -> [PlanDifference] {
    func value(_ difference: PlanDifference) -> Double {
      switch compare.order {
      case .model: 0
      case .bytes: Double(abs(difference.bytes))
      case .error: abs(difference.squaredError ?? 0)
      case .perByte: difference.perByte ?? 0
      }
    }
    return differences.map { (value($0), $0) }.sorted {
      ($1.0, $0.1.tensor) < ($0.0, $1.1.tensor)
    }.map(\.1)
  }

  /// What is to be measured before the other plan's errors are known.
  var comparisonNeeds: [Work] {
    guard let plan = comparedPlan else { return [] }
    return model.tensors.compactMap { tensor in
      let other = plan.choices[tensor.id]
      guard other != choice(of: tensor.id), contributions[tensor.id].isReadable else { return nil }
      guard let format = other.format else {
        return findings.statistics[tensor.id] == nil ? .statistics(tensor: tensor.id) : nil
      }
      guard tensor.suitability.isQuantizable else { return nil }
      let exact = Work.measurement(tensor: tensor.id, format: format)
      if let known = measurement(of: tensor.id, format) {
        return known.exact || !needsExact ? nil : exact
      }
      return exact
    }
  }

  // MARK: - Keys

  var comparisonRows: Int { max(1, ScreenLayout(size: size).body.rows - 5) }

  mutating func moveInComparison(by rows: Int) {
    let count = comparison.differences.count
    compare.cursor = min(max(0, compare.cursor + min(max(rows, -count), count)), max(0, count - 1))
  }

  /// The first difference in sight, and the list that they stand in.
  func comparisonList(in body: Rect, count: Int) -> (first: Int, list: Rect) {
    let list = body.inset(top: 5)
    let cursor = min(compare.cursor, max(0, count - 1))
    return (min(max(0, cursor - list.rows / 2), max(0, count - list.rows)), list)
  }

  /// A click selects.
  mutating func clickComparison(_ mouse: MouseEvent, in body: Rect) {
    let count = comparison.differences.count
    let (first, list) = comparisonList(in: body, count: count)
    let index = first + mouse.position.row - list.row
    guard list.contains(mouse.position), index < count else { return }
    // By the second click, the first one may have scrolled.
    if mouse.action == .doublePress(.left) { return takeFromComparison() }
    compare.cursor = index
  }

  /// Compares with the next plan.
  mutating func compareNext(by steps: Int) {
    let plans = comparedPlans
    let index = plans.firstIndex { $0.name == comparedPlan?.name } ?? 0
    compare.against = plans[(index + steps + plans.count) % plans.count].name
    compare.cursor = 0
  }

  mutating func reorderComparison() {
    let all = CompareState.Order.allCases
    compare.order = all[(compare.order.rawValue + 1) % all.count]
    compare.cursor = 0
    message = Notice(text: "sorted \(compare.order.title)")
  }

  /// Gives the tensor under the cursor what it has in the other plan.
  mutating func takeFromComparison() {
    let differences = comparison.differences
    guard differences.indices.contains(compare.cursor) else {
      message = Notice(text: "there is no difference to take back")
      return
    }
    let difference = differences[compare.cursor]
    let isPinned = edits.assignments[difference.tensor].isPinned
    let step = edits.apply(
      difference.other.description,
      [(difference.tensor, Assignment(choice: difference.other, isPinned: isPinned))])
    if let step { message = Notice(text: describe(step) + ways(("undo", "undoes it"))) }
    compare.cursor = min(compare.cursor, max(0, differences.count - 2))
  }

  /// Goes to the tensor under the cursor in the Layers view.
  mutating func showCompared() {
    let differences = comparison.differences
    guard differences.indices.contains(compare.cursor) else { return }
    show(.layers)
    reveal(differences[compare.cursor].tensor)
  }
}
