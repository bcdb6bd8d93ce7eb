import Foundation
import ModelFiles
import PseudoTerminalSupport
import SampleSupport
import Terminal

/// Where a session runs and how it is to go.
struct SessionPlan {
  var model: String
  var arguments: [String] = []
  var environment: [String: String] = [:]
  var size = Size(columns: 110, rows: 36)
  /// How long it lives at least, unless it ends itself.
  var seconds = 40.0
  var ending = Ending.quit
  /// The folder that is worked in, with the state of sessions that ended before their time.
  var folder: String
  /// Whether an earlier session left work that must be offered.
  var expectsLostWork = false

  enum Ending: CaseIterable { case quit, terminate, interrupt, hangUp, close, kill, killAfterEdit }

  var line: String {
    let variables = environment.filter { $0.key != "PATH" }.map { "\($0)=\($1)" }.sorted()
    return
      "\(variables.joined(separator: " ")) bitladder \(model) \(arguments.joined(separator: " "))"
      + "   \(size.columns)x\(size.rows), \(Int(seconds)) s, ends by \(ending)"
  }
}

/// One run of the explorer under an automatic user.
final class Session {
  let plan: SessionPlan
  let program: Program
  let log: Log
  var figures: Figures
  var maker: ActionMaker<SeededGenerator>
  let terminal: PseudoTerminal
  /// What the system said at the first check and at the last.
  var first: ProcessFigures?
  var last: ProcessFigures?
  var most = 0
  private var checksHere = 0

  init(
    _ plan: SessionPlan, program: Program, log: Log, figures: Figures, numbers: SeededGenerator
  ) throws {
    self.plan = plan
    self.program = program
    self.log = log
    self.figures = figures
    maker = ActionMaker(numbers: numbers, size: plan.size)
    log.write(plan.line)
    let variables = plan.environment.mapValues { Optional($0) }
    terminal = try PseudoTerminal(
      "/bin/sh",
      ["-c", "cd \"$0\" && exec \"$@\"", plan.folder, program.path, plan.model] + plan.arguments,
      environment: variables, size: plan.size)
    yieldToOthers()
  }

  /// Linux gives each session of processes a share of its own: it is to be as small as ours.
  private func yieldToOthers() {
    guard let ours = try? String(contentsOfFile: "/proc/self/autogroup", encoding: .utf8),
      let nice = ours.split(whereSeparator: \.isWhitespace).last, nice != "0"
    else { return }
    let theirs = FileHandle(forWritingAtPath: "/proc/\(terminal.process)/autogroup")
    try? theirs?.write(contentsOf: Data(nice.utf8))
  }

  /// Plays until the time is over or the program has ended; whether work was left to be offered again.
  func play() throws -> Bool {
    try start()
    let end = ContinuousClock.now + .seconds(plan.seconds)
    var actions = 0
    var sinceCheck = 0
    while ContinuousClock.now < end, terminal.exit == nil {
      for action in maker.next() {
        perform(action)
        actions += 1
        sinceCheck += 1
      }
      if actions >= 40 {
        actions = 0
        try expectAnswer()
      }
      if sinceCheck >= 200 {
        sinceCheck = 0
        try check()
      }
      terminal.forgetOutput()
    }
    guard terminal.exit == nil else {
      try judgeExit(allowed: [.exited(0)])
      return false
    }
    return try finish()
  }

  private func start() throws {
    if plan.expectsLostWork {
      guard wait("the offer of lost work", { $0.picture.contains("Unsaved work was found") }) else {
        throw Broken("lost work isn't offered")
      }
      terminal.send("t")
      guard wait("lost work taken up", { $0.picture.contains("taken up") }) else {
        throw Broken("lost work isn't taken up")
      }
      figures.recoveries += 1
    } else {
      let isThere = wait("a first frame") { !$0.text.allSatisfy(\.isEmpty) }
      if !isThere, terminal.exit == nil { throw Broken("no first frame") }
    }
  }

  func perform(_ action: Action) {
    guard terminal.exit == nil else { return }
    log.write(action.line)
    switch action {
    case .keys(let bytes):
      figures.keys += 1
      terminal.send(bytes)
    case .mouse(let bytes):
      figures.mouse += 1
      terminal.send(bytes)
    case .paste(let bytes):
      figures.pastes += 1
      figures.pastedBytes += bytes.count
      terminal.send(Array("\u{1B}[200~".utf8) + bytes + Array("\u{1B}[201~".utf8))
    case .resize(let size):
      figures.resizes += 1
      terminal.resize(to: size)
    case .signal(let number):
      figures.signals += 1
      terminal.signal(number)
    case .pause(let byKey):
      pause(byKey: byKey)
    case .rest(let milliseconds): terminal.watch(for: .milliseconds(milliseconds))
    }
    wakeUp()
  }

  /// While the shell has the terminal, control characters are signals to the whole job: nothing is
  /// typed before it is taken again.
  private func pause(byKey: Bool) {
    figures.signals += 2
    if byKey { terminal.send([26]) } else { terminal.signal(SIGTSTP) }
    // Within a paste that was begun the key means nothing.
    _ = wait("the terminal given back", seconds: byKey ? 2 : 10) { _ in terminal.isInOrder }
    terminal.signal(SIGCONT)
    _ = wait("the terminal taken again") { _ in !terminal.isInOrder }
  }

  /// Stopped by a key that came late: goes on.
  func wakeUp() {
    if ProcessFigures.isStopped(terminal.process) { terminal.signal(SIGCONT) }
  }

  // MARK: Ending

  private func finish() throws -> Bool {
    log.write("ends by \(plan.ending)")
    var leavesWork = false
    switch plan.ending {
    case .quit:
      try calm()
      terminal.send("q")
      if !waitForExit(.seconds(2)) { terminal.send("d") }
      try judgeExit(allowed: [.exited(0)])
      try expectRestored()
    case .terminate: try end(by: SIGTERM)
    case .interrupt: try end(by: SIGINT)
    case .hangUp: try end(by: SIGHUP)
    case .close:
      terminal.hangUp()
      // The shell that would tell how it ended is gone as well.
      let end = ContinuousClock.now + .seconds(120)
      while ProcessFigures.isRunning(terminal.process) {
        if ContinuousClock.now >= end { throw Broken("it outlives its terminal") }
        usleep(20_000)
      }
    case .kill:
      figures.kills += 1
      terminal.signal(SIGKILL)
      try judgeExit(allowed: [.signalled(SIGKILL)])
    case .killAfterEdit:
      try calm()
      leavesWork = try editForRecovery()
      figures.kills += 1
      terminal.signal(SIGKILL)
      try judgeExit(allowed: [.signalled(SIGKILL)])
    }
    return leavesWork
  }

  /// Leaves work behind that isn't saved; whether there is some.
  private func editForRecovery() throws -> Bool {
    terminal.send("*4")
    _ = wait("an edit", seconds: 5) { $0.text[0].contains("unsaved") }
    terminal.watch(for: .seconds(2))
    return terminal.screen.text[0].contains("unsaved")
      && terminal.screen.text.last?.contains("quit") == true
  }

  private func end(by number: Int32) throws {
    figures.signals += 1
    terminal.signal(number)
    try judgeExit(allowed: [.signalled(number), .exited(128 + number), .exited(0)])
    try expectRestored()
  }

  private func waitForExit(_ time: Duration) -> Bool {
    let end = ContinuousClock.now + time
    while terminal.exit == nil, ContinuousClock.now < end { terminal.watch(for: .milliseconds(20)) }
    return terminal.exit != nil
  }

  private func judgeExit(allowed: [PseudoTerminal.Exit]) throws {
    let end = ContinuousClock.now + .seconds(120)
    while !waitForExit(.seconds(1)), ContinuousClock.now < end { wakeUp() }
    guard let exit = terminal.exit else { throw Broken("it doesn't end") }
    log.write("ended: \(exit)")
    guard allowed.contains(exit) else { throw Broken("ended with \(exit)") }
  }

  private func expectRestored() throws {
    terminal.settle()
    guard terminal.isInOrder, !terminal.screen.isAlternate, !terminal.screen.reportsMouse else {
      throw Broken("the terminal wasn't given back")
    }
  }

  // MARK: Waiting

  /// Waits for a screen. A program that neither answers nor computes for ten seconds hangs; one that the
  /// system gives no time to doesn't.
  func wait(
    _ what: String, seconds: Double = 10, _ condition: (VirtualScreen) -> Bool
  ) -> Bool {
    let begin = ContinuousClock.now
    let used = terminal.processorTime ?? 0
    while terminal.exit == nil {
      if terminal.wait(.milliseconds(20), until: condition) { return true }
      guard ProcessFigures.isRunning(terminal.process) else {
        // It has ended; on a busy machine the shell takes its time to say how.
        _ = terminal.waitForExit()
        return false
      }
      wakeUp()
      let elapsed = (ContinuousClock.now - begin) / .seconds(1)
      let worked = (terminal.processorTime ?? 0) - used
      if elapsed > seconds, worked > seconds / 2 || elapsed > 12 * seconds {
        log.write("waited \(Int(elapsed)) s for \(what), \(Int(worked)) s of work")
        let state = ["stat", "wchan"].compactMap { name in
          try? String(contentsOfFile: "/proc/\(terminal.process)/\(name)", encoding: .utf8)
        }
        log.write(
          "\(state); in order: \(terminal.isInOrder), modes \(terminal.screen.modes.sorted())")
        return false
      }
    }
    return false
  }

  /// The loop answers, whatever is being computed: a window of another size is drawn anew.
  private func expectAnswer() throws {
    terminal.settle()
    terminal.forgetOutput()
    maker.size.columns += maker.size.columns > 20 ? -1 : 1
    perform(.resize(maker.size))
    let isAnswered = wait("an answer") { _ in !terminal.output.isEmpty }
    if !isAnswered, terminal.exit == nil { throw Broken("no answer") }
  }

  /// Notes what the system says of the process; memory and descriptors must stay flat.
  func measure() throws {
    guard let now = ProcessFigures(of: terminal.process) else { return }
    checksHere += 1
    log.write(now.line)
    last = now
    most = max(most, now.anonymous)
    // The first checks are for warming up.
    guard checksHere > 2 else { return }
    guard let first else {
      first = now
      return
    }
    // Freed memory stays with the process: a solver that is first asked late takes its share, which
    // is large where there are many thousands of tensors.
    if now.anonymous > first.anonymous + max(64 << 20, first.anonymous / 2) {
      throw Broken("memory grows: \(first.line); now \(now.line)")
    }
    if now.descriptors > first.descriptors + 4 {
      throw Broken("descriptors grow: \(first.line); now \(now.line)")
    }
  }
}
