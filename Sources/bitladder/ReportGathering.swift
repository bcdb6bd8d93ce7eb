import Consumers
import Explorer
import Measurement
import ModelFiles
import Planning
import Quantization
import Storage

/// Measures what a report says of a model.
struct ReportGathering {
  /// How many distributions are drawn, and in how many bins.
  private static let distributionCount = 6
  private static let binCount = 96

  let candidates: PlanCandidates
  private let model: Model
  private let identity: Plan.ModelIdentity
  private let importance: ModelImportance?
  private let plan: Plan?
  private let sample: Int?
  private let subject: NamedPlan
  private let kind: Report.Subject
  private let pinned: Set<Int>
  private let presets: [NamedPlan]
  private let rules: FormatRules
  private var notes: [String]

  /// - Parameter name: the name of the plan's file.
  init(
    _ model: Model, _ identity: Plan.ModelIdentity, importance: ModelImportance?,
    formats: [Format]?, plan: Plan?, name: String, sample: Int?
  ) throws(Failure) {
    self.model = model
    self.identity = identity
    self.importance = importance
    self.plan = plan
    self.sample = sample
    rules = FormatRules(model: model, importance: importance)
    notes = model.notes
    var candidates = try PlanCandidates(
      model: model, formats: formats ?? defaultFormats(for: model), importance: importance,
      constraints: Constraints())
    if let plan {
      let match = PlanMatch(plan: plan, model: model, fingerprint: identity.fingerprint)
      notes += match.differences
      var choices = [Choice](repeating: .source, count: model.tensors.count)
      for taken in match.taken { choices[taken.tensor] = taken.choice }
      pinned = Set(match.taken.filter(\.isPinned).map(\.tensor))
      kind = .plan(name)
      subject = NamedPlan(name: name, kind: .saved, choices: choices)
      candidates.include(choices)
    } else {
      let format = try Self.usual(candidates.formats)
      let choices = Report.choices(giving: format, to: candidates.formats, of: model, rules)
      pinned = []
      kind = .uniform(format)
      subject = NamedPlan(name: format.description, kind: .saved, choices: choices)
    }
    self.candidates = candidates
    presets = Self.presets(of: model, importance, candidates, mayMeasure: formats == nil)
  }

  /// The format with about 4 bits that most people would take, or what comes nearest.
  private static func usual(
    _ candidates: [(tensor: Tensor, formats: [Format])]
  ) throws(Failure) -> Format {
    var weights: [Format: Int] = [:]
    var order: [Format] = []
    for (tensor, formats) in candidates {
      for format in formats {
        if weights[format] == nil { order.append(format) }
        weights[format, default: 0] += tensor.weightCount
      }
    }
    let most = weights.values.max() ?? 0
    func distance(_ format: Format) -> Double {
      abs(format.bitsPerWeight(rows: 1, rowLength: 4096) - 4.5)
    }
    let best = order.filter { 2 * (weights[$0] ?? 0) >= most }
      .min { distance($0) < distance($1) }
    guard let best else { throw Failure("no tensor can have any of these formats") }
    return best
  }

  /// llama-quantize's for a GGUF, mlx-lm's for others: those that need nothing else to be measured; all of mlx-lm's
  /// if more may be, since there are few.
  private static func presets(
    of model: Model, _ importance: ModelImportance?, _ candidates: PlanCandidates, mayMeasure: Bool
  ) -> [NamedPlan] {
    let program: Preset.Program = model.container == .gguf ? .llamaQuantize : .mlxLM
    var formats: [Int: Set<Format>] = [:]
    for (tensor, own) in candidates.formats { formats[tensor.id] = Set(own) }
    var plans: [NamedPlan] = []
    for preset in Presets.all(for: model, importance: importance) where preset.program == program {
      guard !plans.contains(where: { $0.choices == preset.choices }) else { continue }
      let isCovered = preset.choices.enumerated().allSatisfy { id, choice in
        choice.format.map { formats[id]?.contains($0) == true } ?? true
      }
      guard isCovered || mayMeasure && program == .mlxLM else { continue }
      plans.append(NamedPlan(name: preset.name, kind: .preset, choices: preset.choices))
    }
    return plans
  }

  // MARK: - Measuring

  /// Measures all that isn't remembered, and sets it down.
  mutating func report(store: MeasurementStore?, command: String) throws(Failure) -> Report {
    let measured = try candidates.measure(
      store: store, plans: presets.map(\.choices), sample: sample)
    let entries = model.tensors.map { tensor in
      let choice = subject.choices[tensor.id]
      return Report.Entry(
        tensor: tensor, choice: choice, contribution: measured.contribution(of: tensor, choice),
        isPinned: pinned.contains(tensor.id))
    }
    var report = Report(
      model: identity, container: model.container, subject: kind, entries: entries,
      command: command, version: programVersion)
    report.budget = plan?.budget
    if let importance {
      notes.append(
        "Errors and codes weighted by the importance matrix \(importance.file): "
          + "\(importance.quantizableMatched) of \(importance.quantizable) tensors; "
          + importance.mapping)
    } else if let made = plan?.importance {
      notes.append(
        "The plan was made with the importance matrix \(made.file); errors here are without it.")
    }
    report.frontier = try frontier(measured)
    report.distributions = try distributions(entries, store: store)
    report.notes = notes
    return report
  }

  private func frontier(_ measured: MeasuredCandidates) throws(Failure) -> PlanCurve {
    do throws(PlanningError) {
      let problem = try PlanningProblem(
        tensors: measured.options, kept: measured.kept,
        objective: importance == nil ? .nmse : .weighted)
      return PlanCurve(
        problem, candidates: candidates.formats, rules: rules, presets: presets, subject: subject
      ) { tensor, choice in
        if let option = tensor.options.first(where: { $0.choice == choice }) { return option }
        return choice.format.flatMap { measured.measurement(of: tensor.tensor.id, $0) }
          .map(TensorOptions.Option.init)
      }
    } catch {
      throw Failure(error.description)
    }
  }

  private func distributions(
    _ entries: [Report.Entry], store: MeasurementStore?
  ) throws(Failure) -> [Report.Distribution] {
    let worst = Report.worst(entries, count: Self.distributionCount)
    var work: [Work] = []
    for index in worst {
      let entry = entries[index]
      for format in [nil, entry.choice.format] {
        work.append(
          .histogram(tensor: entry.tensor.id, format: format, bins: Self.binCount))
      }
    }
    var found: [Work: Histogram] = [:]
    for case let (work, .histogram(histogram)) in try measureAll(
      work, of: model, importance: importance, store: store)
    {
      found[work] = histogram
    }
    return worst.compactMap { index in
      let entry = entries[index]
      func histogram(_ format: Format?) -> Histogram? {
        found[.histogram(tensor: entry.tensor.id, format: format, bins: Self.binCount)]
      }
      return histogram(nil).map {
        Report.Distribution(
          entry: index, source: $0, reconstructed: histogram(entry.choice.format))
      }
    }
  }
}
