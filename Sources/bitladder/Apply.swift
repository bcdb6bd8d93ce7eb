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
    let importance = try importance(plan, choices, model)
    do throws(ApplyFailure) {
      let applier = Applier(
        model: model, identities: identities,
        threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
      try write(
        try layout(model, choices, importance), of: model, with: applier)
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

  private func layout(
    _ model: Model, _ choices: [Int: Choice], _ importance: ModelImportance?
  ) throws(ApplyFailure) -> OutputFile {
    try GGUFOutput.layout(model: model, choices: choices, importance: importance)
  }

  // MARK: - Writing

  /// Before anything is read: the work would be in vain.
  private func refuseOverwriting() throws(Failure) {
    guard !force, FileStamp(path: output) != nil else { return }
    throw Failure(
      "\(output.sanitised): there is a file of that name already; --force overwrites it")
  }

  private func write(
    _ layout: OutputFile, of model: Model, with applier: Applier
  ) throws(ApplyFailure) {
    let start = ContinuousClock.now
    let file = try applier.begin(output, layout, overwriting: force)
    let interruptions = Interruptions { file.discard() }
    defer { interruptions.end() }
    var line = ApplyingLine(weights: layout.weightCount)
    defer { line.end() }
    do throws(ApplyFailure) {
      try applier.write(layout, to: file) { line.show($0) }
      try applier.finish(file)
    } catch {
      file.discard()
      throw error
    }
    line.end()
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    tell(
      "\(output.sanitised): \(Figures.bytes(layout.byteCount)), \(Figures.duration(seconds)), "
        + "\(Figures.pace(Double(layout.weightCount) / max(seconds, 1e-3)))")
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

/// Progress on standard error, if that is a terminal: how much is done, how fast, and how long it will take.
private struct ApplyingLine {
  let weights: Int
  private var pace = Pace()
  private var isShown = isatty(2) == 1

  init(weights: Int) {
    self.weights = weights
    pace.note(0)
  }

  mutating func show(_ done: Int) {
    guard isShown, weights > 0 else { return }
    pace.note(done)
    let share = 100 * Double(done) / Double(weights)
    var text = "writing \(Int(share)) %, \(Figures.pace(pace.perSecond))"
    if let seconds = pace.seconds(for: Double(weights - done)) {
      text += ", \(Figures.duration(seconds)) left"
    }
    FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8))
  }

  mutating func end() {
    if isShown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    isShown = false
  }
}
