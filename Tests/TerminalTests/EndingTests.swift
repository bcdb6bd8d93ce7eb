import Foundation
import PseudoTerminalSupport
import Testing

@testable import Terminal

/// Whatever ends the program, the terminal is given back.
@Suite(.serialized) struct EndingTests {
  @Test func quit() throws {
    let terminal = try started()
    terminal.send("ep")
    #expect(terminal.wait(for: "keys=2 "))
    #expect(!terminal.screen.picture.contains("to standard"))
    terminal.send("q")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
    #expect(
      terminal.screen.text.filter { !$0.isEmpty } == [
        "to standard output", "to standard error", "bye",
      ])
  }

  @Test(arguments: [SIGTERM, SIGHUP, SIGQUIT, SIGINT])
  func signals(number: Int32) throws {
    let terminal = try started()
    terminal.send("e")
    #expect(terminal.wait(for: "keys=1 "))
    terminal.signal(number)
    #expect(terminal.waitForExit() == .signalled(number))
    expectRestored(terminal)
    #expect(terminal.screen.picture.contains("saved before signal \(number)"))
    #expect(terminal.screen.picture.contains("to standard error"))
  }

  @Test(arguments: ["t", "T"]) func traps(key: String) throws {
    let terminal = try started()
    terminal.send("e")
    #expect(terminal.wait(for: "keys=1 "))
    terminal.send(key)
    let exit = try #require(terminal.waitForExit())
    #expect([.signalled(SIGILL), .signalled(SIGTRAP)].contains(exit))
    expectRestored(terminal)
    // What was written before, and what the trap has to say.
    #expect(terminal.screen.picture.contains("to standard error"))
    #expect(terminal.screen.picture.contains("ndex out of range"))
    // And where it was, outside the handler.
    let name = exit == .signalled(SIGILL) ? "SIGILL" : "SIGTRAP"
    let output = String(decoding: terminal.output, as: UTF8.self)
    let place = try #require(output.range(of: "a defect in the program (\(name)), at:"))
    #expect(output[place.upperBound...].contains("TerminalHost"))
  }

  @Test(arguments: [SIGSEGV, SIGABRT, SIGBUS, SIGFPE]) func faults(number: Int32) throws {
    let terminal = try started()
    terminal.signal(number)
    #expect(terminal.waitForExit() == .signalled(number))
    expectRestored(terminal)
  }

  @Test func stackOverflow() throws {
    let terminal = try started()
    terminal.send("o")
    #expect(terminal.waitForExit() == .signalled(SIGSEGV))
    expectRestored(terminal)
  }

  @Test func exitCall() throws {
    let terminal = try started()
    terminal.send("x")
    #expect(terminal.waitForExit() == .exited(3))
    expectRestored(terminal)
  }

  /// A loop that doesn't react is ended by the second request, not at once.
  @Test func hanging() throws {
    let terminal = try started()
    terminal.send("h")
    #expect(terminal.wait(for: "note: hanging"))
    terminal.signal(SIGTERM)
    terminal.signal(SIGHUP)
    terminal.watch(for: .milliseconds(1500))
    #expect(terminal.screen.isAlternate)
    terminal.signal(SIGTERM)
    #expect(terminal.waitForExit() == .signalled(SIGTERM))
    expectRestored(terminal)
  }

  /// In an interactive shell: Ctrl-Z, another size, fg.
  @Test func suspend() throws {
    let terminal = try PseudoTerminal("/bin/sh", ["-i"], environment: ["PS1": "shell> "])
    #expect(terminal.wait(for: "shell>"))
    terminal.send("\(host)\n")
    #expect(terminal.wait(for: "ready size=80x24"))
    terminal.send("j\u{1A}")
    #expect(terminal.wait { !$0.isAlternate && $0.picture.contains("Stopped") })
    expectRestored(terminal)
    terminal.resize(to: Size(columns: 90, rows: 26))
    terminal.send("echo $((6 * 7))\n")
    #expect(terminal.wait(for: "42"))
    terminal.send("fg\n")
    #expect(terminal.wait { $0.isAlternate && $0.picture.contains("ready size=90x26") })
    #expect(
      terminal.wait { $0.text[25].hasSuffix("┘") && $0.picture.contains("key character(\"j\")") })
    #expect(terminal.screen.reportsMouse && terminal.screen.modes.contains(2004))
    terminal.send("q")
    #expect(terminal.wait { !$0.isAlternate && $0.picture.contains("bye") })
    terminal.send("exit 5\n")
    #expect(terminal.waitForExit() == .exited(5))
  }

  /// Stopped without notice, and the screen overwritten meanwhile.
  @Test func stopAndContinue() throws {
    let terminal = try started()
    terminal.send("j")
    #expect(terminal.wait(for: "keys=1 "))
    terminal.signal(SIGSTOP)
    terminal.resize(to: Size(columns: 70, rows: 20))
    terminal.signal(SIGCONT)
    #expect(terminal.wait { $0.text[19].hasSuffix("┘") && $0.picture.contains("ready size=70x20") })
    // Nobody could continue it: it goes on by itself.
    terminal.signal(SIGTSTP)
    terminal.send("j")
    #expect(terminal.wait(for: "keys=2 "))
    terminal.send("q")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
  }

  @Test func closedWindow() throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("terminal-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let terminal = try started(["--saved=\(file.path)"])
    terminal.hangUp()
    let end = ContinuousClock.now + PseudoTerminal.patience
    while !FileManager.default.fileExists(atPath: file.path), ContinuousClock.now < end {
      Thread.sleep(forTimeInterval: 0.01)
    }
    #expect(FileManager.default.fileExists(atPath: file.path))
  }
}
