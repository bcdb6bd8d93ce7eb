import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// Solving in the explorer, and what is set beside its plan.
@Suite(.serialized) struct SolvingInTheExplorerTests {
  /// What a script solves and saves is what the command `plan` writes.
  @Test func aScriptSavesThePlanOfTheCommand() throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama())
    let (a, b) = (scratch["a.json"], scratch["b.json"])
    let formats = "int8,int6,int5,int4,int3,int2"
    let script = "b5bpw<Enter>s<C-u>\(b)<Enter>"
    let played = try Program.run([path, "--ladder", formats, "--script", script, "--dump-frame"])
    #expect(played.status == 0)
    #expect(played.text.contains("saved to"))
    #expect(
      try Program.run(["plan", path, "--formats", formats, "--budget", "5bpw", "-o", a]).status == 0
    )
    let text = try scratch.text("a.json")
    #expect(try scratch.text("b.json") == text)
  }

  @Test func anotherPlanStandsBeside() throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama())
    let plan = scratch["mine.plan.json"]
    #expect(try Program.run(["plan", path, "--budget", "6bpw", "-o", plan]).status == 0)
    let frontier = try Program.run(
      [path, "--beside", plan, "--script", "<F3>", "--dump-frame"])
    #expect(frontier.lines.contains { $0.contains("mine") })
    let compared = try Program.run(
      [path, "--beside", plan, "--script", "4<F4><Right>", "--dump-frame"])
    #expect(compared.lines.contains { $0.contains("  mine ") })
    let missing = try Program.run(
      [path, "--beside", scratch["none.json"], "--script", "", "--dump-frame"])
    #expect(missing.status == 1)
    expectOneLine(missing)
  }

  @Test func aUserSolvesWalksAndCompares() throws {
    let scratch = try Scratch()
    let terminal = try explore(try scratch.write(.llama()))
    try #require(terminal.press("b", until: "the least error within 4.5bpw"))
    try #require(terminal.press("5bpw\r", until: "F4 compares, u undoes"))
    try #require(terminal.press("\u{1B}OR", until: "size against NMSE"))
    try #require(terminal.press("\u{1B}[C", until: "best of its size"))
    try #require(terminal.press("]", until: "differ, by error"))
    try #require(terminal.press("[[[", until: "[Layers]"))
    try #require(terminal.press("<", until: "What to give up next"))
    try #require(terminal.press("\u{1B}", until: "? help"))
    try #require(terminal.press("u", until: "undone: solving for 5bpw"))
    terminal.expectQuits()
  }
}
