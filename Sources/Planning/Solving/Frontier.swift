/// The whole curve of size against error: the plans on the convex hull, from the fewest bytes to the least
/// error, each one step of one tensor (or of tensors that share a format) from the one before.
///
/// Each vertex is the best plan of its size. Under the objective `worst` the curve is that of the worst
/// tensor's error. A limit on the number of formats isn't taken into account.
public struct Frontier: Sendable {
  /// A plan on the curve.
  public struct Vertex: Sendable, Equatable {
    /// Bytes of all tensors, the kept ones too.
    public let bytes: Int
    /// The objective's figure, as a relative error.
    public let error: Double
  }

  /// The plans, by bytes.
  public let vertices: [Vertex]
  /// The steps between them: one fewer.
  public let moves: [Move]
  private let start: [Choice]

  /// What each of the problem's tensors gets at a vertex; the nearest one where there is none such.
  public func choices(at index: Int) -> [Choice] {
    var choices = start
    for move in moves.prefix(max(0, index)) {
      for tensor in move.places { choices[tensor] = move.to }
    }
    return choices
  }

  /// The last vertex that takes at most so many bytes; nil where all take more.
  public func index(within bytes: Int) -> Int? {
    var (low, high) = (0, vertices.count)
    while low < high {
      let middle = (low + high) / 2
      if vertices[middle].bytes <= bytes { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : low - 1
  }

  init(_ problem: PlanningProblem) {
    let steps = problem.objective == .worst ? problem.peakSteps() : problem.hullSteps()
    var current = steps.start
    var choices = [Choice](repeating: .source, count: problem.tensors.count)
    for (group, option) in zip(problem.groups, current) {
      for member in group.members { choices[member] = group.options[option].choice }
    }
    start = choices
    var bytes = problem.kept.bytes
    for (group, option) in zip(problem.groups, current) { bytes += group.options[option].bytes }
    var sizes = [bytes]
    var moves: [Move] = []
    sizes.reserveCapacity(steps.steps.count + 1)
    moves.reserveCapacity(steps.steps.count)
    for step in steps.steps {
      let move = problem.move(group: step.group, from: current[step.group], to: step.option)
      current[step.group] = step.option
      bytes += move.bytes
      sizes.append(bytes)
      moves.append(move)
    }
    // From the end: errors that are added to the least one keep their digits, those that are taken from the
    // greatest one don't.
    var cost = zip(problem.groups, current).reduce(0) { $0 + $1.0.options[$1.1].cost }
    var costs = [cost]
    for move in moves.reversed() {
      cost -= move.cost
      costs.append(cost)
    }
    let peaks = steps.steps.map(\.peak) + [steps.lastPeak]
    let vertices = zip(zip(sizes, costs.reversed()), peaks).map { vertex, peak in
      let error =
        problem.isHopeless
        ? .infinity
        : problem.objective == .worst ? peak : problem.rule.error(ofCost: vertex.1)
      return Vertex(bytes: vertex.0, error: error)
    }
    self.vertices = vertices
    self.moves = moves
  }
}

/// A change of what one tensor gets, or tensors that share a format.
public struct Move: Sendable, Equatable {
  /// The places of the tensors in the problem's list.
  public let places: [Int]
  /// What they have.
  public let from: Choice
  /// What they would get.
  public let to: Choice
  /// The bytes that it takes more; negative where it saves some.
  public let bytes: Int
  /// The cost that it adds; negative where the error falls. A relative error is the sum of costs, divided by
  /// what the objective says.
  public let cost: Double

  /// What a byte costs that it saves, or brings that it takes.
  public var costPerByte: Double { bytes == 0 ? 0 : -cost / Double(bytes) }
}

extension PlanningProblem {
  /// The curve of size against error.
  public func frontier() -> Frontier { Frontier(self) }

  /// What to give up next: for each tensor (or those that share a format) the step down that costs the
  /// least for each byte that it saves, the cheapest first.
  /// - Parameter choices: what each tensor has now.
  public func savings(from choices: [Choice]) -> [Move] {
    moves(from: choices) {
      $0.bytes < 0
    } isBetter: {
      $0.costPerByte < $1.costPerByte
    }
  }

  /// The best use of more bytes: for each tensor (or those that share a format) the step up within them that
  /// brings the most for each byte, the best first.
  public func improvements(from choices: [Choice], within bytes: Int) -> [Move] {
    moves(from: choices) {
      $0.cost < 0 && $0.bytes > 0 && $0.bytes <= bytes
    } isBetter: {
      $0.costPerByte > $1.costPerByte
    }
  }

  private func moves(
    from choices: [Choice], where isWanted: (Move) -> Bool, isBetter: (Move, Move) -> Bool
  ) -> [Move] {
    var found: [Move] = []
    for group in groups {
      guard let current = current(group, choices) else { continue }
      var best: Move?
      for option in group.options where option.choice != choices[group.members[0]] {
        let move = Move(
          places: group.members, from: choices[group.members[0]], to: option.choice,
          bytes: option.bytes - current.bytes, cost: option.cost - current.cost)
        if isWanted(move), best.map({ isBetter(move, $0) }) ?? true { best = move }
      }
      if let best { found.append(best) }
    }
    return found.enumerated().sorted { a, b in
      if isBetter(a.element, b.element) { return true }
      return !isBetter(b.element, a.element) && a.offset < b.offset
    }.map(\.element)
  }

  /// What a group takes and costs now, even where its tensors differ; nil where one has what isn't among
  /// its options.
  private func current(_ group: Group, _ choices: [Choice]) -> (bytes: Int, cost: Double)? {
    var sum = (bytes: 0, cost: 0.0)
    for member in group.members {
      let tensor = tensors[member]
      guard let option = tensor.options.first(where: { $0.choice == choices[member] }) else {
        return nil
      }
      sum.bytes += option.bytes
      sum.cost += rule.cost(tensor, option)
    }
    return sum
  }

  // MARK: - Steps along the frontier

  fileprivate struct Steps {
    /// Each group's option at the beginning.
    var start: [Int]
    var steps: [(group: Int, option: Int, peak: Double)] = []
    var lastPeak = 0.0
  }

  fileprivate func move(group index: Int, from: Int, to: Int) -> Move {
    let group = groups[index]
    let (old, new) = (group.options[from], group.options[to])
    return Move(
      places: group.members, from: old.choice, to: new.choice, bytes: new.bytes - old.bytes,
      cost: new.cost - old.cost)
  }

  fileprivate func hullSteps() -> Steps {
    let knapsack = knapsack(for: .bytes(0))
    let hulls = knapsack.hulls()
    var steps = Steps(
      start: (0..<knapsack.classCount).map {
        Int(knapsack.options[hulls.places[hulls.range($0).lowerBound]].label)
      })
    steps.steps = knapsack.steps(on: hulls).map {
      (Int($0.classIndex), Int(knapsack.options[Int($0.to)].label), 0)
    }
    return steps
  }

  /// The worst tensor takes its next step, again and again.
  fileprivate func peakSteps() -> Steps {
    var start: [Int] = []
    var steps: [(group: Int, option: Int, peak: Double)] = []
    var lastPeak = 0.0
    for (index, group) in groups.enumerated() {
      let order = group.options.indices.sorted { a, b in
        let (first, second) = (group.options[a], group.options[b])
        return (first.bytes, first.peak, a) < (second.bytes, second.peak, b)
      }
      var last = order[0]
      start.append(last)
      for option in order where group.options[option].peak < group.options[last].peak {
        steps.append((index, option, group.options[last].peak))
        last = option
      }
      lastPeak = max(lastPeak, group.options[last].peak)
    }
    // Once a tensor can't be improved any more, the worst error stays, and more bytes bring nothing.
    let useful = steps.filter { $0.peak > lastPeak }
    let sorted = useful.enumerated().sorted { a, b in
      a.element.peak == b.element.peak
        ? a.offset < b.offset : a.element.peak > b.element.peak
    }.map(\.element)
    return Steps(start: start, steps: sorted, lastPeak: lastPeak)
  }
}
