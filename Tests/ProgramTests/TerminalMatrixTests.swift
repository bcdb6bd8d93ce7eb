import Foundation
import PseudoTerminalSupport
import Synchronization
import Terminal
import Testing

/// What a user does, on each terminal, in each locale and at each size that matters.
///
/// Opening, moving, stepping, undoing and quitting are tried in every combination; the other flows in so many
/// that each pair of flow, terminal, locale and size is met. `SCREENS=FOLDER` leaves the screens there, to be
/// looked at.
struct TerminalMatrixTests {
  /// A flow beside those that are tried everywhere.
  enum Flow: Int, CaseIterable {
    case views, solving, lists, fitting, suspending
  }

  private static let cases: [FlowCase] = TerminalCase.pairs(flows: Flow.allCases.count).map {
    FlowCase(flow: Flow(rawValue: $0.flow) ?? .views, terminal: $0.terminal)
  }

  struct FlowCase: Sendable, CustomTestStringConvertible {
    let flow: Flow
    let terminal: TerminalCase
    var testDescription: String { "\(flow) \(terminal.testDescription)" }
  }

  @Test(arguments: TerminalCase.all) func editsAndQuits(_ kind: TerminalCase) throws {
    let user = try MatrixUser(kind, flow: "edits")
    let terminal = user.terminal
    try #require(terminal.press("g", until: "tensor  1/33"))
    try #require(terminal.press("\u{1B}[B\u{1B}OBj", until: "tensor  4/33"))
    try #require(terminal.press("kk", until: "tensor  2/33"))
    try #require(terminal.press("jj4", until: "unsaved"))
    terminal.send("u")
    try #require(terminal.wait { !$0.text[0].contains("unsaved") && isWhole($0) })
    try user.look()
    terminal.send("\u{12}-")
    try user.expectFrame("gjjjkkjj4u<C-r>-")
    try user.look()
    // Leaving asks, and Esc takes that back.
    try #require(terminal.press("q", until: "[d]"))
    try user.look()
    terminal.send("\u{1B}")
    try #require(terminal.wait { isWhole($0) && !$0.picture.contains("[d]") })
    try #require(terminal.press("q", until: "[d]"))
    terminal.send("d")
    #expect(terminal.waitForExit() == .exited(0))
    user.expectOver()
    #expect(user.scratch.names == ["sample.safetensors"])
  }

  @Test(arguments: cases) func flows(_ flow: FlowCase) throws {
    let user = try MatrixUser(flow.terminal, flow: "\(flow.flow)")
    switch flow.flow {
    case .views: try views(user)
    case .solving: try solving(user)
    case .lists: try lists(user)
    case .fitting: try fitting(user)
    case .suspending: try suspending(user)
    }
    user.expectOver()
  }

  /// All views, by F-keys and by `]`.
  private func views(_ user: MatrixUser) throws {
    for number in [2, 3, 4, 5, 6, 1] {
      user.terminal.send(user.kind.functionKey(number))
      try user.expectFrame("<F\(number)>")
      try user.look()
    }
    for name in ["Map", "Frontier", "Compare", "Channels", "Formats", "Quality", "Layers"] {
      try #require(user.terminal.press("]", until: "[\(name)]"))
    }
    try #require(user.terminal.press("[", until: "[Quality]"))
    user.terminal.send("q")
    #expect(user.terminal.waitForExit() == .exited(0))
  }

  /// Solves, saves under a name, quits; the file says what the screen said.
  private func solving(_ user: MatrixUser) throws {
    let terminal = user.terminal
    try #require(terminal.press("b", until: " Solve "))
    try user.look(showsCursor: true)
    terminal.send("5bpw\r")
    try #require(terminal.wait { isMeasured($0) && $0.text[0].contains("unsaved") })
    try user.expectFrame("b5bpw<Enter>")
    try user.look()
    let plan = user.scratch["p.json"]
    try #require(terminal.press("S", until: "save as: "))
    terminal.send("\u{15}\(plan)\r")
    try #require(terminal.wait { isMeasured($0) && !$0.text[0].contains("unsaved") })
    try user.look()
    let totals = terminal.screen.text[1]
    terminal.send("q")
    #expect(terminal.waitForExit() == .exited(0))

    let object = try Program.run(["show", plan, "--json"]).object()
    let saved = try #require(object["totals"] as? [String: Any])
    let bits = try #require(saved["bitsPerWeight"] as? Double)
    #expect(bits <= 5 && totals.contains(String(format: "%.2f bpw", bits)), "\(totals)")
    let bytes = try #require(saved["bytes"] as? Int)
    #expect(totals.contains(" \(bytes / 1024) KiB"), "\(totals)")
    #expect(try user.frame("", ["--plan", plan])[1] == totals)
  }

  /// The lists, the help and the large histogram.
  private func lists(_ user: MatrixUser) throws {
    let terminal = user.terminal
    for (key, title, isTyped) in [
      ("t", "Choose a format", true), (":", "Do what?", true), ("?", "Keys", false),
      ("!", "Messages", false), ("c", "how scales are chosen", false),
    ] {
      try #require(terminal.press(key, until: title))
      try #require(terminal.wait { $0.text.last?.contains("Esc") == true })
      try user.look(showsCursor: isTyped)
      terminal.send("\u{1B}")
      try #require(terminal.wait { isWhole($0) && !$0.picture.contains(title) })
    }
    terminal.send("3H")
    try user.expectFrame("3H")
    try user.look()
    terminal.send("ii.")
    try user.expectFrame("3Hii.")
    try user.look()
    terminal.send("w\u{1B}u")
    try #require(terminal.wait { isMeasured($0) && !$0.text[0].contains("unsaved") })
    terminal.send("q")
    #expect(terminal.waitForExit() == .exited(0))
  }

  /// Devices, and what an export would be.
  private func fitting(_ user: MatrixUser) throws {
    let terminal = user.terminal
    try #require(terminal.press("d", until: "Will it fit?"))
    try #require(terminal.press("4090", until: "RTX 4090"))
    try user.look(showsCursor: true)
    terminal.send("\u{1B}[C\r")
    try #require(terminal.wait { isWhole($0) && !$0.picture.contains("Will it fit?") })
    try #require(terminal.wait { $0.text[1].contains(/fit|4090/) })
    try user.look()
    try #require(terminal.press("4e", until: "Export for which program?"))
    try user.look(showsCursor: true)
    try #require(terminal.press("mlx\r", until: "mlx-lm can"))
    try user.look()
    terminal.send("\u{1B}")
    try #require(terminal.wait { isWhole($0) && !$0.picture.contains("mlx-lm can") })
    terminal.send("u")
    try #require(terminal.wait { isWhole($0) && !$0.text[0].contains("unsaved") })
    terminal.send("q")
    #expect(terminal.waitForExit() == .exited(0))
    #expect(user.scratch.names == ["sample.safetensors"])
  }

  /// Stopped and continued, and given other sizes, with a list open and without.
  private func suspending(_ user: MatrixUser) throws {
    let terminal = user.terminal
    let other = Size(columns: 100, rows: 30)
    try #require(terminal.press("4", until: "unsaved"))
    terminal.send("\u{1A}")
    try #require(terminal.wait { _ in terminal.isInOrder })
    terminal.settle()
    expectRestored(terminal)
    terminal.resize(to: other)
    terminal.signal(SIGCONT)
    try #require(
      terminal.wait { $0.size == other && isWhole($0) && $0.text[0].contains("unsaved") })
    try #require(terminal.press("?", until: " Keys "))
    terminal.resize(to: user.kind.size)
    try #require(terminal.wait { $0.text.last?.contains("Esc") == true })
    try user.look()
    terminal.send("\u{1B}")
    try user.expectFrame("4")
    try user.look()
    terminal.send("qd")
    #expect(terminal.waitForExit() == .exited(0))
  }

  /// A terminal that can't move its cursor is told of, in one line and without a sequence.
  @Test(arguments: ["C.UTF-8", "C"], TerminalCase.sizes) func dumb(locale: String, size: Size)
    throws
  {
    let scratch = try Scratch()
    let terminal = try PseudoTerminal(
      Program.path, [try scratch.write(.llama(blocks: 1))],
      environment: ["TERM": "dumb", "LC_ALL": locale], size: size)
    #expect(terminal.waitForExit() == .exited(1))
    #expect(terminal.screen.text[0].hasPrefix("bitladder: TERM=dumb can't move its cursor"))
    #expect(terminal.output.allSatisfy { $0 < 0x80 && $0 != 0x1B })
    expectRestored(terminal)
  }
}

/// A user of one terminal, with the explorer open and everything measured.
struct MatrixUser {
  let kind: TerminalCase
  let flow: String
  let scratch: Scratch
  let model: String
  let terminal: PseudoTerminal

  private static let frames = Mutex<[[String]: [String]]>([:])

  init(_ kind: TerminalCase, flow: String) throws {
    self.kind = kind
    self.flow = flow
    scratch = try Scratch()
    model = try scratch.write(.llama())
    terminal = try explore(model, environment: kind.environment, size: kind.size)
    try #require(terminal.wait(until: isMeasured))
    try look()
  }

  /// What a script of the same keys draws without a terminal.
  func frame(_ keys: String, _ arguments: [String] = []) throws -> [String] {
    let call =
      ["--script", keys, "--size", "\(kind.size)", "--dump-frame"] + arguments
      + (kind.isUnicode ? [] : ["--ascii"])
    if let known = Self.frames.withLock({ $0[call] }) { return known }
    let outcome = try Program.run([model] + call)
    try #require(outcome.status == 0, "\(outcome.words)")
    let lines = outcome.text.split(separator: "\n", omittingEmptySubsequences: false)
      .prefix(kind.size.rows).map(String.init)
    Self.frames.withLock { $0[call] = lines }
    return lines
  }

  /// Waits until the terminal shows just what a script of the same keys draws.
  func expectFrame(_ keys: String, line: Int = #line) throws {
    let expected = try frame(keys)
    let isShown = terminal.wait(.seconds(20)) { $0.text == expected }
    try #require(
      isShown, "\(line): \(expected.joined(separator: "\n"))\n\(terminal.screen.picture)")
  }

  /// What holds for every screen.
  func look(showsCursor: Bool = false, line: Int = #line) throws {
    terminal.settle(quiet: 30)
    let screen = terminal.screen
    let comment: Comment = "\(flow), line \(line)\n\(screen.picture)"
    #expect(screen.isAlternate == kind.hasAlternateScreen, comment)
    #expect(screen.showsCursor == (showsCursor || !kind.canHideCursor), comment)
    #expect(screen.text.count == kind.size.rows, comment)
    #expect(screen.text.allSatisfy { $0.columns <= kind.size.columns }, comment)
    // The title above and the keys below are there whatever is open.
    #expect(screen.text[0].hasPrefix(" sample"), comment)
    let last = screen.text.last ?? ""
    #expect(["quit", "Esc", "Enter"].contains { last.contains($0) }, comment)
    #expect(!screen.picture.contains("\u{FFFD}"), comment)
    if let folder = ProcessInfo.processInfo.environment["SCREENS"] {
      let name = "\(flow) \(kind.testDescription) \(line).txt".replacing(" ", with: "_")
      try Data(screen.picture.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
  }

  /// What holds when the program is gone.
  func expectOver() {
    expectRestored(terminal, "\(kind.testDescription)")
    #expect(terminal.screen.hasSeenColor == kind.hasColor)
    if !kind.isUnicode { #expect(terminal.output.allSatisfy { $0 < 0x80 }) }
  }
}
