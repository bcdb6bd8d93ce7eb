/// Dots finer than cells, two across and four down in each: for curves. Braille characters where there are
/// any, strokes of ASCII elsewhere.
///
/// Dots outside of it are left out.
public struct BrailleCanvas: Sendable {
  /// Its width and height in cells.
  public let size: Size
  private var cells: [UInt8]

  /// An empty one.
  public init(size: Size) {
    self.size = size
    cells = Array(repeating: 0, count: size.columns * size.rows)
  }

  /// Its width and height in dots.
  public var dots: Size { Size(columns: 2 * size.columns, rows: 4 * size.rows) }

  /// The bits of Unicode's braille patterns, by row and column of the dot.
  private static let bits: [[UInt8]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]

  /// Sets a dot.
  public mutating func set(column: Int, row: Int) {
    guard column >= 0, row >= 0, column < dots.columns, row < dots.rows else { return }
    cells[row / 4 * size.columns + column / 2] |= Self.bits[row % 4][column % 2]
  }

  /// Sets the dots of a straight line, both ends among them.
  public mutating func line(from start: Point, to end: Point) {
    // Far beyond any screen there is nothing to be seen, and Int has an end.
    let (x0, y0) = (bounded(start.column), bounded(start.row))
    let (x1, y1) = (bounded(end.column), bounded(end.row))
    let steps = max(abs(x1 - x0), abs(y1 - y0))
    guard steps > 0 else { return set(column: x0, row: y0) }
    // The part that can be seen, so that long lines take no longer.
    for step in visibleSteps((x0, y0), (x1, y1), steps) {
      set(
        column: x0 + Self.rounded(step * (x1 - x0), steps),
        row: y0 + Self.rounded(step * (y1 - y0), steps))
    }
  }

  private func visibleSteps(_ a: (Int, Int), _ b: (Int, Int), _ steps: Int) -> ClosedRange<Int> {
    var (low, high) = (0.0, Double(steps))
    for (from, to, count) in [(a.0, b.0, dots.columns), (a.1, b.1, dots.rows)] where from != to {
      let slope = Double(to - from) / Double(steps)
      let ends = [(-1 - Double(from)) / slope, (Double(count) + 1 - Double(from)) / slope].sorted()
      low = max(low, ends[0])
      high = min(high, ends[1])
    }
    let first = Int(low.rounded(.down))
    return first...max(first, Int(min(high, Double(steps)).rounded(.up)))
  }

  private static func rounded(_ value: Int, _ divisor: Int) -> Int {
    (2 * value + (value < 0 ? -divisor : divisor)) / (2 * divisor)
  }

  /// Whether a cell has no dots.
  public func isEmpty(column: Int, row: Int) -> Bool { pattern(column, row) == 0 }

  private func pattern(_ column: Int, _ row: Int) -> UInt8 {
    guard column >= 0, row >= 0, column < size.columns, row < size.rows else { return 0 }
    return cells[row * size.columns + column]
  }

  /// The character of a cell; a blank without dots.
  public func text(column: Int, row: Int, glyphs: Glyphs) -> String {
    let pattern = pattern(column, row)
    guard pattern != 0 else { return " " }
    if glyphs.isASCII { return Self.stroke(pattern) }
    return Unicode.Scalar(0x2800 + UInt32(pattern)).map(String.init) ?? " "
  }

  /// What looks most like some dots.
  private static func stroke(_ pattern: UInt8) -> String {
    func rows(_ column: Int) -> [Int] { (0..<4).filter { pattern & bits[$0][column] != 0 } }
    func mean(_ rows: [Int]) -> Double { Double(rows.reduce(0, +)) / Double(rows.count) }
    let (left, right) = (rows(0), rows(1))
    if left.isEmpty || right.isEmpty {
      let one = left + right
      return one.count > 2 ? "|" : mean(one) < 1.5 ? "'" : "."
    }
    let fall = mean(right) - mean(left)
    if abs(fall) > 1 { return fall > 0 ? "\\" : "/" }
    let height = mean(left + right)
    return height < 1 ? "\"" : height < 2.5 ? "-" : "_"
  }

  /// Draws the cells that have dots.
  public func draw(on canvas: inout Canvas, at point: Point, glyphs: Glyphs, style: Style) {
    for row in 0..<size.rows {
      for column in 0..<size.columns where !isEmpty(column: column, row: row) {
        canvas.write(
          text(column: column, row: row, glyphs: glyphs),
          at: Point(column: bounded(point.column) + column, row: bounded(point.row) + row),
          style: style)
      }
    }
  }
}
