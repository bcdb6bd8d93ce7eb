import ArgumentParser
import Consumers
import Evaluation
import Explorer
import Foundation
import ModelFiles
import Planning
import Quantization

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a model under plans: perplexity, KL divergence, accuracy.",
    discussion: """
      Language models of the llama family, BERT's encoders and sequential classifiers, beside their source on the \
      same data. Perplexity and KL divergence are what llama-perplexity means by them: sequences of --context \
      tokens, the second half of each scored. DATA is a text, or tokens (a JSON list, a safetensors file); for \
      encoders a text with a sentence in each line. Without it a model is run on what lies beside it.
      Formats that end in gptq, gptq-act or awq choose codes by what flows through the model on other data: the \
      --calibration file, or what the model was trained on, if that lies beside it.
      """)

  @OptionGroup var model: ModelArgument

  @Option(help: "A plan file. May be repeated.")
  var plan: [String] = []

  @Option(help: "Formats, separated by commas: each for all tensors that can have it.")
  var formats: String?

  @OptionGroup var running: RunningOptions

  @OptionGroup var calibration: CalibrationOptions

  @OptionGroup var imatrix: ImatrixOption

  @Option(help: "Another model of the same tensors to compare with, not the model's own weights.")
  var against: String?

  @Flag(
    help:
      "Round the source's probabilities to 16 bits, as the file between two runs of llama-perplexity does."
  )
  var llamaRounding = false

  @Flag(help: "Take what fits of a plan that was made for another model.")
  var otherModel = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let formats = try readFormats(formats) ?? []
    let plans = try plan.compactMap { path in
      try readPlan(path, mayBeAbsent: false).map { (path: path, plan: $0.plan) }
    }
    let model = try model.open()
    for note in model.notes { tell("bitladder: note: \(note)") }
    let importance = try imatrix.read(for: model)
    let reference = try against.map { try openModel($0) }
    let identity = json ? Plan.ModelIdentity(model, fingerprint: model.fingerprint()) : nil
    let report: EvaluationReport
    do throws(EvaluationError) {
      let data = try running.read(for: model)
      let wanted = formats + plans.flatMap { $0.plan.tensors.compactMap(\.choice.format) }
      let activations = try calibration.collect(for: wanted, model, running)
      let evaluator = try Evaluator(
        WeightSource(model: model, importance: importance, activations: activations),
        reference: reference.map { WeightSource(model: $0) }, data: data,
        rounding: llamaRounding ? .sixteenBits : .none, threads: running.threadCount)
      let rules = FormatRules(
        model: model, importance: importance, activations: activations?.tensors ?? [])
      let results = try run(try candidates(plans, formats, model, rules), evaluator)
      report = EvaluationReport(
        model: model, data: data, samples: running.count(evaluator, usual: 32), results: results)
    } catch {
      throw Failure(error.description)
    }
    if let identity {
      try emit(JSONWriter(.pretty).string(report.json(identity)))
    } else {
      try emit(report.table)
    }
  }

  // MARK: - Plans

  private func candidates(
    _ plans: [(path: String, plan: Plan)], _ formats: [Format], _ model: Model,
    _ rules: FormatRules
  ) throws(EvaluationError) -> [EvaluatedPlan] {
    let source = EvaluatedPlan(
      name: "source", choices: model.tensors.map { _ in .source })
    var refusals = Refusals()
    let uniform = formats.map { EvaluatedPlan($0, for: model, rules, &refusals) }
    for line in refusals.lines { tell("bitladder: \(line)") }
    let fingerprint = plans.isEmpty ? "" : model.fingerprint()
    var taken: [EvaluatedPlan] = []
    for (path, plan) in plans {
      taken.append(
        try EvaluatedPlan(
          plan, path: path, for: model, fingerprint: fingerprint, orOther: otherModel))
    }
    return [source] + uniform + taken
  }

  private func run(
    _ candidates: [EvaluatedPlan], _ evaluator: Evaluator
  ) throws(EvaluationError) -> [EvaluationReport.Result] {
    let count = running.count(evaluator, usual: 32)
    let line = ProgressLine()
    defer { line.end() }
    var results: [EvaluationReport.Result] = []
    for (index, candidate) in candidates.enumerated() {
      let head = "evaluating \(index + 1)/\(candidates.count) \(candidate.name)"
      let formats = candidate.choices.map(\.format)
      let figures = try evaluator.evaluate(
        formats, sequences: count,
        progress: { share in line.show("\(head), \(Int(share * 100)) %") })
      let error = try evaluator.weightError(formats)
      results.append(.init(plan: candidate, error: error, figures: figures))
    }
    return results
  }
}

/// What every tensor of the model gets.
struct EvaluatedPlan {
  /// What to call it, safe for a terminal.
  let name: String
  let choices: [Choice]

  init(name: String, choices: [Choice]) {
    self.name = name
    self.choices = choices
  }

  /// One format for all tensors that can have it.
  init(_ format: Format, for model: Model, _ rules: FormatRules, _ refusals: inout Refusals) {
    name = format.description
    choices = model.tensors.map { tensor in
      guard tensor.suitability.isQuantizable else { return .source }
      guard let refusal = rules[tensor].refusal(of: format) else { return .format(format) }
      refusals.add(refusal, of: format, for: tensor)
      return .source
    }
  }

  /// What a plan file gives a model; of one that was made for another model what fits, if that is wanted.
  init(
    _ plan: Plan, path: String, for model: Model, fingerprint: String, orOther: Bool
  ) throws(EvaluationError) {
    let match = PlanMatch(plan: plan, model: model, fingerprint: fingerprint)
    guard match.isSameModel || orOther else {
      throw .data(
        "\(path.sanitised): made for another model, \(plan.model.name.sanitised); --other-model "
          + "takes what fits")
    }
    var choices = model.tensors.map { _ in Choice.source }
    for entry in match.taken { choices[entry.tensor] = entry.choice }
    self.init(name: Path.name(path).sanitised, choices: choices)
  }

  func byteCount(_ model: Model) -> Int {
    zip(model.tensors, choices).reduce(0) { $0 + $1.1.byteCount(of: $1.0) }
  }
}
