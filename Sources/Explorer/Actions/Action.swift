import Terminal

/// Something a user can do: the one table of these feeds the key map, the last line, the help page,
/// the palette and the README.
struct Action: Sendable, Identifiable {
  /// Under which heading the help page lists an action.
  enum Section: String, CaseIterable, Sendable {
    case moving = "Moving"
    case views = "Views"
    case bits = "Bits and formats"
    case marking = "Marking"
    case finding = "Finding"
    case map = "On the map"
    case frontier = "On the frontier"
    case compare = "In a comparison"
    case channels = "In the channels"
    case guide = "Among the formats"
    case histogram = "The histogram"
    case plan = "The plan"
    case program = "The program"
  }

  let id: String
  let section: Section
  /// The keys, the one to show first.
  let keys: [Key]
  /// What it does, for the help page and the palette: a short imperative.
  let title: String
  /// What the help page says of several actions in a row at once, instead of their titles.
  var helpTitle: String?
  /// Two words at most for the last line, if it may stand there; with its priority (low first).
  var hint: (text: String, priority: Int)?
  /// Why it can't be done now; nil if it can.
  var objection: @Sendable (State) -> String? = { _ in nil }
  /// The views that it belongs to.
  var views = Set(View.allCases)
  let perform: @Sendable (inout State) -> [Effect]

  /// The action of a key in a view, if it has one there.
  static func bound(to key: Key, in view: View = .layers) -> Action? { byKey[view]?[key] }

  /// Every action, in the order of the help page.
  static let all: [Action] =
    moving + movingInLayers.only(in: .layers) + views + steps.only(in: .layers, .channels)
    + formats.only(in: .layers, .map, .channels) + marking.only(in: .layers, .map)
    + (moreMarking + finding).only(in: .layers) + map.only(in: .map)
    + frontier.only(in: .frontier) + compare.only(in: .compare)
    + channels.only(in: .channels) + guide.only(in: .formats) + histogram.only(in: .layers)
    + pins.only(in: .layers, .map, .channels)
    + plan + program

  private static let byKey = Dictionary(
    uniqueKeysWithValues: View.allCases.map { view in
      let bindings = all.filter { $0.views.contains(view) }.flatMap { action in
        action.keys.map { ($0, action) }
      }
      return (view, Dictionary(bindings, uniquingKeysWith: { first, _ in first }))
    })

  /// Why it can't be done now, where the user is; nil if it can.
  func refusal(in state: State) -> String? {
    guard !views.contains(state.view) else { return objection(state) }
    let view = View.allCases.first { views.contains($0) } ?? .layers
    return "that belongs to \(view.title): F\(view.rawValue) goes there"
  }
}

extension [Action] {
  /// The same, in some views alone.
  fileprivate func only(in views: View...) -> [Action] {
    map { action in
      var action = action
      action.views = Set(views)
      return action
    }
  }
}

extension Key {
  /// The key as it is written in help and tables.
  var label: String {
    switch self {
    case .character(" "): "Space"
    case .character(let character): String(character)
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
    case .shiftLeft: "Shift-←"
    case .shiftRight: "Shift-→"
    case .shiftUp: "Shift-↑"
    case .shiftDown: "Shift-↓"
    }
  }

  /// The label in the characters that a screen has.
  func label(in glyphs: Glyphs) -> String { glyphs.isASCII ? asciiLabel : label }

  /// The label without characters beyond ASCII.
  var asciiLabel: String {
    switch self {
    case .up: "Up"
    case .down: "Down"
    case .left: "Left"
    case .right: "Right"
    case .shiftLeft: "Shift-Left"
    case .shiftRight: "Shift-Right"
    case .shiftUp: "Shift-Up"
    case .shiftDown: "Shift-Down"
    default: label
    }
  }
}
