import Evaluation
import Explorer
import Foundation
import ModelFiles
import Planning

/// What tuning made of a model, beside the model as it is and under its plan.
struct TuneReport {
  let model: Model
  let plan: EvaluatedPlan
  let training: EvaluationData
  let heldout: EvaluationData
  let settings: TuningSettings
  let rate: Double
  let tuned: TunedWeights
  let results: [EvaluationReport.Result]

  private func bitsPerWeight(_ bytes: Int) -> Double {
    8 * Double(bytes) / Double(max(1, model.weightCount))
  }

  var table: String {
    guard let first = results.first?.figures else { return "" }
    var table = Table(
      [plan.name, "size", "bpw", "NMSE"] + EvaluationReport.head(first))
    table.rightAligned = Set(1...12)
    for result in results {
      let bytes = result.plan.byteCount(model)
      table.add(
        [
          result.plan.name, Figures.bytes(bytes), Figures.bits(bitsPerWeight(bytes)),
          result.error == 0 ? "" : Figures.percent(result.error),
        ] + EvaluationReport.cells(result.figures))
    }
    let caption = EvaluationReport.caption(first, of: heldout)
    return "\(words)\n\(caption)\n\n\(table.text)"
  }

  /// How it was trained.
  private var words: String {
    let losses = [tuned.validation.first, tuned.validation.best].map { Figures.weight($0) }
    let name = settings.loss == .kl ? "KL divergence" : "loss"
    return "\(training.name.sanitised): \(Figures.counted(settings.steps, "step")) of "
      + "\(Figures.counted(settings.batch, "sample")), rate \(Figures.weight(rate)), the best after \(tuned.step); \(name) on what was "
      + "kept for validation \(losses[0]) -> \(losses[1])"
  }

  var json: String {
    let identity = Plan.ModelIdentity(model, fingerprint: model.fingerprint())
    let value: JSONValue = [
      "model": PlanFile.json(of: identity),
      "data": ["name": .string(heldout.name), "context": EvaluationReport.context(heldout)],
      "training": [
        "data": .string(training.name), "steps": JSONValue(settings.steps),
        "batch": JSONValue(settings.batch), "rate": JSONValue(rate),
        "loss": .string(settings.loss.rawValue), "bestStep": JSONValue(tuned.step),
        "validation": [JSONValue(tuned.validation.first), JSONValue(tuned.validation.best)],
      ],
      "results": .array(
        results.map { result in
          let bytes = result.plan.byteCount(model)
          return .object(
            JSONObject(
              [
                .init(key: "name", value: .string(result.plan.name)),
                .init(key: "bytes", value: JSONValue(bytes)),
                .init(key: "bitsPerWeight", value: JSONValue(bitsPerWeight(bytes))),
                .init(key: "nmse", value: JSONValue(result.error)),
              ] + EvaluationReport.members(result.figures)))
        }),
    ]
    return JSONWriter(.pretty).string(value)
  }
}
