import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// What TERM, the locale, NO_COLOR and redirected streams do to the explorer.
@Suite(.serialized) struct EnvironmentTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama(blocks: 1))
  }

  @Test(arguments: [
    (">", "standard output is not a terminal"), ("<", "standard input is not a terminal"),
  ]) func redirected(direction: String, message: String) throws {
    let file = try scratch.write("stream", "")
    let terminal = try PseudoTerminal(
      Program.path, [model], redirections: [.init("\(direction)\(file)")])
    #expect(terminal.waitForExit() == .exited(1))
    #expect(terminal.screen.picture.contains("bitladder: \(message)"))
    #expect(!terminal.output.contains(0x1B))
    #expect(try scratch.text("stream").isEmpty)
    expectRestored(terminal)
  }

  /// No terminal anywhere: one sentence, and nothing on standard output.
  @Test func noTerminal() throws {
    for arguments in [[model], ["explore", model], [model, "--ascii", "--no-mouse"]] {
      let outcome = try Program.run(arguments, environment: ["TERM": "xterm-256color"])
      #expect(outcome.status == 1)
      expectOneLine(outcome)
      #expect(outcome.words.contains("is not a terminal: run it in one, or use a command"))
    }
  }

  @Test(
    arguments: [
      ("dumb", "TERM=dumb can't move its cursor"), ("", "TERM is not set"),
      (nil, "TERM is not set"),
    ] as [(String?, String)]) func noUsableTerminal(name: String?, message: String) throws
  {
    let terminal = try PseudoTerminal(Program.path, [model], environment: ["TERM": name])
    #expect(terminal.waitForExit() == .exited(1))
    let lines = terminal.screen.picture.split(separator: "\n")
    #expect(lines.first?.hasPrefix("bitladder: \(message)") == true, "\(lines)")
    #expect(!terminal.output.contains(0x1B))
    expectRestored(terminal)
  }

  @Test func unknownTerminal() throws {
    let terminal = try explore(model, environment: ["TERM": "xterm-kitty"])
    #expect(terminal.screen.picture.contains("TERM=xterm-kitty is not known here"))
    try #require(terminal.press("4", until: "unsaved"))
    terminal.send("u")
    try #require(terminal.wait { !$0.picture.contains("unsaved") })
    terminal.expectQuits()
  }

  @Test(arguments: [("vt100", false), ("linux", true), ("tmux-256color", true), ("xterm", true)])
  func knownTerminals(name: String, hasColor: Bool) throws {
    let terminal = try explore(model, environment: ["TERM": name])
    #expect(!terminal.screen.picture.contains("not known"))
    try #require(terminal.wait(until: isMeasured))
    terminal.send("\u{1B}[B\u{1B}OB8")
    try #require(terminal.wait { $0.text[0].contains("unsaved") && $0.picture.contains(" int8 ") })
    try #require(terminal.wait(until: isMeasured))
    #expect(terminal.screen.hasSeenColor == hasColor)
    terminal.send("u")
    try #require(terminal.wait { !$0.text[0].contains("unsaved") })
    terminal.expectQuits()
  }

  @Test(arguments: [["LC_ALL": "C"], ["LC_ALL": nil, "LANG": nil]] as [[String: String?]])
  func asciiLocale(environment: [String: String?]) throws {
    let terminal = try explore(model, environment: environment)
    for keys in ["4", "?", "\u{1B}", "t", "\u{1B}", "c", "\u{1B}", ":", "\u{1B}", "\t", "f层"] {
      let before = terminal.screen.printed
      terminal.send(keys)
      try #require(terminal.wait { $0.printed > before }, "\(keys)")
    }
    terminal.send("\u{1B}")
    try #require(terminal.wait(for: "q quit"))
    terminal.send("u")
    try #require(terminal.wait { !$0.text[0].contains("unsaved") })
    terminal.expectQuits()
    #expect(terminal.output.allSatisfy { $0 < 0x80 })
  }

  /// A locale that isn't installed but names UTF-8.
  @Test func missingLocale() throws {
    let terminal = try explore(model, environment: ["LC_ALL": nil, "LANG": "xx_YY.UTF-8"])
    #expect(terminal.screen.picture.contains("─"))
    terminal.expectQuits()
  }

  @Test func noColor() throws {
    let terminal = try explore(model, environment: ["NO_COLOR": "1"])
    try #require(terminal.press("4?", until: "Moving"))
    try #require(terminal.wait(until: { $0.text.last?.contains("close") == true }))
    terminal.send("\u{1B}u")
    try #require(terminal.wait { isMeasured($0) && !$0.text[0].contains("unsaved") })
    terminal.expectQuits()
    #expect(!terminal.screen.hasSeenColor)
    // Looks are bold, dim, underlined, reversed: never a colour's number.
    let text = String(decoding: terminal.output, as: UTF8.self)
    for look in text.matches(of: /\u{1B}\[([0-9;]*)m/) {
      let numbers = look.1.split(separator: ";").compactMap { Int($0) }
      #expect(numbers.allSatisfy { $0 < 30 }, "\(numbers)")
    }
    // Only if it says something, and not against the user's word.
    #expect(try explore(model, environment: ["NO_COLOR": ""]).screen.hasSeenColor)
    let asked = try explore(model, ["--color", "always"], environment: ["NO_COLOR": "1"])
    #expect(asked.screen.hasSeenColor)
    #expect(try !explore(model, ["--color", "never"]).screen.hasSeenColor)
  }

  /// What is written to standard error stays off the screen and comes when it is over.
  @Test func standardErrorInAFile() throws {
    let file = scratch["errors"]
    let terminal = try explore(model, redirections: [.init("2>\(file)")])
    terminal.expectQuits()
    #expect(try scratch.text("errors").isEmpty)
  }

  /// LINES and COLUMNS of the shell don't freeze the size.
  @Test func sizeInTheEnvironment() throws {
    let terminal = try explore(
      model, environment: ["LINES": "10", "COLUMNS": "40"], size: Size(columns: 100, rows: 30))
    #expect(terminal.screen.text[29].contains("q quit"))
    terminal.resize(to: Size(columns: 90, rows: 25))
    try #require(terminal.wait { $0.text[24].contains("q quit") })
    terminal.expectQuits()
  }
}
