import Terminal

extension Rect {
  /// The columns of a table, a space between them; columns of no width take no space either.
  func splitTable(_ shares: [Share]) -> [Rect] {
    var rects = splitColumns(shares.filter { $0 != .fixed(0) }, spacing: 1)[...]
    let nothing = Rect(column: endColumn, row: row, columns: 0, rows: rows)
    return shares.map { $0 == .fixed(0) ? nothing : rects.popFirst() ?? nothing }
  }
}

/// Where everything stands on a screen of a given size.
struct ScreenLayout: Equatable {
  enum Arrangement: Equatable {
    /// Too small to be of use: says what it needs.
    case tooSmall
    /// The list alone.
    case listOnly
    /// The list above the details.
    case stacked
    /// The list beside the details.
    case sideBySide
  }

  static let minimum = Size(columns: 40, rows: 10)

  let size: Size
  let arrangement: Arrangement
  let title: Rect
  let totals: Rect
  /// All between the head and the foot.
  let body: Rect
  let columnHeads: Rect
  let list: Rect
  /// The line that sets the details apart and names the tensor (stacked), or an upright rule.
  let rule: Rect
  let facts: Rect
  let histogram: Rect
  let ladder: Rect
  let message: Rect
  let hints: Rect

  /// Rows of the list in sight.
  var listRows: Int { list.rows }
  /// Columns of the histogram: one bin each; 0 where there is none.
  var histogramBins: Int { histogram.rows > 2 ? histogram.columns : 0 }

  /// - Parameter isHistogramLarge: whether the histogram has the place of all other details, and most of the list's.
  init(size: Size, isHistogramLarge: Bool = false) {
    self.size = size
    let whole = Rect(size)
    let nothing = Rect(column: 0, row: 0, columns: 0, rows: 0)
    guard size.columns >= Self.minimum.columns, size.rows >= Self.minimum.rows else {
      arrangement = .tooSmall
      title = nothing
      totals = nothing
      body = nothing
      columnHeads = nothing
      list = nothing
      rule = nothing
      facts = nothing
      histogram = nothing
      ladder = nothing
      message = nothing
      hints = nothing
      return
    }
    let bands = whole.splitRows(.fixed(1), .fixed(1), .weight(1), .fixed(1), .fixed(1))
    title = bands[0].inset(left: 1, right: 1)
    totals = bands[1].inset(left: 1, right: 1)
    message = bands[3].inset(left: 1, right: 1)
    hints = bands[4].inset(left: 1, right: 1)
    body = bands[2]

    if size.columns >= 150 {
      arrangement = .sideBySide
      let detailColumns = min(90, max(60, size.columns * 2 / 5))
      let parts = body.splitColumns(.weight(1), .fixed(1), .fixed(detailColumns))
      (columnHeads, list) = Self.headed(parts[0])
      rule = parts[1]
      let detail = parts[2].inset(left: 1, right: 1)
      let ladderRows = min(14, max(6, detail.rows / 2 - 3))
      let rows = detail.splitRows(
        .fixed(5), .weight(1), .fixed(isHistogramLarge ? 0 : ladderRows), spacing: 1)
      facts = rows[0]
      histogram = rows[1]
      ladder = rows[2]
    } else if isHistogramLarge {
      arrangement = .stacked
      let listRows = body.rows >= 18 ? 6 : body.rows >= 11 ? 3 : 0
      let factRows = body.rows >= 26 ? 2 : body.rows >= 18 ? 1 : 0
      let parts = body.splitRows(.fixed(listRows), .fixed(1), .fixed(factRows), .weight(1))
      (columnHeads, list) = Self.headed(parts[0])
      rule = parts[1]
      facts = parts[2].inset(left: 1, right: 1)
      histogram = parts[3].inset(left: 1, right: 1)
      ladder = nothing
    } else if size.columns >= 60, size.rows >= 18 {
      arrangement = .stacked
      let detailRows = min(18, max(8, body.rows / 2 - 1))
      let parts = body.splitRows(.weight(1), .fixed(1), .fixed(detailRows))
      (columnHeads, list) = Self.headed(parts[0])
      rule = parts[1]
      let ladderColumns = size.columns >= 110 ? 50 : min(39, size.columns / 2)
      let columns = parts[2].inset(left: 1, right: 1)
        .splitColumns(.weight(1), .fixed(ladderColumns), spacing: 2)
      let factRows = detailRows >= 12 ? 4 : 2
      let left = columns[0].splitRows(.fixed(factRows), .weight(1))
      facts = left[0]
      histogram = left[1]
      ladder = columns[1]
    } else {
      arrangement = .listOnly
      (columnHeads, list) = Self.headed(body)
      rule = nothing
      facts = nothing
      histogram = nothing
      ladder = nothing
    }
  }

  private static func headed(_ rect: Rect) -> (Rect, Rect) {
    let parts = rect.splitRows(.fixed(1), .weight(1))
    return (parts[0], parts[1])
  }
}
