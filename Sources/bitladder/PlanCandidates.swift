import ArgumentParser
import Consumers
import Explorer
import Measurement
import ModelFiles
import Planning
import Quantization
import Storage

/// The formats that each of a model's tensors can have under some constraints.
struct PlanCandidates {
  let model: Model
  let importance: ModelImportance?
  /// The formats of each tensor worth quantizing, by its place among them.
  private(set) var formats: [(tensor: Tensor, formats: [Format])] = []
  /// The formats that some tensors can't have, and why, a line each.
  private(set) var passedOver: [String] = []

  init(
    model: Model, formats: [Format], importance: ModelImportance?, constraints: Constraints,
    consumer: ConsumerRules? = nil
  ) throws(Failure) {
    self.model = model
    self.importance = importance
    let allRules = FormatRules(model: model, importance: importance)
    var refusals = Refusals()
    for tensor in model.tensors where tensor.suitability.isQuantizable {
      let pin = constraints.pins[tensor.id]
      let rules = allRules[tensor]
      let wanted = pin.map { $0.format.map { [$0] } ?? [] } ?? formats
      var possible: [Format] = []
      for format in wanted {
        let bytes = format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
        // What saves nothing isn't worth measuring, nor what isn't allowed.
        guard pin != nil || bytes < tensor.byteCount,
          constraints.objection(tensor, .format(format), bytes: bytes) == nil
        else { continue }
        let objection = consumer?.objection(to: format, for: tensor).map {
          FormatRefusal(reason: $0)
        }
        if let refusal = objection ?? rules.refusal(of: format) {
          guard pin == nil else {
            let instead = refusal.instead.map { "; llama-quantize would write \($0)" } ?? ""
            throw Failure(
              "\(tensor.label) is pinned to \(format), but can't have it: \(refusal.reason)"
                + instead)
          }
          refusals.add(refusal, of: format, for: tensor)
        } else {
          possible.append(format)
        }
      }
      self.formats.append((tensor, possible))
    }
    passedOver = refusals.lines
  }

  /// The one format that each tensor has.
  init(model: Model, choices: [Choice], importance: ModelImportance?) {
    self.model = model
    self.importance = importance
    formats = zip(model.tensors, choices).compactMap { tensor, choice in
      tensor.suitability.isQuantizable ? (tensor, choice.format.map { [$0] } ?? []) : nil
    }
  }

  /// Adds what tensors get in a plan to what they can have.
  mutating func include(_ choices: [Choice]) {
    for index in formats.indices {
      guard let format = choices[formats[index].tensor.id].format,
        !formats[index].formats.contains(format)
      else { continue }
      formats[index].formats.append(format)
    }
  }

  /// No plan takes fewer bytes than this, whatever the constraints among tensors.
  var leastByteCount: Int {
    let kept = model.tensors.reduce(0) { $0 + ($1.suitability.isQuantizable ? 0 : $1.byteCount) }
    return formats.reduce(kept) { sum, candidate in
      let (tensor, formats) = candidate
      let choices = [.source] + formats.map { Choice.format($0) }
      return sum + (choices.map { $0.byteCount(of: tensor) }.min() ?? 0)
    }
  }

  /// What patterns pin, by the tensors' ids; later ones win.
  static func pins(
    _ pins: [(text: String, pattern: Pattern, choice: Choice)], _ model: Model
  ) throws(Failure) -> [Int: Choice] {
    var result: [Int: Choice] = [:]
    for (text, pattern, choice) in pins {
      let matched = model.tensors.filter {
        $0.suitability.isQuantizable && pattern.matches($0.name)
      }
      guard !matched.isEmpty else {
        throw Failure("--pin '\(text.sanitised)': no tensor worth quantizing matches")
      }
      for tensor in matched { result[tensor.id] = choice }
    }
    return result
  }

  /// Measures all tensors in all their formats, and the weights of those that are kept.
  /// - Parameters:
  ///   - plans: what tensors get in other plans is measured as well.
  ///   - sample: how many weights to look at for an estimate; nil: all of them.
  func measure(
    store: MeasurementStore?, plans: [[Choice]] = [], sample: Int? = nil
  ) throws(Failure) -> MeasuredCandidates {
    guard !formats.isEmpty else {
      throw Failure(
        "\(model.name): no tensor worth quantizing; `bitladder inspect` lists them with the reasons"
      )
    }
    var work = formats.flatMap { tensor, formats in
      let others = plans.compactMap { $0[tensor.id].format }.filter { !formats.contains($0) }
      return (formats + Set(others)).map { Work.task(tensor, $0, sample: sample) }
    }
    let measured = Set(formats.lazy.filter { !$0.formats.isEmpty }.map(\.tensor.id))
    work += model.tensors.filter {
      !measured.contains($0.id) && WeightReader.canRead($0) && $0.weightCount > 0
    }.map { .statistics(tensor: $0.id) }
    var found: [Work: Measurement] = [:]
    var squares: [Int: Double] = [:]
    for (work, finding) in try measureOrEstimate(
      work, of: model, importance: importance, store: store)
    {
      switch finding {
      case .measurement(let measurement):
        found[.measurement(tensor: work.tensor, format: measurement.format)] = measurement
      case .statistics(let summary): squares[work.tensor] = summary.squares
      case .histogram, .channels, .inestimable, .unreadable, .lost: break
      }
    }
    return MeasuredCandidates(self, found, squares)
  }
}

/// A model's tensors with what was measured of them.
struct MeasuredCandidates {
  let model: Model
  /// The tensors that are planned.
  let options: [TensorOptions]
  /// The others.
  let kept: KeptTensors
  private let found: [Work: Measurement]
  private let squares: [Int: Double]

  init(_ candidates: PlanCandidates, _ found: [Work: Measurement], _ squares: [Int: Double]) {
    model = candidates.model
    self.found = found
    let inputs = PlanningInputs(
      model: model, candidates: candidates.formats,
      measurement: { found[.measurement(tensor: $0, format: $1)] }, squares: { squares[$0] })
    options = inputs.options
    kept = inputs.kept
    var squares = squares
    for options in inputs.options { squares[options.tensor.id] = options.squares }
    self.squares = squares
  }

  /// What was measured of a tensor in a format.
  func measurement(of tensor: Int, _ format: Format) -> Measurement? {
    found[.measurement(tensor: tensor, format: format)]
  }

  /// What a tensor adds to the totals in some choice.
  func contribution(of tensor: Tensor, _ choice: Choice) -> Contribution {
    var part = Contribution(
      tensor: tensor, choice: choice, isReadable: WeightReader.canRead(tensor))
    if let format = choice.format { part.take(measurement(of: tensor.id, format)) }
    part.squares = tensor.weightCount == 0 ? 0 : part.squares ?? squares[tensor.id]
    return part
  }

  /// What a solution gives each tensor of the model.
  func choices(_ problem: PlanningProblem, _ solution: Solution) -> [Choice] {
    var choices = [Choice](repeating: .source, count: model.tensors.count)
    for (options, choice) in zip(problem.tensors, solution.choices) {
      choices[options.tensor.id] = choice
    }
    return choices
  }

  /// A plan that gives each tensor something that was measured.
  func plan(_ identity: Plan.ModelIdentity, _ choices: [Choice], pins: [Int: Choice]) -> Plan {
    var totals = Totals()
    let entries = model.tensors.map { tensor in
      let choice = choices[tensor.id]
      let measurement = choice.format.flatMap { self.measurement(of: tensor.id, $0) }
      let contribution = self.contribution(of: tensor, choice)
      totals.add(contribution)
      return Plan.Entry(
        name: tensor.name, shape: tensor.shape, source: tensor.sourceName, choice: choice,
        bytes: contribution.bytes, bitsPerWeight: choice.bitsPerWeight(of: tensor),
        nmse: contribution.nmse, weightedNmse: measurement?.figures.weightedNmse,
        exact: contribution.nmse != nil && contribution.uncertainty == nil,
        isPinned: pins[tensor.id] != nil)
    }
    return Plan(
      model: identity, budget: nil, totals: Plan.Sums(totals), tensors: entries)
  }
}
