/// Keys as text, as for `--script`.
///
/// A character is itself; blanks and line ends between keys mean nothing. In angle brackets, in any letter
/// case: `<Enter> <Esc> <Space> <Tab> <S-Tab> <Up> <Down> <Left> <Right> <S-Up> <S-Down> <S-Left> <S-Right>
/// <PgUp> <PgDn> <Home> <End> <BS> <Del> <Ins> <F1>`...`<F12> <C-a>`...`<C-z> <C-Space> <lt>` (which is
/// the character `<`), `<Click 10,5> <DoubleClick 10,5> <WheelUp 10,5> <WheelDown 10,5>` (column and row,
/// from 0), `<Resize 80x24>` and `<Paste some text>`. Where a key may be meant to be pressed often:
/// `<Down*20>`.
///
///     try KeyScript.parse("jj<Space> 4 <C-r> /attn<Enter>")
public enum KeyScript {
  /// More events than that are no script but a mistake.
  public static let longest = 1_000_000

  /// The events of a script, in its order.
  public static func parse(_ script: String) throws(KeyScriptError) -> [Event] {
    var events: [Event] = []
    var rest = script[...]
    var offset = 0
    while let character = rest.first {
      if character == "<" {
        guard let end = rest.firstIndex(of: ">") else { throw .unclosed(offset: offset) }
        let name = String(rest[rest.index(after: rest.startIndex)..<end])
        let (event, count) = try named(name, offset: offset)
        if events.count + count > longest { throw .tooLong(offset: offset) }
        events += Array(repeating: event, count: count)
        offset += rest.distance(from: rest.startIndex, to: end) + 1
        rest = rest[rest.index(after: end)...]
        continue
      }
      rest.removeFirst()
      defer { offset += 1 }
      if character.isWhitespace { continue }
      guard character.unicodeScalars.allSatisfy({ TextWidth.kind(of: $0.value) != .control })
      else { throw .control(offset: offset) }
      if events.count >= longest { throw .tooLong(offset: offset) }
      events.append(.key(.character(character)))
    }
    return events
  }

  private static func named(
    _ text: String, offset: Int
  ) throws(KeyScriptError) -> (Event, count: Int) {
    let unknown = KeyScriptError.unknown(name: text, offset: offset)
    let blank = text.firstIndex(of: " ")
    if let blank {
      let argument = String(text[text.index(after: blank)...])
      guard let event = withArgument(text[..<blank].lowercased(), argument) else { throw unknown }
      return (event, 1)
    }
    var name = text.lowercased()
    var count = 1
    if let star = name.lastIndex(of: "*"), name.first != "*" {
      guard let number = Int(name[name.index(after: star)...]), number > 0, number <= longest else {
        throw unknown
      }
      count = number
      name = String(name[..<star])
    }
    guard let key = keys[name] ?? patterned(name) else { throw unknown }
    return (.key(key), count)
  }

  private static let keys: [String: Key] = [
    "enter": .enter, "esc": .escape, "space": .character(" "), "tab": .tab, "s-tab": .backTab,
    "up": .up, "down": .down, "left": .left, "right": .right, "s-up": .shiftUp,
    "s-down": .shiftDown, "s-left": .shiftLeft, "s-right": .shiftRight, "pgup": .pageUp,
    "pgdn": .pageDown, "home": .home, "end": .end, "bs": .backspace, "del": .delete,
    "ins": .insert, "lt": .character("<"), "c-space": .control(" "),
  ]

  /// `f1` to `f12`, and `c-` with a letter.
  private static func patterned(_ name: String) -> Key? {
    if name.hasPrefix("f"), let number = Int(name.dropFirst()), (1...12).contains(number) {
      return .function(number)
    }
    guard name.hasPrefix("c-"), name.count == 3, let letter = name.last?.asciiValue,
      (0x61...0x7A).contains(letter)
    else { return nil }
    // As a terminal sends them: Ctrl-I is Tab.
    return KeyForms.control(letter & 0x1F)
  }

  private static func withArgument(_ name: String, _ argument: String) -> Event? {
    func pair(_ separator: Character) -> (Int, Int)? {
      let parts = argument.split(separator: separator, omittingEmptySubsequences: false)
      guard parts.count == 2, let first = Int(parts[0]), let second = Int(parts[1]), first >= 0,
        second >= 0, first <= 1 << 20, second <= 1 << 20
      else { return nil }
      return (first, second)
    }
    let actions: [String: MouseEvent.Action] = [
      "click": .press(.left), "doubleclick": .doublePress(.left), "wheelup": .wheelUp,
      "wheeldown": .wheelDown,
    ]
    if let action = actions[name], let (column, row) = pair(",") {
      return .mouse(MouseEvent(action, at: Point(column: column, row: row)))
    }
    if name == "resize", let (columns, rows) = pair("x") {
      return .resize(Size(columns: columns, rows: rows))
    }
    return name == "paste" ? .paste(argument) : nil
  }
}

/// What is wrong with a script; offsets count characters from 0.
public enum KeyScriptError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A `<` without its `>`.
  case unclosed(offset: Int)
  /// There is no such key.
  case unknown(name: String, offset: Int)
  /// A control character, which has to be written as a name.
  case control(offset: Int)
  /// More than `KeyScript.longest` events.
  case tooLong(offset: Int)

  /// One line for the user.
  public var description: String {
    switch self {
    case .unclosed(let offset):
      "keys: character \(offset + 1): `<` without `>` (write `<lt>` for the character itself)"
    case .unknown(let name, let offset):
      "keys: character \(offset + 1): unknown key `<\(Self.printable(name))>`"
        + " (such as <Enter>, <Esc>, <S-Tab>, <F5>, <C-r>, <Click 10,5>, <Resize 80x24>)"
    case .control(let offset):
      "keys: character \(offset + 1): a control character (write it as <C-x>, <Esc>, <Enter>, <Tab>)"
    case .tooLong(let offset):
      "keys: character \(offset + 1): more than \(KeyScript.longest) keys"
    }
  }

  private static func printable(_ text: String) -> String {
    let safe = text.unicodeScalars.map { $0.value >= 0x20 && $0.value < 0x7F ? Character($0) : "?" }
    return String(safe).truncated(to: 40, mark: "...")
  }
}
