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
    case quality = "The true quality"
    case histogram = "The histogram"
    case plan = "The plan"
    case program = "The program"
  }

  let id: String
  let section: Section
  /// The keys without a key map of the user's, the one to show first.
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

  /// Every action, in the order of the help page.
  static let all: [Action] =
    moving + movingInLayers.only(in: .layers) + views
    + steps.only(in: .layers, .channels, .quality)
    + formats.only(in: .layers, .map, .channels, .quality) + marking.only(in: .layers, .map)
    + (moreMarking + finding).only(in: .layers) + copying.only(in: .layers, .map, .compare)
    + map.only(in: .map)
    + frontier.only(in: .frontier) + compare.only(in: .compare)
    + channels.only(in: .channels) + guide.only(in: .formats) + quality.only(in: .quality) + running
    + histogram.only(in: .layers)
    + pins.only(in: .layers, .map, .channels, .quality)
    + plan + program

  /// Why it can't be done now, where the user is; nil if it can.
  func refusal(in state: State) -> String? {
    guard !views.contains(state.view) else { return objection(state) }
    let view = View.allCases.first { views.contains($0) } ?? .layers
    return "that belongs to \(view.title)"
      + state.by("view\(view.title)", "goes there", after: ": ")
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
