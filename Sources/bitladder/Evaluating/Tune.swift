import ArgumentParser
import Consumers
import Evaluation
import Explorer
import Foundation
import Measurement
import ModelFiles
import Planning
import Quantization

struct Tune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fine-tune a small model for a plan: quantization-aware training.",
    discussion: """
      The weights learn to be quantized: each step runs the model with weights as they come back from the plan's \
      formats, and changes those that they came from. Printed are the figures of the model as it is, under the plan, \
      and tuned for it, on data that was never trained on. -o writes a folder with the tuned model and its plan, for \
      all other commands.
      """)

  @OptionGroup var model: ModelArgument

  @Option(help: "The plan file.")
  var plan: String?

  @Option(help: "Instead of a plan: a format for all tensors that can have it.")
  var format: String?

  @Option(name: .shortAndLong, help: "The folder to write the tuned model and its plan to.")
  var output: String?

  @OptionGroup var training: TuningOptions

  @Option(help: "What to evaluate on; what `evaluate` takes without --data.")
  var heldout: String?

  @Option(help: "How many sequences or samples are evaluated on; as `evaluate` has it.")
  var sequences: Int?

  @OptionGroup var imatrix: ImatrixOption

  @Flag(help: "Take what fits of a plan that was made for another model.")
  var otherModel = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard (plan == nil) != (format == nil) else {
      throw ValidationError("expected either --plan or --format")
    }
    if let sequences, sequences < 1 { throw ValidationError("--sequences takes a number from 1") }
    if let output, ApplyTarget(output) != .folder {
      throw ValidationError("-o: expected a folder: a tuned model is kept with its plan")
    }
  }

  func run() throws {
    let read = try plan.map { (path: $0, plan: try readPlan($0, mayBeAbsent: false)?.plan) }
    let formats = try readFormats(format) ?? []
    guard formats.count < 2 else { throw ValidationError("--format takes one format") }
    let model = try model.open()
    let identities = model.files.map(\.identity)
    for note in model.notes { tell("bitladder: note: \(note)") }
    try refuseOutput(of: model)
    let importance = try imatrix.read(for: model)
    do {
      let chosen = try choose(read?.path, read?.plan, formats.first, model, importance)
      let report = try tune(model, chosen, importance)
      try save(report, importance, identities)
      try emit(json ? report.json : report.table)
    } catch let error as EvaluationError {
      throw Failure(error.description)
    }
  }

  private func tune(
    _ model: Model, _ chosen: EvaluatedPlan, _ importance: ModelImportance?
  ) throws(EvaluationError) -> TuneReport {
    let line = ProgressLine()
    // Nothing is on the disk yet: an interruption has only the line to clean up.
    let interruptions = Interruptions { line.end() }
    defer {
      line.end()
      interruptions.end()
    }
    return try TuneRun(
      model: model, importance: importance, chosen: chosen, options: training, heldout: heldout,
      sequences: sequences, line: line
    ).report()
  }

  // MARK: - The plan

  private func choose(
    _ path: String?, _ plan: Plan?, _ format: Format?, _ model: Model,
    _ importance: ModelImportance?
  ) throws(EvaluationError) -> EvaluatedPlan {
    let chosen: EvaluatedPlan
    if let path, let plan {
      chosen = try EvaluatedPlan(
        plan, path: path, for: model, fingerprint: model.fingerprint(), orOther: otherModel)
    } else if let format {
      var refusals = Refusals()
      let rules = FormatRules(model: model, importance: importance)
      chosen = EvaluatedPlan(format, for: model, rules, &refusals)
      for line in refusals.lines { tell("bitladder: \(line)") }
    } else {
      throw .data("there is no plan")
    }
    let formats = Set(chosen.choices.compactMap(\.format))
    guard !formats.isEmpty else { throw .data("\(chosen.name): it quantizes nothing") }
    if let format = formats.first(where: \.needsActivations) {
      throw .data(
        "\(format) chooses codes by activations, which change while a model is tuned; take the plain "
          + "format")
    }
    if importance == nil {
      if let wanted = plan?.importance, formats.contains(where: \.usesImportance) {
        throw .data(
          "\(chosen.name): made with the importance of \(wanted.file.sanitised), without which other "
            + "weights come out; give it with --imatrix")
      }
      if let format = formats.first(where: \.needsImportance) {
        throw .data(
          "\(format) needs an imatrix; `bitladder imatrix` collects it, --imatrix gives it")
      }
    }
    return chosen
  }
}
