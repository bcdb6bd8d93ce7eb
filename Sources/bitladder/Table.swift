import Terminal

/// A table for people: columns as wide as they need to be.
struct Table {
  private var rows: [[String]]
  /// The columns whose cells stand at the right.
  var rightAligned: Set<Int> = []

  init(_ head: [String]) { rows = [head] }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The rows as text, each with a line end and without blanks before it.
  var text: String {
    var widths = [Int](repeating: 0, count: rows.first?.count ?? 0)
    for row in rows {
      for (column, cell) in row.enumerated() {
        widths[column] = max(widths[column], cell.columns)
      }
    }
    // Byte by byte: a plan may have a million rows.
    var bytes: [UInt8] = []
    let blank = UInt8(ascii: " ")
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column > 0 { bytes += [blank, blank] }
        let alignment: Alignment = rightAligned.contains(column) ? .right : .left
        bytes += cell.padded(to: widths[column], alignment).utf8
      }
      while bytes.last == blank { bytes.removeLast() }
      bytes.append(UInt8(ascii: "\n"))
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
