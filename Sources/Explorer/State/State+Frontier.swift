import ModelFiles
import Planning
import Quantization
import Terminal

/// Where the cursor stands in the Frontier view.
enum FrontierCursor: Sendable, Equatable {
  /// On the plan at hand.
  case present
  /// On the best plan of at most so many bytes.
  case vertex(bytes: Int)
  /// On another plan, by its name.
  case mark(String)
}

/// A plan under the cursor of the Frontier view.
struct FrontierPlace {
  /// Nil on the curve.
  let name: String?
  let bytes: Int
  let error: Double
  /// What each of the problem's tensors gets.
  let choices: [Choice]
  /// Its place on the curve, if it is on it.
  let vertex: Int?
}

extension State {
  /// The plans that stand beside the one at hand.
  var namedPlans: [NamedPlan] {
    var plans: [NamedPlan] = []
    func add(_ name: String, _ assignments: [Assignment]?) {
      guard let assignments else { return }
      plans.append(NamedPlan(name: name, kind: .saved, choices: assignments.map(\.choice)))
    }
    add(Self.beforeSolving, solver.before)
    if savedStamp != nil { add("saved", savedAssignments) }
    return plans + otherPlans
  }

  /// The plan at hand among the others; nil while its figures aren't known.
  func presentMark(on curve: Curve) -> Curve.Mark? {
    curve.figures(of: choice(of:)).map { figures in
      Curve.Mark(
        name: "now", kind: .present, bytes: figures.bytes, error: figures.error,
        choices: curve.problem.tensors.map { choice(of: $0.tensor.id) })
    }
  }

  /// All plans off the curve, by size.
  func marks(on curve: Curve) -> [Curve.Mark] {
    (curve.marks + [presentMark(on: curve)].compactMap { $0 })
      .enumerated().sorted { ($0.element.bytes, $0.offset) < ($1.element.bytes, $1.offset) }
      .map(\.element)
  }

  /// What is under the cursor.
  func frontierPlace(on curve: Curve) -> FrontierPlace {
    let mark: Curve.Mark? =
      switch frontierCursor {
      case .present: presentMark(on: curve)
      case .mark(let name): curve.marks.first { $0.name == name } ?? presentMark(on: curve)
      case .vertex: nil
      }
    if let mark {
      return FrontierPlace(
        name: mark.name, bytes: mark.bytes, error: mark.error, choices: mark.choices, vertex: nil)
    }
    var bytes = totals.bytes
    if case .vertex(let given) = frontierCursor { bytes = given }
    let index = curve.frontier.index(within: bytes) ?? 0
    let vertex = curve.frontier.vertices[index]
    return FrontierPlace(
      name: nil, bytes: vertex.bytes, error: vertex.error,
      choices: curve.frontier.choices(at: index), vertex: index)
  }

  /// Moves along the curve, so many plans; from elsewhere first onto it.
  mutating func moveOnFrontier(by steps: Int) {
    guard let curve = solver.curve else { return }
    let vertices = curve.frontier.vertices
    let place = frontierPlace(on: curve)
    let index = place.vertex ?? onto(curve, from: place.bytes, upwards: steps > 0)
    let moved = place.vertex == nil ? steps - steps.signum() : steps
    let next = index + min(max(moved, -vertices.count), vertices.count)
    frontierCursor = .vertex(bytes: vertices[min(max(0, next), vertices.count - 1)].bytes)
  }

  /// The first plan of the curve that is larger (or smaller) than so many bytes.
  private func onto(_ curve: Curve, from bytes: Int, upwards: Bool) -> Int {
    let within = curve.frontier.index(within: bytes)
    guard upwards else {
      let index = within ?? 0
      return curve.frontier.vertices[index].bytes == bytes ? max(0, index - 1) : index
    }
    return min((within ?? -1) + 1, curve.frontier.vertices.count - 1)
  }

  /// Moves along the curve to another column of the screen.
  mutating func moveAcrossFrontier(by columns: Int) {
    guard let curve = solver.curve else { return }
    let plot = frontierPlot(of: curve)
    let vertices = curve.frontier.vertices
    let place = frontierPlace(on: curve)
    let start = plot.column(ofBytes: place.bytes)
    var index = place.vertex ?? onto(curve, from: place.bytes, upwards: columns > 0)
    while vertices.indices.contains(index + columns.signum()),
      abs(plot.column(ofBytes: vertices[index].bytes) - start) < abs(columns)
    {
      index += columns.signum()
    }
    frontierCursor = .vertex(bytes: vertices[index].bytes)
  }

  /// Moves to the next plan off the curve, by size, round and round.
  mutating func moveToMark(by steps: Int) {
    guard let curve = solver.curve else { return }
    let marks = marks(on: curve)
    guard !marks.isEmpty else { return }
    let place = frontierPlace(on: curve)
    let index: Int
    if let here = place.name.flatMap({ name in marks.firstIndex { $0.name == name } }) {
      index = (here + steps + marks.count) % marks.count
    } else if steps > 0 {
      index = marks.firstIndex { $0.bytes >= place.bytes } ?? 0
    } else {
      index = marks.lastIndex { $0.bytes <= place.bytes } ?? marks.count - 1
    }
    frontierCursor = marks[index].kind == .present ? .present : .mark(marks[index].name)
  }

  /// Puts the cursor on what is nearest to a place of the screen.
  mutating func clickFrontier(_ mouse: MouseEvent) {
    let point = mouse.position
    guard let curve = solver.curve else { return }
    let plot = frontierPlot(of: curve)
    guard plot.area.contains(point) else { return }
    defer { if mouse.action == .doublePress(.left) { takeFromFrontier() } }
    let mark = marks(on: curve).first { plot.cell(bytes: $0.bytes, error: $0.error) == point }
    if let mark {
      frontierCursor = mark.kind == .present ? .present : .mark(mark.name)
      return
    }
    let vertices = curve.frontier.vertices
    // Columns count for more: a click means a size.
    func distance(_ index: Int) -> Int {
      let cell = plot.cell(bytes: vertices[index].bytes, error: vertices[index].error)
      return 4 * abs(cell.column - point.column) + abs(cell.row - point.row)
    }
    if let nearest = vertices.indices.min(by: { distance($0) < distance($1) }) {
      frontierCursor = .vertex(bytes: vertices[nearest].bytes)
    }
  }

  /// Makes the plan under the cursor the present one, but for what is pinned.
  mutating func takeFromFrontier() {
    guard let curve = solver.curve else {
      message = Notice(text: "there is no curve yet")
      return
    }
    let place = frontierPlace(on: curve)
    let size = Figures.bytes(place.bytes)
    take(
      curve.problem.tensors.map(\.tensor.id), place.choices,
      label: place.name.map { "taking \($0)" } ?? "the best plan of \(size)")
  }

  /// Gives tensors new choices as one step, but for the pinned ones, and remembers the plan before.
  mutating func take(_ tensors: [Int], _ choices: [Choice], label: String) {
    let before = edits.assignments
    var pinned = 0
    var changes: [(tensor: Int, assignment: Assignment)] = []
    for (tensor, choice) in zip(tensors, choices) where before[tensor].choice != choice {
      if before[tensor].isPinned {
        pinned += 1
      } else {
        changes.append((tensor, Assignment(choice: choice)))
      }
    }
    let left = pinned == 0 ? "" : "; \(pinned) pinned stay as they are"
    guard let step = edits.apply(label, changes, budget: .some(nil)) else {
      message = Notice(text: "the plan is that already" + left)
      return
    }
    solver.before = before
    compare.against = Self.beforeSolving
    message = Notice(
      text: "\(describe(step))\(left)" + ways(("viewCompare", "compares"), ("undo", "undoes")))
  }
}
