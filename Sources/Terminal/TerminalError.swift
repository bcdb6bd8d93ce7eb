/// Why there is no screen to show anything on.
public enum TerminalError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A stream that has to be a terminal.
  public enum Stream: String, Hashable, Sendable {
    /// Where keys come from.
    case input = "standard input"
    /// Where the screen is.
    case output = "standard output"
  }

  /// The stream is a file or a pipe.
  case notATerminal(Stream)
  /// TERM says nothing.
  case termUnset
  /// TERM names a terminal whose cursor can't be moved.
  case termDumb(String)
  /// Neither TERM nor any usual terminal is known on this system.
  case termUnknown(String)
  /// The system has no descriptors or no memory left, or there is a screen already.
  case cannotStart

  /// One line: what is the matter and what to do about it.
  public var description: String {
    let wayOut = "use a command that prints its results (see --help)"
    switch self {
    case .notATerminal(let stream):
      return "\(stream.rawValue) is not a terminal: run it in one, or \(wayOut)"
    case .termUnset:
      return "TERM is not set: set it to the kind of your terminal (xterm-256color), or \(wayOut)"
    case .termDumb(let name):
      return "TERM=\(Self.printable(name)) can't move its cursor: set TERM to the kind of your"
        + " terminal (xterm-256color), or \(wayOut)"
    case .termUnknown(let name):
      return "TERM=\(Self.printable(name)) is not known here, nor is any usual terminal: install"
        + " the terminfo files (ncurses-base, ncurses-term), or \(wayOut)"
    case .cannotStart:
      return "the terminal can't be set up: close some files or programs, or \(wayOut)"
    }
  }

  static func printable(_ text: String) -> String {
    let safe = text.unicodeScalars.map { $0.value > 0x20 && $0.value < 0x7F ? Character($0) : "?" }
    return String(safe).truncated(to: 40, mark: "...")
  }
}
