import Consumers
import Evaluation
import Explorer
import Foundation
import Measurement
import ModelFiles
import Planning
import Quantization

/// Fine-tunes a model and evaluates what comes of it, with progress on a terminal.
struct TuneRun {
  let model: Model
  let importance: ModelImportance?
  let chosen: EvaluatedPlan
  let settings: TuningSettings
  let training: EvaluationData
  let heldout: EvaluationData
  let sequences: Int?
  let line: ProgressLine

  init(
    model: Model, importance: ModelImportance?, chosen: EvaluatedPlan, options: TuningOptions,
    heldout path: String?, sequences: Int?, line: ProgressLine
  ) throws(EvaluationError) {
    try Tuner.check(model)
    let reader = try DataReader(model)
    self.model = model
    self.importance = importance
    self.chosen = chosen
    self.sequences = sequences
    self.line = line
    settings = options.settings(for: reader.task)
    heldout = try reader.read(path)
    training = try reader.readTraining(options.data)
    guard Set(training.samples).isDisjoint(with: heldout.samples) else {
      throw .data(
        "\(training.name.sanitised): some of it is what the model is evaluated on; it is judged by what "
          + "it wasn't trained on")
    }
  }

  private var source: WeightSource { WeightSource(model: model, importance: importance) }

  func report() throws(EvaluationError) -> TuneReport {
    let formats = chosen.choices.map(\.format)
    let plain = formats.map { _ in Format?.none }
    var results: [EvaluationReport.Result] = []
    do {
      // First what the plan does without tuning: it takes seconds, and shows that all can be run.
      let evaluator = try Evaluator(source, data: heldout, threads: settings.threads)
      let count = count(evaluator)
      for (name, formats) in [("float", plain), ("post-training", formats)] {
        results.append(try result(name, evaluator, formats, count))
      }
    }
    let (tuned, rate) = try train(formats)
    let better = source.replacing(tuned.values)
    let evaluator = try Evaluator(
      better, reference: source, data: heldout, threads: settings.threads)
    results.append(try result("quantization-aware", evaluator, formats, count(evaluator)))
    return TuneReport(
      model: model, plan: chosen, training: training, heldout: heldout, settings: settings,
      rate: rate, tuned: tuned, results: results)
  }

  private func count(_ evaluator: Evaluator) -> Int {
    let all = evaluator.data.samples.count
    if case .language = evaluator.task { return min(all, sequences ?? 32) }
    return min(all, sequences ?? all)
  }

  private func result(
    _ name: String, _ evaluator: Evaluator, _ formats: [Format?], _ count: Int
  ) throws(EvaluationError) -> EvaluationReport.Result {
    let figures = try evaluator.evaluate(
      formats, sequences: count,
      progress: { [line] share in line.show("evaluating \(name), \(Int(share * 100)) %") })
    let choices = formats.map { $0.map { Choice.format($0) } ?? .source }
    return EvaluationReport.Result(
      plan: EvaluatedPlan(name: name, choices: choices),
      error: try evaluator.weightError(formats), figures: figures)
  }

  private func train(
    _ formats: [Format?]
  ) throws(EvaluationError) -> (weights: TunedWeights, rate: Double) {
    var tuner = try Tuner(source, formats: formats, data: training, settings)
    var pace = Pace()
    pace.note(0)
    let tuned = try tuner.run(progress: { progress in
      pace.note(progress.step)
      var text =
        "step \(progress.step)/\(progress.steps), loss \(Self.digits(progress.loss)), validation "
        + "\(Self.digits(progress.validation.first)) -> \(Self.digits(progress.validation.best))"
      if let seconds = pace.seconds(for: Double(progress.steps - progress.step)) {
        text += ", \(Figures.duration(seconds)) left"
      }
      line.show(text)
    })
    return (tuned, tuner.rate)
  }

  private static func digits(_ value: Double) -> String { String(format: "%.4f", value) }
}
