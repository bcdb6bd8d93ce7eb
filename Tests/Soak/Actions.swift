import Terminal

/// What the automatic user does next.
enum Action {
  case keys([UInt8])
  case mouse([UInt8])
  case paste([UInt8])
  case resize(Size)
  /// Sends a signal that doesn't end the program.
  case signal(Int32)
  /// Lets the shell have the terminal, by a signal or a key, and goes on.
  case pause(byKey: Bool)
  case rest(milliseconds: Int)

  /// A line for the log.
  var line: String {
    switch self {
    case .keys(let bytes): "keys \(Self.shown(bytes))"
    case .mouse(let bytes): "mouse \(Self.shown(bytes))"
    case .paste(let bytes): "paste \(bytes.count) bytes: \(Self.shown(Array(bytes.prefix(60))))"
    case .resize(let size): "resize \(size.columns)x\(size.rows)"
    case .signal(let number): "signal \(number)"
    case .pause(let byKey): byKey ? "pause by key" : "pause by signal"
    case .rest(let milliseconds): "rest \(milliseconds)"
    }
  }

  private static func shown(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      byte > 0x20 && byte < 0x7F && byte != 0x5C
        ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16)
    }.joined()
  }
}

/// Random actions, the same for the same numbers.
struct ActionMaker<Numbers: RandomNumberGenerator> {
  var numbers: Numbers
  /// The window, as it is after the actions so far.
  var size: Size
  /// Whether keys are made that leave the program at once.
  var quits = false

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &numbers) }

  private mutating func any<Value>(_ values: [Value], or other: Value) -> Value {
    values.randomElement(using: &numbers) ?? other
  }

  /// One to a handful of actions that belong together.
  mutating func next() -> [Action] {
    switch number(0...999) {
    case 0..<560: [key()]
    case 560..<600: repeated()
    case 600..<690: typed()
    case 690..<720: [.keys(garbage())]
    case 720..<820: mouse()
    case 820..<835: [.paste(paste())]
    case 835..<880: [resize()]
    case 880..<885: (0..<number(5...60)).map { _ in resize() }
    case 885..<890: [.signal(28)]
    case 890..<893: (0..<number(10...100)).map { _ in .signal(28) }
    case 893..<897: [.pause(byKey: number(0...1) == 0)]
    case 897..<900: [.signal(18)]
    default: [.rest(milliseconds: number(0...40))]
    }
  }

  // MARK: Keys

  private static var moves: [String] {
    ["\u{1B}[A", "\u{1B}[B", "\u{1B}[C", "\u{1B}[D", "\u{1B}OA", "\u{1B}[5~", "\u{1B}[6~"]
      + ["\u{1B}[H", "\u{1B}[F", "\u{1B}[2~", "\u{1B}[3~", "\t", "\u{1B}[Z", "\r", "\u{7F}"]
      + ["\u{1B}[1;2A", "\u{1B}[1;2B", "\u{1B}[1;2C", "\u{1B}[1;2D", "j", "j", "k", "g", "G"]
  }

  private static var functions: [String] {
    ["\u{1B}OP", "\u{1B}OQ", "\u{1B}OR", "\u{1B}OS", "\u{1B}[15~", "\u{1B}[17~", "\u{1B}[18~"]
      + ["\u{1B}[[A", "\u{1B}[11~", "\u{1B}[24~", "[", "]"]
  }

  /// All but Ctrl-C and Ctrl-Z, which have actions of their own.
  private static var controls: [UInt8] {
    (1...26).filter { $0 != 3 && $0 != 26 } + [0, 28, 29, 30, 31]
  }

  private mutating func key() -> Action {
    switch number(0...99) {
    case 0..<30: return .keys(Array(any(Self.moves, or: "j").utf8))
    case 30..<40: return .keys(Array(any(Self.functions, or: "[").utf8))
    case 40..<55: return .keys([UInt8(number(0x30...0x38))])
    case 55..<63: return .keys([0x1B])
    case 63..<68: return .keys([any(Self.controls, or: 18)])
    case 68..<72: return .keys([any([0x75, 0x12], or: 0x75)])
    default:
      // Any key of the keyboard but the slash, which comes with `typed` only, and the way out.
      while true {
        let byte = UInt8(number(0x20...0x7E))
        if byte != 0x2F, quits || byte != 0x71 { return .keys([byte]) }
      }
    }
  }

  /// A key that is held down.
  private mutating func repeated() -> [Action] {
    guard case .keys(let bytes) = key() else { return [] }
    return Array(repeating: .keys(bytes), count: number(5...200))
  }

  /// Words in the prompts; every path lies in the working folder.
  private mutating func typed() -> [Action] {
    let words = [
      "attn", "*.weight", "/(a+)+$/", "/[/", "layers.1.", "", "ж重\u{301}e", "int4:mse", "4.5",
      "1 GiB", "50 %", "1e308", "-1", "nan", "q4_k", "mxfp4", "%n%s", "..", "a b", "\u{7F}\u{7F}",
    ]
    let names = ["a.plan.json", "b.json", "r.html", "r.md", "x", ".", "", "päth.json", "out"]
    let (start, word, end) =
      switch number(0...9) {
      case 0, 1: ("/", any(words, or: ""), "\r")
      case 2: ("f", any(words, or: ""), "\r")
      case 3: ("m", any(words, or: ""), "\r")
      case 4: ("t", any(words, or: ""), any(["\r", "\u{1B}"], or: "\r"))
      case 5: (":", any(["solve", "fit", "copy", "log", "theme", "mouse"], or: ""), "\r")
      case 6: ("S\u{15}", any(names, or: ""), any(["\r", "\ro", "\u{1B}"], or: "\r"))
      case 7: ("R\u{15}", any(names, or: ""), any(["\r", "\ro", "\u{1B}"], or: "\r"))
      case 8: ("e" + any(["", "\u{1B}[B", "\u{1B}[B\u{1B}[B"], or: ""), "\r", "\r\r")
      default: ("b", any(words, or: ""), any(["\r", "\r\r", "\t\r", "\u{1B}"], or: "\r"))
      }
    // A slash would be part of a path in a prompt that is open: out of it first.
    let before = start == "/" || word.contains("/") ? "\u{1B}\u{1B}\u{1B}" : ""
    return [.keys(Array(before.utf8)), .rest(milliseconds: 30), .keys(Array(start.utf8))]
      + word.utf8.map { .keys([$0]) } + [.keys(Array(end.utf8))]
  }

  /// What no terminal sends: broken sequences, broken characters, strings without an end.
  private mutating func garbage() -> [UInt8] {
    let starts = [
      "\u{1B}[", "\u{1B}O", "\u{1B}]", "\u{1B}P", "\u{1B}[<", "\u{1B}[200~", "", "\u{9B}",
    ]
    let body = (0..<number(0...40)).map { _ in
      number(0...2) == 0 ? UInt8(number(0x80...0xFF)) : UInt8(number(0x20...0x7E))
    }
    return Array(any(starts, or: "").utf8) + body.filter { $0 != 0x2F && $0 != 0x71 }
  }

  // MARK: Mouse, paste, window

  private mutating func mouse() -> [Action] {
    func report(_ button: Int, _ column: Int, _ row: Int, _ final: String) -> Action {
      .mouse(Array("\u{1B}[<\(button);\(column);\(row)\(final)".utf8))
    }
    let column = number(1...(size.columns + 2))
    let row = number(1...(size.rows + 2))
    switch number(0...9) {
    case 0..<4: return [report(0, column, row, "M"), report(0, column, row, "m")]
    case 4: return [0, 0].flatMap { [report($0, column, row, "M"), report($0, column, row, "m")] }
    case 5..<8:
      return Array(repeating: report(64 + number(0...1), column, row, "M"), count: number(1...20))
    case 8:
      let ways = (0..<number(1...20)).map { _ in
        report(32, number(1...size.columns), number(1...size.rows), "M")
      }
      return [report(0, column, row, "M")] + ways + [report(0, column, row, "m")]
    default:
      return [report(number(0...255), number(0...70_000), number(-1...70_000), "M")]
    }
  }

  private mutating func paste() -> [UInt8] {
    let count = number(0...99) == 0 ? number(1...1_000_000) : number(0...300)
    let isText = number(0...1) == 0
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
      let byte = isText ? UInt8(number(0x20...0x7E)) : UInt8(number(0...255))
      if byte != 0x2F { bytes.append(byte) }
    }
    return bytes
  }

  private mutating func resize() -> Action {
    let columns: Int
    let rows: Int
    switch number(0...9) {
    case 0: (columns, rows) = (number(1...20), number(1...8))
    case 1: (columns, rows) = (number(200...500), number(50...200))
    case 2: (columns, rows) = (80, 24)
    default: (columns, rows) = (number(40...200), number(10...60))
    }
    size = Size(columns: columns, rows: rows)
    return .resize(size)
  }
}
