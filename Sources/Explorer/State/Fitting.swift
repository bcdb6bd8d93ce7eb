import ModelFiles
import Planning

/// What the model asks of memory beside its weights, and the device that the plan is meant for.
struct Fitting: Sendable {
  private let knownCache: OnDemand<Result<CacheShape, CacheUnknown>>
  private let knownReads: OnDemand<TokenReads>
  /// The devices that there are.
  let devices: [Device]
  var device: Device?
  private var chosenUse: Use?

  init(_ model: Model, _ options: Options) {
    knownCache = OnDemand {
      do throws(CacheUnknown) { return .success(try CacheShape(model)) } catch {
        return .failure(error)
      }
    }
    knownReads = OnDemand { TokenReads(model) }
    devices = options.devices
    device = options.device
    chosenUse = options.use
  }

  /// What the model keeps of its context; nil where that isn't known.
  var cache: CacheShape? { try? knownCache.value.get() }

  /// What is missing for it, a phrase.
  var cacheUnknown: String? {
    if case .failure(let unknown) = knownCache.value { unknown.description } else { nil }
  }

  /// What a token reads of each tensor.
  var reads: TokenReads { knownReads.value }

  /// How the model is to be used.
  var use: Use {
    get { chosenUse ?? Use(context: Use.usualContext(cache)) }
    set { chosenUse = newValue }
  }

  // MARK: - Ways to use it

  /// The contexts that one steps through: powers of two, what the model was made for, the present one.
  func contexts(with present: Int) -> [Int] {
    let made = cache?.contextLength ?? 0
    let most = made > 0 ? min(made, Fit.mostTokens) : 1 << 20
    let powers = (8...31).map { 1 << $0 }.filter { $0 <= most }
    return Set(powers + [most, present]).sorted()
  }

  /// The types that its cache can be stored in, and the present one.
  func cacheTypes(with present: CacheType) -> [CacheType] {
    let types = CacheType.knownNames.compactMap { try? CacheType(parsing: $0) }.filter { type in
      cache.map { Fit.objection(to: type, for: $0) == nil } ?? true
    }
    return types.contains(present) ? types : [present] + types
  }

  /// What isn't known or is unusual, in sentences.
  func notes(on use: Use) -> [String] {
    if let cacheUnknown { return ["the cache isn't counted, nor is a speed told: \(cacheUnknown)"] }
    var notes: [String] = []
    if let unknown = reads.unknown { notes.append("no speed is told: \(unknown)") }
    if let most = cache?.contextLength, most > 0, use.context > most {
      notes.append(
        "the model was made for a context of \(Quantity.text(tokens: most)) at most")
    }
    return notes + (cache?.notes ?? [])
  }
}

extension State {
  /// What the plan asks of a device.
  var demand: Demand {
    Demand(model, cache: fitting.cache, reads: fitting.reads) { contributions[$0].bytes }
  }

  /// How the plan fits the device that was chosen; nil where none was.
  var fit: Fit? { fitting.device.map { Fit(demand, on: $0, fitting.use) } }

  /// Chooses the device that the totals are set against; nil for none.
  mutating func choose(_ device: Device?, _ use: Use) {
    let wasFit = FitGoal.isOne(solver.settings.goalText)
    fitting.device = device
    fitting.use = use
    if wasFit, let device { solver.settings.goalText = FitGoal.text(device, use) }
  }
}

/// A goal that is a device: `fit`, `fit 4090`, `fit 32k`, `fit RTX 4090 32k`.
struct FitGoal: Sendable, Hashable {
  let device: Device
  let use: Use
  /// What it leaves for weights.
  let bytes: Int

  static func isOne(_ text: String) -> Bool {
    text.split(separator: " ").first?.lowercased() == "fit"
  }

  /// How it is written, with all that it depends on but the cache.
  static func text(_ device: Device, _ use: Use) -> String {
    "fit \(device.name) \(Quantity.text(tokens: use.context))"
  }

  var text: String { Self.text(device, use) }

  /// Reads the words after `fit`: a device, a context, both or neither; what isn't said is as it was chosen.
  init(_ text: String, _ fitting: Fitting, _ demand: Demand) throws(GoalRefusal) {
    let words = text.split(separator: " ").dropFirst().map(String.init)
    var use = fitting.use
    var name = words.joined(separator: " ")
    var found = fitting.devices.matching(name)
    if found.isEmpty, let tokens = words.last.flatMap(Quantity.tokens) {
      use.context = tokens
      name = words.dropLast().joined(separator: " ")
      found = fitting.devices.matching(name)
    }
    if name.isEmpty {
      guard let device = fitting.device else {
        throw GoalRefusal(reason: "no device is chosen: fit DEVICE 32k, or d chooses one")
      }
      found = [device]
    } else if found.isEmpty {
      do throws(UnknownDevice) {
        found = [try fitting.devices.named(name)]
      } catch {
        throw GoalRefusal(reason: error.description)
      }
    }
    guard let device = found.first, found.count == 1 else {
      let names = found.prefix(4).map(\.name).joined(separator: ", ")
      throw GoalRefusal(
        reason: "that can be \(names)\(found.count > 4 ? " and \(found.count - 4) more" : "")")
    }
    let fit = Fit(demand, on: device, use)
    guard fit.weightBudget > 0 else {
      throw GoalRefusal(
        reason: "\(device.name) has \(Figures.bytes(device.usable)), and cache and overhead "
          + "alone take \(Figures.bytes(fit.totalBytes - fit.demand.weights))")
    }
    self.device = device
    self.use = use
    bytes = fit.weightBudget
  }
}

/// Why a text is no goal, or why nothing can reach it: a sentence for people.
struct GoalRefusal: Error {
  let reason: String
}
