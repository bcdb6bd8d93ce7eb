extension Canvas {
  /// A horizontal line.
  public mutating func horizontalLine(
    row: Int, columns: Range<Int>, glyphs: Glyphs, style: Style = .standard
  ) {
    fill(
      Rect(column: columns.lowerBound, row: row, columns: columns.length, rows: 1),
      with: glyphs.horizontal, style: style)
  }

  /// A vertical line.
  public mutating func verticalLine(
    column: Int, rows: Range<Int>, glyphs: Glyphs, style: Style = .standard
  ) {
    fill(
      Rect(column: column, row: rows.lowerBound, columns: 1, rows: rows.length),
      with: glyphs.vertical, style: style)
  }

  /// A frame along the inner edge of `rect`, with a title in its upper line if there is room.
  ///
  /// Returns the part inside. Nothing is drawn where the frame would have no inside to it.
  @discardableResult
  public mutating func box(
    _ rect: Rect, glyphs: Glyphs, style: Style = .standard, title: String = "",
    titleStyle: Style? = nil
  ) -> Rect {
    if rect.columns < 2 || rect.rows < 2 { return rect.inset(by: 1) }
    let right = rect.endColumn - 1
    let bottom = rect.endRow - 1
    let across = rect.column + 1..<right
    let down = rect.row + 1..<bottom
    horizontalLine(row: rect.row, columns: across, glyphs: glyphs, style: style)
    horizontalLine(row: bottom, columns: across, glyphs: glyphs, style: style)
    verticalLine(column: rect.column, rows: down, glyphs: glyphs, style: style)
    verticalLine(column: right, rows: down, glyphs: glyphs, style: style)
    let corners = [
      (glyphs.topLeft, rect.column, rect.row), (glyphs.topRight, right, rect.row),
      (glyphs.bottomLeft, rect.column, bottom), (glyphs.bottomRight, right, bottom),
    ]
    for (corner, column, row) in corners {
      write(corner, at: Point(column: column, row: row), style: style)
    }
    let room = rect.columns - 4
    if !title.isEmpty && room > 2 {
      let label = " " + title.truncated(to: room - 2, mark: glyphs.ellipsis) + " "
      write(
        label, at: Point(column: rect.column + 2, row: rect.row), style: titleStyle ?? style)
    }
    return rect.inset(by: 1)
  }

  /// A bar from the left, `share` (0...1) of the part's width, in steps of an eighth of a cell.
  public mutating func bar(
    _ share: Double, in rect: Rect, glyphs: Glyphs, style: Style = .standard
  ) {
    let share = share.isNaN ? 0 : min(max(share, 0), 1)
    let steps = glyphs.horizontalBars.count - 1
    let total = Int((share * Double(rect.columns * steps)).rounded())
    let full = total / steps
    let part = total % steps
    let whole = Rect(column: rect.column, row: rect.row, columns: full, rows: rect.rows)
    fill(whole, with: glyphs.horizontalBars[steps], style: style)
    if part > 0 {
      let rest = Rect(column: whole.endColumn, row: rect.row, columns: 1, rows: rect.rows)
      fill(rest.intersection(rect), with: glyphs.horizontalBars[part], style: style)
    }
  }

  /// A column from the bottom, `share` (0...1) of the part's height, in steps of an eighth of a cell.
  public mutating func column(
    _ share: Double, in rect: Rect, glyphs: Glyphs, style: Style = .standard
  ) {
    let share = share.isNaN ? 0 : min(max(share, 0), 1)
    let steps = glyphs.verticalBars.count - 1
    let total = Int((share * Double(rect.rows * steps)).rounded())
    let full = total / steps
    let part = total % steps
    let whole = Rect(
      column: rect.column, row: rect.endRow - full, columns: rect.columns, rows: full)
    fill(whole, with: glyphs.verticalBars[steps], style: style)
    if part > 0 {
      let rest = Rect(column: rect.column, row: whole.row - 1, columns: rect.columns, rows: 1)
      fill(rest.intersection(rect), with: glyphs.verticalBars[part], style: style)
    }
  }
}

extension Range<Int> {
  /// How many there are, without overflow.
  fileprivate var length: Int { bounded(upperBound) - bounded(lowerBound) }
}
