import ArgumentParser
import Evaluation
import Explorer
import Foundation
import ModelFiles
import Planning
import Terminal

struct Explore: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Open the explorer on a model (the default).")

  @OptionGroup var model: ModelArgument

  @Option(help: "A plan file to start from and save to; need not exist yet.")
  var plan: String?

  @OptionGroup var preset: PresetOption

  @Option(help: "A plan to set beside it: on the frontier, in Compare. May be repeated.")
  var beside: [String] = []

  @Option(help: "The formats of the ladder, separated by commas (int8,int4:affine:g32,f8_e4m3).")
  var ladder: String?

  @OptionGroup var imatrix: ImatrixOption

  @Option(help: "The device to set the plan against from the start: see `bitladder devices`.")
  var device: String?

  @OptionGroup var use: UseOptions

  @Option(help: "What to run the model on for its true quality: a text, tokens, or test data.")
  var data: String?

  @Flag(
    help: "Run it on its training data first, for gptq, gptq-act and awq; so does --calibration.")
  var calibrate = false

  @OptionGroup var calibration: CalibrationOptions

  @OptionGroup var store: StoreOptions

  @Option(help: "When to use colour: auto, always, never. NO_COLOR counts for auto.")
  var color = ColorChoice.auto

  @Option(help: "What it looks like: auto, dark, light, high-contrast. COLORFGBG counts for auto.")
  var theme: ThemeChoice?

  @Flag(help: "Draw with ASCII characters only.")
  var ascii = false

  @Flag(inversion: .prefixedNo, help: "Use the mouse.")
  var mouse = true

  @Flag(help: .hidden)
  var firstSteps = false

  @Option(help: "Play these keys on a screen in memory instead of a terminal ('jj4<Enter>').")
  var script: String?

  @Option(help: "The size of that screen: 120x36.")
  var size: ScreenSize = ScreenSize(size: Size(columns: 120, rows: 36))

  @Flag(help: "With --script: print the last frame as text, once everything is measured.")
  var dumpFrame = false

  @Flag(name: .customLong("dump-svg"), help: "With --script: print it as a picture (SVG).")
  var dumpSVG = false

  func run() throws {
    var options = Options()
    options.ladder = try readFormats(ladder)
    options.planPath = plan
    options.mouse = mouse
    options.version = programVersion
    options.modelArgument = model.model
    var quality = QualityOptions()
    quality.data = data
    quality.folder = store.sensitivityFolder
    options.quality = quality
    if firstSteps { options.firstSteps = FirstSteps() }
    let start = try plan.flatMap { try readPlan($0, mayBeAbsent: true) }
    if start != nil, preset.isGiven {
      throw ValidationError(
        "--plan says what every tensor gets; --preset and --recipe are for a new one")
    }
    if script != nil || dumpFrame || dumpSVG {
      try play(options, start)
      return
    }
    let terminal = TerminalOptions(
      color: color, asciiOnly: ascii, mouse: mouse,
      environment: ProcessInfo.processInfo.environment)
    let model = try model.open()
    options.plans = try plansBeside(model)
    options.importance = try imatrix.read(for: model)
    options.start = try preset.read(for: model, importance: options.importance)
    options.activations = try activations(model)
    try read(device, use, for: model, into: &options)
    options.store = store.open()
    if let path = StateFolder.path(ProcessInfo.processInfo.environment, "first-steps") {
      options.firstStepsPath = path
      options.firstSteps = FirstSteps(path: path)
    }
    defer { options.store?.close() }
    options.quality?.isAutomatic =
      data != nil || model.weightCount <= QualityOptions.automaticWeights
    options.journals = JournalFolder(ProcessInfo.processInfo.environment)
    do {
      let ending = try Session.run(model, options: options, plan: start, terminal: terminal)
      if case .signal(let signal) = ending { CursesTerminal.end(bySignal: signal) }
    } catch {
      throw Failure(error.description)
    }
  }

  /// What flows into the model's matrices, if that was asked for.
  private func activations(_ model: Model) throws -> CollectedHessians? {
    guard calibrate || calibration.isGiven else { return nil }
    do throws(EvaluationError) {
      let evaluated = try DataReader(model).read(data)
      return try calibration.collect(model, evaluated: evaluated)
    } catch {
      throw Failure(error.description)
    }
  }

  /// The plans that were asked for, by their files' names.
  private func plansBeside(_ model: Model) throws -> [NamedPlan] {
    try beside.compactMap { path in
      guard let plan = try readPlan(path, mayBeAbsent: false)?.plan else { return nil }
      let file = (path.split(separator: "/").last.map(String.init) ?? path).sanitised
      let name = file.hasSuffix(".plan.json") ? String(file.dropLast(10)) : file
      return NamedPlan(name: name, plan, model: model)
    }
  }

  /// The devices that there are, the one that was asked for, and how it is to be used.
  private func read(
    _ name: String?, _ use: UseOptions, for model: Model, into options: inout Options
  ) throws {
    let configuration = try Configuration.load()
    options.theme = (theme ?? configuration.theme).theme(
      environment: ProcessInfo.processInfo.environment)
    options.keys = configuration.keys
    options.devices = configuration.allDevices
    options.device = try name.map(configuration.device)
    guard use.isGiven else { return }
    let shape = try? CacheShape(model)
    options.use = use.use(shape)
    if let shape { try use.check(use.use(shape), shape) }
  }

  private func play(_ options: Options, _ plan: (plan: Plan, stamp: FileStamp?)?) throws {
    let events: [Event]
    do {
      events = try KeyScript.parse(script ?? "")
    } catch {
      throw ValidationError(error.description)
    }
    let environment = ProcessInfo.processInfo.environment
    let screen = MemoryScreen(
      size: size.size, depth: color.depth(terminalColors: 256, environment: environment),
      glyphs: Glyphs.choose(isUTF8: true, asciiOnly: ascii))
    let model = try model.open()
    var options = options
    options.plans = try plansBeside(model)
    options.importance = try imatrix.read(for: model)
    options.start = try preset.read(for: model, importance: options.importance)
    options.activations = try activations(model)
    try read(device, use, for: model, into: &options)
    options.store = store.openTelling()
    defer { options.store?.close() }
    _ = Session.play(events, model, options: options, plan: plan, on: screen)
    if dumpFrame { try emit(screen.canvas.text.joined(separator: "\n") + "\n") }
    if dumpSVG { try emit(screen.canvas.svg(title: "bitladder: \(model.name)")) }
  }
}

extension ColorChoice: ExpressibleByArgument {}
extension ThemeChoice: ExpressibleByArgument {}

/// A size as `120x36`.
struct ScreenSize: ExpressibleByArgument, CustomStringConvertible {
  let size: Size

  init(size: Size) { self.size = size }

  init?(argument: String) {
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count == 2, let columns = Int(parts[0]), let rows = Int(parts[1]),
      (0...Canvas.largest.columns).contains(columns), (0...Canvas.largest.rows).contains(rows)
    else { return nil }
    size = Size(columns: columns, rows: rows)
  }

  var description: String { size.description }
  var defaultValueDescription: String { description }
}
