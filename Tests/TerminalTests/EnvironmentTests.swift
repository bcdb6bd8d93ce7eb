import Foundation
import PseudoTerminalSupport
import Testing

@testable import Terminal

/// What TERM, the locale, NO_COLOR and redirected streams do.
@Suite(.serialized) struct EnvironmentTests {
  @Test func unknownTerminal() throws {
    let terminal = try started(environment: ["TERM": "xterm-kitty"])
    #expect(
      terminal.screen.picture.contains(
        "note: TERM=xterm-kitty is not known here; using xterm-256color"))
    #expect(terminal.screen.picture.contains("depth=many"))
  }

  @Test(arguments: [
    ("vt100", "none"), ("linux", "eight"), ("xterm", "eight"), ("screen", "eight"),
    ("tmux-256color", "many"),
  ])
  func knownTerminals(name: String, depth: String) throws {
    let terminal = try started(environment: ["TERM": name])
    #expect(terminal.screen.picture.contains("depth=\(depth)"))
    #expect(terminal.screen.hasSeenColor == (depth != "none"))
    #expect(terminal.screen.text[23].hasSuffix("┘"))
    // In the bytes, as the virtual screen knows alternate screens even of terminals without.
    terminal.send("\u{1B}[Bq")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
    #expect(terminal.screen.text.contains("bye"))
  }

  @Test(
    arguments: [
      ("dumb", "TERM=dumb can't move its cursor"), ("", "TERM is not set"),
      (nil, "TERM is not set"),
    ] as [(String?, String)])
  func noTerminal(name: String?, message: String) throws {
    let terminal = try PseudoTerminal(host, environment: ["TERM": name])
    #expect(terminal.waitForExit() == .exited(1))
    #expect(terminal.screen.picture.contains("error: \(message)"))
    #expect(!terminal.output.contains(0x1B))
    expectRestored(terminal)
  }

  @Test(arguments: [["LC_ALL": "C"], ["LC_ALL": "POSIX"], ["LC_ALL": nil]] as [[String: String?]])
  func asciiLocale(environment: [String: String?]) throws {
    let terminal = try started(environment: environment)
    #expect(terminal.screen.picture.contains("ascii=true"))
    #expect(terminal.screen.text[0].hasPrefix("+- host ---"))
    #expect(terminal.screen.text[4].hasPrefix("|wide ? ?|?|?| ~ ->"))
    terminal.send("层é")
    #expect(terminal.wait(for: "keys=2 "))
    terminal.send("q")
    #expect(terminal.waitForExit() == .exited(0))
    #expect(terminal.output.allSatisfy { $0 < 0x80 })
  }

  @Test func asciiOption() throws {
    let terminal = try started(["--ascii"])
    #expect(terminal.screen.text[0].hasPrefix("+- host ---"))
    #expect(terminal.output.allSatisfy { $0 < 0x80 })
  }

  /// A locale with UTF-8 that isn't installed: drawn all the same.
  @Test func missingLocale() throws {
    let terminal = try started(environment: ["LC_ALL": nil, "LANG": "xx_YY.UTF-8"])
    #expect(terminal.screen.text[0].hasPrefix("┌─ host"))
  }

  @Test func noColor() throws {
    let terminal = try started(environment: ["NO_COLOR": "1"])
    terminal.send("S")
    #expect(terminal.wait { $0.picture.contains(String(repeating: "s", count: 50)) })
    #expect(terminal.screen.picture.contains("depth=none"))
    terminal.send("q")
    #expect(terminal.waitForExit() == .exited(0))
    #expect(!terminal.screen.hasSeenColor)
    #expect(!String(decoding: terminal.output, as: UTF8.self).contains("\u{1B}[39"))
    let empty = try started(environment: ["NO_COLOR": ""])
    #expect(empty.screen.hasSeenColor)
    let asked = try started(["--color=always"], environment: ["NO_COLOR": "1"])
    #expect(asked.screen.hasSeenColor)
  }

  @Test(arguments: [(">", "standard output"), ("<", "standard input")])
  func redirected(direction: String, stream: String) throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("terminal-\(UUID().uuidString)")
    try Data().write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let terminal = try PseudoTerminal(host, redirections: [.init("\(direction)\(file.path)")])
    #expect(terminal.waitForExit() == .exited(1))
    #expect(terminal.screen.picture.contains("error: \(stream) is not a terminal: run it in one"))
    #expect(!terminal.output.contains(0x1B))
    #expect(try Data(contentsOf: file).isEmpty)
  }

  /// Standard error to a file stays there and isn't kept back.
  @Test func errorsToFile() throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("terminal-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let terminal = try PseudoTerminal(host, redirections: [.init("2>\(file.path)")])
    #expect(terminal.wait(for: "ready"))
    terminal.send("e")
    #expect(terminal.wait(for: "keys=1 "))
    #expect(try String(contentsOf: file, encoding: .utf8) == "to standard error\n")
  }
}
