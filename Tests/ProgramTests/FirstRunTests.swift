import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// Hints for whoever starts for the first time, and that they are remembered to have been seen.
@Suite(.serialized) struct FirstRunTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama())
  }

  private func start(_ state: String) throws -> PseudoTerminal {
    try explore(
      model, environment: ["XDG_STATE_HOME": scratch[state]], size: Size(columns: 80, rows: 24))
  }

  private func remembered(_ state: String) -> String? {
    try? scratch.text("\(state)/bitladder/first-steps")
  }

  @Test func theyLeaveOneByOneAndForGood() throws {
    let first = try start("state")
    try #require(
      first.wait(for: "First steps: ↑↓ move  ←→ bits  b solve  s save  ? help  Esc hides this"))
    try #require(first.press("j", until: "First steps: ←→ bits"))
    try #require(first.press("?", until: "Keys"))
    try #require(first.press("\u{1B}", until: "First steps: ←→ bits  b solve  s save  Esc"))
    first.expectQuits()
    #expect(remembered("state") == "move\nhelp\n")
    // What was done doesn't come again; Escape hides the rest.
    let second = try start("state")
    try #require(second.wait(for: "First steps: ←→ bits  b solve  s save  Esc hides this"))
    second.send("\u{1B}")
    #expect(second.wait { isWhole($0) && !$0.picture.contains("First steps") })
    second.expectQuits()
    #expect(remembered("state") == "move\nbits\nsolve\nsave\nhelp\n")
    let third = try start("state")
    third.settle()
    #expect(!third.screen.picture.contains("First steps"))
    third.expectQuits()
  }

  /// Where nothing can be remembered the work goes on: that there is no journal is said at once, the rest in
  /// the log.
  @Test func aFolderThatCantBeMadeIsNoTrouble() throws {
    try scratch.write("taken", "a file")
    let terminal = try start("taken")
    try #require(terminal.wait(for: "unsaved work would be lost"))
    try #require(terminal.press("j!", until: "the first steps will be shown again: "))
    terminal.send("\u{1B}")
    try #require(terminal.wait { isWhole($0) })
    terminal.expectQuits()
    #expect(try scratch.text("taken") == "a file")
  }

  /// Scripts and pictures never show them, unless they are asked to.
  @Test func scriptsDontShowThem() throws {
    let environment = ["XDG_STATE_HOME": scratch["other"]]
    let plain = try Program.run(
      [model, "--script", "j", "--dump-frame"], environment: environment)
    #expect(plain.status == 0 && !plain.text.contains("First steps"))
    let shown = try Program.run(
      [model, "--script", "j", "--dump-frame", "--first-steps"], environment: environment)
    #expect(shown.text.contains("First steps: ←→ bits"))
    #expect(!scratch.names.contains("other"))
    #expect(try !Program.run(["explore", "--help"]).text.contains("first-steps"))
  }
}
