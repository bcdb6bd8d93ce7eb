import Terminal

/// Where everything stands in the Channels view.
struct ChannelsLayout {
  /// The tensor, its format and its error.
  let summary: Rect
  /// What stands out, in words.
  let words: Rect
  /// The switch between output rows and input channels.
  let switches: Rect
  let plot: Rect
  let head: Rect
  let list: Rect
  /// What granularity would do: beside the list, or on a line of its own.
  let panel: Rect
  let strip: Rect

  init(_ body: Rect) {
    let rows = body.rows
    let plotRows = rows >= 28 ? min(20, rows * 2 / 5) : rows >= 18 ? 7 : rows >= 12 ? 3 : 0
    let isWide = body.columns >= 76 && rows >= 16
    let parts = body.inset(left: 1, right: 1).splitRows(
      .fixed(1), .fixed(1), .fixed(rows >= 8 ? 1 : 0), .fixed(plotRows), .weight(1),
      .fixed(isWide || rows < 6 ? 0 : 1))
    summary = parts[0]
    words = parts[1]
    switches = parts[2]
    plot = parts[3]
    strip = parts[5]
    let rest = parts[4].inset(top: rows >= 28 ? 1 : 0)
    let panelColumns = isWide ? body.columns >= 110 ? 48 : 26 : 0
    let sides = rest.splitColumns(.weight(1), .fixed(panelColumns), spacing: isWide ? 2 : 0)
    // A list much wider than its figures is hard to read across.
    let left = sides[0].inset(right: max(0, sides[0].columns - 110))
    let below = left.splitRows(.fixed(1), .weight(1))
    head = below[0]
    list = below[1]
    panel = Rect(
      column: left.endColumn + (isWide ? 2 : 0), row: rest.row, columns: panelColumns,
      rows: isWide ? rest.rows : 0)
  }
}

/// Which channels stand in which column of the profile: several in one, or one in several.
struct ChannelPlot {
  /// Where the ends of the scales are written.
  let gutter: Rect
  /// From the least to the greatest weight.
  let band: Rect
  let errors: Rect
  /// The indices, and where the cursor is.
  let axis: Rect
  private let count: Int

  init(_ rect: Rect, count: Int, hasErrors: Bool) {
    let gutterColumns = rect.columns >= 56 ? 8 : 0
    let columns = rect.splitColumns(
      .fixed(gutterColumns), .weight(1), spacing: gutterColumns > 0 ? 1 : 0)
    gutter = columns[0]
    let area = columns[1]
    let axisRows = rect.rows >= 5 ? 1 : 0
    let errorRows = !hasErrors ? 0 : max(1, (rect.rows - axisRows) / 3)
    // The axis keeps both apart.
    let parts = area.splitRows(.weight(1), .fixed(axisRows), .fixed(errorRows))
    band = parts[0]
    axis = parts[1]
    errors = parts[2]
    self.count = max(0, count)
  }

  /// The channels of a column of the screen.
  func channels(at column: Int) -> Range<Int>? {
    let place = column - band.column
    guard place >= 0, place < band.columns, count > 0 else { return nil }
    let first = place * count / band.columns
    return first..<max(first + 1, (place + 1) * count / band.columns)
  }

  /// The column of the screen that a channel stands in; of several the first.
  func column(of channel: Int) -> Int {
    guard count > 0 else { return band.column }
    let place = band.columns * channel / count
    // Rounding down goes both ways: the column may be the one before.
    return band.column
      + (channels(at: band.column + place).map { $0.upperBound <= channel } == true
        ? place + 1 : place)
  }
}

extension Canvas {
  /// A part of an upright column, from `bottom` to `top` eighths of a cell above the lower edge of `rect`. There are
  /// characters for all eighths of a cell that is filled from below, but only for half of one filled from above.
  mutating func band(
    from bottom: Int, to top: Int, column: Int, in rect: Rect, glyphs: Glyphs,
    style: (_ eighth: Int) -> Style
  ) {
    let top = max(top, bottom + 1)
    for row in 0..<rect.rows {
      let base = 8 * (rect.rows - 1 - row)
      let from = max(0, bottom - base)
      let to = min(8, top - base)
      guard from < to else { continue }
      let text: String
      if from == 0 {
        text = glyphs.verticalBars[to]
      } else if to == 8 {
        text = from <= 2 ? glyphs.block : from <= 6 ? glyphs.upperHalf : " "
      } else {
        text = from + to <= 8 ? glyphs.lowerHalf : glyphs.upperHalf
      }
      write(
        text, at: Point(column: column, row: rect.row + row), style: style(base + (from + to) / 2))
    }
  }
}
