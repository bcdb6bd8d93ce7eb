import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// Whatever ends the explorer, the terminal is given back.
@Suite(.serialized) struct EndingTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama(blocks: 1))
  }

  @Test(arguments: ["q", "\u{3}"]) func quit(key: String) throws {
    let terminal = try explore(model)
    terminal.send(key)
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
  }

  @Test(arguments: [SIGTERM, SIGHUP, SIGINT, SIGQUIT]) func signals(number: Int32) throws {
    let terminal = try explore(model)
    try #require(terminal.press("4?", until: "Keys"))
    terminal.signal(number)
    #expect(terminal.waitForExit() == .signalled(number))
    expectRestored(terminal)
  }

  /// Also while it is busy.
  @Test func signalWhileMeasuring() throws {
    let large = try scratch.write(.llama(blocks: 3, width: 512), as: "large.safetensors")
    let terminal = try explore(large)
    terminal.signal(SIGTERM)
    #expect(terminal.waitForExit(.seconds(20)) == .signalled(SIGTERM))
    expectRestored(terminal)
  }

  @Test func closedWindow() throws {
    let terminal = try explore(model)
    try #require(terminal.press("4", until: "unsaved"))
    let process = terminal.process
    terminal.hangUp()
    // Gone, or a zombie that its shell hasn't seen to yet.
    let isGone = waitUntil {
      let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
      return kill(process, 0) != 0 || state?.contains(") Z ") == true
    }
    #expect(isGone)
  }

  /// In an interactive shell: Ctrl-Z, another size, fg.
  @Test func suspend() throws {
    let terminal = try PseudoTerminal(
      "/bin/sh", ["-i"], environment: ["PS1": "shell> "], size: Size(columns: 100, rows: 30))
    try #require(terminal.wait(for: "shell>"))
    terminal.send("\(Program.path) \(model)\n")
    try #require(terminal.wait { $0.isAlternate && isWhole($0) })
    try #require(terminal.press("4", until: "unsaved"))
    terminal.send("\u{1A}")
    try #require(terminal.wait { !$0.isAlternate && $0.picture.contains("Stopped") })
    expectRestored(terminal)
    terminal.resize(to: Size(columns: 90, rows: 26))
    try #require(terminal.press("echo $((6 * 7))\n", until: "42"))
    terminal.send("fg\n")
    try #require(terminal.wait { $0.isAlternate && $0.text[25].contains("q quit") })
    try #require(terminal.waitForLine("self_attn.q_proj ", with: " int4 "))
    #expect(terminal.screen.reportsMouse && terminal.screen.modes.contains(2004))
    terminal.send("u")
    try #require(terminal.wait { !$0.text[0].contains("unsaved") })
    terminal.send("q")
    try #require(terminal.wait { !$0.isAlternate && $0.showsCursor })
    terminal.send("exit 5\n")
    #expect(terminal.waitForExit() == .exited(5))
  }

  /// Stopped without notice and continued: the screen is right again.
  @Test func stopAndContinue() throws {
    let terminal = try explore(model)
    try #require(terminal.wait(until: isMeasured))
    terminal.signal(SIGSTOP)
    terminal.resize(to: Size(columns: 80, rows: 24))
    terminal.signal(SIGCONT)
    try #require(terminal.wait { $0.text[23].contains("q quit") })
    terminal.send("j")
    try #require(terminal.wait(for: "self_attn.k_proj.weight"))
    terminal.expectQuits()
  }

  /// Stopped and continued again and again, in windows of all sizes: the screen and the plan are right in the end.
  @Test func stopStorm() throws {
    let terminal = try explore(model)
    try #require(terminal.press("jj4", until: "unsaved"))
    var generator = SeededGenerator(seed: 5)
    for step in 0..<200 {
      let signal = [SIGTSTP, SIGSTOP, SIGCONT, SIGCONT, SIGWINCH].randomElement(using: &generator)
      terminal.signal(signal ?? SIGCONT)
      if step % 10 == 0 {
        let columns = Int.random(in: 1...200, using: &generator)
        terminal.resize(to: Size(columns: columns, rows: .random(in: 1...60, using: &generator)))
      }
      terminal.watch(for: .milliseconds(Int.random(in: 0...10, using: &generator)))
    }
    terminal.resize(to: Size(columns: 110, rows: 36))
    // The last stop may still be under way.
    try #require(
      terminal.wait { screen in
        terminal.signal(SIGCONT)
        return isMeasured(screen) && isWhole(screen) && screen.text[0].contains("unsaved")
      }, "\(terminal.screen.picture)")
    try #require(terminal.waitForLine("self_attn.v_proj ", with: " int4 "))
    terminal.send("u")
    try #require(terminal.wait { !$0.text[0].contains("unsaved") })
    terminal.expectQuits()
  }
}
