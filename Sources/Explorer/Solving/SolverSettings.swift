import ModelFiles
import Planning
import Quantization

/// What the user asks of the solver; pins are the plan's.
struct SolverSettings: Sendable, Equatable {
  /// The goal as it was typed, and what it says.
  var goalText = "4.5bpw"
  var goal = PlanningGoal.budget(.bitsPerWeight(4.5))
  /// The device that the goal is, if it is one.
  var fit: FitGoal?
  var objective = Objective.nmse
  /// What shares a format within a block.
  var together: Set<Constraints.Fusion> = []
  /// Whether the embedding of tokens and the output share one.
  var sharesTied = false
  /// Roles whose tensors all share one.
  var uniform: Set<Role> = []
  /// The least and the most that a role gets.
  var atLeast: [Role: Format] = [:]
  var atMost: [Role: Format] = [:]
  /// All that a role may get.
  var allowed: [Role: [Choice]] = [:]
  /// How many formats the plan may have.
  var formatLimit: Int?

  /// The budget of the plan; nil where an error was asked for.
  var budget: Budget? { if case .budget(let budget) = goal { budget } else { nil } }

  /// How many constraints there are.
  var constraintCount: Int {
    together.count + (sharesTied ? 1 : 0) + uniform.count + atLeast.count + atMost.count
      + allowed.count + (formatLimit == nil ? 0 : 1)
  }

  /// As constraints on a model.
  func constraints(on model: Model, pins: [Int: Choice]) -> Constraints {
    var constraints = Constraints()
    constraints.pins = pins
    constraints.together = together
    constraints.uniform = uniform
    constraints.atLeast = atLeast.mapValues { .format($0) }
    constraints.atMost = atMost.mapValues { .format($0) }
    constraints.allowed = allowed
    constraints.formatLimit = formatLimit
    if sharesTied { constraints.sharing = Self.tied(in: model) }
    return constraints
  }

  /// The embedding of tokens and the output, where both are stored and are of one shape.
  static func tied(in model: Model) -> [[Int]] {
    func only(_ role: Role) -> Tensor? {
      let all = model.tensors.filter { $0.role == role && $0.suitability.isQuantizable }
      return all.count == 1 ? all[0] : nil
    }
    guard let embedding = only(.tokenEmbedding), let output = only(.output),
      embedding.shape == output.shape
    else { return [] }
    return [[embedding.id, output.id]]
  }
}

/// A plan that can be shown beside the present one: a preset, a file.
public struct NamedPlan: Sendable, Equatable {
  /// Where it comes from.
  public enum Kind: Sendable, Equatable {
    /// A rule that programs have, such as llama-quantize's `Q4_K_M`.
    case preset
    /// A plan file, or a state that the plan was in.
    case saved
  }

  /// A few letters, for the screen.
  public let name: String
  /// Where it comes from.
  public let kind: Kind
  /// What each tensor of the model gets, in the model's order.
  public let choices: [Choice]

  /// A plan from its parts.
  public init(name: String, kind: Kind, choices: [Choice]) {
    self.name = name
    self.kind = kind
    self.choices = choices
  }

  /// A plan from a file, as far as it goes with a model.
  public init(name: String, _ plan: Plan, model: Model) {
    let match = PlanMatch(plan: plan, model: model, fingerprint: plan.model.fingerprint)
    var choices = [Choice](repeating: .source, count: model.tensors.count)
    for taken in match.taken { choices[taken.tensor] = taken.choice }
    self.init(name: name, kind: .saved, choices: choices)
  }
}
