import Foundation
import ModelFiles
import Planning
import Quantization
import Testing

/// What holds for every solved plan, on real-sized instances.
struct SolverPropertyTests {
  private func instance(_ kind: GoldenInstance.Kind, seed: UInt64 = 7) throws -> GoldenInstance {
    try GoldenInstance(seed: seed, kind: kind, blocks: 45, formats: 31)
  }

  private func sizes(_ instance: GoldenInstance) -> (least: Int, most: Int) {
    let bytes = instance.tensors.map { $0.options.map(\.bytes) }
    return (
      bytes.reduce(0) { $0 + ($1.min() ?? 0) }, bytes.reduce(0) { $0 + ($1.max() ?? 0) }
    )
  }

  @Test(arguments: Objective.allCases)
  func moreBudgetNeverGivesMoreError(_ objective: Objective) throws {
    let instance = try instance(.odd)
    let problem = try PlanningProblem(tensors: instance.tensors, objective: objective)
    let (least, most) = sizes(instance)
    var last = Double.infinity
    for step in 0...40 {
      let budget = least + (most - least) / 40 * step
      let solution = try problem.solve(budget: budget)
      #expect(solution.error <= last && solution.bytes <= budget && solution.isOptimal)
      #expect(try problem.solve(budget: budget) == solution)
      last = solution.error
    }
  }

  @Test func pinsAreKept() throws {
    let instance = try instance(.pinned)
    let problem = try PlanningProblem(
      tensors: instance.tensors, constraints: instance.constraints)
    let (least, most) = sizes(instance)
    for share in [3, 5, 8] {
      let solution = try problem.solve(budget: least + (most - least) / 10 * share)
      for (id, choice) in instance.constraints.pins { #expect(solution.choices[id] == choice) }
      for (tensor, choice) in zip(instance.tensors, solution.choices)
      where tensor.tensor.role == .ffnDown && instance.constraints.pins[tensor.tensor.id] == nil {
        #expect(choice.bitsPerWeight(of: tensor.tensor) >= 4)
      }
    }
  }

  @Test func impossibleBudgetsNameTheNearest() throws {
    for kind in [GoldenInstance.Kind.plain, .together, .pinned] {
      let instance = try instance(kind)
      let problem = try PlanningProblem(
        tensors: instance.tensors, kept: KeptTensors(bytes: 1000, weights: 500),
        constraints: instance.constraints)
      do throws(PlanningError) {
        _ = try problem.solve(budget: 5_000)
        Issue.record("there is no such plan")
      } catch {
        guard case .budgetTooSmall(5_000, let nearest, _) = error else {
          Issue.record("\(error)")
          return
        }
        #expect(try problem.solve(budget: nearest).bytes == nearest)
        #expect(throws: PlanningError.self) { try problem.solve(budget: nearest - 1) }
        #expect(error.description.contains("the budget of 5000 bytes"))
        #expect(error.description.contains("\(nearest) bytes"))
      }
    }
  }

  @Test func impossibleErrorsNameTheNearest() throws {
    let instance = try instance(.plain)
    var constraints = Constraints()
    for role in Role.allCases { constraints.atMost[role] = .bits(6) }
    for objective in Objective.allCases {
      let problem = try PlanningProblem(
        tensors: instance.tensors, objective: objective, constraints: constraints)
      do throws(PlanningError) {
        _ = try problem.solve(maximumError: 1e-7)
        Issue.record("there is no such plan")
      } catch {
        guard case .errorTooSmall(_, let nearest, let bytes) = error else {
          Issue.record("\(error)")
          return
        }
        let solution = try problem.solve(maximumError: nearest)
        #expect(solution.bytes <= bytes && solution.error <= nearest * (1 + 1e-9))
      }
    }
  }

  @Test func contradictionsAreNamed() throws {
    let tensors = try instance(.plain).tensors
    func sentence(_ change: (inout Constraints) throws -> Void) throws -> String {
      var constraints = Constraints()
      try change(&constraints)
      do throws(PlanningError) {
        _ = try PlanningProblem(tensors: tensors, constraints: constraints)
        return "no error"
      } catch {
        return error.description
      }
    }
    let q4 = Choice.format(try Format(parsing: "q4_K"))
    let q6 = Choice.format(try Format(parsing: "q6_K"))
    let prefix = "model.layers.0.self_attn"
    #expect(
      try sentence { constraints in
        constraints.together = [.attention]
        constraints.pins = [0: q4, 2: q6]
      } == "\(prefix).q_proj.weight and \(prefix).v_proj.weight must share a format, "
        + "but are pinned to q4_K and q6_K")
    #expect(
      try sentence { constraints in
        constraints.together = [.attention]
        constraints.allowed = [.attentionQ: [q4], .attentionK: [q6, .source]]
      } == "3 tensors must share a format, but none is open to all of them: "
        + "\(prefix).q_proj.weight may have q4_K; \(prefix).k_proj.weight may have source, q6_K")
    #expect(
      try sentence { constraints in
        constraints.allowed = [.ffnUp: [q4]]
        constraints.atLeast = [.ffnUp: .format(try Format(parsing: "q6_K"))]
      } == "nothing is left for model.layers.0.mlp.up_proj.weight: ffn_up may only have q4_K, "
        + "ffn_up must have at least q6_K, and no format at hand is all of that")
    #expect(
      try sentence { constraints in
        constraints.pins = [3: .format(try Format(parsing: "f32"))]
      } == "\(prefix).o_proj.weight is pinned to f32, but can't have it")
    #expect(
      try sentence { constraints in
        constraints.pins = [0: q4, 1: q6]
        constraints.formatLimit = 1
      } == "at most 1 format may be used, but 2 are pinned: q4_K, q6_K; "
        + "the nearest possible limit is 2")
  }

  @Test func formatLimitIsKeptWithItsGapNamed() throws {
    let instance = try instance(.odd)
    let (least, most) = sizes(instance)
    let budget = least + (most - least) / 5
    for objective in [Objective.nmse, .worst] {
      var last = Double.infinity
      for limit in [1, 2, 3, 5] {
        var constraints = Constraints()
        constraints.formatLimit = limit
        let problem = try PlanningProblem(
          tensors: instance.tensors, objective: objective, constraints: constraints)
        let solution = try problem.solve(budget: budget)
        #expect(Set(solution.choices).subtracting([.source]).count <= limit)
        #expect(solution.bytes <= budget)
        guard case .error(let bound) = solution.bound else {
          Issue.record("no bound")
          return
        }
        #expect(bound <= solution.error)
        #expect(abs(solution.error / bound - 1 - solution.gap) < 1e-9 || objective == .worst)
        #expect(solution.error <= last)
        last = solution.error
        if limit <= 2 { #expect(solution.isOptimal) }
      }
    }
  }

  /// Tensors that can't keep their source and have few formats in common: the set must cover them all.
  @Test func formatLimitCoversAllTensors() throws {
    var tensors = try instance(.plain).tensors
    for index in tensors.indices {
      tensors[index].options.remove(at: 0)
      let wanted = index % 3
      tensors[index].options = tensors[index].options.enumerated()
        .filter { $0.offset % 10 == wanted || $0.offset % 10 == wanted + 5 }.map(\.element)
    }
    let bytes = tensors.reduce(0) { $0 + ($1.options.map(\.bytes).max() ?? 0) }
    var constraints = Constraints()
    constraints.formatLimit = 3
    let problem = try PlanningProblem(tensors: tensors, constraints: constraints)
    let solution = try problem.solve(budget: bytes)
    #expect(Set(solution.choices).count == 3)
    do throws(PlanningError) {
      _ = try problem.solve(budget: 1000)
      Issue.record("there is no such plan")
    } catch {
      guard case .budgetTooSmall(1000, let nearest, _) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(try problem.solve(budget: nearest).bytes == nearest)
    }
    constraints.formatLimit = 2
    let impossible = try PlanningProblem(tensors: tensors, constraints: constraints)
    #expect(throws: PlanningError.tooFewFormats(limit: 2)) { try impossible.solve(budget: bytes) }
  }

  @Test func sensitiveTensorsGetMore() throws {
    let instance = try instance(.plain)
    let (least, most) = sizes(instance)
    let budget = least + (most - least) / 8
    let plain = try PlanningProblem(tensors: instance.tensors).solve(budget: budget)
    let sensitive = try PlanningProblem(tensors: instance.tensors, sensitivity: [4: 1e6])
      .solve(budget: budget)
    let tensor = instance.tensors[4].tensor
    #expect(
      sensitive.choices[4].byteCount(of: tensor) > plain.choices[4].byteCount(of: tensor))
  }

  // MARK: - The frontier

  @Test(arguments: [Objective.nmse, .log, .worst])
  func frontierHoldsTheBestPlansOfTheirSizes(_ objective: Objective) throws {
    let instance = try instance(.together)
    let problem = try PlanningProblem(
      tensors: instance.tensors, kept: KeptTensors(bytes: 777, weights: 400),
      objective: objective, constraints: instance.constraints)
    let frontier = problem.frontier()
    #expect(frontier.moves.count == frontier.vertices.count - 1)
    for (a, b) in zip(frontier.vertices, frontier.vertices.dropFirst()) {
      #expect(a.bytes < b.bytes && a.error >= b.error)
    }
    // The last ones lose next to nothing, and must not lose the digits of that.
    let last = frontier.vertices.count - 1
    for index in Array(stride(from: 0, to: last, by: 37)) + [last - 2, last - 1, last] {
      let vertex = frontier.vertices[index]
      let choices = frontier.choices(at: index)
      let bytes = zip(instance.tensors, choices).reduce(777) {
        $0 + $1.1.byteCount(of: $1.0.tensor)
      }
      #expect(bytes == vertex.bytes)
      #expect(frontier.index(within: vertex.bytes) == index)
      let solution = try problem.solve(budget: vertex.bytes)
      #expect(abs(solution.error - vertex.error) <= 1e-9 * vertex.error)
    }
    #expect(frontier.index(within: 777) == nil)
  }

  @Test func movesAreSortedByWhatTheyBring() throws {
    let instance = try instance(.plain)
    let (least, most) = sizes(instance)
    let problem = try PlanningProblem(tensors: instance.tensors)
    let solution = try problem.solve(budget: least + (most - least) / 4)
    let savings = problem.savings(from: solution.choices)
    let improvements = problem.improvements(from: solution.choices, within: 10 << 20)
    #expect(!savings.isEmpty && !improvements.isEmpty)
    for (a, b) in zip(savings, savings.dropFirst()) { #expect(a.costPerByte <= b.costPerByte) }
    for (a, b) in zip(improvements, improvements.dropFirst()) {
      #expect(a.costPerByte >= b.costPerByte)
    }
    #expect(savings.allSatisfy { $0.bytes < 0 && $0.cost >= 0 })
    #expect(improvements.allSatisfy { $0.cost < 0 && (1...10 << 20).contains($0.bytes) })
    for move in [savings[0], improvements[0]] {
      #expect(move.from == solution.choices[move.places[0]])
      let tensor = instance.tensors[move.places[0]]
      let before = tensor.options.first { $0.choice == move.from }
      let after = tensor.options.first { $0.choice == move.to }
      #expect((after?.squaredError ?? 0) - (before?.squaredError ?? 0) == move.cost)
      #expect((after?.bytes ?? 0) - (before?.bytes ?? 0) == move.bytes)
    }
  }

  @Test func infiniteErrorsAreNoOptions() throws {
    let instance = try instance(.plain)
    var tensors = instance.tensors
    for index in tensors[0].options.indices where tensors[0].options[index].choice != .source {
      tensors[0].options[index].squaredError = .infinity
    }
    let (least, most) = sizes(instance)
    let solution = try PlanningProblem(tensors: tensors).solve(budget: (least + most) / 2)
    #expect(solution.choices[0] == .source && solution.error.isFinite)
    var constraints = Constraints()
    constraints.pins = [0: tensors[0].options[1].choice]
    let pinned = try PlanningProblem(tensors: tensors, constraints: constraints)
    #expect(try pinned.solve(budget: (least + most) / 2).error == .infinity)
    #expect(throws: PlanningError.self) { try pinned.solve(maximumError: 1) }
  }
}
