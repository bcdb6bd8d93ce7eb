import ArgumentParser
import Consumers
import Explorer
import Measurement
import ModelFiles
import Planning
import Quantization

struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure size and error of tensors in formats.",
    discussion: """
      Every weight is looked at: the figures are exact. With --sample they are estimates of tensors much larger \
      than the sample, with a 95 % interval; formats that depend on the whole tensor are measured exactly.
      """)

  @OptionGroup var model: ModelArgument

  @Option(help: "The formats, separated by commas.")
  var formats = "int8,int6,int5,int4,int3,int2"

  @OptionGroup var imatrix: ImatrixOption

  @OptionGroup var store: StoreOptions

  @Option(help: "Only the I-th of N parts of the work, balanced by cost: 3/16.")
  var shard: Shard?

  @Option(help: "Only tensors whose names match: a glob (*.attn_q.*) or /regex/.")
  var tensors: String?

  @Option(help: "Estimate from about so many weights of each tensor: 65536.")
  var sample: Int?

  @Flag(help: "Look at every weight (the default).")
  var exact = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    if let sample, sample < 1 { throw ValidationError("--sample takes a number of weights") }
    if sample != nil, exact { throw ValidationError("--sample and --exact contradict each other") }
  }

  func run() throws {
    let formats = try readFormats(formats) ?? []
    let pattern = try readPattern()
    let model = try model.open()
    for note in model.notes { tell("bitladder: note: \(note)") }
    let chosen = model.tensors.filter {
      $0.suitability.isQuantizable && (pattern?.matches($0.name) ?? true)
    }
    guard !chosen.isEmpty else {
      throw Failure(
        "\(model.name): no tensor worth quantizing"
          + (tensors.map { " matches '\($0.sanitised)'" } ?? "")
          + "; `bitladder inspect` lists them with the reasons")
    }
    let importance = try imatrix.read(for: model)
    let rules = FormatRules(model: model, importance: importance)
    // Before measuring: what is found belongs to the model as it is now.
    let identity = json ? Plan.ModelIdentity(model, fingerprint: model.fingerprint()) : nil
    var refusals = Refusals()
    let all = chosen.flatMap { tensor in
      let rules = rules[tensor]
      return formats.filter { format in
        guard let refusal = rules.refusal(of: format) else { return true }
        refusals.add(refusal, of: format, for: tensor)
        return false
      }.map { Work.task(tensor, $0, sample: sample) }
    }
    for line in refusals.lines { tell("bitladder: \(line)") }
    guard !all.isEmpty else {
      throw Failure("\(model.name): none of these formats can be had for any of these tensors")
    }
    let work =
      shard?.part(of: all) { Double(model.tensors[$0.tensor].byteCount) } ?? all
    let inShard = Set(work.map(\.tensor))
    let store = store.openTelling()
    defer { store?.close() }
    var found: [Pair: Measurement] = [:]
    for case let (work, .measurement(measurement)) in try measureOrEstimate(
      work, of: model, importance: importance, store: store)
    {
      found[Pair(tensor: work.tensor, format: measurement.format)] = measurement
    }
    let results = chosen.filter { shard == nil || inShard.contains($0.id) }.map { tensor in
      (
        tensor: tensor,
        measurements: formats.compactMap { found[Pair(tensor: tensor.id, format: $0)] }
      )
    }
    if let identity {
      try emit(JSONWriter(.pretty).string(jsonObject(identity, results)))
    } else {
      try emit(table(results))
    }
  }

  private struct Pair: Hashable {
    let tensor: Int
    let format: Format
  }

  private func readPattern() throws -> Pattern? {
    guard let tensors else { return nil }
    do {
      return try Pattern(tensors)
    } catch {
      throw ValidationError(error.description)
    }
  }

  private typealias Result = (tensor: Tensor, measurements: [Measurement])

  private func table(_ results: [Result]) -> String {
    let isWeighted = results.contains { $0.measurements.contains { $0.sums.weighted != nil } }
    var table = Table(
      ["tensor", "format", "bpw", "size", "NMSE"] + (isWeighted ? ["weighted"] : [])
        + ["SQNR", "RMSE", "max error", "cosine"])
    table.rightAligned = Set(2...9)
    for (tensor, measurements) in results {
      for measurement in measurements {
        let figures = measurement.figures
        let intervals = measurement.intervals
        let weighted = figures.weightedNmse.map {
          Figures.percent($0, interval: intervals?.weightedNmse)
        }
        let about = measurement.exact ? "" : "\u{2248} "
        let head = [
          tensor.label, measurement.format.description, Figures.bits(measurement.bitsPerWeight),
          Figures.bytes(measurement.byteCount),
          Figures.percent(figures.nmse, interval: measurement.interval),
        ]
        table.add(
          head + (isWeighted ? [weighted ?? ""] : []) + [
            about + Figures.decibels(figures.sqnr), about + Figures.weight(figures.rmse),
            // The greatest error of a sample is a lower bound.
            (measurement.exact ? "" : "\u{2265} ") + Figures.weight(figures.maxError),
            about + Figures.cosine(figures.cosine),
          ])
      }
    }
    return table.text
  }

  private func jsonObject(_ identity: Plan.ModelIdentity, _ results: [Result]) -> JSONValue {
    [
      "model": PlanFile.json(of: identity),
      "tensors": .array(
        results.map { tensor, measurements in
          [
            "name": .string(tensor.name),
            "shape": .array(tensor.shape.map { JSONValue($0) }),
            "source": .string(tensor.sourceName),
            "measurements": .array(measurements.map(jsonObject)),
          ]
        }),
    ]
  }

  private func jsonObject(_ measurement: Measurement) -> JSONValue {
    let figures = measurement.figures
    return [
      "format": .string(measurement.format.description),
      "bytes": JSONValue(measurement.byteCount),
      "bitsPerWeight": JSONValue(measurement.bitsPerWeight),
      "mse": JSONValue(figures.mse),
      "nmse": JSONValue(figures.nmse),
      "sqnr": JSONValue(figures.sqnr),
      "maxError": JSONValue(figures.maxError),
      "cosine": JSONValue(figures.cosine),
      "weightedNmse": figures.weightedNmse.map { JSONValue($0) } ?? .null,
      "exact": .bool(measurement.exact),
      "interval": jsonArray(measurement.interval),
      "intervals": measurement.intervals.map { intervals in
        [
          "mse": jsonArray(intervals.mse), "sqnr": jsonArray(intervals.sqnr),
          "cosine": jsonArray(intervals.cosine), "weightedNmse": jsonArray(intervals.weightedNmse),
        ]
      } ?? .null,
    ]
  }
  private func jsonArray(_ interval: Interval?) -> JSONValue {
    interval.map { .array([JSONValue($0.low), JSONValue($0.high)]) } ?? .null
  }
}
