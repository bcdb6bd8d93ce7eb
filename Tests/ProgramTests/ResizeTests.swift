import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// Windows of all sizes.
@Suite(.serialized) struct ResizeTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama())
  }

  @Test func storm() throws {
    let terminal = try explore(model)
    terminal.send("jj4")
    try #require(terminal.wait { isMeasured($0) && $0.text[0].contains("unsaved") })
    terminal.settle()
    let before = terminal.screen.text
    var generator = SeededGenerator(seed: 3)
    for step in 0..<1000 {
      let columns = Int.random(in: 1...500, using: &generator)
      let rows = Int.random(in: 1...200, using: &generator)
      terminal.resize(to: Size(columns: columns, rows: rows))
      // Something over the panes now and then, and some time to draw.
      if step % 20 == 5 { terminal.send("?") }
      if step % 20 == 9 { terminal.send("\u{1B}") }
      if step % 10 == 0 { terminal.watch(for: .milliseconds(20)) }
    }
    terminal.send("\u{1B}")
    terminal.resize(to: Size(columns: 110, rows: 36))
    try #require(terminal.wait { isMeasured($0) && $0.text[0].contains("unsaved") })
    terminal.send("\u{C}")
    try #require(
      terminal.wait { $0.text == before },
      "\(before.joined(separator: "\n"))\n\(terminal.screen.picture)")
    terminal.send("u")
    try #require(terminal.wait { !$0.text[0].contains("unsaved") })
    terminal.expectQuits()
  }

  /// What is on the screen after a storm is what a new explorer draws at that size.
  @Test(arguments: [(80, 24), (60, 16), (200, 50), (40, 10)])
  func sameAsNew(columns: Int, rows: Int) throws {
    let size = Size(columns: columns, rows: rows)
    let new = try explore(model, size: size)
    try #require(new.wait(until: isMeasured))
    let terminal = try explore(model)
    var generator = SeededGenerator(seed: UInt64(columns))
    for _ in 0..<20 {
      terminal.resize(
        to: Size(
          columns: Int.random(in: 1...300, using: &generator),
          rows: Int.random(in: 1...100, using: &generator)))
    }
    terminal.resize(to: size)
    try #require(
      terminal.wait { isMeasured($0) && $0.text == new.screen.text },
      "\(new.screen.picture)\n\(terminal.screen.picture)")
    terminal.expectQuits()
    new.expectQuits()
  }

  @Test func tooSmall() throws {
    let terminal = try explore(model)
    try #require(terminal.press("4", until: "unsaved"))
    terminal.resize(to: Size(columns: 30, rows: 8))
    try #require(terminal.wait(for: "Too small: 30x8, needs 40x10"))
    try #require(terminal.wait(for: "unsaved"))
    // Keys do nothing blindly. They are read by the time the next size is.
    terminal.send("8u0")
    terminal.resize(to: Size(columns: 31, rows: 8))
    try #require(terminal.wait(for: "Too small: 31x8"))
    terminal.resize(to: Size(columns: 110, rows: 36))
    try #require(terminal.waitForLine("self_attn.q_proj ", with: " int4 "))
    try #require(terminal.wait { $0.text[0].contains("unsaved") && isWhole($0) })
    // Quitting works there, and asks.
    terminal.resize(to: Size(columns: 30, rows: 8))
    try #require(terminal.wait(for: "Too small: 30x8"))
    try #require(terminal.press("q", until: "q again discards"))
    terminal.send("q")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
  }

  @Test(arguments: [(1, 1), (2, 1), (1, 30), (39, 9)]) func startsTooSmall(columns: Int, rows: Int)
    throws
  {
    let terminal = try PseudoTerminal(
      Program.path, [model], size: Size(columns: columns, rows: rows))
    try #require(terminal.wait { $0.printed > 0 && $0.isAlternate })
    terminal.resize(to: Size(columns: 80, rows: 24))
    try #require(terminal.wait { isWhole($0) && $0.size == Size(columns: 80, rows: 24) })
    terminal.expectQuits()
  }
}
