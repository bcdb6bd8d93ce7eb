import ModelFiles

/// What is worth quantizing as a table: blocks down, roles across, in each cell the tensors of one role in one
/// block; tensors outside of blocks on lines of their own.
struct MapGrid: Sendable {
  struct Line: Sendable {
    enum Subject: Hashable, Sendable {
      case block(stack: String?, index: Int)
      /// A tensor outside of blocks; the first, if there are experts.
      case outside(tensor: Int)
      /// All of them.
      case all
    }

    let subject: Subject
    /// The tensors of each role, and last those of the whole line.
    let cells: [[Int]]
  }

  /// The roles of the columns; one more column holds all of a line.
  let roles: [Role]
  let lines: [Line]
  /// How many tensors aren't on it, as they aren't worth quantizing.
  let kept: Int
  /// The sizes of the smallest and the largest cell as stored, but for those of whole lines.
  let sourceBytes: ClosedRange<Int>
  /// The line of each tensor that is on it.
  private let places: [Int: Int]

  var columns: Int { roles.count + 1 }

  init(tensors: [Tensor], catalogue: Catalogue) {
    let isShown = tensors.map(\.suitability.isQuantizable)
    kept = isShown.count { !$0 }
    let roles = Set(tensors.filter { isShown[$0.id] && $0.block != nil }.map(\.role)).sorted()
    var lines: [Line] = []
    func add(_ subject: Line.Subject, _ ids: [Int]) {
      let ids = ids.filter { isShown[$0] }
      guard !ids.isEmpty else { return }
      var cells = roles.map { _ in [Int]() }
      if case .block = subject {
        let columns = Dictionary(uniqueKeysWithValues: roles.enumerated().map { ($1, $0) })
        for id in ids {
          if let column = columns[tensors[id].role] { cells[column].append(id) }
        }
      }
      lines.append(Line(subject: subject, cells: cells + [ids]))
    }
    for node in catalogue.nodes {
      switch node {
      case .tensor(let id): add(.outside(tensor: id), [id])
      case .group(let group, _):
        let members = catalogue.members[group] ?? []
        switch group {
        case .block(let stack, let index): add(.block(stack: stack, index: index), members)
        case .experts: add(.outside(tensor: members.first ?? 0), members)
        }
      }
    }
    var places: [Int: Int] = [:]
    for (index, line) in lines.enumerated() {
      for id in line.cells.last ?? [] { places[id] = index }
    }
    let sizes = lines.flatMap { line in
      line.cells.dropLast(line.cells.dropLast().allSatisfy(\.isEmpty) ? 0 : 1)
        .filter { !$0.isEmpty }.map { $0.reduce(0) { $0 + tensors[$1].byteCount } }
    }
    let smallest = max(1, sizes.min() ?? 1)
    sourceBytes = smallest...max(smallest, sizes.max() ?? 1)
    if lines.count > 1 {
      let sums = (0...roles.count).map { column in lines.flatMap { $0.cells[column] } }
      lines.append(Line(subject: .all, cells: sums))
    }
    self.roles = roles
    self.lines = lines
    self.places = places
  }

  /// Where a tensor stands; nil if it isn't worth quantizing.
  func place(of tensor: Tensor) -> (line: Int, column: Int)? {
    places[tensor.id].map { ($0, roles.firstIndex(of: tensor.role) ?? roles.count) }
  }

  /// The tensors of a cell. A line outside of blocks has but one, whatever the column.
  func cell(line: Int, column: Int) -> [Int] {
    guard lines.indices.contains(line) else { return [] }
    return lines[line].cells[shownColumn(line: line, column: column)]
  }

  /// The column that the cursor stands in.
  func shownColumn(line: Int, column: Int) -> Int {
    if case .outside = lines[line].subject { return roles.count }
    return min(max(0, column), roles.count)
  }
}
