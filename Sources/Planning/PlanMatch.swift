import ModelFiles
import Quantization

/// A plan held against a model: what can be taken over, and what differs.
public struct PlanMatch: Sendable {
  /// What a tensor of the model gets from the plan.
  public struct Taken: Sendable, Equatable {
    /// The tensor's index in the model.
    public let tensor: Int
    /// What it gets.
    public let choice: Choice
    /// Whether it is pinned.
    public let isPinned: Bool
  }

  /// Whether the plan was made for exactly this model.
  public let isSameModel: Bool
  /// What can be taken over: tensors of the same name and shape.
  public let taken: [Taken]
  /// What differs, a line each, tensors by name.
  public let differences: [String]

  /// Holds a plan against a model.
  /// - Parameter fingerprint: the model's.
  public init(plan: Plan, model: Model, fingerprint: String) {
    var taken: [Taken] = []
    var differences: [String] = []
    let entries = Dictionary(
      plan.tensors.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    var matched = Set<Int>()
    for tensor in model.tensors {
      guard let index = entries[tensor.name] else {
        differences.append("\(tensor.label) isn't in the plan")
        continue
      }
      let entry = plan.tensors[index]
      matched.insert(index)
      if entry.shape != tensor.shape {
        differences.append(
          "\(tensor.label) is \(shapeText(tensor.shape)), in the plan \(shapeText(entry.shape))")
        continue
      }
      if entry.source != tensor.sourceName {
        differences.append(
          "\(tensor.label) is stored as \(tensor.sourceName), in the plan as "
            + entry.source.sanitised)
      }
      if entry.choice != .source, let reason = tensor.suitability.reason {
        differences.append("\(tensor.label) stays as it is: \(reason)")
        continue
      }
      if let reason = entry.choice.format?.objection(rowLength: tensor.rowLength) {
        differences.append("\(tensor.label) stays as it is: \(reason), so not \(entry.choice)")
        continue
      }
      taken.append(Taken(tensor: tensor.id, choice: entry.choice, isPinned: entry.isPinned))
    }
    for (index, entry) in plan.tensors.enumerated() where !matched.contains(index) {
      differences.append("\(entry.name.sanitised) isn't in the model")
    }
    let sameFingerprint = plan.model.fingerprint == fingerprint
    if !sameFingerprint, differences.isEmpty {
      differences.append("names, shapes and types agree, but the weights are others")
    }
    isSameModel = sameFingerprint && differences.isEmpty
    self.taken = taken
    self.differences = differences
  }
}

/// A shape as it is written for people: `576×576`; `scalar` for none.
public func shapeText(_ shape: [Int], times: String = "×") -> String {
  shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: times)
}
