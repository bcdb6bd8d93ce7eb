/// The exact search of the multiple-choice knapsack around the relaxation's solution, in the manner of
/// Pisinger's minimal core ("A minimal algorithm for the multiple-choice knapsack problem", 1995).
///
/// All figures are differences from the base: the relaxation's selection before its broken step. At the
/// relaxation's price of weight each option has a reduced cost, from 0 on, by which a selection with it
/// exceeds the bound at least. Options whose reduced cost exceeds the best selection's gap are left out;
/// classes are taken in the order of how cheaply they deviate from the base; the states so far are a list
/// of (weight, cost) without dominated ones, each held against a bound on what the rest can still do.
struct CoreSearch {
  /// An option in place of its class's base.
  private struct Move {
    let place: Int32
    let weight: Double
    let cost: Double
    let reduced: Double
  }

  /// What the moves of the classes taken so far add up to.
  private struct State {
    var weight: Double
    var cost: Double
    /// The last move in `trail`, -1 for none.
    var trail: Int32
    /// The move made last that doesn't stand in `trail` yet, -1 for none.
    var move: Int32
  }

  private struct Branch {
    let classIndex: Int
    let moves: Range<Int>
    /// The cheapest deviation, for each unit of weight more, and less.
    var up = Double.infinity
    var down = Double.infinity
  }

  private let knapsack: Knapsack
  private let chosen: [Int]
  private let slack: Double
  private let price: Double
  private let limits: SearchLimits
  /// A better selection is better by this at least.
  private let costStep: Double
  private let tolerance: Double

  private var moves: [Move] = []
  private var branches: [Branch] = []
  private var trail: [(before: Int32, move: Int32)] = []
  private var states: [State] = []
  private var shifted: [State] = []
  private var merged: [State] = []
  private var scratch: [State] = []

  /// The best selection's cost against the base, and how it is reached.
  private var best = 0.0
  private var bestTrail: (before: Int32, move: Int32) = (-1, -1)
  private var startMoves: [(classIndex: Int, place: Int)] = []
  private var isFromStart = true

  /// - Parameters:
  ///   - chosen: the base, as a place among the options for each class.
  ///   - slack: the capacity that it leaves.
  ///   - price: the relaxation's price of a unit of weight, for which the base is a least-cost selection.
  init(
    _ knapsack: Knapsack, chosen: [Int], slack: Double, price: Double, limits: SearchLimits
  ) {
    self.knapsack = knapsack
    self.chosen = chosen
    self.slack = slack
    self.price = price
    self.limits = limits
    costStep = knapsack.commonStep(of: .cost) ?? 0
    // The sums' rounding: smaller differences aren't worth a search.
    let scale = chosen.reduce(0) { $0 + abs(knapsack.options[$1].cost) } + price * slack
    tolerance = scale * 1e-13
  }

  /// States whose bound isn't below this can't lead to anything better. Bounds are measured from the
  /// relaxation's bound.
  private var threshold: Double {
    let gap = best + price * slack
    return costStep > 0 ? gap - costStep * 0.999 : gap - tolerance
  }

  // MARK: - A selection to start from

  /// Tries each single move from the base, and from the base with the broken step.
  mutating func start(from broken: Knapsack.Step) {
    let options = knapsack.options
    let (from, to) = (options[Int(broken.from)], options[Int(broken.to)])
    let stepped = (weight: to.weight - from.weight, cost: to.cost - from.cost)
    for index in 0..<knapsack.classCount {
      let base = options[chosen[index]]
      for place in knapsack.range(index) {
        let weight = options[place].weight - base.weight
        let cost = options[place].cost - base.cost
        if weight <= slack, cost < best {
          best = cost
          startMoves = [(index, place)]
        }
        if index != Int(broken.classIndex), weight + stepped.weight <= slack,
          cost + stepped.cost < best
        {
          best = cost + stepped.cost
          startMoves = [(Int(broken.classIndex), Int(broken.to)), (index, place)]
        }
      }
    }
  }

  /// The moves from the base to the best selection found.
  func bestMoves() -> [(classIndex: Int, place: Int)] {
    if isFromStart { return startMoves }
    var result: [(classIndex: Int, place: Int)] = []
    var (before, move) = bestTrail
    while move >= 0 {
      result.append((classIndex(of: Int(move)), Int(moves[Int(move)].place)))
      guard before >= 0 else { break }
      (before, move) = trail[Int(before)]
    }
    return result
  }

  private func classIndex(of move: Int) -> Int {
    branches.first { $0.moves.contains(move) }?.classIndex ?? 0
  }

  // MARK: - The search

  /// Searches.
  /// - Returns: how far the best selection may be from the optimum; 0 where it is one.
  mutating func run() -> Double {
    guard threshold > 0 else { return 0 }
    collectMoves()
    states = [State(weight: 0, cost: 0, trail: -1, move: -1)]
    var dropped = Double.infinity
    var made = 0
    // What the classes from each one on can still do.
    var rest = branches
    for index in branches.indices.reversed().dropFirst() {
      rest[index].up = min(rest[index].up, rest[index + 1].up)
      rest[index].down = min(rest[index].down, rest[index + 1].down)
    }
    for index in branches.indices {
      let after = index + 1 < rest.count ? rest[index + 1] : Branch(classIndex: 0, moves: 0..<0)
      expand(branches[index], after)
      made += states.count
      if states.isEmpty { break }
      if made > limits.total {
        for state in states { dropped = min(dropped, bound(of: state, after)) }
        break
      }
      // The later classes get their share of the states too.
      let share = 4 * (limits.total - made) / (branches.count - index)
      let width = min(limits.width, max(limits.least, share))
      if states.count > width { dropped = min(dropped, narrow(to: width, after)) }
      recordMoves()
    }
    // Nothing that was dropped can be better than its bound.
    let gap = best + price * slack
    return dropped < threshold ? max(0, gap - dropped) : 0
  }

  private mutating func collectMoves() {
    let options = knapsack.options
    let limit = threshold
    for index in 0..<knapsack.classCount {
      let base = options[chosen[index]]
      let start = moves.count
      var branch = Branch(classIndex: index, moves: 0..<0)
      var least = Double.infinity
      for place in knapsack.range(index) {
        let option = options[place]
        guard option.cost < least else { continue }
        least = option.cost
        guard place != chosen[index] else { continue }
        let (weight, cost) = (option.weight - base.weight, option.cost - base.cost)
        let reduced = max(0, cost + price * weight)
        guard reduced < limit else { continue }
        moves.append(Move(place: Int32(place), weight: weight, cost: cost, reduced: reduced))
        if weight > 0 {
          branch.up = min(branch.up, reduced / weight)
        } else {
          branch.down = min(branch.down, reduced / -weight)
        }
      }
      guard moves.count > start else { continue }
      branches.append(
        Branch(
          classIndex: index, moves: start..<moves.count, up: branch.up, down: branch.down))
    }
    branches.sort { a, b in
      let (first, second) = (min(a.up, a.down), min(b.up, b.down))
      return first == second ? a.classIndex < b.classIndex : first < second
    }
  }

  /// What a state exceeds the relaxation's bound by at least, whatever the rest does.
  @inline(__always)
  private func bound(weight: Double, cost: Double, _ rest: Branch) -> Double {
    let reduced = cost + price * weight
    let left = slack - weight
    // Room is filled by moves up, or paid for; overweight is worked off by moves down.
    return left >= 0
      ? (left == 0 ? reduced : reduced + left * min(price, rest.up)) : reduced - left * rest.down
  }

  private func bound(of state: State, _ rest: Branch) -> Double {
    bound(weight: state.weight, cost: state.cost, rest)
  }

  /// Takes a class: each state stays at the base or makes one of the moves.
  private mutating func expand(_ branch: Branch, _ rest: Branch) {
    var limit = threshold
    merged.removeAll(keepingCapacity: true)
    for state in states where bound(of: state, rest) < limit { merged.append(state) }
    for index in branch.moves where moves[index].reduced < limit {
      let move = moves[index]
      shifted.removeAll(keepingCapacity: true)
      for state in states {
        let weight = state.weight + move.weight
        let cost = state.cost + move.cost
        guard bound(weight: weight, cost: cost, rest) < limit else { continue }
        shifted.append(State(weight: weight, cost: cost, trail: state.trail, move: Int32(index)))
        if weight <= slack, cost < best {
          best = cost
          bestTrail = (state.trail, Int32(index))
          isFromStart = false
          limit = threshold
        }
      }
      if !shifted.isEmpty { mergeShifted() }
    }
    swap(&states, &merged)
  }

  /// Merges `shifted` into `merged`: both by weight, with falling costs.
  private mutating func mergeShifted() {
    if merged.isEmpty {
      swap(&merged, &shifted)
      return
    }
    scratch.removeAll(keepingCapacity: true)
    scratch.reserveCapacity(merged.count + shifted.count)
    var (left, right) = (0, 0)
    var least = Double.infinity
    while left < merged.count || right < shifted.count {
      let takesLeft: Bool
      if right == shifted.count {
        takesLeft = true
      } else if left == merged.count {
        takesLeft = false
      } else {
        let (a, b) = (merged[left], shifted[right])
        takesLeft = a.weight < b.weight || a.weight == b.weight && a.cost <= b.cost
      }
      let state = takesLeft ? merged[left] : shifted[right]
      if takesLeft { left += 1 } else { right += 1 }
      if state.cost < least {
        least = state.cost
        scratch.append(state)
      }
    }
    swap(&merged, &scratch)
  }

  /// Keeps the most promising states only.
  /// - Returns: the least bound of those dropped.
  private mutating func narrow(to width: Int, _ rest: Branch) -> Double {
    let bounds = states.map { bound(of: $0, rest) }
    let limit = bounds.sorted()[width]
    var ties = width - bounds.count { $0 < limit }
    var kept: [State] = []
    for (state, bound) in zip(states, bounds) {
      if bound == limit { ties -= 1 }
      if bound < limit || bound == limit && ties >= 0 { kept.append(state) }
    }
    states = kept
    return limit
  }

  private mutating func recordMoves() {
    for index in states.indices where states[index].move >= 0 {
      trail.append((states[index].trail, states[index].move))
      states[index].trail = Int32(trail.count - 1)
      states[index].move = -1
    }
  }
}
