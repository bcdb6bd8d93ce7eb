import Foundation
import PseudoTerminalSupport
import Testing

@testable import Terminal

let host = PseudoTerminal.product("TerminalHost")

/// The host, started and drawn.
func started(
  _ arguments: [String] = [], environment: [String: String?] = [:],
  size: Size = Size(columns: 80, rows: 24)
) throws -> PseudoTerminal {
  let terminal = try PseudoTerminal(host, arguments, environment: environment, size: size)
  let isReady = terminal.wait {
    // The last cell is sent last.
    let end = $0.text.last?.last
    return $0.picture.contains("ready size=\(size)") && (end == "┘" || end == "+")
  }
  try #require(isReady, "\(terminal.screen.picture)")
  return terminal
}

/// Whether the terminal is as a shell wants it.
func expectRestored(_ terminal: PseudoTerminal, _ comment: Comment? = nil) {
  #expect(terminal.isInOrder, comment)
  #expect(!terminal.screen.isAlternate, comment)
  #expect(terminal.screen.showsCursor, comment)
  #expect(!terminal.screen.reportsMouse, comment)
  #expect(!terminal.screen.modes.contains(2004), comment)
}

/// The driver on real pseudo-terminals.
@Suite(.serialized) struct PseudoTerminalTests {
  @Test func startsAndDraws() throws {
    let terminal = try started()
    let screen = terminal.screen
    #expect(screen.text[0] == "┌─ host " + String(repeating: "─", count: 71) + "┐")
    #expect(screen.text[1].hasPrefix("│ready size=80x24 depth=many ascii=false"))
    #expect(screen.text[4].hasPrefix("│wide 层e\u{301}|?|?| ≈ →"))
    #expect(screen.text[4].columns == 80)
    #expect(screen.text[23].hasSuffix("┘"))
    #expect(screen.isAlternate && !screen.showsCursor && screen.reportsMouse)
    #expect(screen.modes.contains(2004) && !terminal.isInOrder)
  }

  @Test func keysInAllForms() throws {
    let terminal = try started()
    let keys: [(String, String)] = [
      ("\u{1B}[A", "up"), ("\u{1B}OB", "down"), ("\u{1B}[C", "right"), ("\u{1B}OD", "left"),
      ("\u{1B}[H", "home"), ("\u{1B}OF", "end"), ("\u{1B}[Z", "backTab"),
      ("\u{1B}[1;2A", "shiftUp"),
      ("\u{1B}[5~", "pageUp"), ("\u{3}", "control(\"c\")"), ("\u{1B}OP", "function(1)"),
      ("层", "character(\"层\")"), ("\r", "enter"), ("\u{13}", "control(\"s\")"),
    ]
    for (number, (bytes, name)) in keys.enumerated() {
      terminal.send(bytes)
      #expect(terminal.wait(for: "keys=\(number + 1) ") && terminal.wait(for: "key \(name)"))
    }
  }

  /// The terminal waits 25 ms for the rest of a sequence; the best of a few tries on a busy machine counts.
  @Test func escapeIsPrompt() throws {
    let terminal = try started()
    var best = Duration.seconds(60)
    for number in 1...20 where best > .milliseconds(60) {
      let start = ContinuousClock.now
      terminal.send("\u{1B}")
      #expect(terminal.wait(for: "keys=\(number) "))
      best = min(best, ContinuousClock.now - start)
    }
    #expect(terminal.wait(for: "key escape"))
    #expect(best <= .milliseconds(60))
  }

  @Test func escapeDelayOfTheUser() throws {
    let terminal = try started(environment: ["ESCDELAY": "3000"])
    terminal.send("\u{1B}")
    terminal.watch(for: .milliseconds(300))
    terminal.send("[A")
    #expect(terminal.wait(for: "key up"))
    #expect(!terminal.screen.picture.contains("escape"))
  }

  @Test func heldKey() throws {
    let terminal = try started()
    terminal.send(String(repeating: "\u{1B}OB", count: 500))
    #expect(terminal.wait(for: "keys=500 position=500"))
    let line = terminal.screen.text[2]
    let frames = line.split(separator: "=").last.flatMap { Int($0.prefix { $0.isNumber }) }
    // One for each piece in which the bytes come through: 1,024 at a time here.
    #expect(try #require(frames) <= 8, "\(line)")
  }

  @Test func resizes() throws {
    let terminal = try started(environment: ["LINES": "10", "COLUMNS": "40"])
    terminal.resize(to: Size(columns: 100, rows: 30))
    #expect(
      terminal.wait { $0.picture.contains("ready size=100x30") && $0.text[29].hasSuffix("┘") })
    for step in 0..<10 { terminal.resize(to: Size(columns: 100 - 5 * step, rows: 30 - step)) }
    #expect(terminal.wait { $0.picture.contains("ready size=55x21") && $0.text[20].hasSuffix("┘") })
    for size in [(1, 1), (2, 2), (500, 200), (1, 60), (200, 1), (70, 20)] {
      terminal.resize(to: Size(columns: size.0, rows: size.1))
      terminal.watch(for: .milliseconds(50))
    }
    #expect(terminal.wait { $0.picture.contains("ready size=70x20") && $0.text[19].hasSuffix("┘") })
  }

  @Test func manyResizes() throws {
    let terminal = try started()
    var numbers = Numbers(state: 11)
    for _ in 0..<1000 {
      terminal.resize(
        to: Size(
          columns: .random(in: 1...500, using: &numbers),
          rows: .random(in: 1...200, using: &numbers)))
    }
    terminal.resize(to: Size(columns: 81, rows: 25))
    #expect(terminal.wait { $0.picture.contains("ready size=81x25") && $0.text[24].hasSuffix("┘") })
    terminal.send("q")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
  }

  @Test func mouse() throws {
    let terminal = try started()
    terminal.send("\u{1B}[<0;11;6M\u{1B}[<0;11;6m")
    #expect(terminal.wait(for: "mouse press(Terminal.MouseEvent.Button.left) 10,5"))
    terminal.send("\u{1B}[<65;80;24M\u{1B}[<64;300;1M")
    #expect(terminal.wait(for: "mouse wheelDown 79,23"))
    #expect(terminal.wait(for: "mouse wheelUp 299,0"))
    terminal.send("m")
    #expect(terminal.wait { !$0.reportsMouse })
    terminal.send("m")
    #expect(terminal.wait { $0.reportsMouse })
  }

  @Test func paste() throws {
    let terminal = try started()
    terminal.send("\u{1B}[200~q\u{1B}[A\u{3}paste\r\u{1B}[201~j")
    #expect(terminal.wait(for: "keys=1 position=0 pasted=8"))
    #expect(terminal.wait(for: "paste q[Apaste"))
  }

  /// Nothing of it is executed, and a key after it is answered at once.
  @Test func largePaste() throws {
    let terminal = try started()
    let start = ContinuousClock.now
    terminal.send(
      "\u{1B}[200~" + String(repeating: "qtTx\u{1B}[A", count: 1 << 17) + "\u{1B}[201~j")
    #expect(terminal.wait(for: "keys=1 position=0 pasted=\(6 << 17)"))
    print("a paste of \(7 << 17) bytes took \(ContinuousClock.now - start)")
    terminal.send("q")
    #expect(terminal.waitForExit() == .exited(0))
  }

  @Test func mailboxWakes() throws {
    let terminal = try started(["--post"])
    #expect(terminal.wait(for: "hello from a thread"))
  }

  @Test func idleUsesNoProcessor() throws {
    let terminal = try started()
    terminal.watch(for: .milliseconds(200))
    guard let before = terminal.processorTime else { return }
    terminal.watch(for: .seconds(1))
    #expect(terminal.processorTime == before)
    terminal.send("j")
    #expect(terminal.wait(for: "keys=1 "))
  }

  @Test func manyPairs() throws {
    for name in ["xterm", "xterm-256color", "linux"] {
      let terminal = try started(environment: ["TERM": name])
      terminal.send("S")
      #expect(terminal.wait { $0.picture.contains(String(repeating: "s", count: 50)) })
      #expect(terminal.screen.hasSeenColor)
    }
  }
}
