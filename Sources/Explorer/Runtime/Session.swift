import Dispatch
import Evaluation
import Foundation
import Measurement
import ModelFiles
import Planning
import Synchronization
import Terminal

/// Runs the explorer: the loop that turns what happens into states, and states into frames.
///
///     events -> update -> effects: measuring, saving (off the loop; what comes of them is an event)
///                      -> frame
public enum Session {
  /// How a session ended.
  public enum Ending: Sendable, Equatable {
    /// The user quit.
    case quit
    /// A signal asked for it.
    case signal(Int32)
  }

  /// Runs on a terminal until the user quits or a signal asks for the end.
  /// - Parameter terminal: how the terminal is to be used.
  /// - Throws: ``TerminalError`` if there is none to run on.
  public static func run(
    _ model: Model, options: Options, plan: (plan: Plan, stamp: FileStamp?)?,
    terminal terminalOptions: TerminalOptions
  ) throws(TerminalError) -> Ending {
    let mailbox = Mailbox<ExplorerEvent>()
    let terminal = try CursesTerminal(terminalOptions, wake: mailbox.wake)
    defer { terminal.close() }
    // After the terminal's handlers: a page that is gone must not end the session.
    MappedFile.surviveTruncation()
    let worker = Worker(model: model, options: options, mailbox: mailbox)
    defer { worker.stop() }

    var state = start(model, options, plan, on: terminal)
    state.time = .now
    if let note = terminal.note { state.message = .init(text: note, kind: .warning) }
    // What is known from before is there with the first frame, unless there is very much of it.
    let known = worker.recall(waiting: .milliseconds(40))
    worker.perform(state.update([.time(.now), .recalled(known)]))
    options.store?.watch { mailbox.post(.note($0)) }
    // With `.quit` the user knows that what isn't saved is lost.
    var ending: Ending?
    worker.journal.open(options.journals, model, plan: state.planPath, stamp: plan?.stamp)
    defer { worker.journal.end(isKept: state.hasUnsavedChanges && ending != .quit) }
    var clock = FrameClock()
    var pace = PaceClock()
    while true {
      if clock.isDue { terminal.show(state.draw()); clock.drawn() }
      let inputs = terminal.events(timeout: clock.wait ?? pace.wait)
      var events =
        inputs.filter { $0 != .wake }.map { ExplorerEvent.input($0) } + mailbox.drain()
      if let pace = pace.reading(of: worker.measurer) { events.append(.pace(pace)) }
      guard !events.isEmpty else { continue }
      clock.changed(byUser: inputs.contains { $0 != .wake })
      for effect in state.update([.time(.now)] + events) {
        switch effect {
        case .copy(let text): terminal.copy(text)
        // Whatever else came with it is done first.
        case .quit: ending = ending ?? .quit
        case .terminate(let signal): ending = ending ?? .signal(signal)
        case .mouse(let isOn): terminal.mouse = isOn
        case .redraw: terminal.repaint()
        case .suspend: terminal.suspend()
        default: worker.perform([effect])
        }
      }
      if let ending { return ending }
    }
  }

  /// Plays keys on a screen in memory, waits until everything that is wanted was measured, and gives
  /// the last frame. Files are really written.
  public static func play(
    _ events: [Event], _ model: Model, options: Options,
    plan: (plan: Plan, stamp: FileStamp?)?, on screen: MemoryScreen
  ) -> State {
    let mailbox = Mailbox<ExplorerEvent>()
    var options = options
    options.needsExact = true
    let worker = Worker(model: model, options: options, mailbox: mailbox)
    defer { worker.stop() }
    var state = start(model, options, plan, on: screen)
    var isRunning = true
    func finishMeasuring() { wait { $0.isMeasuring || $0.isThinking || $0.isRunningModel } }
    func wait(while condition: (State) -> Bool) {
      while isRunning, condition(state) {
        Thread.sleep(forTimeInterval: 0.002)
        take(mailbox.drain())
      }
    }
    func take(_ events: [ExplorerEvent]) {
      for effect in state.update(events) {
        switch effect {
        case .quit, .terminate: isRunning = false
        case .save(let file, let assignments):
          // What a script saves doesn't depend on how far the measuring has come.
          finishMeasuring()
          let text = PlanFile.text(of: state.makePlan())
          let whole = FileToSave(text: text, path: file.path, expected: file.expected)
          take([Worker.save(whole, assignments)])
        case .export(let request): take([.exported(request.run())])
        case .report(let request):
          finishMeasuring()
          let whole = ReportRequest(
            state: state, path: request.path, overwriting: request.overwriting)
          take([.reported(whole.run())])
        // It waits for what it needs, and for no more.
        case .measureLadders, .journal, .dropJournal: break
        default: worker.perform([effect])
        }
      }
    }
    let known = worker.recall(waiting: .seconds(1_000_000))
    worker.perform(state.update([.recalled(known)]))
    for event in events where isRunning {
      take([.input(event)])
      // The next key may build on what is solved, and on the curve.
      wait { $0.isThinking }
    }
    finishMeasuring()
    screen.show(state.draw())
    return state
  }

  /// Reads a plan's file once more.
  static func reload(_ path: String) -> ExplorerEvent {
    // The stamp first: a change while it is read is noticed when saving.
    guard let stamp = FileStamp(path: path) else {
      return .note("\(path.sanitised) is gone; s writes it anew")
    }
    do throws(ModelFileError) {
      return .reloaded(try PlanFile.read(path), path: path, stamp: stamp)
    } catch {
      return .note(error.description)
    }
  }

  private static func start(
    _ model: Model, _ options: Options, _ plan: (plan: Plan, stamp: FileStamp?)?,
    on screen: some Screen
  ) -> State {
    var options = options
    options.glyphs = screen.glyphs
    options.colors = screen.depth
    options.clipboardObjection = screen.clipboardObjection
    var state = State(model: model, options: options)
    state.size = screen.size
    if let plan { state.load(plan.plan, stamp: plan.stamp) }
    return state
  }
}

/// Does what an update asks for, off the loop.
private struct Worker {
  let measurer: Measurer
  let mailbox: Mailbox<ExplorerEvent>
  let journal: JournalKeeper
  private let quality: QualityRunner?
  private let stored: (any ModelMemory)?
  private let files = DispatchQueue(label: "files")
  /// How long figures are collected before the curve follows them, in seconds.
  private let patience: Double
  private let firstStepsPath: String?
  private let isStopped = Stopped()
  private let reports = DispatchGroup()

  init(model: Model, options: Options, mailbox: Mailbox<ExplorerEvent>) {
    self.mailbox = mailbox
    journal = JournalKeeper(mailbox: mailbox)
    let weights = WeightSource(
      model: model, importance: options.importance, activations: options.activations)
    quality = options.quality.map {
      QualityRunner(weights, importance: options.importance, options: $0) {
        mailbox.post(.quality(QualityNews(kind: $0)))
      }
    }
    patience = options.needsExact ? 0 : 0.2
    firstStepsPath = options.firstStepsPath
    stored = options.store?.memory(of: model, importance: options.importance)
    let report: Measurer.Report = { work, finding in mailbox.post(.found(work, finding)) }
    measurer = Measurer(
      model: model, importance: options.importance, calibration: weights,
      report: stored?.recording(report) ?? report)
  }

  /// Ends; what was asked to be saved is saved first, and what was found is remembered.
  func stop() {
    // A report that is being written is written, with what it has by now.
    isStopped.set()
    _ = reports.wait(timeout: .now() + .seconds(10))
    quality?.stop()
    files.sync {}
    measurer.stop()
    stored?.cancel()
    stored?.finish()
  }

  /// What is known from before, as far as it comes within some time; the rest comes as events.
  func recall(waiting patience: DispatchTimeInterval) -> [(Work, Finding)] {
    guard let stored else { return [] }
    let early = Early()
    let done = DispatchSemaphore(value: 0)
    stored.recall { [measurer, mailbox] part in
      let exact = part.filter { $0.1.isExact }
      guard !early.add(exact) else { return }
      measurer.know(exact.map(\.0))
      mailbox.post(.recalled(exact))
      // The loop has keys to answer between two parts.
      usleep(8_000)
    } then: {
      done.signal()
    }
    _ = done.wait(timeout: .now() + patience)
    let known = early.end()
    measurer.know(known.map(\.0))
    return known
  }

  /// Findings that come in time.
  private final class Early: Sendable {
    private let findings = Mutex<[(Work, Finding)]?>([])

    /// Whether it is still in time.
    func add(_ part: [(Work, Finding)]) -> Bool {
      findings.withLock { findings in
        guard findings != nil else { return false }
        findings? += part
        return true
      }
    }

    func end() -> [(Work, Finding)] {
      findings.withLock { findings in
        let all = findings ?? []
        findings = nil
        return all
      }
    }
  }

  func perform(_ effects: [Effect]) {
    for effect in effects {
      switch effect {
      case .measureFirst(let work): measurer.want(urgent: work)
      case .measureInBackground(let added, let dropped):
        measurer.want(background: added, dropping: dropped)
      case .measureLadders(let wishes, let changed):
        measurer.want(ladders: wishes, changed: changed)
      case .save(let file, let assignments):
        files.async { [mailbox] in mailbox.post(Self.save(file, assignments)) }
      case .reload(let path):
        files.async { [mailbox] in mailbox.post(Session.reload(path)) }
      case .journal(let done): journal.append(done.entries)
      case .dropJournal(let path): journal.remove(path)
      case .solve(let request): solve(request)
      case .runPlan(let order): quality?.run(order)
      case .measureTensors(let tensors): quality?.measure(tensors)
      case .export(let request):
        files.async { [mailbox] in mailbox.post(.exported(request.run())) }
      case .report(let request): write(request)
      case .remember(let steps):
        guard let firstStepsPath else { break }
        files.async { [mailbox] in
          if let failure = steps.save(to: firstStepsPath) { mailbox.post(.logged(failure)) }
        }
      case .copy, .mouse, .suspend, .redraw, .quit, .terminate: break
      }
    }
  }

  /// Makes a report on a thread of its own: it may take its time, and plans must be saved meanwhile.
  private func write(_ request: ReportRequest) {
    reports.enter()
    let thread = Thread { [mailbox, isStopped, reports] in
      lowerPriorityOfThisThread()
      mailbox.post(.reported(request.run { isStopped.isSet }))
      reports.leave()
    }
    thread.name = "report"
    thread.stackSize = 1 << 23
    thread.start()
  }

  /// Whether the session has ended.
  private final class Stopped: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
  }

  /// Solves on a thread of its own: a newer request doesn't wait for an older one, whose answer is passed over.
  private func solve(_ request: SolverRequest) {
    let thread = Thread { [mailbox, patience] in
      lowerPriorityOfThisThread()
      if request.isRefresh { Thread.sleep(forTimeInterval: patience) }
      let answer = request.run()
      mailbox.post(.solved(answer))
    }
    thread.name = "solve"
    thread.stackSize = 1 << 23
    thread.start()
  }

  /// Writes a file; what came of it.
  static func save(_ file: FileToSave, _ assignments: SavedAssignments) -> ExplorerEvent {
    do throws(SaveFailure) {
      let stamp = try AtomicFile.write(
        Array(file.text.utf8), to: file.path, expecting: file.expected)
      return .saved(path: file.path, stamp: stamp, assignments: assignments)
    } catch {
      return .notSaved(path: file.path, error, assignments: assignments)
    }
  }
}

/// When to look how fast measuring goes: twice a second, as long as it does.
private struct PaceClock {
  private static let interval = Duration.milliseconds(500)
  private var pace = Pace()
  private var last = ContinuousClock.now
  private var isMoving = true
  private var told = 0.0

  /// How long to wait for events; nil: until there are some.
  var wait: Duration? { isMoving ? Self.interval : nil }

  /// Weights for each second, if it is time to say so; 0 once at the end.
  mutating func reading(of measurer: Measurer) -> Double? {
    let now = ContinuousClock.now
    isMoving = !measurer.isIdle
    if isMoving {
      guard now - last >= Self.interval else { return nil }
      pace.note(measurer.weightsMeasured, at: now)
    } else {
      pace = Pace()
    }
    last = now
    guard pace.perSecond > 0 || told > 0 else { return nil }
    told = pace.perSecond
    return told
  }
}

/// When to draw: at once after a key, at most thirty times a second for figures that come in.
private struct FrameClock {
  private static let interval = Duration.milliseconds(33)
  private var last: ContinuousClock.Instant?
  private var isChanged = true
  private var isUrgent = true

  var isDue: Bool {
    guard isChanged else { return false }
    guard !isUrgent, let last else { return true }
    return ContinuousClock.now - last >= Self.interval
  }

  /// How long to wait for events; nil: until there are some.
  var wait: Duration? {
    guard isChanged, let last else { return nil }
    return max(.zero, Self.interval - (ContinuousClock.now - last))
  }

  mutating func changed(byUser: Bool) {
    isChanged = true
    isUrgent = isUrgent || byUser
  }

  mutating func drawn() {
    isChanged = false
    isUrgent = false
    last = .now
  }
}
