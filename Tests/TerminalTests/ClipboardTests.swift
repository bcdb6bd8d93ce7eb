import Foundation
import Testing

@testable import Terminal

struct ClipboardTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func base64IsFoundations() {
    for count in 0...70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + 200) }
      #expect(text(Clipboard.base64(bytes)) == Data(bytes).base64EncodedString())
    }
  }

  @Test func plainSequence() {
    let bytes = Clipboard.sequence(for: "ab", terminal: "xterm-256color", isInTmux: false)
    #expect(text(bytes) == "\u{1B}]52;c;YWI=\u{7}")
  }

  @Test func tmuxGetsBoth() {
    let bytes = Clipboard.sequence(for: "ab", terminal: "screen-256color", isInTmux: true)
    #expect(
      text(bytes)
        == "\u{1B}]52;c;YWI=\u{7}" + "\u{1B}Ptmux;\u{1B}\u{1B}]52;c;YWI=\u{7}\u{1B}\\")
  }

  /// In parts that screen takes; put together they are the plain sequence.
  @Test func screenGetsParts() {
    let long = String(repeating: "name of a tensor ", count: 60)
    let plain = text(Clipboard.sequence(for: long, terminal: "xterm", isInTmux: false))
    let parts = text(Clipboard.sequence(for: long, terminal: "screen.xterm", isInTmux: false))
      .components(separatedBy: "\u{1B}\\")
    #expect(parts.count > 4 && parts.last == "")
    #expect(parts.dropLast().allSatisfy { $0.hasPrefix("\u{1B}P") && $0.utf8.count < 254 })
    #expect(parts.dropLast().map { $0.dropFirst(2) }.joined() == plain)
  }

  /// No more than 100,000 bytes of a sequence.
  @Test func theLargestFits() {
    let most = String(repeating: "a", count: Clipboard.mostBytes)
    #expect(Clipboard.sequence(for: most, terminal: "xterm", isInTmux: false).count <= 100_000)
  }

  @Test(arguments: [
    ("linux", true), ("vt100", true), ("vt220", true), ("dumb", true), ("ansi", true),
    ("xterm", false), ("xterm-256color", false), ("tmux-256color", false), ("screen", false),
    ("rxvt-unicode", false), ("foot", false), ("", false),
  ])
  func whoHasNone(terminal: String, hasNone: Bool) {
    #expect((Clipboard.objection(terminal: terminal) != nil) == hasNone)
  }
}
