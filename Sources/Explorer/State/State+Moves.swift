import ModelFiles
import Planning
import Quantization
import Terminal

/// A list of single steps: what to give up next, or what to spend more bytes on.
struct MovesList: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    /// Steps down, for fewer bytes.
    case savings
    /// Steps up, within so many more bytes.
    case improvements(within: Int)
  }

  enum Order: Int, CaseIterable, Sendable {
    case perByte, bytes, error

    var title: String {
      switch self {
      case .perByte: "by error per MiB"
      case .bytes: "by size"
      case .error: "by error"
      }
    }
  }

  var kind: Kind
  var order = Order.perByte
  var selected = 0
  /// The steps, in the order; nil while they aren't known.
  var moves: [Move]?

  /// What more may be asked for.
  static let amounts: [Int] = [
    10 << 10, 100 << 10, 1 << 20, 10 << 20, 100 << 20, 1 << 30, 10 << 30, 100 << 30,
  ]
}

extension State {
  /// Opens the list of what to give up next.
  mutating func openSavings() { open(MovesList(kind: .savings)) }

  /// Opens the list of what more bytes are best spent on: 100 MiB, or as many as suit a small model.
  mutating func openImprovements() {
    let suitable = MovesList.amounts.last { $0 <= max(model.byteCount / 20, 10 << 10) } ?? 10 << 10
    open(MovesList(kind: .improvements(within: min(100 << 20, suitable))))
  }

  /// Opens a list, or brings it up to date; one that has become shorter keeps its cursor on it.
  private mutating func open(_ list: MovesList) {
    var list = list
    list.moves = moves(of: list)
    list.selected = min(max(0, list.selected), max(0, (list.moves?.count ?? 0) - 1))
    modal = .moves(list)
  }

  /// Brings an open list up to date.
  mutating func refreshMoves() {
    if case .moves(let list) = modal { open(list) }
  }

  /// The steps of a list; nil while they aren't known.
  func moves(of list: MovesList) -> [Move]? {
    guard let curve = solver.curve else { return nil }
    let choices = curve.problem.tensors.map { choice(of: $0.tensor.id) }
    var moves =
      switch list.kind {
      case .savings: curve.problem.savings(from: choices)
      case .improvements(let bytes): curve.problem.improvements(from: choices, within: bytes)
      }
    switch list.order {
    case .perByte: break
    case .bytes: moves = sorted(moves) { Double(abs($0.bytes)) }
    case .error:
      moves = sorted(moves) { list.kind == .savings ? -$0.cost : abs($0.cost) }
    }
    return moves
  }

  /// The greatest first; of equals the one that came before.
  private func sorted(_ moves: [Move], by value: (Move) -> Double) -> [Move] {
    moves.enumerated().map { (value($0.element), $0.offset, $0.element) }
      .sorted { ($1.0, $0.1) < ($0.0, $1.1) }.map(\.2)
  }

  var moveRows: Int { max(1, min(16, size.rows - 9)) }

  /// Moves the cursor of an open list.
  mutating func moveInMoves(by rows: Int) {
    guard case .moves(var list) = modal else { return }
    let last = max(0, (list.moves?.count ?? 0) - 1)
    list.selected = min(max(0, list.selected + min(max(rows, -last), last)), last)
    modal = .moves(list)
  }

  mutating func handleMoves(_ key: Key, _ list: MovesList) {
    var list = list
    switch key {
    case .up, .character("k"): return moveInMoves(by: -1)
    case .down, .character("j"): return moveInMoves(by: 1)
    case .pageUp: return moveInMoves(by: -moveRows)
    case .pageDown: return moveInMoves(by: moveRows)
    case .home, .character("g"): return moveInMoves(by: -.max)
    case .end, .character("G"): return moveInMoves(by: .max)
    case .character("o"):
      let all = MovesList.Order.allCases
      list.order = all[(list.order.rawValue + 1) % all.count]
      list.selected = 0
    case .left, .character("h"), .character("-"): change(&list, by: -1)
    case .right, .character("l"), .character("+"): change(&list, by: 1)
    case .character("<"): list = MovesList(kind: .savings)
    case .character(">"): return openImprovements()
    case .character("u"):
      undo()
    case .enter:
      take(list)
    case .escape, .character("q"), .control("c"):
      modal = nil
      return
    default: return
    }
    open(list)
  }

  private func change(_ list: inout MovesList, by steps: Int) {
    guard case .improvements(let bytes) = list.kind else { return }
    let amounts = MovesList.amounts
    let index = (amounts.firstIndex(of: bytes) ?? 0) + steps
    list.kind = .improvements(within: amounts[min(max(0, index), amounts.count - 1)])
  }

  /// Takes the step under the cursor; the list stays open for the next one.
  private mutating func take(_ list: MovesList) {
    guard let curve = solver.curve, let moves = list.moves, moves.indices.contains(list.selected)
    else { return }
    let move = moves[list.selected]
    // Pinned since the list was made.
    guard
      !move.places.contains(where: {
        edits.assignments[curve.problem.tensors[$0].tensor.id].isPinned
      })
    else { return }
    let changes = move.places.map { place in
      let id = curve.problem.tensors[place].tensor.id
      return (
        tensor: id,
        assignment: Assignment(choice: move.to, isPinned: edits.assignments[id].isPinned)
      )
    }
    if let step = edits.apply("\(move.to)", changes) {
      message = Notice(text: describe(step) + ways(("undo", "undoes it")))
    }
  }

  /// The tensors of a step, by name.
  func subject(of move: Move, _ problem: PlanningProblem) -> String {
    guard let first = move.places.first.map({ problem.tensors[$0].tensor }) else { return "" }
    let name = Catalogue.shortLabel(first)
    return move.places.count == 1 ? name : "\(name) and \(move.places.count - 1) more"
  }

  /// What a step does to the objective's figure.
  func changeText(_ move: Move, _ problem: PlanningProblem) -> String {
    let change = problem.errorChange(ofCost: move.cost)
    if problem.objective != .log { return signed(change, problem.objective) }
    return (change < 0 ? glyphs.minus : "+") + Figures.significant(abs(change)) + " dB"
  }
}
