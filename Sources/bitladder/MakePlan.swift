import ArgumentParser
import Consumers
import Explorer
import Foundation
import Measurement
import ModelFiles
import Planning
import Quantization

struct MakePlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Find the best plan within a budget, or the smallest one below an error.",
    discussion: """
      Every tensor is measured in every format it can have; what is found is the best there is, or \
      how far from it at most it may be is said. Roles are those that `bitladder inspect` prints. \
      A preset is a plan as it is: it is measured, and nothing is looked for.
      """)

  @OptionGroup var model: ModelArgument

  @Option(help: "What the plan must not exceed: 4.5bpw, 8GiB or 30%.")
  var budget: BudgetArgument?

  @Option(help: "Instead of a budget: the greatest error (0.5%, 0.005, 23dB); the least size.")
  var maxError: ErrorArgument?

  @Option(help: "Instead of a budget: a device that weights, cache and overhead must fit.")
  var fit: String?

  @OptionGroup var use: UseOptions

  @OptionGroup var preset: PresetOption

  @Option(help: "The formats, separated by commas; llama.cpp's for GGUF, else int8 to int2.")
  var formats: String?

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("Only what this program can do (see `export`).", valueName: "consumer"))
  var consumer: Consumer?

  @Option(help: "What to make small; weighted where there is an imatrix, else nmse.")
  var objective: Objective?

  @Option(help: "Instead of an objective: what `bitladder sensitivity` found.")
  var sensitivity: String?

  @OptionGroup var constraints: ConstraintOptions

  @OptionGroup var imatrix: ImatrixOption

  @OptionGroup var store: StoreOptions

  @Option(name: .shortAndLong, help: "The plan file to write; - prints it.")
  var output: String

  @Flag(help: "Overwrite the file if there is one.")
  var force = false

  func validate() throws {
    if fit == nil, use.isGiven {
      throw ValidationError("--context, --batch and --cache go with --fit")
    }
    let goals = [budget != nil, maxError != nil, fit != nil].count { $0 }
    if preset.isGiven {
      guard goals == 0, formats == nil, objective == nil, sensitivity == nil, consumer == nil,
        !constraints.isGiven
      else {
        throw ValidationError(
          "\(preset.recipe == nil ? "--preset" : "--recipe") says what every tensor gets: there is "
            + "nothing left to find within a budget, from other formats or under constraints")
      }
      return
    }
    guard goals == 1 else {
      throw ValidationError("expected one of --budget, --max-error, --fit, --preset and --recipe")
    }
    if objective == .divergence, sensitivity == nil {
      throw ValidationError("--objective kl needs --sensitivity")
    }
    if let objective, objective != .divergence, sensitivity != nil {
      throw ValidationError("--sensitivity takes the place of --objective")
    }
    if objective == .weighted, imatrix.path == nil {
      throw ValidationError("--objective weighted needs --imatrix")
    }
  }

  func run() throws {
    let asked = try readFormats(formats)
    var constraints = try constraints.read()
    let pins = try self.constraints.readPins()
    let target = ResultFile(path: output, force: force)
    try target.refuseOverwriting()
    let device = try fit.map { try Configuration.load().device($0) }
    let model = try model.open()
    for note in model.notes { tell("bitladder: note: \(note)") }
    let room = try device.map { try DeviceRoom(model, on: $0, use) }
    let importance = try imatrix.read(for: model)
    // Before measuring: what is found belongs to the model as it is now.
    let identity = Plan.ModelIdentity(model, fingerprint: model.fingerprint())
    constraints.pins = try PlanCandidates.pins(pins, model)
    let preset = try preset.read(for: model, importance: importance)
    let rules = consumer.map { ConsumerRules($0, model: model) }
    constraints.sharing += rules?.sharing ?? []
    let candidates =
      if let preset {
        PlanCandidates(model: model, choices: preset, importance: importance)
      } else {
        try PlanCandidates(
          model: model, formats: asked ?? usualFormats(of: model, rules), importance: importance,
          constraints: constraints, consumer: rules)
      }
    for line in candidates.passedOver { tell("bitladder: \(line)") }
    try room?.check(smallest: candidates.leastByteCount)
    let store = store.openTelling()
    defer { store?.close() }
    let measured = try candidates.measure(store: store)
    let sensitivities = try sensitivity.map { try readSensitivities($0, for: identity) }
    let objective =
      sensitivities == nil ? objective ?? (importance == nil ? .nmse : .weighted) : .divergence
    let solved =
      preset == nil ? try solve(measured, objective, sensitivities, constraints, room) : nil
    let choices =
      preset ?? solved.map { measured.choices($0.problem, $0.solution) } ?? []
    var plan = measured.plan(identity, choices, pins: constraints.pins)
    plan.budget = budget?.budget ?? room.map { .bytes($0.weightBudget) }
    plan.importance = importance.map {
      Plan.Importance(
        file: $0.file, mapping: $0.mapping, datasets: $0.datasets, chunks: $0.chunks)
    }
    try target.write(PlanFile.text(of: plan))
    report(plan)
    if let solved { report(solved.problem, solved.solution) }
    for line in formatLines(plan) { tell(line) }
    if let room { tell(room.summary(of: plan, model)) }
  }

  private func readSensitivities(
    _ path: String, for identity: Plan.ModelIdentity
  ) throws -> Sensitivities {
    do {
      let found = try Sensitivities(
        parsing: try readWhole(path, "what `sensitivity` wrote"), path: path)
      guard found.model.fingerprint == identity.fingerprint else {
        throw ModelFileError(
          path: path, found: "sensitivities of another model, \(found.model.name)",
          expected: "those of \(identity.name)")
      }
      return found
    } catch let error as ModelFileError {
      throw Failure(error.description)
    }
  }

  private func usualFormats(of model: Model, _ rules: ConsumerRules?) -> [Format] {
    guard let rules else { return defaultFormats(for: model) }
    return rules.formats ?? defaultBlockFormats
  }

  private func solve(
    _ measured: MeasuredCandidates, _ objective: Objective, _ sensitivities: Sensitivities?,
    _ constraints: Constraints, _ room: DeviceRoom?
  ) throws(Failure) -> (problem: PlanningProblem, solution: Solution) {
    do throws(PlanningError) {
      let problem = try PlanningProblem(
        tensors: sensitivities?.options(for: measured.options) ?? measured.options,
        kept: sensitivities == nil
          ? measured.kept
          : KeptTensors(bytes: measured.kept.bytes, weights: measured.kept.weights),
        objective: objective, constraints: constraints)
      if let budget {
        let bytes = problem.bytes(of: budget.budget, sourceBytes: measured.model.byteCount)
        return (problem, try problem.solve(budget: bytes))
      }
      if let room { return (problem, try problem.solve(budget: room.weightBudget)) }
      return (problem, try problem.solve(maximumError: maxError?.error ?? 0))
    } catch {
      throw Failure(room?.sentence(for: error) ?? error.description)
    }
  }

  // MARK: - Words

  private func report(_ plan: Plan) {
    let totals = plan.totals
    tell(
      "\(plan.model.name.sanitised): \(Figures.bytes(plan.model.bytes)) -> "
        + "\(Figures.bytes(totals.bytes)), \(Figures.bits(totals.bitsPerWeight)) bpw, NMSE "
        + (totals.nmse.map(Figures.percent) ?? "not known")
        + (totals.sqnr.map { ", \(Figures.decibels($0))" } ?? ""))
  }

  private func report(_ problem: PlanningProblem, _ solution: Solution) {
    let figure = { Figures.figure($0, of: problem.objective) }
    let found = "\(problem.objective.name) \(figure(solution.error))"
    let bound =
      switch solution.bound {
      case .error(let error): figure(error)
      case .bytes(let bytes): Figures.bytes(bytes)
      }
    tell(
      solution.isOptimal
        ? "\(found); bound \(bound), gap 0 %: no plan is better"
        : "\(found); bound \(bound), gap at most \(Figures.percent(solution.gap))")
  }

  /// What each format got, the most bytes first.
  private func formatLines(_ plan: Plan) -> [String] {
    var rows: [(choice: Choice, tensors: Int, bytes: Int)] = []
    for entry in plan.tensors {
      if let place = rows.firstIndex(where: { $0.choice == entry.choice }) {
        rows[place].tensors += 1
        rows[place].bytes += entry.bytes
      } else {
        rows.append((entry.choice, 1, entry.bytes))
      }
    }
    var table = Table(["format", "tensors", "size"])
    table.rightAligned = [1, 2]
    for row in rows.sorted(by: { ($1.bytes, $0.tensors) < ($0.bytes, $1.tensors) }) {
      table.add([row.choice.description, "\(row.tensors)", Figures.bytes(row.bytes)])
    }
    return table.text.split(separator: "\n").map(String.init)
  }
}
