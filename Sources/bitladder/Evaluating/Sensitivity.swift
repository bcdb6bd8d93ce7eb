import ArgumentParser
import Consumers
import Evaluation
import Explorer
import Foundation
import Measurement
import ModelFiles
import Planning
import Quantization

struct Sensitivity: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure what quantizing each tensor alone does to the model's outputs.",
    discussion: """
      One tensor at a time goes through each format, the others stay as they are; what comes of it is the mean KL \
      divergence from the source (for encoders 1 - the mean cosine). With -o it is written to a file that `plan \
      --sensitivity` makes plans from: the sum of these divergences as small as it can be.
      """)

  @OptionGroup var model: ModelArgument

  @Option(help: "The formats, separated by commas; llama.cpp's for GGUF, else int8 to int2.")
  var formats: String?

  @Option(help: "Only tensors whose names match: a glob (*.attn_q.*) or /regex/.")
  var tensors: String?

  @OptionGroup var running: RunningOptions

  @OptionGroup var calibration: CalibrationOptions

  @OptionGroup var imatrix: ImatrixOption

  @OptionGroup var store: StoreOptions

  @Option(name: .shortAndLong, help: "The file to write; - prints it.")
  var output: String?

  @Flag(help: "Overwrite the file if there is one.")
  var force = false

  func run() throws {
    let asked = try readFormats(formats)
    let pattern = try tensors.map { try Self.pattern($0) }
    let target = output.map { ResultFile(path: $0, force: force) }
    try target?.refuseOverwriting()
    let model = try model.open()
    for note in model.notes { tell("bitladder: note: \(note)") }
    let importance = try imatrix.read(for: model)
    let identity = Plan.ModelIdentity(model, fingerprint: model.fingerprint())
    let found: Sensitivities
    let source: WeightSource
    do throws(EvaluationError) {
      let data = try running.read(for: model)
      let formats = asked ?? defaultFormats(for: model)
      let activations = try calibration.collect(for: formats, model, running)
      source = WeightSource(model: model, importance: importance, activations: activations)
      let evaluator = try Evaluator(source, data: data, threads: running.threadCount)
      let rules = FormatRules(
        model: model, importance: importance, activations: activations?.tensors ?? [])
      let works = works(formats, pattern, evaluator, rules)
      guard !works.isEmpty else {
        throw .data("\(model.name): no tensor that the forward pass uses can have these formats")
      }
      found = Sensitivities(
        model: identity, data: data.name, samples: running.count(evaluator, usual: 16),
        entries: try measure(works, evaluator))
    } catch {
      throw Failure(error.description)
    }
    if let target {
      try target.write(JSONWriter(.pretty).string(found.json) + "\n")
      guard target.path != "-" else { return }
    }
    try emit(try table(found, source, importance))
  }

  private static func pattern(_ text: String) throws -> Pattern {
    do {
      return try Pattern(text)
    } catch {
      throw ValidationError(error.description)
    }
  }

  private func works(
    _ formats: [Format], _ pattern: Pattern?, _ evaluator: Evaluator,
    _ rules: FormatRules
  ) -> [(tensor: Int, formats: [Format])] {
    let model = evaluator.model
    return model.tensors.compactMap { tensor in
      guard tensor.suitability.isQuantizable, evaluator.stagesOfTensors[tensor.id] != nil,
        pattern?.matches(tensor.name) ?? true
      else { return nil }
      let rules = rules[tensor]
      let possible = formats.filter { rules.refusal(of: $0) == nil }
      return possible.isEmpty ? nil : (tensor.id, possible)
    }
  }

  private func measure(
    _ works: [(tensor: Int, formats: [Format])], _ evaluator: Evaluator
  ) throws(EvaluationError) -> [Sensitivities.Entry] {
    let total = works.reduce(0) { $0 + $1.formats.count }
    let line = ProgressLine()
    defer { line.end() }
    return try evaluator.sensitivities(
      works, sequences: running.count(evaluator, usual: 16),
      progress: { done in line.show("running \(done)/\(total)") })
  }

  /// Beside what the weights alone say: a small error that does much stands out.
  private func table(
    _ found: Sensitivities, _ source: WeightSource, _ importance: ModelImportance?
  ) throws -> String {
    let model = source.model
    let tensors = Dictionary(
      model.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let works = found.entries.compactMap { entry in
      tensors[entry.tensor].map { Work.task($0, entry.format, sample: nil) }
    }
    let store = store.openTelling()
    defer { store?.close() }
    var errors: [Work: Double] = [:]
    // What needs activations can't be measured by the weights alone.
    let byData = zip(found.entries, works).filter { $0.0.format.needsActivations }
    let byWeights = Set(works).subtracting(byData.map(\.1))
    for case let (work, .measurement(measurement)) in try measureAll(
      works.filter(byWeights.contains), of: model, importance: importance, store: store)
    {
      errors[work] = measurement.figures.nmse
    }
    for (entry, work) in byData {
      errors[work] = try? source.error(of: model.tensors[work.tensor], in: entry.format)
    }
    var table = Table(["tensor", "format", "bpw", "NMSE", "KL", "95 %", "KL / NMSE"])
    table.rightAligned = Set(2...6)
    for (entry, work) in zip(found.entries, works) {
      guard let tensor = tensors[entry.tensor] else { continue }
      let error = errors[work]
      let interval = entry.interval.map {
        "\(Figures.weight($0.lowerBound)) ... \(Figures.weight($0.upperBound))"
      }
      table.add([
        tensor.label, entry.format.description,
        Figures.bits(
          entry.format.bitsPerWeight(rows: tensor.rows, rowLength: tensor.rowLength)),
        error.map(Figures.percent) ?? "", Figures.weight(entry.distance), interval ?? "",
        error.map { $0 > 0 ? Figures.significant(entry.distance / $0) : "" } ?? "",
      ])
    }
    return table.text
  }
}
