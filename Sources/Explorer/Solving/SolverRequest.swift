import Measurement
import ModelFiles
import Planning
import Quantization

/// Work for the solver, to be done off the loop. Of two requests the one with the greater number counts.
public struct SolverRequest: Sendable {
  enum Task: Sendable, Equatable {
    /// The best plan for the settings' goal.
    case plan
    /// The same, to see whether the plan at hand is it.
    case check
    /// The curve of size against error.
    case curve
  }

  let number: Int
  let task: Task
  let basis: SolverBasis

  /// Whether it only takes up figures that came in: no hurry.
  var isRefresh = false

  /// Does the work; on a thread that has time.
  func run() -> SolverOutcome {
    let result: SolverOutcome.Result
    do throws(PlanningError) {
      result = try task == .curve ? .curve(Curve(basis)) : solve()
    } catch {
      result = .contradiction(error.description)
    }
    return SolverOutcome(number: number, task: task, pins: basis.pins, result: result)
  }

  private func solve() throws(PlanningError) -> SolverOutcome.Result {
    let constraints = basis.constraints
    let candidates = basis.candidates()
    let needs = basis.needs(of: candidates, constraints)
    let effects = basis.effectNeeds(of: candidates)
    guard needs.isEmpty, effects.isEmpty else { return .needs(needs, effects) }
    let problem = try basis.problem(of: candidates, constraints)
    let solution: Solution
    switch basis.settings.goal {
    case .budget(let budget):
      let bytes = problem.bytes(of: budget, sourceBytes: basis.model.byteCount)
      solution = try problem.solve(budget: bytes)
    case .maximumError(let error):
      solution = try problem.solve(maximumError: error)
    }
    let choices = zip(problem.tensors, solution.choices).map { ($0.tensor.id, $1) }
    let present = zip(
      problem.tensors,
      problem.tensors.map { options in
        basis.option(options, basis.ladders.assignments[options.tensor.id].choice)
      })
    let known = present.compactMap(\.1)
    return .solved(
      Solved(
        settings: basis.settings, choices: choices, solution: solution,
        weights: problem.weights, inexact: basis.inexact(of: candidates),
        present: known.count == problem.tensors.count ? problem.figures(of: known).error : nil))
  }
}

/// What came of a request; opaque outside the explorer.
public struct SolverOutcome: Sendable {
  enum Result: Sendable {
    /// This is to be measured first.
    case needs([Work], [TensorFormat])
    case solved(Solved)
    case curve(Curve)
    /// There is no such plan, and why: one sentence.
    case contradiction(String)
  }

  let number: Int
  let task: SolverRequest.Task
  /// What was pinned when it was asked for.
  let pins: [Int: Choice]
  let result: Result
}

/// A solved plan.
struct Solved: Sendable {
  let settings: SolverSettings
  /// What each planned tensor gets, by its id.
  let choices: [(tensor: Int, choice: Choice)]
  let solution: Solution
  let weights: Int
  /// The exact figures that would replace the estimates it rests on.
  let inexact: [Work]
  /// The objective's figure for the plan at hand when it was asked for; nil where that isn't known.
  let present: Double?
}
