import ModelFiles
import Planning
import Quantization
import SampleSupport
import Testing

/// Small instances, held against trying everything.
struct SolverTests {
  static let choices: [Choice] = {
    let names = ["q8_0", "q6_K", "q5_K", "q4_K", "q3_K", "q2_K"]
    return [.source] + names.compactMap { try? Format(parsing: $0) }.map { .format($0) }
  }()
  static let parts = [
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj",
    "mlp.up_proj", "mlp.down_proj",
  ]

  struct Instance {
    var tensors: [TensorOptions] = []
    var constraints = Constraints()
    var objective = Objective.nmse
    var generator: SeededGenerator

    /// - Parameter options: the most options of a tensor.
    init(seed: UInt64, tensors count: Int, options most: Int) {
      generator = SeededGenerator(seed: seed)
      for index in 0..<count {
        let tensor = Tensor(
          id: index, name: "model.layers.\(index / 7).\(parts[index % 7]).weight",
          shape: [64, 64], source: .bf16)
        let isCoarse = below(3) == 0
        var options: [TensorOptions.Option] = []
        for choice in choices.prefix(max(2, most - below(2))) {
          // Any bytes will do, dominated options too.
          let bytes = isCoarse ? 64 * (1 + below(8)) : 1 + below(1000)
          let error = isCoarse ? Double(below(5)) : Double(below(1_000_000)) / 1000
          options.append(
            .init(
              choice: choice, bytes: bytes, squaredError: error, weightedError: error * 2))
        }
        tensors.append(
          TensorOptions(
            tensor: tensor, squares: 100, weightedSquares: index % 3 == 0 ? nil : 150,
            options: options))
      }
    }

    mutating func below(_ count: Int) -> Int { Int(generator.next() % UInt64(count)) }

    mutating func addConstraints() {
      let count = tensors.count
      if below(2) == 0 { constraints.together = [.attention] }
      if below(3) == 0 { constraints.together.insert(.gateUp) }
      if below(3) == 0 { constraints.uniform = [.attentionOutput] }
      if below(3) == 0 { constraints.sharing = [[0, count - 1]] }
      if below(3) == 0 { constraints.pins[below(count)] = choices[below(2)] }
      if below(3) == 0 { constraints.allowed[.attentionV] = [choices[0], choices[1]] }
      if below(3) == 0 { constraints.atLeast[.ffnUp] = .bits(0.2) }
      if below(4) == 0 { constraints.formatLimit = 1 + below(3) }
      objective = Objective.allCases[below(4)]
    }

    // MARK: - Everything, in the plainest way

    func isAllowed(_ chosen: [TensorOptions.Option]) -> Bool {
      for (option, tensor) in zip(chosen, tensors.map(\.tensor)) {
        if let pin = constraints.pins[tensor.id] {
          if pin != option.choice { return false }
          continue
        }
        if let list = constraints.allowed[tensor.role], !list.contains(option.choice) {
          return false
        }
        if case .bits(let bits) = constraints.atLeast[tensor.role],
          Double(option.bytes) * 8 / 4096 < bits
        {
          return false
        }
      }
      var sets = constraints.sharing
      func ids(_ roles: Role..., block: Int?) -> [Int] {
        tensors.map(\.tensor).filter {
          roles.contains($0.role) && (block == nil || $0.block == block)
        }.map(\.id)
      }
      for block in 0...1 {
        if constraints.together.contains(.attention) {
          sets.append(ids(.attentionQ, .attentionK, .attentionV, block: block))
        }
        if constraints.together.contains(.gateUp) {
          sets.append(ids(.ffnGate, .ffnUp, block: block))
        }
      }
      for role in constraints.uniform { sets.append(ids(role, block: nil)) }
      for set in sets where Set(set.map { chosen[$0].choice }).count > 1 { return false }
      if let limit = constraints.formatLimit {
        return Set(chosen.map(\.choice)).subtracting([.source]).count <= limit
      }
      return true
    }

    /// The figures that plans are compared by, the first one first.
    func figures(_ chosen: [TensorOptions.Option]) -> (Double, Double) {
      let squared = chosen.reduce(0) { $0 + $1.squaredError }
      switch objective {
      case .nmse, .divergence: return (squared, 0)
      case .weighted:
        let mean = tensors.contains { $0.weightedSquares != nil } ? 1.5 : 1
        return (
          zip(chosen, tensors).reduce(0) {
            $0 + ($1.1.weightedSquares == nil ? $1.0.squaredError * mean : $1.0.weightedError ?? 0)
          }, 0
        )
      case .log:
        return (chosen.reduce(0) { $0 + naturalLog(max($1.squaredError / 100, 1e-6)) }, 0)
      case .worst: return (chosen.map { $0.squaredError / 100 }.max() ?? 0, squared)
      }
    }

    func best(budget: Int) -> (Double, Double)? {
      var best: (Double, Double)?
      forEach { chosen, bytes in
        guard bytes <= budget, isAllowed(chosen) else { return }
        let figures = figures(chosen)
        if best.map({ figures < $0 }) ?? true { best = figures }
      }
      return best
    }

    func smallest(error: Double) -> Int? {
      var best: Int?
      forEach { chosen, bytes in
        guard bytes < best ?? .max, figures(chosen).0 <= error, isAllowed(chosen) else { return }
        best = bytes
      }
      return best
    }

    private func forEach(_ body: ([TensorOptions.Option], Int) -> Void) {
      var digits = [Int](repeating: 0, count: tensors.count)
      while true {
        let chosen = zip(tensors, digits).map { $0.options[$1] }
        body(chosen, chosen.reduce(0) { $0 + $1.bytes })
        var place = 0
        while place < digits.count {
          digits[place] += 1
          if digits[place] < tensors[place].options.count { break }
          digits[place] = 0
          place += 1
        }
        if place == digits.count { return }
      }
    }

    func chosen(_ solution: Solution) throws -> [TensorOptions.Option] {
      try zip(tensors, solution.choices).map { tensor, choice in
        try #require(tensor.options.first { $0.choice == choice })
      }
    }
  }

  @Test func findsTheOptimumWithoutConstraints() throws {
    for seed in 0..<1000 as Range<UInt64> {
      var instance = Instance(seed: seed, tensors: 2 + Int(seed % 5), options: 4)
      try check(&instance, "\(seed)")
    }
  }

  @Test func findsTheOptimumWithConstraints() throws {
    var solved = 0
    for seed in 1000..<3400 as Range<UInt64> {
      // Six tensors reach to gate and up; four options make sets of formats.
      let isWide = seed % 2 == 0
      var instance = Instance(seed: seed, tensors: isWide ? 6 : 5, options: isWide ? 3 : 4)
      instance.addConstraints()
      if try check(&instance, "\(seed)") { solved += 1 }
    }
    #expect(solved > 1_000)
  }

  /// - Returns: whether there was a plan.
  @discardableResult
  private func check(_ instance: inout Instance, _ comment: Comment) throws -> Bool {
    let sizes = instance.tensors.map { $0.options.map(\.bytes) }
    let most = sizes.reduce(0) { $0 + ($1.max() ?? 0) }
    let budget = most / 8 + instance.below(most)
    let expected = instance.best(budget: budget)
    let problem: PlanningProblem
    do {
      problem = try PlanningProblem(
        tensors: instance.tensors, objective: instance.objective,
        constraints: instance.constraints)
    } catch {
      #expect(expected == nil, comment)
      return false
    }
    guard let expected else {
      #expect(throws: PlanningError.self, comment) { try problem.solve(budget: budget) }
      return false
    }
    let solution = try problem.solve(budget: budget)
    let chosen = try instance.chosen(solution)
    #expect(instance.isAllowed(chosen), comment)
    #expect(chosen.reduce(0) { $0 + $1.bytes } == solution.bytes, comment)
    #expect(solution.bytes <= budget && solution.isOptimal && solution.gap == 0, comment)
    let found = instance.figures(chosen)
    let tolerance = 1e-9
    #expect(abs(found.0 - expected.0) <= tolerance * max(1, abs(expected.0)), comment)
    #expect(abs(found.1 - expected.1) <= tolerance * max(1, abs(expected.1)), comment)
    #expect(try problem.solve(budget: budget) == solution, comment)

    // The reverse: no plan of that error is smaller.
    let smallest = try #require(instance.smallest(error: found.0 + 1e-9 * abs(found.0)))
    let reverse = try problem.solve(maximumError: solution.error)
    #expect(reverse.bytes == smallest && reverse.isOptimal, comment)
    #expect(instance.isAllowed(try instance.chosen(reverse)), comment)
    return true
  }
}
