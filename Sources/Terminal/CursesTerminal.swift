import CTerminal

/// How the terminal is to be used.
public struct TerminalOptions: Sendable {
  /// When to use colour.
  public var color: ColorChoice
  /// Nothing but ASCII, even where there is more.
  public var asciiOnly: Bool
  /// Whether the mouse is reported.
  public var mouse: Bool
  /// Where NO_COLOR and ESCDELAY are looked up; TERM and the locale are the process's own.
  public var environment: [String: String]

  /// Makes options.
  public init(
    color: ColorChoice = .auto, asciiOnly: Bool = false, mouse: Bool = true,
    environment: [String: String]
  ) {
    self.color = color
    self.asciiOnly = asciiOnly
    self.mouse = mouse
    self.environment = environment
  }
}

/// The terminal that the program runs in.
///
/// Made, used and closed by the run loop's thread only; it isn't Sendable, so the compiler sees to that.
/// From `init` to `close` the screen is the program's; what anything else writes to standard output or
/// error meanwhile is printed after `close`. Whatever ends the process gives the terminal back: a signal, a
/// trap on any thread, `exit`.
///
///     let terminal = try CursesTerminal(options, wake: mailbox.wake)
///     defer { terminal.close() }
///     while running {
///       for event in terminal.events(timeout: nil) { ... }
///       terminal.show(canvas)
///     }
public final class CursesTerminal: Screen {
  /// As it was when `init`, `events` or `suspend` returned last.
  public private(set) var size: Size
  /// What the terminal has and the user wants.
  public let depth: ColorDepth
  /// Those of the locale, or ASCII if the user wants that.
  public let glyphs: Glyphs
  /// Something that the user should be told, such as that TERM isn't known here.
  public let note: String?
  /// Whether the mouse is reported; off, the terminal's own selecting works as usual.
  public var mouse: Bool { didSet { ct_use_mouse(mouse) } }

  private let wake: WakePipe?
  private let escapeDelay: Duration
  private var decoder = KeyDecoder()
  private var isOpen = true
  private var inputEnded = false
  private var lastInput = ContinuousClock.now
  private var lastPress: (event: MouseEvent, time: ContinuousClock.Instant)?

  /// Takes over the terminal.
  ///
  /// `wake` ends the wait in `events` when it rings.
  public init(_ options: TerminalOptions, wake: WakePipe? = nil) throws(TerminalError) {
    if !System.isTerminal(0) { throw .notATerminal(.input) }
    if !System.isTerminal(1) { throw .notATerminal(.output) }
    let name = System.variable("TERM") ?? ""
    if name.isEmpty { throw .termUnset }
    let isUTF8 = ct_use_locale()
    switch ct_open(options.color.wantsColor(environment: options.environment)) {
    case CT_OPENED: note = nil
    case CT_FELL_BACK:
      let used = String(cString: ct_terminal_name())
      note = "TERM=\(TerminalError.printable(name)) is not known here; using \(used)"
    case CT_DUMB: throw .termDumb(name)
    case CT_UNKNOWN: throw .termUnknown(name)
    default: throw .cannotStart
    }
    self.wake = wake
    depth = options.color.depth(
      terminalColors: Int(ct_colours()), environment: options.environment)
    glyphs = Glyphs.choose(isUTF8: isUTF8, asciiOnly: options.asciiOnly)
    let delay = options.environment["ESCDELAY"].flatMap(Int.init) ?? 25
    escapeDelay = .milliseconds(min(max(delay, 0), 10_000))
    size = Size(columns: Int(ct_columns()), rows: Int(ct_rows()))
    mouse = options.mouse
    ct_use_mouse(options.mouse)
    decoder.terminalKeys = Self.terminalKeys()
  }

  deinit { if isOpen { ct_close() } }

  /// Gives the terminal back and prints what was kept.
  ///
  /// May be called twice. Once a request to end has come, the same request coming again within a second
  /// doesn't end the process, so that there is time to save.
  public func close() {
    if isOpen { ct_close() }
    isOpen = false
  }

  /// Ends the process by that signal, as if it had not been caught, so that its parent sees it.
  public static func end(bySignal signal: Int32) -> Never {
    ct_close()
    ct_die(signal)
  }

  /// Lets the shell have the terminal until the job is continued.
  ///
  /// Ctrl-Z does this; it isn't among the events.
  public func suspend() {
    guard isOpen else { return }
    ct_suspend()
    fit()
  }

  /// Why nothing can be copied to the clipboard; nil if it can be tried.
  public var clipboardObjection: String? {
    Clipboard.objection(terminal: System.variable("TERM") ?? "")
  }

  /// Asks the terminal to put a text on its user's clipboard. Whether it does is never told.
  public func copy(_ text: String) {
    guard isOpen, clipboardObjection == nil, text.utf8.count <= Clipboard.mostBytes else { return }
    let bytes = Clipboard.sequence(
      for: text, terminal: System.variable("TERM") ?? "",
      isInTmux: System.variable("TMUX")?.isEmpty == false)
    ct_send(bytes, bytes.count)
  }

  /// Sends the next frame whole, whatever the terminal is thought to show.
  public func repaint() {
    if isOpen { ct_repaint() }
  }

  // MARK: Showing

  /// Shows a canvas; only what differs from the last one is sent.
  public func show(_ canvas: Canvas) {
    guard isOpen else { return }
    ct_begin()
    var run: [ct_cell] = []
    run.reserveCapacity(canvas.size.columns)
    let columns = min(canvas.size.columns, size.columns)
    for row in 0..<min(canvas.size.rows, size.rows) {
      let cells = canvas.row(row).prefix(columns)
      var start = cells.startIndex
      while start < cells.endIndex {
        let style = cells[start].style
        var end = start
        run.removeAll(keepingCapacity: true)
        while end < cells.endIndex, cells[end].style == style {
          // Half of a wide character at the edge of a smaller screen.
          if cells[end].span == 2, end + 1 == cells.endIndex {
            run.append(ct_cell(.blank(style)))
          } else if cells[end].span > 0 {
            append(cells[end], to: &run)
          }
          end += 1
        }
        draw(run, style, row: row, column: start - cells.startIndex)
        start = end
      }
    }
    ct_end(Int32(clamping: canvas.cursor?.row ?? -1), Int32(clamping: canvas.cursor?.column ?? -1))
  }

  private func append(_ cell: Cell, to run: inout [ct_cell]) {
    guard glyphs.isASCII, cell.base > 0x7E || cell.firstMark != 0 else {
      return run.append(ct_cell(cell))
    }
    run.append(ct_cell(scalars: (0x3F, 0, 0), width: 1))
    if cell.span == 2 { run.append(ct_cell(.blank())) }
  }

  private func draw(_ run: [ct_cell], _ style: Style, row: Int, column: Int) {
    let style = style.reduced(to: depth)
    ct_draw(
      Int32(row), Int32(column), run, Int32(run.count), UInt32(style.attributes.rawValue),
      Self.number(style.foreground), Self.number(style.background))
  }

  private static func number(_ color: Color) -> Int32 {
    if case .indexed(let index) = color { Int32(index) } else { -1 }
  }

  // MARK: Events

  /// What has happened: keys, signals, messages, another size.
  ///
  /// Waits if nothing has, using no processor, for ever if `timeout` is nil; empty if the time is up. All
  /// input that is there is read before it returns, so that one frame answers all of it.
  public func events(timeout: Duration?) -> [Event] {
    guard isOpen else { return [] }
    let deadline = timeout.map { ContinuousClock.now + $0 }
    while true {
      var events: [Event] = []
      let quiet = decoder.isPasting ? Duration.seconds(1) : escapeDelay
      let patience = decoder.isWaiting ? lastInput + quiet : nil
      let until = [deadline, patience].compactMap { $0 }.min()
      let ready = System.wait(
        for: [inputEnded ? -1 : 0, ct_signal_descriptor(), wake?.descriptor ?? -1],
        milliseconds: milliseconds(until: until))
      if ready[1] == .readable { takeSignals(&events) }
      if ready[0] != .nothing { readKeys(&events) }
      if ready[2] == .readable {
        wake?.silence()
        events.append(.wake)
      }
      if let patience, ready[0] == .nothing, decoder.isWaiting, ContinuousClock.now >= patience {
        take(decoder.flush(), &events)
      }
      if !events.isEmpty { return events }
      if let deadline, ContinuousClock.now >= deadline { return [] }
    }
  }

  private func milliseconds(until instant: ContinuousClock.Instant?) -> Int32 {
    // Without a pipe, nobody can wake the loop.
    let longest: Int32 = wake?.descriptor == -1 ? 100 : -1
    guard let instant else { return longest }
    let left = (instant - ContinuousClock.now) / .milliseconds(1)
    let rounded = Int32(clamping: Int(min(max(left, 0), 1e9).rounded(.up)))
    return longest < 0 ? rounded : min(rounded, longest)
  }

  /// Reads whatever waits, so that a key held down is answered by one frame.
  private func readKeys(_ events: inout [Event]) {
    var total = 0
    repeat {
      var bytes: [UInt8] = []
      guard System.receive(0, into: &bytes) else {
        // The terminal is gone.
        inputEnded = true
        ct_expect_end()
        take(decoder.flush(), &events)
        events.append(.terminate(System.hangup))
        return
      }
      total += bytes.count
      lastInput = .now
      take(decoder.decode(bytes), &events)
    } while total < 16 << 20 && System.wait(for: [0], milliseconds: 0)[0] != .nothing
  }

  private func take(_ decoded: [Event], _ events: inout [Event]) {
    for event in decoded {
      switch event {
      case .key(.control("z")):
        suspend()
        events.append(.resize(size))
      case .mouse(let mouse): events.append(.mouse(counted(mouse)))
      default: events.append(event)
      }
    }
  }

  /// The second press of two at the same place, within 0.4 s, is a double one.
  private func counted(_ event: MouseEvent) -> MouseEvent {
    guard case .press(let button) = event.action else { return event }
    let now = ContinuousClock.now
    if let last = lastPress, last.event == event, now - last.time < .milliseconds(400) {
      lastPress = nil
      return MouseEvent(.doublePress(button), at: event.position)
    }
    lastPress = (event, now)
    return event
  }

  private func takeSignals(_ events: inout [Event]) {
    let signals = ct_take_signals()
    func came(_ signal: Int32) -> Bool { signals & 1 << UInt32(signal) != 0 }
    if came(System.stop) {
      suspend()
      events.append(.resize(size))
    } else if came(System.goOn) {
      ct_resume()
      fit()
      events.append(.resize(size))
    } else if fit() {
      events.append(.resize(size))
    }
    events += System.endings.filter(came).map(Event.terminate)
  }

  @discardableResult
  private func fit() -> Bool {
    ct_fit()
    let now = Size(columns: Int(ct_columns()), rows: Int(ct_rows()))
    if now == size { return false }
    size = now
    return true
  }

  private static func terminalKeys() -> [[UInt8]: Key] {
    let named: [Key] = [
      .up, .down, .left, .right, .pageUp, .pageDown, .home, .end, .insert, .delete, .backTab,
      .shiftUp, .shiftDown, .shiftLeft, .shiftRight,
    ]
    var keys: [[UInt8]: Key] = [:]
    var index: Int32 = 0
    var code: Int32 = 0
    while let name = ct_key_bytes(index, &code) {
      let bytes = Array(String(cString: name).utf8)
      // Those of one byte, or without an ESC, could be typed.
      if bytes.count > 1, bytes.first == 0x1B {
        let number = Int(code)
        keys[bytes] = number < named.count ? named[number] : .function(number - named.count + 1)
      }
      index += 1
    }
    return keys
  }
}

extension ct_cell {
  fileprivate init(_ cell: Cell) {
    self.init(
      scalars: (cell.base, cell.firstMark, cell.secondMark), width: UInt32(cell.span))
  }
}
