import ModelFiles

/// The tensors that aren't planned: they keep their source and count in the totals.
public struct KeptTensors: Sendable, Equatable {
  /// Their bytes.
  public var bytes: Int
  /// Their weights.
  public var weights: Int
  /// Σw² over them.
  public var squares: Double

  /// Kept tensors; none by default.
  public init(bytes: Int = 0, weights: Int = 0, squares: Double = 0) {
    self.bytes = bytes
    self.weights = weights
    self.squares = squares
  }
}

/// What is to be solved: tensors with their options, an objective, and constraints that don't contradict
/// each other.
public struct PlanningProblem: Sendable {
  /// Tensors that get the same, or one tensor by itself.
  struct Group: Sendable {
    /// Places in `tensors`.
    var members: [Int]
    var options: [Option]
  }

  /// What a group may get.
  struct Option: Sendable {
    let choice: Choice
    var bytes: Int
    var cost: Double
    /// What the `worst` objective takes the greatest of.
    var peak: Double
  }

  /// The tensors that are planned.
  public let tensors: [TensorOptions]
  /// What is made small.
  public let objective: Objective
  /// The tensors that aren't planned.
  public let kept: KeptTensors
  let groups: [Group]
  let rule: CostRule
  let formatLimit: Int?
  /// Whether some tensor loses everything whatever it gets.
  let isHopeless: Bool

  /// A problem.
  /// - Parameters:
  ///   - sensitivity: how many times as much a tensor's error counts, by the tensor's id.
  /// - Throws: ``PlanningError`` where the constraints contradict each other.
  public init(
    tensors: [TensorOptions], kept: KeptTensors = KeptTensors(), objective: Objective = .nmse,
    sensitivity: [Int: Double] = [:], constraints: Constraints = Constraints()
  ) throws(PlanningError) {
    self.tensors = tensors
    self.objective = objective
    self.kept = kept
    formatLimit = constraints.formatLimit
    let rule = CostRule(
      objective, tensors, keptSquares: kept.squares, sensitivity: sensitivity)
    self.rule = rule
    var groups: [Group] = []
    groups.reserveCapacity(tensors.count)
    var isHopeless = false
    for members in constraints.groups(of: tensors.map(\.tensor)) {
      var options = try Self.options(of: tensors[members[0]], rule, constraints)
      for member in members.dropFirst() {
        let more = try Self.options(of: tensors[member], rule, constraints)
        options = Self.merged(options, more)
        if options.isEmpty { throw Self.contradiction(members, tensors, rule, constraints) }
      }
      // What loses everything is no option, unless there is no other.
      if options.contains(where: { $0.cost.isFinite }) {
        options.removeAll { !$0.cost.isFinite }
      } else {
        isHopeless = true
        for index in options.indices { options[index].cost = 0 }
      }
      groups.append(Group(members: members, options: options))
    }
    self.groups = groups
    self.isHopeless = isHopeless
    try checkFormatLimit()
  }

  /// All weights of the model.
  public var weights: Int { tensors.reduce(kept.weights) { $0 + $1.tensor.weightCount } }

  private static func options(
    of tensor: TensorOptions, _ rule: CostRule, _ constraints: Constraints
  ) throws(PlanningError) -> [Option] {
    var options: [Option] = []
    options.reserveCapacity(tensor.options.count)
    for option in tensor.options {
      guard constraints.objection(tensor.tensor, option.choice, bytes: option.bytes) == nil
      else { continue }
      options.append(
        Option(
          choice: option.choice, bytes: option.bytes, cost: rule.cost(tensor, option),
          peak: rule.objective == .worst ? rule.peak(tensor, option) : 0))
    }
    guard options.isEmpty else { return options }
    if let pin = constraints.pins[tensor.tensor.id] {
      throw .pinUnavailable(tensor: tensor.tensor.label, choice: pin)
    }
    throw .nothingAllowed(
      tensor: tensor.tensor.label, reason: constraints.rules(for: tensor.tensor.role))
  }

  /// The options that both have, in the order of the first.
  private static func merged(_ first: [Option], _ second: [Option]) -> [Option] {
    var result: [Option] = []
    result.reserveCapacity(first.count)
    for (place, option) in first.enumerated() {
      // Mostly at the same place.
      let other =
        place < second.count && second[place].choice == option.choice
        ? second[place] : second.first { $0.choice == option.choice }
      guard let other else { continue }
      var sum = option
      sum.bytes += other.bytes
      sum.cost += other.cost
      sum.peak = max(sum.peak, other.peak)
      result.append(sum)
    }
    return result
  }

  private static func contradiction(
    _ members: [Int], _ tensors: [TensorOptions], _ rule: CostRule, _ constraints: Constraints
  ) -> PlanningError {
    let pinned = members.compactMap { place in
      constraints.pins[tensors[place].tensor.id].map { (tensors[place].tensor.label, $0) }
    }
    if let first = pinned.first, let other = pinned.first(where: { $0.1 != first.1 }) {
      return .pinsDisagree(first.0, first.1, other.0, other.1)
    }
    // Two that have nothing in common, or the first and the one that took the last away.
    func choices(_ place: Int) -> [Choice] {
      (try? options(of: tensors[place], rule, constraints))?.map(\.choice) ?? []
    }
    let lists = members.map(choices)
    var common = lists.first ?? []
    var culprit = 0
    for (index, list) in lists.enumerated() {
      common.removeAll { !list.contains($0) }
      if common.isEmpty {
        culprit = index
        break
      }
    }
    let opponent = lists.firstIndex { list in !list.contains { lists[culprit].contains($0) } } ?? 0
    return .nothingInCommon(
      count: members.count, tensors[members[opponent]].tensor.label, lists[opponent],
      tensors[members[culprit]].tensor.label, lists[culprit])
  }

  private func checkFormatLimit() throws(PlanningError) {
    guard let formatLimit else { return }
    let fixed = fixedFormats
    if fixed.count > formatLimit { throw .tooManyPinned(limit: formatLimit, formats: fixed) }
  }

  /// The formats that groups with one option have, in order of appearance.
  var fixedFormats: [Choice] {
    var formats: [Choice] = []
    for group in groups where group.options.count == 1 {
      let choice = group.options[0].choice
      if choice != .source, !formats.contains(choice) { formats.append(choice) }
    }
    return formats
  }
}
