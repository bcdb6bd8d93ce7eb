/// How keys are written for people: in help, hints and the user's own key map.
extension Key {
  /// The key as it is written in help and tables.
  public var label: String {
    switch self {
    case .character(" "): "Space"
    case .character(let character): String(character)
    case .control(" "): "Ctrl-Space"
    case .control(let character): "Ctrl-\(character.uppercased())"
    case .up: "↑"
    case .down: "↓"
    case .left: "←"
    case .right: "→"
    case .pageUp: "PgUp"
    case .pageDown: "PgDn"
    case .home: "Home"
    case .end: "End"
    case .tab: "Tab"
    case .backTab: "Shift-Tab"
    case .enter: "Enter"
    case .escape: "Esc"
    case .backspace: "Backspace"
    case .delete: "Del"
    case .insert: "Ins"
    case .function(let number): "F\(number)"
    case .shiftUp: "Shift-↑"
    case .shiftDown: "Shift-↓"
    case .shiftLeft: "Shift-←"
    case .shiftRight: "Shift-→"
    }
  }

  /// The label in the characters that a screen has.
  public func label(in glyphs: Glyphs) -> String { glyphs.isASCII ? asciiLabel : label }

  /// The label without arrows.
  public var asciiLabel: String {
    switch self {
    case .up: "Up"
    case .down: "Down"
    case .left: "Left"
    case .right: "Right"
    case .shiftUp: "Shift-Up"
    case .shiftDown: "Shift-Down"
    case .shiftLeft: "Shift-Left"
    case .shiftRight: "Shift-Right"
    default: label
    }
  }

  /// Reads a key as help writes it (`x`, `Space`, `Ctrl-R`, `Shift-Up`, `↑`, `F5`), or as a script does
  /// (`<C-r>`); names of more than a character in any letter case.
  ///
  /// What a terminal sends as another key is that key: Ctrl-I is Tab.
  public init?(name: String) {
    if let key = Self.named[name.lowercased()] {
      self = key
    } else if let character = name.first, name.count == 1 {
      guard Self.isTyped(character) else { return nil }
      self = .character(character)
    } else if name.first == "<", name.last == ">", name != "<>" {
      guard case .key(let key)? = (try? KeyScript.parse(name))?.first, !name.contains("*") else {
        return nil
      }
      self = key
    } else {
      guard let key = Self.patterned(name.lowercased()) else { return nil }
      self = key
    }
  }

  /// Examples of every kind of name, for messages.
  public static let exampleNames = "x, Space, Enter, Tab, Up, Shift-Up, PgDn, F5, Ctrl-R"

  private static let named: [String: Key] = {
    let keys: [Key] = [
      .up, .down, .left, .right, .shiftUp, .shiftDown, .shiftLeft, .shiftRight, .pageUp, .pageDown,
      .home, .end, .tab, .backTab, .enter, .escape, .backspace, .delete, .insert, .character(" "),
      .control(" "),
    ]
    var names: [String: Key] = [
      "escape": .escape, "return": .enter, "delete": .delete, "insert": .insert,
      "pageup": .pageUp, "pagedown": .pageDown,
    ]
    for key in keys {
      names[key.label.lowercased()] = key
      names[key.asciiLabel.lowercased()] = key
    }
    return names
  }()

  /// `f1` to `f12`; `ctrl-` with a letter or one of `\ ] ^ _`.
  private static func patterned(_ name: String) -> Key? {
    if name.hasPrefix("f"), let number = Int(name.dropFirst()), (1...12).contains(number) {
      return .function(number)
    }
    guard name.hasPrefix("ctrl-"), name.count == 6, let byte = name.last?.asciiValue,
      (0x61...0x7A).contains(byte) || (0x5B...0x5F).contains(byte)
    else { return nil }
    return KeyForms.control(byte & 0x1F)
  }

  private static func isTyped(_ character: Character) -> Bool {
    character != " "
      && character.unicodeScalars.allSatisfy {
        TextWidth.kind(of: $0.value) != .control && $0.properties.generalCategory != .format
      }
  }
}
