import Consumers
import Measurement
import ModelFiles
import Planning
import Quantization

/// All that the solver looks at: can be asked on other threads, while the state moves on.
struct SolverBasis: Sendable {
  let ladders: LadderBasis
  let findings: Findings
  let settings: SolverSettings
  /// Plans to be set beside the best ones.
  let plans: [NamedPlan]
  let presets: KnownPresets
  /// Whether estimates won't do.
  let needsExact: Bool
  /// What quantizing single tensors does to the outputs, as far as it is known.
  let effects: [Int: [Format: TensorEffect]]
  /// The tensors that the forward pass uses; nil where the model isn't run.
  let running: Set<Int>?
  /// Those of them that can't be measured.
  let hopeless: Set<TensorFormat>

  var model: Model { ladders.model }

  /// The presets of a program whose formats are those of the ladder: others would have to be measured for them.
  var presetPlans: [NamedPlan] {
    presets.plans(of: ladders.kind == .ggml ? .llamaQuantize : .mlxLM)
  }

  /// What the user pinned, by the tensors' ids.
  var pins: [Int: Choice] { ladders.pins }

  var constraints: Constraints { settings.constraints(on: model, pins: pins) }

  func isPlanned(_ tensor: Tensor) -> Bool {
    tensor.suitability.isQuantizable && WeightReader.canRead(tensor)
      && !findings.unreadable.contains(tensor.id)
  }

  /// The tensors that are planned, with the formats that each can have.
  func candidates() -> [(tensor: Tensor, formats: [Format])] {
    model.tensors.filter(isPlanned).map { ($0, ladders.candidates(of: $0.id)) }
  }

  /// What is to be measured before a figure is known well enough; nil if it is.
  func need(_ tensor: Tensor, _ format: Format) -> Work? {
    let exact = Work.measurement(tensor: tensor.id, format: format)
    if let known = findings.measurements[tensor.id][format] {
      return known.exact || !needsExact ? nil : exact
    }
    guard !needsExact, findings.inestimable[tensor.id]?.contains(format) != true,
      let weights = SamplingSchedule.rounds(of: tensor, format: format).first
    else { return exact }
    return .estimate(tensor: tensor.id, format: format, weights: weights)
  }

  /// What is to be measured before all that may be chosen is known.
  func needs(of candidates: [(tensor: Tensor, formats: [Format])], _ constraints: Constraints?)
    -> [Work]
  {
    var needs: [Work] = []
    var isKept = [Bool](repeating: true, count: model.tensors.count)
    for (tensor, formats) in candidates {
      let before = needs.count
      for format in formats {
        if let constraints {
          let bytes = format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
          if constraints.objection(tensor, .format(format), bytes: bytes) != nil { continue }
        }
        if let work = need(tensor, format) { needs.append(work) }
      }
      isKept[tensor.id] =
        needs.count == before && !formats.contains { findings.measurements[tensor.id][$0] != nil }
    }
    // The others count in what errors are divided by.
    for tensor in model.tensors
    where isKept[tensor.id] && findings.statistics[tensor.id] == nil
      && tensor.weightCount > 0 && WeightReader.canRead(tensor)
      && !findings.unreadable.contains(tensor.id)
    {
      needs.append(.statistics(tensor: tensor.id))
    }
    return needs
  }

  /// The tensors that are to be run alone before all that may be chosen is known; nothing unless the objective is
  /// about that.
  func effectNeeds(of candidates: [(tensor: Tensor, formats: [Format])]) -> [TensorFormat] {
    guard settings.objective == .divergence, let running else { return [] }
    return candidates.filter { running.contains($0.tensor.id) }.flatMap { tensor, formats in
      formats.map { TensorFormat(tensor: tensor.id, format: $0) }
        .filter { effects[tensor.id]?[$0.format] == nil && !hopeless.contains($0) }
    }
  }

  func problem(
    of candidates: [(tensor: Tensor, formats: [Format])], _ constraints: Constraints
  ) throws(PlanningError) -> PlanningProblem {
    let inputs = PlanningInputs(
      model: model, candidates: candidates,
      measurement: { findings.measurements[$0][$1] }, squares: { findings.statistics[$0]?.squares },
      keptBytes: { ladders.assignments[$0.id].choice.byteCount(of: $0) })
    guard settings.objective == .divergence else {
      return try PlanningProblem(
        tensors: inputs.options, kept: inputs.kept, objective: settings.objective,
        constraints: constraints)
    }
    let entries = effects.flatMap { id, formats in
      formats.map {
        Sensitivities.Entry(tensor: model.tensors[id].name, format: $0, distance: $1.distance)
      }
    }
    let found = Sensitivities(
      model: Plan.ModelIdentity(model, fingerprint: ""), data: "", samples: 0, entries: entries)
    return try PlanningProblem(
      tensors: found.options(for: inputs.options),
      kept: KeptTensors(bytes: inputs.kept.bytes, weights: inputs.kept.weights),
      objective: .divergence, constraints: constraints)
  }

  /// What a tensor takes and costs in some choice; nil if that wasn't measured.
  func option(_ tensor: TensorOptions, _ choice: Choice) -> TensorOptions.Option? {
    if let option = tensor.options.first(where: { $0.choice == choice }) { return option }
    // An error of weights is no divergence.
    if settings.objective == .divergence { return nil }
    return choice.format.flatMap { findings.measurements[tensor.tensor.id][$0] }
      .map(TensorOptions.Option.init)
  }

  /// The exact figures that would replace estimates.
  func inexact(of candidates: [(tensor: Tensor, formats: [Format])]) -> [Work] {
    if settings.objective == .divergence { return [] }
    return candidates.flatMap { tensor, formats in
      formats.filter { findings.measurements[tensor.id][$0]?.exact == false }
        .map { .measurement(tensor: tensor.id, format: $0) }
    }
  }
}

extension LadderBasis {
  /// What the user pinned, by the tensors' ids.
  var pins: [Int: Choice] {
    var pins: [Int: Choice] = [:]
    for (id, assignment) in assignments.enumerated()
    where assignment.isPinned && model.tensors[id].suitability.isQuantizable {
      pins[id] = assignment.choice
    }
    return pins
  }

  /// The formats that a solver may give a tensor: those of the present ladder, whatever the tensor has now,
  /// and that; of a pinned one its pin alone.
  func candidates(of tensor: Int) -> [Format] {
    let assignment = assignments[tensor]
    if assignment.isPinned { return assignment.choice.format.map { [$0] } ?? [] }
    let subject = model.tensors[tensor]
    let formats = custom ?? kind.formats(family: family, rowLength: subject.rowLength)
    let ladder = Ladder(
      tensor: subject, choice: assignment.choice, formats: formats,
      refusal: rules[subject].refusal(of:))
    return ladder.rungs.compactMap(\.format)
  }
}
