import Terminal

/// What a new user is shown until it was done once: hints on the line of messages, where nothing else
/// stands there.
public struct FirstSteps: Sendable, Equatable {
  /// One of them; the raw value is what the file that remembers them calls it.
  enum Step: String, CaseIterable, Sendable {
    case move, bits, solve, save, help

    /// The actions that do it.
    var actions: [String] {
      switch self {
      case .move: ["up", "down", "pageUp", "pageDown", "top", "bottom"]
      case .bits: ["fewer", "more", "mapFewer", "mapMore"]
      case .solve: ["solve"]
      case .save: ["save", "saveAs"]
      case .help: ["help"]
      }
    }
  }

  private(set) var left: [Step]

  /// All of them, for whoever starts for the first time.
  public init() { left = Step.allCases }

  /// Those that weren't done yet, by what was remembered.
  public init(remembered text: String) {
    let done = Set(text.split(whereSeparator: \.isNewline).map(String.init))
    left = Step.allCases.filter { !done.contains($0.rawValue) }
  }

  /// What to remember: a line for each that was done.
  public var remembered: String {
    Step.allCases.filter { !left.contains($0) }.map { $0.rawValue + "\n" }.joined()
  }

  /// Takes note of an action; whether it was one of them.
  mutating func note(_ action: String) -> Bool {
    let before = left.count
    left.removeAll { $0.actions.contains(action) }
    return left.count < before
  }

  /// The user has seen enough.
  mutating func dismiss() { left = [] }
}

extension State {
  /// Whether the hints stand on the line of messages now.
  var showsFirstSteps: Bool {
    guard let firstSteps, !firstSteps.left.isEmpty, message == nil, solverStatus == nil else {
      return false
    }
    return rangeStart == nil && marks.isEmpty && !isFiltered
  }

  /// Whether a warning stands where they would; it is in the log as well.
  var hidesFirstSteps: Bool {
    firstSteps?.left.isEmpty == false && message?.kind == .warning
  }

  /// What begins the line: shorter where there is little room.
  func firstStepsTitle(columns: Int) -> String { columns < 56 ? "Try " : "First steps: " }

  /// The parts of the line: a key and what it does, as many as fit.
  func firstStepHints(columns: Int) -> [(key: String, text: String)] {
    guard showsFirstSteps, let firstSteps else { return [] }
    let leave = (key: key("back") ?? "Esc", text: columns < 56 ? "hides" : "hides this")
    func width(_ hint: (key: String, text: String)) -> Int {
      hint.key.columns + hint.text.columns + 3
    }
    var room = columns + 2 - firstStepsTitle(columns: columns).columns - width(leave)
    let hints = firstSteps.left.compactMap(hint).prefix { hint in
      room -= width(hint)
      return room >= 0
    }
    return hints + [leave]
  }

  private func hint(for step: FirstSteps.Step) -> (key: String, text: String)? {
    switch step {
    case .move:
      let isUsual = keys.keys(of: "up").first == .up && keys.keys(of: "down").first == .down
      return (isUsual ? glyphs.upAndDown : key("down")).map { ($0, "move") }
    case .bits:
      let isUsual = keys.keys(of: "fewer").first == .left
      return (isUsual ? glyphs.leftAndRight : key("fewer")).map { ($0, "bits") }
    case .solve: return key("solve").map { ($0, "solve") }
    case .save: return key("save").map { ($0, "save") }
    case .help: return key("help").map { ($0, "help") }
    }
  }

  /// Takes note of an action, and has it remembered.
  mutating func noteFirstStep(_ action: String) -> [Effect] {
    guard firstSteps?.note(action) == true, let firstSteps else { return [] }
    return [.remember(firstSteps)]
  }

  /// Hides them for good, if they stand there; whether they did.
  mutating func dismissFirstSteps() -> Bool {
    guard showsFirstSteps else { return false }
    firstSteps?.dismiss()
    return true
  }
}
