import Consumers
import ModelFiles
import Synchronization

/// The presets of a model as plans, worked out when they are first asked for: on the thread that solves, since it
/// takes a while where there are very many tensors.
final class KnownPresets: Sendable {
  private let model: Model
  private let importance: ModelImportance?
  private let found = Mutex<[NamedPlan]?>(nil)

  init(_ model: Model, importance: ModelImportance?) {
    self.model = model
    self.importance = importance
  }

  /// Those that can be made of the model; of equal ones the first.
  var plans: [NamedPlan] {
    found.withLock { found in
      if let found { return found }
      var plans: [NamedPlan] = []
      for preset in Presets.all(for: model, importance: importance)
      where !plans.contains(where: { $0.choices == preset.choices }) {
        plans.append(NamedPlan(name: preset.name, kind: .preset, choices: preset.choices))
      }
      found = plans
      return plans
    }
  }
}
