import Consumers
import ModelFiles

/// The presets of a model as plans, on demand: of the thread that solves.
struct KnownPresets: Sendable {
  private let all: OnDemand<[Preset]>

  init(_ model: Model, importance: ModelImportance?) {
    all = OnDemand { Presets.all(for: model, importance: importance) }
  }

  /// Those of one program that can be made of the model; of equal ones the first.
  func plans(of program: Preset.Program) -> [NamedPlan] {
    var plans: [NamedPlan] = []
    for preset in all.value where preset.program == program {
      guard !plans.contains(where: { $0.choices == preset.choices }) else { continue }
      plans.append(NamedPlan(name: preset.name, kind: .preset, choices: preset.choices))
    }
    return plans
  }
}
