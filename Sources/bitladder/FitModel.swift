import ArgumentParser
import Explorer
import Foundation
import ModelFiles
import Planning

struct FitModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Print whether a model fits devices, and how fast it decodes at best.",
    discussion: """
      Weights, cache and overhead against a device's memory. The overhead is an estimate, and the speed \
      a bound: the bandwidth over the bytes that must be read for a token. `bitladder devices` lists \
      the devices.
      """)

  @OptionGroup var model: ModelArgument

  @Option(help: "A plan file: what its weights take.")
  var plan: String?

  @Option(
    name: .customLong("device"), help: "The device; all without. May be repeated.")
  var names: [String] = []

  @OptionGroup var use: UseOptions

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let configuration = try Configuration.load()
    let devices =
      names.isEmpty ? configuration.allDevices : try names.map(configuration.device)
    let plan = try plan.flatMap { try readPlan($0, mayBeAbsent: false)?.plan }
    let model = try model.open()
    for note in model.notes { tell("bitladder: note: \(note)") }
    let identity = Plan.ModelIdentity(model, fingerprint: model.fingerprint())
    let bytes = weightBytes(model, plan, identity)
    let (shape, reads) = try context(of: model)
    let use = use.use(shape)
    let demand = Demand(model, cache: shape, reads: reads) { bytes[$0] }
    let fits = devices.map { Fit(demand, on: $0, use) }
    if json {
      try emit(JSONWriter(.pretty).string(object(identity, shape, use, fits)))
    } else {
      try emit(names.isEmpty ? table(fits) : fits.map(parts).joined(separator: "\n"))
    }
  }

  /// The bytes of each tensor under a plan, by its id.
  private func weightBytes(
    _ model: Model, _ plan: Plan?, _ identity: Plan.ModelIdentity
  ) -> [Int] {
    var bytes = model.tensors.map(\.byteCount)
    guard let plan else { return bytes }
    let match = PlanMatch(plan: plan, model: model, fingerprint: identity.fingerprint)
    let shown = match.differences.prefix(5)
    for difference in shown { tell("bitladder: note: \(difference)") }
    let rest = match.differences.count - shown.count
    if rest > 0 { tell("bitladder: note: and \(rest) more differences") }
    for taken in match.taken {
      bytes[taken.tensor] = taken.choice.byteCount(of: model.tensors[taken.tensor])
    }
    return bytes
  }

  /// The cache as far as it is known, and what is read; says what isn't known.
  private func context(of model: Model) throws(Failure) -> (CacheShape?, TokenReads) {
    let reads = TokenReads(model)
    let shape: CacheShape
    do throws(CacheUnknown) {
      shape = try CacheShape(model)
    } catch {
      tell("bitladder: note: the cache isn't counted, nor is a speed told: \(error)")
      return (nil, reads)
    }
    if let unknown = reads.unknown { tell("bitladder: note: no speed is told: \(unknown)") }
    try use.check(use.use(shape), shape)
    return (shape, reads)
  }

  // MARK: - Words

  private func table(_ fits: [Fit]) -> String {
    guard let first = fits.first else { return "" }
    var table = Table(["device", "usable", "free", "", "greatest context", "at most"])
    table.rightAligned = [1, 2, 4, 5]
    for fit in fits {
      table.add([
        fit.device.name, Figures.bytes(fit.device.usable), Figures.change(bytes: fit.freeBytes),
        fit.fits ? "fits" : "-", contextText(fit), fit.fits ? speedText(fit) : "",
      ])
    }
    return "\(needText(first))\n\n" + table.text
  }

  private func needText(_ fit: Fit) -> String {
    "needs \(Figures.bytes(fit.totalBytes)): \(Figures.bytes(fit.demand.weights)) of weights, "
      + (fit.cacheBytes.map { "\(Figures.bytes($0)) of cache (\(useText(fit.use))), " } ?? "")
      + "about \(Figures.bytes(fit.overheadBytes)) of overhead"
  }

  private func useText(_ use: Use) -> String {
    (use.sequences > 1 ? "\(use.sequences) x " : "")
      + "\(Quantity.text(tokens: use.context)) tokens, \(use.cache)"
  }

  private func contextText(_ fit: Fit) -> String {
    fit.greatestContext.map { $0 > 0 ? Quantity.text(tokens: $0) : "-" } ?? "?"
  }

  private func speedText(_ fit: Fit) -> String {
    fit.tokensPerSecond.map { "\(Fit.rate($0)) tok/s" } ?? "?"
  }

  private func parts(_ fit: Fit) -> String {
    let device = fit.device
    var table = Table(["", "", ""])
    table.rightAligned = [1]
    table.add(["weights", Figures.bytes(fit.demand.weights), ""])
    table.add([
      "cache", fit.cacheBytes.map(Figures.bytes) ?? "?",
      fit.cacheBytes == nil ? "not known" : useText(fit.use),
    ])
    table.add(["overhead", Figures.bytes(fit.overheadBytes), "an estimate"])
    table.add([
      "total", Figures.bytes(fit.totalBytes),
      "of \(Figures.bytes(device.usable)) that a model can have of \(Figures.bytes(device.memory))",
    ])
    table.add([
      fit.fits ? "free" : "missing", Figures.bytes(abs(fit.freeBytes)),
      fit.fits ? "it fits" : "it doesn't fit",
    ])
    table.add(["greatest context", contextText(fit), "tokens"])
    table.add(["at most", speedText(fit), boundText(fit)])
    // The head is empty.
    return "\(device.name) (\(device.source))" + table.text
  }

  private func boundText(_ fit: Fit) -> String {
    guard let bytes = fit.bytesRead else { return "" }
    let each = fit.use.sequences > 1 ? " for each sequence" : ""
    return "a bound\(each): \(bitladder.speedText(fit.device)) over "
      + "\(Figures.bytes(Int(min(bytes, 0x1p62)))) read"
  }

  // MARK: - JSON

  private func object(
    _ identity: Plan.ModelIdentity, _ shape: CacheShape?, _ use: Use, _ fits: [Fit]
  ) -> JSONValue {
    [
      "model": PlanFile.json(of: identity),
      "use": [
        "context": JSONValue(use.context), "sequences": JSONValue(use.sequences),
        "keys": .string(use.cache.keys.description),
        "values": .string(use.cache.values.description),
      ],
      "cache": shape.map(object) ?? .null,
      "devices": .array(fits.map { .object(object($0)) }),
    ]
  }

  private func object(_ shape: CacheShape) -> JSONValue {
    [
      "contextLength": shape.contextLength.map { JSONValue($0) } ?? .null,
      "layers": .array(
        shape.runs.map { run in
          [
            "count": JSONValue(run.count), "keys": JSONValue(run.layer.keys),
            "values": JSONValue(run.layer.values),
            "window": run.layer.window.map { JSONValue($0) } ?? .null,
          ]
        }),
    ]
  }

  private func object(_ fit: Fit) -> JSONObject {
    var object = bitladder.object(fit.device)
    object["weights"] = JSONValue(fit.demand.weights)
    object["cache"] = fit.cacheBytes.map { JSONValue($0) } ?? .null
    object["overhead"] = JSONValue(fit.overheadBytes)
    object["total"] = JSONValue(fit.totalBytes)
    object["free"] = JSONValue(fit.freeBytes)
    object["fits"] = .bool(fit.fits)
    object["greatestContext"] = fit.greatestContext.map { JSONValue($0) } ?? .null
    object["bytesRead"] = fit.bytesRead.map { JSONValue($0) } ?? .null
    object["tokensPerSecond"] = fit.tokensPerSecond.map { JSONValue($0) } ?? .null
    return object
  }
}
