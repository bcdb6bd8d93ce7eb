import Consumers
import ModelFiles
import Synchronization

/// The presets of a model as plans, worked out when they are first asked for: on the thread that solves, since it
/// takes a while where there are very many tensors.
final class KnownPresets: Sendable {
  private let model: Model
  private let importance: ModelImportance?
  private let found = Mutex<[Preset]?>(nil)

  init(_ model: Model, importance: ModelImportance?) {
    self.model = model
    self.importance = importance
  }

  /// Those of one program that can be made of the model; of equal ones the first.
  func plans(of program: Preset.Program) -> [NamedPlan] {
    let presets = found.withLock { found in
      let presets = found ?? Presets.all(for: model, importance: importance)
      found = presets
      return presets
    }
    var plans: [NamedPlan] = []
    for preset in presets where preset.program == program {
      guard !plans.contains(where: { $0.choices == preset.choices }) else { continue }
      plans.append(NamedPlan(name: preset.name, kind: .preset, choices: preset.choices))
    }
    return plans
  }
}
