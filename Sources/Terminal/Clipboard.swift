/// Text for the clipboard of the terminal's user, by OSC 52 (xterm's ctlseqs, "Manipulate Selection Data"):
/// it works over ssh too, where the terminal allows it.
public enum Clipboard {
  /// Longer texts are refused: terminals take no more than 100,000 bytes of such a sequence, which
  /// holds as much after base64 (hterm's osc52.sh).
  public static let mostBytes = 74_994

  /// Why a terminal can't be asked to take a text; nil if it can.
  ///
  /// - Parameter terminal: TERM. These would show the sequence as garbage, or are known to drop it.
  public static func objection(terminal: String) -> String? {
    if terminal == "linux" { return "the Linux console has no clipboard" }
    let name = terminal.split(separator: "-").first.map(String.init) ?? ""
    guard name == "dumb" || name == "ansi" || name == "cons25" || name.hasPrefix("vt") else {
      return nil
    }
    return "a terminal of the kind \(name) has no clipboard"
  }

  /// The bytes that put a text on the clipboard.
  /// - Parameters:
  ///   - terminal: TERM.
  ///   - isInTmux: whether tmux is between (TMUX is set).
  public static func sequence(for text: String, terminal: String, isInTmux: Bool) -> [UInt8] {
    let plain = Array("\u{1B}]52;c;".utf8) + base64(Array(text.utf8)) + [0x07]
    if isInTmux {
      // tmux takes the plain one with `set-clipboard on`, and hands on the wrapped one, every ESC in it
      // doubled, with `allow-passthrough on`.
      let doubled = plain.flatMap { $0 == 0x1B ? [0x1B, 0x1B] : [$0] }
      return plain + Array("\u{1B}Ptmux;".utf8) + doubled + Array("\u{1B}\\".utf8)
    }
    guard terminal.hasPrefix("screen") else { return plain }
    // screen hands on strings of 256 bytes at most.
    var wrapped: [UInt8] = []
    for start in stride(from: 0, to: plain.count, by: 240) {
      wrapped += Array("\u{1B}P".utf8)
      wrapped += plain[start..<min(start + 240, plain.count)]
      wrapped += Array("\u{1B}\\".utf8)
    }
    return wrapped
  }

  private static let digits = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// RFC 4648, section 4.
  static func base64(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      var bits = part.reduce(0) { $0 << 8 | Int($1) }
      bits <<= 8 * (3 - part.count)
      for place in 0..<4 {
        text.append(
          place > part.count ? UInt8(ascii: "=") : digits[bits >> (18 - 6 * place) & 63])
      }
    }
    return text
  }
}
