import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// Keys that come fast, the mouse, pasted text, Esc.
@Suite(.serialized) struct InputTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama(blocks: 60, width: 64))
  }

  @Test func mouse() throws {
    let terminal = try explore(model)
    try #require(terminal.press("g", until: "tensor  1/"))
    // The fifth row of the list: below the title, the totals and the head.
    terminal.send("\u{1B}[<0;10;8M\u{1B}[<0;10;8m")
    try #require(terminal.wait(for: "tensor  5/"))
    terminal.send("\u{1B}[<65;10;8M")
    try #require(terminal.wait(for: "tensor  8/"))
    terminal.send(String(repeating: "\u{1B}[<65;10;8M", count: 5))
    try #require(terminal.wait(for: "tensor  23/"))
    terminal.send("\u{1B}[<64;10;8M")
    try #require(terminal.wait(for: "tensor  20/"))
    // Outside of everything.
    terminal.send("\u{1B}[<0;300;300M\u{1B}[<64;9999;9999M")
    try #require(terminal.wait(for: "tensor  17/"))
    terminal.expectQuits()
  }

  /// A click on a rung of the ladder takes it, one on a hint does what it says.
  @Test func clicks() throws {
    let terminal = try explore(model)
    try #require(terminal.wait(until: isMeasured))
    let row = try #require(terminal.screen.text.lastIndex { $0.contains(" int4 ") })
    terminal.send("\u{1B}[<0;70;\(row + 1)M\u{1B}[<0;70;\(row + 1)m")
    try #require(terminal.waitForLine("self_attn.q_proj ", with: " int4 "))
    let hints = try #require(terminal.screen.text.last)
    let help = try #require(hints.firstRange(of: "? help"))
    let column = hints.distance(from: hints.startIndex, to: help.lowerBound) + 1
    terminal.send("\u{1B}[<0;\(column);36M\u{1B}[<0;\(column);36m")
    try #require(terminal.wait(for: "Keys"))
    terminal.send("\u{1B}u")
    try #require(terminal.wait { isWhole($0) && !$0.text[0].contains("unsaved") })
    terminal.expectQuits()
  }

  @Test func mouseIsGivenBack() throws {
    let terminal = try explore(model)
    #expect(terminal.screen.reportsMouse)
    terminal.send("M")
    try #require(terminal.wait { !$0.reportsMouse && $0.picture.contains("select text") })
    terminal.send("M")
    try #require(terminal.wait { $0.reportsMouse })
    terminal.expectQuits()
    let without = try explore(model, ["--no-mouse"])
    #expect(!without.screen.reportsMouse)
    without.expectQuits()
  }

  @Test func paste() throws {
    let terminal = try explore(model)
    // Where nothing is typed it does nothing.
    terminal.send("\u{1B}[200~4q\u{3}\u{1B}[201~")
    try #require(terminal.wait(for: "pasted text is only taken"))
    #expect(!terminal.screen.text[0].contains("unsaved"))
    try #require(terminal.press("f", until: "filter: "))
    terminal.send("\u{1B}[200~layers.1\r7.\u{1B}[Aself_attn.q\n\u{1B}[201~")
    try #require(terminal.wait { $0.text[34].contains("filter: layers.17.") })
    // The rest of a sequence in it is text, so nothing matches: cleared and pasted anew.
    terminal.send("\u{15}\u{1B}[200~layers.17.self_attn.q\u{1B}[201~")
    try #require(terminal.press("\r", until: "1 tensor"))
    try #require(terminal.wait(for: "block 17"))
    #expect(!terminal.screen.picture.contains("block 18"))
    terminal.send("\u{1B}")
    // Everything is in the list again, and the place is kept: other blocks around an open block 17.
    try #require(
      terminal.wait { screen in
        screen.picture.contains("block 17")
          && ["block 16", "block 18"].contains { screen.picture.contains($0) }
      })
    terminal.expectQuits()
  }

  @Test func largePaste() throws {
    let terminal = try explore(model)
    try #require(terminal.press("f", until: "filter: "))
    terminal.send("\u{1B}[200~" + String(repeating: "q4d\r", count: 1 << 18) + "\u{1B}[201~")
    terminal.send("\u{1B}")
    try #require(terminal.wait { isWhole($0) && !$0.picture.contains("filter: ") })
    #expect(!terminal.screen.text[0].contains("unsaved"))
    terminal.expectQuits()
  }

  /// Esc alone closes what is open, soon: the best of a few tries on a busy machine counts.
  @Test func loneEscape() throws {
    let terminal = try explore(model)
    try #require(terminal.wait(until: isMeasured))
    var best = Duration.seconds(60)
    for _ in 0..<20 where best > .milliseconds(100) {
      for (key, title) in [("?", "Keys"), ("c", "how scales are chosen"), (":", "Actions")] {
        terminal.send(key)
        try #require(terminal.wait { !isWhole($0) }, "\(title)")
        let start = ContinuousClock.now
        terminal.send("\u{1B}")
        try #require(terminal.wait(until: isWhole))
        best = min(best, ContinuousClock.now - start)
      }
    }
    #expect(best <= .milliseconds(100))
    terminal.expectQuits()
  }

  @Test func heldKey() throws {
    let terminal = try explore(model)
    try #require(terminal.press("g", until: "tensor  1/"))
    try #require(terminal.press("ZZg", until: "tensor  1/603"))
    terminal.watch(for: .milliseconds(100))
    let before = terminal.output.count
    terminal.send(String(repeating: "\u{1B}OB", count: 500))
    try #require(terminal.wait(for: "tensor  501/603"))
    // A frame or two for each piece that comes through, not one for each key.
    #expect(terminal.output.count - before < 100_000)
    terminal.send(String(repeating: "\u{1B}[A", count: 300))
    try #require(terminal.wait(for: "tensor  201/603"))
    // For a minute: there is nothing left to be worked off when it is let go.
    terminal.send(String(repeating: "\u{1B}OB", count: 2000))
    try #require(terminal.press("g", until: "tensor  1/603"))
    terminal.watch(for: .milliseconds(300))
    #expect(terminal.screen.picture.contains("tensor  1/603"))
    terminal.expectQuits()
  }

  /// Ctrl-L draws anew whatever is open, and where there is no room for anything.
  @Test(arguments: ["", "?", "c", "t", "/", "b", "d", "small"]) func redraw(key: String) throws {
    let terminal = try explore(model)
    try #require(terminal.wait(until: isMeasured))
    if key == "small" {
      terminal.resize(to: Size(columns: 30, rows: 5))
    } else {
      terminal.send(key)
    }
    terminal.watch(for: .milliseconds(300))
    terminal.settle()
    let before = terminal.screen.text
    terminal.forgetOutput()
    terminal.send("\u{C}")
    #expect(terminal.wait { _ in terminal.output.count > before.joined().count / 2 })
    terminal.settle()
    #expect(terminal.screen.text == before)
  }

  /// Keys are answered at once while much is being measured.
  @Test func answersWhileMeasuring() throws {
    let large = try scratch.write(.llama(blocks: 3, width: 512), as: "large.safetensors")
    let terminal = try explore(large)
    try #require(terminal.press("g", until: "tensor  1/"))
    var best = Duration.seconds(60)
    var sawMeasuring = false
    for step in 2...20 {
      let start = ContinuousClock.now
      terminal.send("j")
      try #require(terminal.wait(for: "tensor  \(step)/"))
      best = min(best, ContinuousClock.now - start)
      terminal.send("4")
      sawMeasuring = sawMeasuring || terminal.screen.text[1].contains("…")
    }
    #expect(sawMeasuring)
    #expect(best < .milliseconds(100))
    // And the figures come.
    try #require(terminal.wait(until: isMeasured))
    terminal.send("qd")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
  }

  @Test func idleUsesNoProcessor() throws {
    let terminal = try explore(model)
    try #require(terminal.wait(until: isMeasured))
    // Ladders that nobody sees are measured first.
    var used = 1.0
    for _ in 0..<10 where used > 0.02 {
      guard let before = terminal.processorTime else { return }
      terminal.watch(for: .seconds(1))
      used = try #require(terminal.processorTime) - before
    }
    #expect(used <= 0.02)
    terminal.expectQuits()
  }
}
