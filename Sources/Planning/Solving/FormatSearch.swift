/// Looks for the set of at most K formats with the best plan.
///
/// Formats that another one beats everywhere, in size and in error, are left out. Each set of the others is
/// judged by its relaxation first. Where the sets are few, all are looked at and the answer is
/// proven; else the set grows by the format that helps most, then single formats are exchanged as long as
/// that helps, and the bound is the one of the problem without the limit.
struct FormatSearch {
  private let problem: PlanningProblem
  private let goal: Goal
  private let limit: Int
  private let knapsack: Knapsack
  /// The formats that may be chosen from, and those that are in every set, by number.
  private let free: [Int]
  private let fixed: Set<Int>
  /// How many formats there are.
  private let count: Int
  /// The number of each group's options' formats; nil for the source.
  private let numbers: [[Int?]]

  /// More sets than this aren't all looked at.
  private static let mostSets = 5_000

  /// How good a set is at best: how many groups it has nothing for, how much it misses the goal by, then
  /// what it costs. Less is better.
  private struct Value: Comparable {
    var missing = Int.max
    var excess = Double.infinity
    var peak = Double.infinity
    var cost = Double.infinity

    static func < (a: Value, b: Value) -> Bool {
      (a.missing, a.excess, a.peak, a.cost) < (b.missing, b.excess, b.peak, b.cost)
    }
  }

  init(_ problem: PlanningProblem, goal: Goal, limit: Int) {
    self.problem = problem
    self.goal = goal
    self.limit = limit
    knapsack = problem.knapsack(for: goal)
    var known: [Choice: Int] = [:]
    numbers = problem.groups.map { group in
      group.options.map { option in
        guard option.choice != .source else { return nil }
        if let number = known[option.choice] { return number }
        known[option.choice] = known.count
        return known.count - 1
      }
    }
    let fixed = Set(problem.fixedFormats.compactMap { known[$0] })
    self.fixed = fixed
    let beaten = Self.beaten(problem.groups, numbers, count: known.count)
    count = known.count
    free = (0..<known.count).filter { !fixed.contains($0) && !beaten[$0] }
  }

  /// The formats for which another one can always stand in: it is open to all groups that they are open to,
  /// and takes and costs no more.
  private static func beaten(
    _ groups: [PlanningProblem.Group], _ numbers: [[Int?]], count: Int
  ) -> [Bool] {
    var options = [[PlanningProblem.Option?]](
      repeating: [PlanningProblem.Option?](repeating: nil, count: groups.count), count: count)
    for (index, group) in groups.enumerated() {
      for (option, number) in zip(group.options, numbers[index]) {
        if let number { options[number][index] = option }
      }
    }
    var beaten = [Bool](repeating: false, count: count)
    for loser in 0..<count {
      // One that is beaten itself has a winner that beats this one as well.
      beaten[loser] = (0..<count).contains { winner in
        winner != loser && !beaten[winner]
          && zip(options[loser], options[winner]).allSatisfy { lost, won in
            guard let lost else { return true }
            guard let won else { return false }
            return won.bytes <= lost.bytes && won.cost <= lost.cost && won.peak <= lost.peak
          }
      }
    }
    return beaten
  }

  func run() throws(PlanningError) -> PlanningProblem.Outcome {
    let size = min(limit - fixed.count, free.count)
    if size == free.count {
      guard let restricted = restricted(to: free), let outcome = problem.outcome(restricted, goal)
      else { throw unreachable(value(of: free)) }
      return outcome
    }
    if let sets = allSets(of: size) { return try best(of: sets) }
    var set = grown(to: size)
    exchange(&set)
    guard let restricted = restricted(to: set), let outcome = problem.outcome(restricted, goal)
    else { throw unreachable(value(of: set)) }
    return withOpenBound(outcome)
  }

  // MARK: - Sets

  private func membership(_ set: [Int]) -> [Bool] {
    var isIn = [Bool](repeating: false, count: count)
    for number in fixed { isIn[number] = true }
    for number in set { isIn[number] = true }
    return isIn
  }

  private func restricted(to set: [Int]) -> Knapsack? {
    let isIn = membership(set)
    return knapsack.filtered { index, option in
      numbers[index][Int(option.label)].map { isIn[$0] } ?? true
    }
  }

  /// How many groups have nothing in a set.
  private func missing(_ set: [Int]) -> Int {
    let isIn = membership(set)
    return numbers.count { group in !group.contains { number in number.map { isIn[$0] } ?? true } }
  }

  private func value(of set: [Int]) -> Value {
    guard let knapsack = restricted(to: set) else { return Value(missing: missing(set)) }
    func lightest(_ knapsack: Knapsack) -> Double {
      (0..<knapsack.classCount).reduce(0) {
        $0 + knapsack.options[knapsack.range($1).lowerBound].weight
      }
    }
    switch goal {
    case .bytes(let bytes):
      let capacity = Double(bytes)
      guard problem.objective == .worst else {
        guard let cost = knapsack.relaxedCost(capacity: capacity) else {
          return Value(missing: 0, excess: lightest(knapsack) - capacity)
        }
        return Value(missing: 0, excess: 0, peak: 0, cost: cost)
      }
      guard let peak = problem.leastPeak(knapsack, capacity: capacity),
        let cost = problem.withPeaks(upTo: peak, knapsack)?.relaxedCost(capacity: capacity)
      else { return Value(missing: 0, excess: lightest(knapsack) - capacity) }
      return Value(missing: 0, excess: 0, peak: peak, cost: cost)
    case .cost(let capacity):
      guard let cost = knapsack.relaxedCost(capacity: capacity) else {
        return Value(missing: 0, excess: lightest(knapsack) - capacity)
      }
      return Value(missing: 0, excess: 0, peak: 0, cost: cost)
    case .peak(let peak):
      guard let cost = problem.withPeaks(upTo: peak, knapsack)?.relaxedCost(capacity: .infinity)
      else { return Value(missing: 0) }
      return Value(missing: 0, excess: 0, peak: 0, cost: cost)
    }
  }

  /// All sets of so many free formats; nil if they are too many.
  private func allSets(of size: Int) -> [[Int]]? {
    var count = 1
    for index in 0..<size {
      count = count * (free.count - index) / (index + 1)
      if count > Self.mostSets { return nil }
    }
    var sets: [[Int]] = [[]]
    for number in free {
      sets += sets.filter { $0.count < size }.map { $0 + [number] }
    }
    return sets.filter { $0.count == size }
  }

  /// Solves set after set, the most promising first, until no other can be better.
  private func best(of sets: [[Int]]) throws(PlanningError) -> PlanningProblem.Outcome {
    let valued = sets.map { (set: $0, value: value(of: $0)) }.enumerated().sorted { a, b in
      a.element.value == b.element.value
        ? a.offset < b.offset : a.element.value < b.element.value
    }.map(\.element)
    var best: (outcome: PlanningProblem.Outcome, value: Value)?
    var bound = Value()
    for (set, value) in valued where value.excess <= 0 {
      if let best, value >= best.value { break }
      guard let knapsack = restricted(to: set), let outcome = problem.outcome(knapsack, goal)
      else { continue }
      let peak = isWorst ? outcome.peak : 0
      let found = Value(missing: 0, excess: 0, peak: peak, cost: outcome.solution.cost)
      bound = min(
        bound, Value(missing: 0, excess: 0, peak: peak, cost: outcome.solution.lowerBound))
      if best.map({ found < $0.value }) ?? true { best = (outcome, found) }
    }
    guard let best else { throw unreachable(valued.first?.value ?? Value()) }
    let solution = best.outcome.solution
    // Other sets' bounds count only where their search wasn't ended.
    let lowest = bound.peak < best.outcome.peak ? solution.lowerBound : bound.cost
    let isOptimal = lowest >= solution.cost
    return PlanningProblem.Outcome(
      solution: KnapsackSolution(
        labels: solution.labels, weight: solution.weight, cost: solution.cost,
        lowerBound: min(lowest, solution.cost), isOptimal: isOptimal), peak: best.outcome.peak)
  }

  private var isWorst: Bool {
    if case .bytes = goal { problem.objective == .worst } else { false }
  }

  // MARK: - Searching

  private func grown(to size: Int) -> [Int] {
    var set: [Int] = []
    while set.count < size {
      let rest = free.filter { !set.contains($0) }
      let values = rest.map { (number: $0, value: value(of: set + [$0])) }
      guard let next = values.min(by: { $0.value < $1.value }) else { break }
      set.append(next.number)
    }
    return set
  }

  /// Exchanges one format for another as long as that helps.
  private func exchange(_ set: inout [Int]) {
    var best = value(of: set)
    var isBetter = true
    while isBetter {
      isBetter = false
      for place in set.indices {
        for number in free where !set.contains(number) {
          var other = set
          other[place] = number
          let found = value(of: other)
          if found < best {
            (best, set, isBetter) = (found, other, true)
          }
        }
      }
    }
  }

  /// The outcome with the bound of the problem without the limit.
  private func withOpenBound(_ outcome: PlanningProblem.Outcome) -> PlanningProblem.Outcome {
    guard let open = problem.outcome(knapsack, goal) else { return outcome }
    let solution = outcome.solution
    let isOptimal =
      solution.isOptimal && solution.cost <= open.solution.lowerBound
      && outcome.peak <= open.peak
    return PlanningProblem.Outcome(
      solution: KnapsackSolution(
        labels: solution.labels, weight: solution.weight, cost: solution.cost,
        lowerBound: min(open.solution.lowerBound, solution.cost), isOptimal: isOptimal),
      peak: open.peak)
  }

  private func unreachable(_ value: Value) -> PlanningError {
    guard value.excess.isFinite else { return .tooFewFormats(limit: limit) }
    return problem.unreachable(goal, excess: value.excess)
  }
}
