import ArgumentParser
import Explorer
import ModelFiles
import Planning

/// How a model is to be used on a device.
struct UseOptions: ParsableArguments {
  @Option(help: "The context for each sequence, in tokens: 4096, 32k; 8k without.")
  var context: ContextArgument?

  @Option(help: "How many sequences are decoded at once, each with its own context.")
  var batch: Int?

  @Option(help: "How the cache is stored: f16 (without), q8_0, ... or KEYS:VALUES.")
  var cache: CacheArgument?

  /// Whether any of it was given.
  var isGiven: Bool { context != nil || batch != nil || cache != nil }

  func validate() throws {
    if let batch, !(1...1_000_000).contains(batch) {
      throw ValidationError("--batch must be 1 to 1000000")
    }
  }

  /// The use on a model: no more than its own context unless that was asked for.
  func use(_ shape: CacheShape?) -> Use {
    Use(
      context: context?.tokens ?? Use.usualContext(shape),
      sequences: batch ?? 1, cache: cache?.type ?? .standard)
  }

  /// Checks that the cache of a model can be stored so; says what is unusual.
  func check(_ use: Use, _ shape: CacheShape) throws(Failure) {
    if let objection = Fit.objection(to: use.cache, for: shape) {
      throw Failure(objection.description)
    }
    if let most = shape.contextLength, use.context > most {
      tell(
        "bitladder: note: the model was made for a context of \(Quantity.text(tokens: most)) at most"
      )
    }
    for note in shape.notes { tell("bitladder: note: \(note)") }
  }
}

/// A number of tokens.
struct ContextArgument: ExpressibleByArgument {
  let tokens: Int

  init?(argument: String) {
    guard let tokens = Quantity.tokens(argument) else { return nil }
    self.tokens = tokens
  }
}

/// How the cache is stored.
struct CacheArgument: ExpressibleByArgument {
  let type: CacheType

  init?(argument: String) {
    guard let type = try? CacheType(parsing: argument) else { return nil }
    self.type = type
  }
}

/// The room that a device has for a model's weights beside its cache, for `plan --fit`.
struct DeviceRoom {
  private let device: Device
  private let use: Use
  private let shape: CacheShape
  private let reads: TokenReads
  /// What the model asks as it is stored.
  private let demand: Demand

  init(_ model: Model, on device: Device, _ options: UseOptions) throws(Failure) {
    do {
      shape = try CacheShape(model)
    } catch {
      throw Failure("\(model.name): what fits isn't known: \(error)")
    }
    use = options.use(shape)
    try options.check(use, shape)
    self.device = device
    reads = TokenReads(model)
    demand = Demand(model, cache: shape, reads: reads) { model.tensors[$0].byteCount }
  }

  /// The bytes that weights may take; 0 where there are none left.
  var weightBudget: Int { max(0, Fit(demand, on: device, use).weightBudget) }

  func summary(of plan: Plan, _ model: Model) -> String {
    let demand = Demand(model, cache: shape, reads: reads) { plan.tensors[$0].bytes }
    return Fit(demand, on: device, use).summary()
  }

  /// Refuses, before anything is measured, a model whose smallest plan can't fit.
  func check(smallest: Int) throws(Failure) {
    if smallest > weightBudget { throw Failure(sentence(smallest: smallest)) }
  }

  /// What to say where not even the smallest plan fits; nil for other errors.
  func sentence(for error: PlanningError) -> String? {
    guard case .budgetTooSmall(_, let smallest, _) = error else { return nil }
    return sentence(smallest: smallest)
  }

  /// What a plan of so many bytes needs, and where it would fit.
  private func sentence(smallest: Int) -> String {
    var demand = demand
    demand.weights = smallest
    let fit = Fit(demand, on: device, use)
    let context = Quantity.text(tokens: use.context)
    var text =
      "\(device.name) has \(Figures.bytes(device.usable)) for a model; with a context of \(context) "
      + "the smallest plan under these constraints needs \(Figures.bytes(fit.totalBytes)): "
      + "\(Figures.bytes(smallest)) of weights, \(Figures.bytes(fit.cacheBytes ?? 0)) of cache, "
      + "\(Figures.bytes(fit.overheadBytes)) of overhead; "
    if let nearest = fit.greatestContext, nearest > 0 {
      text += "it fits with a context of \(Quantity.text(tokens: nearest))"
    } else {
      text += "it fits with no context: take a device with as much memory"
    }
    return text
  }
}
