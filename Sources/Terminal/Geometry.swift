/// Columns and rows, in cells.
public struct Size: Hashable, Sendable, CustomStringConvertible {
  /// Cells from left to right.
  public var columns: Int
  /// Cells from top to bottom.
  public var rows: Int

  /// Makes a size; negative numbers count as none.
  public init(columns: Int, rows: Int) {
    self.columns = max(0, columns)
    self.rows = max(0, rows)
  }

  /// As people write it: `80x24`.
  public var description: String { "\(columns)x\(rows)" }
}

/// A cell's place; the top left one is (0, 0).
public struct Point: Hashable, Sendable {
  /// Cells to the left of it.
  public var column: Int
  /// Cells above it.
  public var row: Int

  /// Makes a point; it may lie outside of everything.
  public init(column: Int, row: Int) {
    self.column = column
    self.row = row
  }
}

/// What a part of a split rectangle asks for.
public enum Share: Hashable, Sendable {
  /// So many cells, as long as there are any left.
  case fixed(Int)
  /// A part of what the fixed ones leave, in proportion to the weights.
  case weight(Int)
}

/// A part of the screen.
///
/// Never negative in size; arithmetic on it never overflows.
public struct Rect: Hashable, Sendable {
  /// The left column.
  public let column: Int
  /// The top row.
  public let row: Int
  /// The width.
  public let columns: Int
  /// The height.
  public let rows: Int

  /// Makes a rectangle; numbers beyond ± 2^30 are brought back to that.
  public init(column: Int, row: Int, columns: Int, rows: Int) {
    self.column = bounded(column)
    self.row = bounded(row)
    self.columns = max(0, bounded(columns))
    self.rows = max(0, bounded(rows))
  }

  /// All of a canvas of this size.
  public init(_ size: Size) {
    self.init(column: 0, row: 0, columns: size.columns, rows: size.rows)
  }

  /// The column after the last one.
  public var endColumn: Int { column + columns }
  /// The row after the last one.
  public var endRow: Int { row + rows }
  /// The top left corner.
  public var origin: Point { Point(column: column, row: row) }
  /// Width and height.
  public var size: Size { Size(columns: columns, rows: rows) }
  /// Whether there is no cell in it.
  public var isEmpty: Bool { columns == 0 || rows == 0 }

  /// Whether the cell at `point` is part of it.
  public func contains(_ point: Point) -> Bool {
    point.column >= column && point.column < endColumn && point.row >= row && point.row < endRow
  }

  /// What both have in common; empty if nothing.
  public func intersection(_ other: Rect) -> Rect {
    let left = max(column, other.column)
    let top = max(row, other.row)
    return Rect(
      column: left, row: top, columns: min(endColumn, other.endColumn) - left,
      rows: min(endRow, other.endRow) - top)
  }

  /// What is left without so many cells at each side.
  public func inset(left: Int = 0, top: Int = 0, right: Int = 0, bottom: Int = 0) -> Rect {
    let left = min(max(0, left), columns)
    let top = min(max(0, top), rows)
    return Rect(
      column: column + left, row: row + top, columns: columns - left - max(0, bounded(right)),
      rows: rows - top - max(0, bounded(bottom)))
  }

  /// What is left without so many cells at every side.
  public func inset(by cells: Int) -> Rect {
    inset(left: cells, top: cells, right: cells, bottom: cells)
  }

  /// A rectangle of this size in the middle, cut to what there is.
  public func centered(_ size: Size) -> Rect {
    let width = min(columns, size.columns)
    let height = min(rows, size.rows)
    return Rect(
      column: column + (columns - width) / 2, row: row + (rows - height) / 2, columns: width,
      rows: height)
  }

  /// The row at `index` from the top, one cell high; empty if there is none.
  public func line(_ index: Int) -> Rect {
    guard index >= 0, index < rows else {
      return Rect(column: column, row: row, columns: columns, rows: 0)
    }
    return Rect(column: column, row: row + index, columns: columns, rows: 1)
  }

  /// Parts side by side, from left to right, as many as there are shares, with `spacing` between.
  ///
  /// Where it's too narrow the last fixed parts are cut first, weighted ones before them; none is
  /// ever negative or sticks out.
  public func splitColumns(_ shares: [Share], spacing: Int = 0) -> [Rect] {
    divide(columns, shares, spacing: spacing).map {
      Rect(column: column + $0.start, row: row, columns: $0.length, rows: rows)
    }
  }

  /// Parts below each other, from top to bottom; as `splitColumns`.
  public func splitRows(_ shares: [Share], spacing: Int = 0) -> [Rect] {
    divide(rows, shares, spacing: spacing).map {
      Rect(column: column, row: row + $0.start, columns: columns, rows: $0.length)
    }
  }

  /// As the form with an array.
  public func splitColumns(_ shares: Share..., spacing: Int = 0) -> [Rect] {
    splitColumns(shares, spacing: spacing)
  }

  /// As the form with an array.
  public func splitRows(_ shares: Share..., spacing: Int = 0) -> [Rect] {
    splitRows(shares, spacing: spacing)
  }
}

/// Far more than any screen, and far from overflow.
func bounded(_ value: Int) -> Int { min(max(value, -1 << 30), 1 << 30) }

private func divide(
  _ total: Int, _ shares: [Share], spacing: Int
) -> [(start: Int, length: Int)] {
  let spacing = min(max(0, spacing), total)
  var left = max(0, total - spacing * max(0, min(shares.count, total + 1) - 1))
  var lengths = shares.map { share in
    guard case .fixed(let cells) = share else { return 0 }
    let length = min(left, max(0, cells))
    left -= length
    return length
  }
  var weights = shares.map { share in
    if case .weight(let weight) = share { min(max(0, weight), 1 << 20) } else { 0 }
  }
  if weights.allSatisfy({ $0 == 0 }) {
    weights = shares.map { if case .weight = $0 { 1 } else { 0 } }
  }
  // Each takes its part of what is still there, so that rounding leaves nothing over.
  var sum = weights.reduce(0, +)
  for index in shares.indices where weights[index] > 0 {
    let length = left * weights[index] / sum
    lengths[index] = length
    left -= length
    sum -= weights[index]
  }
  var start = 0
  return lengths.map { length in
    let part = (start: min(start, total), length: min(length, total - min(start, total)))
    start = min(total, start + length + spacing)
    return part
  }
}
