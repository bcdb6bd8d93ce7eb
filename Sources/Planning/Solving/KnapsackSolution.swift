/// A selection of one option of each class.
struct KnapsackSolution: Sendable {
  /// The label of each class's option.
  let labels: [Int]
  let weight: Double
  let cost: Double
  /// No selection within the capacity costs less than this.
  let lowerBound: Double
  /// Whether no selection within the capacity costs less.
  let isOptimal: Bool
}

/// How long the exact search may go on.
struct SearchLimits: Sendable {
  /// The most states kept from one class to the next.
  var width = 1 << 15
  /// So many are kept however many classes there are.
  var least = 1 << 10
  /// The most states made in all.
  var total = 6_000_000
}

extension Knapsack {
  /// The best selection within a capacity; nil where even the lightest one is too heavy.
  ///
  /// The relaxation, in which classes may be split, is solved on the convex hulls: it gives a lower
  /// bound, the price of a unit of weight, and a selection to start from. `CoreSearch` improves that.
  func solve(capacity: Double, limits: SearchLimits = SearchLimits()) -> KnapsackSolution? {
    let hulls = hulls()
    var chosen = (0..<classCount).map { hulls.places[hulls.range($0).lowerBound] }
    let lightest = sum(chosen, .weight)
    guard lightest <= capacity else { return nil }
    var capacity = capacity
    if let step = commonStep(of: .weight) {
      capacity = lightest + ((capacity - lightest) / step).rounded(.down) * step
    }
    var weight = lightest
    var broken: Step?
    for step in steps(on: hulls) {
      let more = options[Int(step.to)].weight - options[Int(step.from)].weight
      guard weight + more <= capacity else {
        broken = step
        break
      }
      weight += more
      chosen[Int(step.classIndex)] = Int(step.to)
    }
    guard let broken else { return solution(chosen) }
    var search = CoreSearch(
      self, chosen: chosen, slack: capacity - weight, price: broken.slope, limits: limits)
    search.start(from: broken)
    let gap = search.run()
    for (index, place) in search.bestMoves() { chosen[index] = place }
    return solution(chosen, gap: gap)
  }

  /// The lower bound that the relaxation gives; nil where even the lightest selection is too heavy.
  func relaxedCost(capacity: Double) -> Double? {
    let hulls = hulls()
    var weight = 0.0
    var cost = 0.0
    for index in 0..<classCount {
      let option = options[hulls.places[hulls.range(index).lowerBound]]
      weight += option.weight
      cost += option.cost
    }
    guard weight <= capacity else { return nil }
    for step in steps(on: hulls) {
      let (from, to) = (options[Int(step.from)], options[Int(step.to)])
      if weight + (to.weight - from.weight) > capacity {
        return cost - step.slope * (capacity - weight)
      }
      weight += to.weight - from.weight
      cost += to.cost - from.cost
    }
    return cost
  }

  func sum(_ chosen: [Int], _ figure: Figure) -> Double {
    chosen.reduce(0) { $0 + (figure == .weight ? options[$1].weight : options[$1].cost) }
  }

  private func solution(_ chosen: [Int], gap: Double = 0) -> KnapsackSolution {
    let cost = sum(chosen, .cost)
    return KnapsackSolution(
      labels: chosen.map { Int(options[$0].label) }, weight: sum(chosen, .weight), cost: cost,
      lowerBound: cost - gap, isOptimal: gap == 0)
  }
}
