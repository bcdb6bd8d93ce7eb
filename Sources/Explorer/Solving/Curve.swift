import Consumers
import Measurement
import ModelFiles
import Planning
import Quantization

/// The best plans by size, and others among them.
struct Curve: Sendable {
  /// A plan that isn't on the curve of itself.
  struct Mark: Sendable {
    enum Kind: Int, Sendable { case present, saved, preset, uniform }

    let name: String
    let kind: Kind
    let bytes: Int
    /// The objective's figure, as a relative error.
    let error: Double
    /// What each of the problem's tensors gets.
    let choices: [Choice]

    init(name: String, kind: Kind, bytes: Int, error: Double, choices: [Choice]) {
      self.name = name
      self.kind = kind
      self.bytes = bytes
      self.error = error
      self.choices = choices
    }

    /// A plan of a problem; nil where some figure of it isn't known.
    init?(
      _ name: String, _ kind: Kind, _ choices: [Choice], _ problem: PlanningProblem,
      option: (TensorOptions, Choice) -> TensorOptions.Option?
    ) {
      let options = zip(problem.tensors, choices).compactMap(option)
      guard options.count == choices.count else { return nil }
      let figures = problem.figures(of: options)
      self.init(
        name: name, kind: kind, bytes: figures.bytes, error: figures.error, choices: choices)
    }
  }

  let problem: PlanningProblem
  let frontier: Frontier
  /// The plans that give all tensors one format, then the named ones.
  let marks: [Mark]
  /// What isn't measured yet of what may be chosen.
  let needs: [Work]
  let effectNeeds: [TensorFormat]
  /// How many of the figures it rests on are estimates.
  let estimated: Int

  init(_ basis: SolverBasis) throws(PlanningError) {
    let candidates = basis.candidates()
    let problem = try basis.problem(of: candidates, basis.constraints)
    // For plans of one format, what isn't allowed counts too.
    var needs = basis.needs(of: candidates, nil)
    estimated = basis.inexact(of: candidates).count
    var marks: [Mark] = []
    func add(_ name: String, _ kind: Mark.Kind, _ choices: [Choice]) {
      marks += Mark(name, kind, choices, problem, option: basis.option).map { [$0] } ?? []
    }
    for (name, choices) in Self.uniform(candidates, pins: basis.pins, basis.ladders.rules) {
      add(name, .uniform, choices)
    }
    for plan in basis.plans + basis.presetPlans {
      let choices = problem.tensors.map { plan.choices[$0.tensor.id] }
      for (tensor, choice) in zip(problem.tensors, choices) {
        if let format = choice.format, let work = basis.need(tensor.tensor, format) {
          needs.append(work)
        }
      }
      add(plan.name, plan.kind == .preset ? .preset : .saved, choices)
    }
    self.problem = problem
    frontier = problem.frontier()
    self.marks = marks
    self.needs = needs
    effectNeeds = basis.effectNeeds(of: candidates)
  }

  /// Each format for all tensors that can have it, but for the pinned ones; others get what llama-quantize
  /// would write instead, or stay as they are. Formats that less than half of the weights can have are left
  /// out: such plans are those of the source.
  static func uniform(
    _ candidates: [(tensor: Tensor, formats: [Format])], pins: [Int: Choice], _ rules: FormatRules
  ) -> [(name: String, choices: [Choice])] {
    var names: [Format] = []
    for (tensor, formats) in candidates where pins[tensor.id] == nil {
      for format in formats where !names.contains(format) { names.append(format) }
    }
    return names.compactMap { format in
      let plan = uniform(format, candidates, pins: pins, rules)
      return 2 * plan.reached < plan.all ? nil : (format.description, plan.choices)
    }
  }

  /// One format for all tensors that can have it; how many weights get it of those that aren't pinned.
  static func uniform(
    _ format: Format, _ candidates: [(tensor: Tensor, formats: [Format])], pins: [Int: Choice],
    _ rules: FormatRules
  ) -> (choices: [Choice], reached: Int, all: Int) {
    var (reached, all) = (0, 0)
    let choices = candidates.map { tensor, formats -> Choice in
      if let pin = pins[tensor.id] { return pin }
      all += tensor.weightCount
      if formats.contains(format) {
        reached += tensor.weightCount
        return .format(format)
      }
      let instead = rules.refusal(of: format, for: tensor)?.instead
      return instead.flatMap { formats.contains($0) ? .format($0) : nil } ?? .source
    }
    return (choices, reached, all)
  }

  /// The size and the objective's figure of some choices; nil where a figure isn't known.
  func figures(of choice: (Int) -> Choice) -> (bytes: Int, error: Double)? {
    var options: [TensorOptions.Option] = []
    options.reserveCapacity(problem.tensors.count)
    for tensor in problem.tensors {
      let wanted = choice(tensor.tensor.id)
      guard let option = tensor.options.first(where: { $0.choice == wanted }) else { return nil }
      options.append(option)
    }
    return problem.figures(of: options)
  }
}
