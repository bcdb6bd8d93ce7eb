import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// What is sent to the terminal for its clipboard, and pasted text that comes from it.
@Suite(.serialized) struct ClipboardTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama())
  }

  private func sent(_ terminal: PseudoTerminal, _ text: String) -> Bool {
    let wanted = Data(text.utf8)
    return terminal.wait { _ in Data(terminal.output).range(of: wanted) != nil }
  }

  private func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

  @Test func aNameGoesToTheClipboard() throws {
    let terminal = try explore(model)
    try #require(terminal.press("/self_attn.q\r", until: "self_attn.q_proj.weight"))
    try #require(terminal.press("y", until: "copied by OSC 52"))
    let name = "model.layers.0.self_attn.q_proj.weight"
    #expect(sent(terminal, "\u{1B}]52;c;\(base64(name))\u{7}"))
    let names = (0..<3).map { "model.layers.\($0).self_attn.q_proj.weight" }
    try #require(terminal.press("*y", until: "3 names"))
    #expect(sent(terminal, "\u{1B}]52;c;\(base64(names.joined(separator: "\n")))\u{7}"))
    // The screen is as it was: nothing of it was drawn.
    #expect(!terminal.screen.picture.contains("52;c"))
    terminal.expectQuits()
  }

  @Test func tmuxIsAskedToHandItOn() throws {
    let terminal = try explore(
      model, environment: ["TMUX": "/tmp/tmux-0/default,1,0", "TERM": "screen-256color"])
    try #require(terminal.press("y", until: "copied by OSC 52"))
    #expect(sent(terminal, "\u{1B}Ptmux;\u{1B}\u{1B}]52;c;"))
    terminal.expectQuits()
  }

  @Test(arguments: ["linux", "vt100"])
  func terminalsWithoutOneAreToldOf(name: String) throws {
    let terminal = try explore(model, environment: ["TERM": name])
    try #require(terminal.press("y", until: "nothing was copied: "))
    #expect(Data(terminal.output).range(of: Data("]52;".utf8)) == nil)
    terminal.expectQuits()
  }

  // MARK: - Pasting

  private func paste(_ text: String) -> String { "\u{1B}[200~\(text)\u{1B}[201~" }

  /// In the list, pasted letters are no keys.
  @Test func pastedTextExecutesNothing() throws {
    let terminal = try explore(model)
    try #require(
      terminal.press(
        paste("4*8qd\r:quit\rS/tmp/x\r\u{3}"), until: "pasted text is only taken where"))
    #expect(!terminal.screen.text[0].contains("unsaved"))
    terminal.expectQuits()
  }

  /// In a prompt it is text: without control characters, and without ending the prompt.
  @Test func pastedTextIsLiteral() throws {
    let terminal = try explore(model)
    try #require(terminal.press("S\u{15}", until: "save as:"))
    try #require(
      terminal.press(paste("a\rb\u{1B}[Ac\u{7}\td\u{3}e"), until: "save as: ab[Acde"))
    terminal.send("\u{1B}")
    try #require(terminal.wait { isWhole($0) })
    terminal.expectQuits()
    #expect(scratch.names == ["sample.safetensors"])
  }

  /// A megabyte is taken at once, in the list and in a prompt; the next key is answered.
  @Test(arguments: ["", "/", "S", "f", "m", "t", ":", "b", "d"])
  func muchTextIsNoTrouble(keys: String) throws {
    let terminal = try explore(model)
    terminal.send(keys)
    terminal.settle()
    terminal.send(paste(String(repeating: "pasted words ", count: 80_000)))
    let start = ContinuousClock.now
    terminal.send("\u{1B}")
    try #require(terminal.press("\u{1B}[201~!", until: "Messages, the newest first"))
    // The build for tests is slow, and the machine shared.
    #expect(ContinuousClock.now - start < .seconds(5))
    terminal.send("\u{1B}")
    try #require(terminal.wait { isWhole($0) && !$0.picture.contains("Messages") })
    terminal.expectQuits()
  }
}
