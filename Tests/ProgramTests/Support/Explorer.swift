import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// The explorer on a model, in a pseudo-terminal, with its first frame drawn.
func explore(
  _ model: String, _ arguments: [String] = [], environment: [String: String?] = [:],
  size: Size = Size(columns: 110, rows: 36), redirections: [PseudoTerminal.Redirection] = []
) throws -> PseudoTerminal {
  let terminal = try PseudoTerminal(
    Program.path, [model] + arguments, environment: environment, size: size,
    redirections: redirections)
  let isReady = terminal.wait { isWhole($0) }
  try #require(isReady, "\(terminal.screen.picture)")
  return terminal
}

/// Whether a frame is drawn down to its last line, which names the keys.
func isWhole(_ screen: VirtualScreen) -> Bool {
  screen.text.last?.contains("quit") == true
}

/// Whether everything is measured: the totals are known, no cell waits for its figure, and nothing is said of
/// ladders that are measured in the time that is left.
func isMeasured(_ screen: VirtualScreen) -> Bool {
  isWhole(screen) && (screen.text[1].contains("NMSE") || screen.size.columns < 60)
    && !screen.text[1].contains(/[…~]|ladders/)
    && !screen.picture.contains(/counting[…~]|  […~]/)
}

/// Whether the terminal is as a shell wants it.
func expectRestored(_ terminal: PseudoTerminal, _ comment: Comment? = nil) {
  #expect(terminal.isInOrder, comment)
  #expect(!terminal.screen.isAlternate, comment)
  #expect(terminal.screen.showsCursor, comment)
  #expect(!terminal.screen.reportsMouse, comment)
  #expect(!terminal.screen.modes.contains(2004), comment)
}

extension PseudoTerminal {
  /// Types keys, then waits for a text.
  func press(_ keys: String, until text: String) -> Bool {
    send(keys)
    return wait(for: text)
  }

  /// Quits where nothing is unsaved, and checks what is left of the terminal.
  func expectQuits(_ comment: Comment? = nil) {
    send("q")
    #expect(waitForExit() == .exited(0), comment)
    expectRestored(self, comment)
  }

  /// Waits until the line of the list with this name shows this.
  func waitForLine(_ name: String, with text: String) -> Bool {
    wait { screen in screen.text.contains { $0.contains(name) && $0.contains(text) } }
  }
}

/// Waits for something outside the terminal.
func waitUntil(_ condition: () -> Bool) -> Bool {
  let end = ContinuousClock.now + PseudoTerminal.patience
  while !condition() {
    if ContinuousClock.now >= end { return false }
    usleep(5000)
  }
  return true
}
