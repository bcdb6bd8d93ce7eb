/// What stands between the head and the foot of the screen; the raw value is the number of its function key.
enum View: Int, CaseIterable, Sendable {
  /// The tensors, with the details of one.
  case layers = 1
  /// Blocks down, roles across, coloured by what each gets.
  case map = 2
  /// Size against error: the best plans, and others among them.
  case frontier = 3
  /// The plan against another one, tensor by tensor.
  case compare = 4
  /// Rows and columns of one tensor, and what granularity would do.
  case channels = 5
  /// What each format is.
  case formats = 6
  /// What the model's outputs become, and which tensors do it.
  case quality = 7

  /// Its name on the first line.
  var title: String {
    switch self {
    case .layers: "Layers"
    case .map: "Map"
    case .frontier: "Frontier"
    case .compare: "Compare"
    case .channels: "Channels"
    case .formats: "Formats"
    case .quality: "Quality"
    }
  }

  /// What it is for, in the list of keys.
  var purpose: String {
    switch self {
    case .layers: "the tensors and their ladders: Layers"
    case .map: "the whole model at a glance: Map"
    case .frontier: "size against error, the best plans: Frontier"
    case .compare: "the plan against another one: Compare"
    case .channels: "where in a tensor the error is: Channels"
    case .formats: "what the formats are, and who takes them: Formats"
    case .quality: "what becomes of the model's outputs: Quality"
    }
  }

  /// The view so many places further, round and round.
  func neighbour(by steps: Int) -> View {
    let all = View.allCases
    let place = (all.firstIndex(of: self) ?? 0) + steps
    return all[(place % all.count + all.count) % all.count]
  }
}

extension State {
  /// Goes to another view; what is looked at in each stays.
  mutating func show(_ view: View) {
    guard view != self.view else { return }
    if view == .map, origin == .layers { followInMap(tensor) }
    if view == .layers || view == .map { origin = view }
    self.view = view
    if view == .formats { followInGuide() }
    message = nil
    ladderCursor = nil
    focus = .list
  }
}
