import PseudoTerminalSupport
import Terminal
import Testing

/// One terminal, as a user may have it.
struct TerminalCase: Sendable, CustomTestStringConvertible {
  let name: String
  var isColorless = false
  let isUnicode: Bool
  let size: Size

  var hasColor: Bool { name != "vt100" && !isColorless }

  /// Neither the Linux console nor the VT100 has a second screen, nor can the latter hide its cursor.
  var hasAlternateScreen: Bool { !["linux", "vt100"].contains(name) }
  var canHideCursor: Bool { name != "vt100" }

  var environment: [String: String?] {
    var variables: [String: String?] = ["TERM": name, "LC_ALL": isUnicode ? "C.UTF-8" : "C"]
    if isColorless { variables["NO_COLOR"] = "1" }
    return variables
  }

  var testDescription: String {
    "\(name)\(isColorless ? " NO_COLOR" : "") \(isUnicode ? "UTF-8" : "C") \(size)"
  }

  /// What its keyboard sends for F1 to F6.
  func functionKey(_ number: Int) -> String {
    if name == "linux" {
      return ["\u{1B}[[A", "\u{1B}[[B", "\u{1B}[[C", "\u{1B}[[D", "\u{1B}[[E", "\u{1B}[17~"][
        number - 1]
    }
    return ["\u{1B}OP", "\u{1B}OQ", "\u{1B}OR", "\u{1B}OS", "\u{1B}[15~", "\u{1B}[17~"][number - 1]
  }

  static let names = [
    "xterm-256color", "tmux-256color", "xterm", "linux", "vt100", "screen", "xterm-kitty",
  ]
  static let sizes = [(60, 16), (80, 24), (120, 36), (200, 60)].map { Size(columns: $0, rows: $1) }

  /// Each terminal in each locale at each size.
  static let all = names.flatMap { name in
    [true, false].flatMap { isUnicode in
      sizes.map { TerminalCase(name: name, isUnicode: isUnicode, size: $0) }
    }
  }

  /// Cases for each of `flows` flows so that any two values, be they of flow, terminal (one without colours
  /// by NO_COLOR among them), locale or size, meet in at least one.
  ///
  /// Found greedily: always the case in which most of the pairs meet that haven't yet, the first among
  /// equals.
  static func pairs(flows: Int) -> [(flow: Int, terminal: TerminalCase)] {
    let colorless = sizes.flatMap { size in
      [true, false].map {
        TerminalCase(name: "xterm-256color", isColorless: true, isUnicode: $0, size: size)
      }
    }
    let candidates = (0..<flows).flatMap { flow in (all + colorless).map { (flow, $0) } }
    func pairs(_ candidate: (Int, TerminalCase)) -> Set<[String]> {
      let terminal = candidate.1
      let values = [
        "flow \(candidate.0)", "\(terminal.name) \(terminal.isColorless)",
        "\(terminal.isUnicode)", "\(terminal.size)",
      ]
      return Set(
        values.indices.flatMap { one in
          values.indices.dropFirst(one + 1).map { [values[one], values[$0]] }
        })
    }
    let found = candidates.map(pairs)
    var missing = found.reduce(into: Set<[String]>()) { $0.formUnion($1) }
    var chosen: [(flow: Int, terminal: TerminalCase)] = []
    while !missing.isEmpty {
      var best = (index: 0, count: 0)
      for (index, pairs) in found.enumerated() {
        let count = pairs.intersection(missing).count
        if count > best.count { best = (index, count) }
      }
      missing.subtract(found[best.index])
      chosen.append(candidates[best.index])
    }
    return chosen
  }
}
