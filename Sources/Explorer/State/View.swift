/// What stands between the head and the foot of the screen; the raw value is the number of its function key.
enum View: Int, CaseIterable, Sendable {
  /// The tensors, with the details of one.
  case layers = 1
  /// Size against error: the best plans, and others among them.
  case frontier = 3
  /// The plan against another one, tensor by tensor.
  case compare = 4

  /// Its name on the first line.
  var title: String {
    switch self {
    case .layers: "Layers"
    case .frontier: "Frontier"
    case .compare: "Compare"
    }
  }

  /// What it is for, in the list of keys.
  var purpose: String {
    switch self {
    case .layers: "the tensors and their ladders: Layers"
    case .frontier: "size against error, the best plans: Frontier"
    case .compare: "the plan against another one: Compare"
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
    self.view = view
    message = nil
    ladderCursor = nil
    focus = .list
  }
}
