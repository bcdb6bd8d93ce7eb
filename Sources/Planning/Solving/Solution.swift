/// A solved plan, with how good it is known to be.
public struct Solution: Sendable, Equatable {
  /// What no plan under the same constraints falls below.
  public enum Bound: Sendable, Equatable {
    /// The error, where the size was given.
    case error(Double)
    /// The size, where the error was given.
    case bytes(Int)
  }

  /// What each of the problem's tensors gets.
  public let choices: [Choice]
  /// Bytes of all tensors, the kept ones too.
  public let bytes: Int
  /// The objective's figure, as a relative error.
  public let error: Double
  /// What no plan falls below.
  public let bound: Bound
  /// By how much, relatively, the plan exceeds the bound at most; 0 if it is the best there is.
  public let gap: Double
  /// Whether no plan is better.
  public let isOptimal: Bool
}

/// What a solver is to keep below, the other figure being made small.
enum Goal: Sendable {
  /// So many bytes for the planned tensors.
  case bytes(Int)
  /// So great a sum of costs.
  case cost(Double)
  /// No tensor worse than this, whatever the sum.
  case peak(Double)
}

extension PlanningProblem {
  /// The plan with the least error that takes at most so many bytes, the kept tensors' included.
  /// - Throws: ``PlanningError`` with the nearest possible budget.
  public func solve(budget bytes: Int) throws(PlanningError) -> Solution {
    try solve(.bytes(bytes - kept.bytes))
  }

  /// The smallest plan whose error, the objective's figure, is at most so great.
  /// - Throws: ``PlanningError`` with the least possible error.
  public func solve(maximumError error: Double) throws(PlanningError) -> Solution {
    if objective == .worst { return try solve(.peak(error)) }
    // What a plan's own error says must be enough for that plan, however its sum was rounded.
    let cost = rule.cost(ofError: error)
    return try solve(.cost(cost + abs(cost) * 1e-12))
  }

  /// The bytes of a budget for a model of this problem's weights.
  public func bytes(of budget: Budget, sourceBytes: Int) -> Int {
    let bytes =
      switch budget {
      case .bytes(let bytes): Double(bytes)
      case .bitsPerWeight(let bits): bits * Double(weights) / 8
      case .share(let share): share * Double(sourceBytes)
      }
    return Int(exactly: min(max(0, bytes), 0x1p62).rounded(.down)) ?? 0
  }

  private func solve(_ goal: Goal) throws(PlanningError) -> Solution {
    if isHopeless, case .bytes = goal {} else if isHopeless { throw unreachable(goal) }
    guard let limit = formatLimit else {
      guard let outcome = outcome(knapsack(for: goal), goal) else { throw unreachable(goal) }
      return solution(outcome, goal)
    }
    let search = FormatSearch(self, goal: goal, limit: limit)
    return solution(try search.run(), goal)
  }

  // MARK: - Knapsacks

  /// What came of a knapsack: labels are places among a group's options.
  struct Outcome {
    var solution: KnapsackSolution
    /// The greatest peak that was to be allowed.
    var peak: Double
  }

  /// The groups as classes, with what the goal bounds as weights.
  func knapsack(for goal: Goal) -> Knapsack {
    var knapsack = Knapsack()
    for group in groups {
      for option in group.options {
        if case .bytes = goal {
          knapsack.add(weight: Double(option.bytes), cost: option.cost)
        } else {
          knapsack.add(weight: option.cost, cost: Double(option.bytes))
        }
      }
      knapsack.endClass()
    }
    return knapsack
  }

  /// Solves a knapsack of this problem for a goal; nil where it can't be reached.
  func outcome(_ knapsack: Knapsack, _ goal: Goal) -> Outcome? {
    switch goal {
    case .bytes(let bytes):
      guard objective == .worst else {
        return knapsack.solve(capacity: Double(bytes)).map { Outcome(solution: $0, peak: 0) }
      }
      guard let peak = leastPeak(knapsack, capacity: Double(bytes)) else { return nil }
      let solution = withPeaks(upTo: peak, knapsack)?.solve(capacity: Double(bytes))
      return solution.map { Outcome(solution: $0, peak: peak) }
    case .cost(let cost):
      return knapsack.solve(capacity: cost).map { Outcome(solution: $0, peak: 0) }
    case .peak(let peak):
      let solution = withPeaks(upTo: peak, knapsack)?.solve(capacity: .infinity)
      return solution.map { Outcome(solution: $0, peak: peak) }
    }
  }

  /// The options whose peak is at most so great; nil where a group has none.
  func withPeaks(upTo peak: Double, _ knapsack: Knapsack) -> Knapsack? {
    knapsack.filtered { groups[$0].options[Int($1.label)].peak <= peak }
  }

  /// The least peak with which a selection fits into the capacity.
  func leastPeak(_ knapsack: Knapsack, capacity: Double) -> Double? {
    var peaks: [Double] = []
    peaks.reserveCapacity(knapsack.options.count)
    for index in 0..<knapsack.classCount {
      for place in knapsack.range(index) {
        peaks.append(groups[index].options[Int(knapsack.options[place].label)].peak)
      }
    }
    func fits(_ limit: Double) -> Bool {
      var weight = 0.0
      for index in 0..<knapsack.classCount {
        guard let place = knapsack.range(index).first(where: { peaks[$0] <= limit }) else {
          return false
        }
        weight += knapsack.options[place].weight
      }
      return weight <= capacity
    }
    let sorted = peaks.sorted()
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if fits(sorted[middle]) { high = middle } else { low = middle + 1 }
    }
    if sorted.isEmpty { return capacity >= 0 ? 0 : nil }
    return low < sorted.count ? sorted[low] : nil
  }

  // MARK: - Results

  private func solution(_ outcome: Outcome, _ goal: Goal) -> Solution {
    let selection = zip(groups, outcome.solution.labels).map { $0.options[$1] }
    var choices = [Choice](repeating: .source, count: tensors.count)
    for (group, option) in zip(groups, selection) {
      for member in group.members { choices[member] = option.choice }
    }
    let bytes = selection.reduce(kept.bytes) { $0 + $1.bytes }
    let error =
      isHopeless
      ? .infinity
      : objective == .worst
        ? selection.map(\.peak).max() ?? 0
        : rule.error(ofCost: selection.reduce(0) { $0 + $1.cost })
    let found = outcome.solution
    let bound: Solution.Bound
    var gap: Double
    if case .bytes = goal {
      let least =
        objective == .worst
        ? min(outcome.peak, error)
        : found.isOptimal ? error : min(error, rule.error(ofCost: found.lowerBound))
      bound = .error(least)
      gap = error > least ? error / least - 1 : 0
      // Among plans whose worst tensor is equal, the sum may be improved yet.
      if objective == .worst, gap == 0, !found.isOptimal {
        gap = max(0, found.cost / found.lowerBound - 1)
      }
    } else {
      let least = Int(exactly: max(0, found.lowerBound - 0.001).rounded(.up)) ?? 0
      let bytesBound = found.isOptimal ? bytes : min(bytes, least + kept.bytes)
      bound = .bytes(bytesBound)
      gap = bytesBound < bytes ? Double(bytes) / Double(max(bytesBound, 1)) - 1 : 0
    }
    return Solution(
      choices: choices, bytes: bytes, error: error, bound: bound, gap: gap,
      isOptimal: found.isOptimal)
  }

  /// The error that says what would be possible.
  /// - Parameter excess: by how much the goal is missed, where not all options may be had.
  func unreachable(_ goal: Goal, excess: Double? = nil) -> PlanningError {
    switch goal {
    case .bytes(let bytes):
      let nearest =
        excess.map { bytes + kept.bytes + Int($0) }
        ?? groups.reduce(kept.bytes) { $0 + ($1.options.map(\.bytes).min() ?? 0) }
      return .budgetTooSmall(bytes: bytes + kept.bytes, nearest: nearest, weights: weights)
    case .cost(let cost):
      let best = groups.compactMap { $0.options.min { $0.cost < $1.cost } }
      let least = excess.map { cost + $0 } ?? best.reduce(0) { $0 + $1.cost }
      let nearest = isHopeless ? .infinity : rule.error(ofCost: least)
      return .errorTooSmall(
        error: rule.error(ofCost: cost), nearest: nearest,
        bytes: best.reduce(kept.bytes) { $0 + $1.bytes })
    case .peak(let peak):
      let best = groups.compactMap { $0.options.min { $0.peak < $1.peak } }
      return .errorTooSmall(
        error: peak, nearest: isHopeless ? .infinity : best.map(\.peak).max() ?? 0,
        bytes: best.reduce(kept.bytes) { $0 + $1.bytes })
    }
  }
}
