import Foundation
import PseudoTerminalSupport
import SampleSupport
import Terminal

/// What the command line says.
struct SoakOptions {
  var minutes = 60.0
  var seed = UInt64.random(in: 0..<1_000_000)
  /// How many saves to kill; then nothing else is done.
  var kills = 0
  /// A single session to be played again.
  var session: Int?
  var program = PseudoTerminal.product("bitladder")
  var logs = "soak"
  var models: [String] = []

  init(_ arguments: [String]) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--minutes": minutes = rest.popFirst().flatMap(Double.init) ?? minutes
      case "--seed": seed = rest.popFirst().flatMap(UInt64.init) ?? seed
      case "--kills": kills = rest.popFirst().flatMap(Int.init) ?? kills
      case "--session": session = rest.popFirst().flatMap(Int.init)
      case "--program": program = rest.popFirst() ?? program
      case "--logs": logs = rest.popFirst() ?? logs
      default:
        guard !argument.hasPrefix("-") else {
          print(
            "usage: Soak [--minutes N] [--seed N] [--session N] [--kills N] [--program PATH]"
              + " [--logs FOLDER] MODEL...")
          exit(2)
        }
        models.append(argument)
      }
    }
  }
}

/// An automatic user, for as long as is asked for.
final class Soak {
  private let options: SoakOptions
  private let program: Program
  private let scratch: ScratchFolder
  private var models: [String] = []
  private var figures = Figures()
  private let log: Log

  init(_ options: SoakOptions) throws {
    self.options = options
    program = Program(path: Self.absolute(options.program))
    scratch = try ScratchFolder()
    try FileManager.default.createDirectory(
      atPath: options.logs, withIntermediateDirectories: true)
    log = Log(options.logs + "/soak.log")
    try gatherModels()
  }

  private static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }

  /// Those that were asked for, those of the package, and some that are hostile.
  private func gatherModels() throws {
    models = options.models.map(Self.absolute)
    let samples = ["austen", "digits", "austen/austen-bf16.gguf"].map { "SampleModels/\($0)" }
    models += samples.filter { FileManager.default.fileExists(atPath: $0) }.map(Self.absolute)
    let corpus = "Tests/ModelFilesTests/Corpus/"
    let index = FileManager.default.contents(atPath: corpus + "index.json") ?? Data()
    let cases = (try? JSONSerialization.jsonObject(with: index) as? [[String: String]]) ?? []
    models += cases.filter { $0["verdict"] == "accept" && $0["kind"] != "imatrix" }
      .compactMap { $0["file"] }.map { Self.absolute(corpus + $0) }
    let made: [(String, SampleModel)] = [
      ("hostile", .hostile()), ("mixture", .mixture()), ("huge", .huge()), ("llama", .llama()),
      ("single", .single()),
    ]
    for (name, model) in made {
      try models.append(scratch.write(name + ".safetensors", model.bytes))
      if name != "huge" { models += Array(repeating: scratch[name + ".safetensors"], count: 2) }
    }
    for _ in 0..<3 { models += options.models.map(Self.absolute) + samples.map(Self.absolute) }
  }

  func run() throws {
    say("seed \(options.seed), \(models.count) models, program \(program.path)")
    if options.kills > 0 { return try killSaves() }
    if let session = options.session {
      _ = play(number: session, continuing: nil)
      say(figures.line)
      return
    }
    let end = ContinuousClock.now + .seconds(60 * options.minutes)
    var number = 0
    var left: SessionPlan?
    while ContinuousClock.now < end {
      left = play(number: number, continuing: left)
      number += 1
    }
    say("done: \(figures.line)")
    exit(figures.failures == 0 ? 0 : 1)
  }

  private func killSaves() throws {
    try FileManager.default.createDirectory(
      atPath: scratch["plans"], withIntermediateDirectories: true)
    var saves = KilledSaves(
      program: program.path, model: scratch["llama.safetensors"], folder: scratch["plans"])
    var numbers = SeededGenerator(seed: options.seed)
    try saves.run(options.kills, using: &numbers)
    say(
      "\(saves.kills) kills, \(saves.interrupted) in the middle of a save, "
        + "\(saves.found[0]) found the one plan and \(saves.found[1]) the other, "
        + "\(saves.broken.count) broken: \(saves.broken)")
    exit(saves.broken.isEmpty ? 0 : 1)
  }

  private func say(_ words: String) {
    FileHandle.standardOutput.write(Data((words + "\n").utf8))
    log.write(words)
  }

  /// Plays a session; its plan, if it left work that the next must be offered.
  private func play(number: Int, continuing left: SessionPlan?) -> SessionPlan? {
    var numbers = SeededGenerator(seed: options.seed &* 1_000_003 &+ UInt64(number))
    var plan = makePlan(number, &numbers)
    if let left {
      plan.model = left.model
      plan.folder = left.folder
      plan.environment = left.environment
      plan.arguments = []
      plan.size = Size(columns: 150, rows: 40)
      plan.expectsLostWork = true
    }
    let sessionLog = Log("\(options.logs)/session-\(number).log")
    figures.sessions += 1
    var leavesWork = false
    do {
      let session = try Session(
        plan, program: program, log: sessionLog, figures: figures, numbers: numbers)
      do {
        defer { figures = session.figures }
        leavesWork = try session.play()
      } catch let broken as Broken {
        fail(number, plan, broken.words, session.terminal.screen)
      }
      say("\(number): \((plan.model as NSString).lastPathComponent): \(memory(session))")
    } catch {
      fail(number, plan, "\(error)", nil)
    }
    say(figures.line)
    if leavesWork { return plan }
    try? FileManager.default.removeItem(atPath: plan.folder)
    return nil
  }

  private func memory(_ session: Session) -> String {
    guard let first = session.first, let last = session.last else { return "too short to measure" }
    return "\(first.line); at the end \(last.line); at most \(session.most >> 10) KiB"
  }

  private func fail(_ number: Int, _ plan: SessionPlan, _ words: String, _ screen: VirtualScreen?) {
    figures.failures += 1
    say("FAILURE in session \(number): \(words)\n\(plan.line)\n\(screen?.picture ?? "")")
    let kept = "\(options.logs)/failure-\(number)"
    try? FileManager.default.copyItem(atPath: plan.folder, toPath: kept)
  }

  private func makePlan(_ number: Int, _ numbers: inout SeededGenerator) -> SessionPlan {
    func any(_ values: [String]) -> String { values.randomElement(using: &numbers) ?? "" }
    let folder = scratch["work-\(number)"]
    try? FileManager.default.createDirectory(
      atPath: folder + "/.state/bitladder", withIntermediateDirectories: true)
    try? "move\nbits\nsolve\nsave\nhelp\n".write(
      toFile: folder + "/.state/bitladder/first-steps", atomically: true, encoding: .utf8)
    var plan = SessionPlan(model: any(models), folder: folder)
    plan.environment = [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": folder,
      "XDG_STATE_HOME": folder + "/.state", "XDG_CONFIG_HOME": folder + "/.config",
      "XDG_CACHE_HOME": scratch["cache"], "LC_ALL": any(["C.UTF-8", "C.UTF-8", "C.UTF-8", "C"]),
      "TERM": any(
        ["xterm-256color", "xterm-256color", "xterm", "screen-256color", "tmux-256color", "linux"]
          + ["vt100", "rxvt", "xterm-direct", "ansi"]),
    ]
    if any(["", "", "", "no"]) == "no" { plan.environment["NO_COLOR"] = "1" }
    if any(["", "plan"]) == "plan" { plan.arguments += ["--plan", "a.plan.json"] }
    if any(["", "", "", "ascii"]) == "ascii" { plan.arguments += ["--ascii"] }
    if any(["", "", "", "", "", "mouse"]) == "mouse" { plan.arguments += ["--no-mouse"] }
    plan.size = Size(
      columns: Int.random(in: 40...200, using: &numbers),
      rows: Int.random(in: 10...60, using: &numbers))
    plan.seconds = number % 4 == 3 ? 300 : Double.random(in: 15...60, using: &numbers)
    plan.ending = SessionPlan.Ending.allCases.randomElement(using: &numbers) ?? .quit
    return plan
  }
}
