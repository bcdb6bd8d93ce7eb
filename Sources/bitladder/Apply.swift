import ArgumentParser
import Consumers
import Explorer
import Foundation
import Measurement
import ModelFiles
import Planning
import Quantization

struct Apply: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write the quantized model that a plan describes.",
    discussion: """
      OUT.gguf becomes what llama-quantize makes of the same plan: the same types and bytes; a \
      Hugging Face checkpoint is converted on the way. OUT.safetensors, or a folder, becomes \
      compressed-tensors' packed form, for plans of integers, or with --dequantized the weights \
      as they come back, in the type they had. Nothing appears under the name before it is whole.
      """)

  @Argument(help: "The plan file.")
  var plan: String

  @OptionGroup var model: ModelArgument

  @Option(
    name: .shortAndLong,
    help: "OUT.gguf, OUT.safetensors, or a folder, which gets config.json and the tokenizer too.")
  var output: String

  @Flag(help: "Write weights as they come back from the plan's formats, in their own type.")
  var dequantized = false

  @OptionGroup var imatrix: ImatrixOption

  @Option(help: "How many threads work; all processors by default.")
  var threads: Int?

  @Flag(help: "Overwrite the file if there is one.")
  var force = false

  @Flag(help: "Take what fits of a plan that was made for another model.")
  var otherModel = false

  private var kind: ApplyTarget { ApplyTarget(output) }

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads: expected a number from 1 to 1024")
    }
    if dequantized, kind == .gguf {
      throw ValidationError("--dequantized is for -o OUT.safetensors or a folder")
    }
  }

  func run() throws {
    guard let plan = try readPlan(plan, mayBeAbsent: false)?.plan else { return }
    try refuseOverwriting()
    let model = try model.open()
    let identities = model.files.map(\.identity)
    for note in model.notes { tell("bitladder: note: \(note)") }
    let choices = try choices(of: plan, for: model)
    try refuseCalibrated(choices)
    let importance = try importance(plan, choices, model)
    let writer = ApplyWriter(
      applier: Applier(
        model: model, identities: identities,
        threads: threads ?? ProcessInfo.processInfo.activeProcessorCount),
      model: model, output: output, overwrites: force)
    do throws(ApplyFailure) {
      switch kind {
      case .gguf:
        try writer.writeFile(
          try GGUFOutput.layout(model: model, choices: choices, importance: importance))
      case .safetensors, .folder:
        let layout =
          dequantized
          ? try SafetensorsOutput.dequantized(
            model: model, choices: choices, importance: importance)
          : try SafetensorsOutput.packed(model: model, choices: choices)
        if kind == .folder {
          try writer.writeFolder(layout)
        } else {
          try writer.writeFile(layout.file)
          if layout.configuration != nil {
            tell(
              "bitladder: note: loaders want quantization_config in config.json: -o FOLDER writes "
                + "both; here it is in __metadata__")
          }
        }
      }
    } catch {
      throw Failure(error.description)
    }
  }

  // MARK: - The plan

  /// What each tensor gets; throws if the plan is another model's.
  private func choices(of plan: Plan, for model: Model) throws(Failure) -> [Int: Choice] {
    let match = PlanMatch(plan: plan, model: model, fingerprint: model.fingerprint())
    if !match.isSameModel {
      for line in match.differences.prefix(5) { tell("bitladder: \(line)") }
      let more = match.differences.count - 5
      if more > 0 { tell("bitladder: and \(more) more differences") }
      guard otherModel else {
        throw Failure(
          "\(self.plan.sanitised): made for another model, \(plan.model.name.sanitised); "
            + "--other-model takes what fits")
      }
    }
    return Dictionary(uniqueKeysWithValues: match.taken.map { ($0.tensor, $0.choice) })
  }

  /// Codes that are chosen by activations aren't written: nothing here folds scales into the layers before.
  private func refuseCalibrated(_ choices: [Int: Choice]) throws(Failure) {
    guard let format = choices.values.compactMap(\.format).first(where: \.needsActivations) else {
      return
    }
    throw Failure(
      "\(plan.sanitised): apply doesn't choose codes by what flows through the model, as \(format) asks; "
        + "export the plan to gptqmodel or llm-compressor, which do it")
  }

  private func importance(
    _ plan: Plan, _ choices: [Int: Choice], _ model: Model
  ) throws -> ModelImportance? {
    let importance = try imatrix.read(for: model)
    let used = choices.values.contains { $0.format?.usesImportance == true }
    if let wanted = plan.importance, importance == nil, used {
      throw Failure(
        "\(self.plan.sanitised): made with the importance of \(wanted.file.sanitised), without which "
          + "other weights come out; give it with --imatrix")
    }
    if plan.importance == nil, importance != nil, used {
      tell("bitladder: note: the plan was made without importance: its errors were others")
    } else if let wanted = plan.importance, let importance, wanted.file != importance.file {
      tell(
        "bitladder: note: the plan was made with \(wanted.file.sanitised), not "
          + importance.file.sanitised)
    }
    return importance
  }

  // MARK: - Writing

  /// Before anything is read: the work would be in vain.
  private func refuseOverwriting() throws(Failure) {
    guard !force, kind != .folder, FileStamp(path: output) != nil else { return }
    throw .exists(output)
  }
}

/// What is to be written, by its name.
enum ApplyTarget {
  case gguf
  case safetensors
  case folder

  init(_ path: String) {
    self =
      path.lowercased().hasSuffix(".gguf")
      ? .gguf : path.lowercased().hasSuffix(".safetensors") ? .safetensors : .folder
  }
}
