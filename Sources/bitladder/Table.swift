import Terminal

/// A table for people: columns as wide as they need to be.
struct Table {
  private var rows: [[String]]
  /// The columns whose cells stand at the right.
  var rightAligned: Set<Int> = []

  init(_ head: [String]) { rows = [head] }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The rows as text, each with a line end.
  var text: String {
    let widths = (0..<(rows.first?.count ?? 0)).map { column in
      rows.map { $0[column].columns }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        cell.padded(to: widths[column], rightAligned.contains(column) ? .right : .left)
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
    }.joined()
  }
}
