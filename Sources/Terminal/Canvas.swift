/// A screenful of cells that views draw on and drivers show.
///
/// Nothing here traps: what lies outside is left out, whatever the numbers. A wide character is never
/// cut in half: where only one half would fit, or half of it is overwritten, there is a blank. Control
/// characters are never stored; `?` stands for them.
public struct Canvas: Sendable, Equatable {
  /// The largest there is; more is cut off.
  public static let largest = Size(columns: 2000, rows: 1000)

  /// Its width and height.
  public let size: Size
  /// Where the text cursor is to be seen, if anywhere.
  public var cursor: Point?
  /// The part that is drawn on; the rest stays as it is (`withClip`).
  public private(set) var clip: Rect
  /// Row by row.
  private(set) var cells: [Cell]
  /// Places that mean something when they are clicked at, the topmost last.
  private var targets: [Target] = []

  private struct Target: Sendable, Equatable {
    let rect: Rect
    let number: Int?
  }

  /// Makes a canvas of blanks.
  public init(size: Size) {
    let size = Size(
      columns: min(size.columns, Self.largest.columns), rows: min(size.rows, Self.largest.rows))
    self.size = size
    clip = Rect(size)
    cells = Array(repeating: .blank(), count: size.columns * size.rows)
  }

  /// All of it.
  public var bounds: Rect { Rect(size) }

  /// The cell there; a blank for places outside.
  public subscript(row row: Int, column column: Int) -> Cell {
    guard bounds.contains(Point(column: column, row: row)) else { return .blank() }
    return cells[row * size.columns + column]
  }

  /// The cells of a row, from left to right.
  func row(_ row: Int) -> ArraySlice<Cell> {
    cells[row * size.columns..<(row + 1) * size.columns]
  }

  /// Gives a place a number that a click there means, whatever it meant before; nil for none.
  public mutating func setTarget(_ number: Int?, in rect: Rect) {
    targets.append(Target(rect: rect.intersection(clip), number: number))
  }

  /// What a click there means; nil if nothing.
  public func target(at point: Point) -> Int? {
    targets.last { $0.rect.contains(point) }?.number
  }

  /// Draws in a part only: what `body` draws outside of `rect` is left out.
  @discardableResult
  public mutating func withClip<R>(_ rect: Rect, _ body: (inout Canvas) throws -> R) rethrows -> R {
    let outer = clip
    clip = outer.intersection(rect)
    defer { clip = outer }
    return try body(&self)
  }

  /// Writes text from a place to the right, on one line, in at most `width` columns.
  ///
  /// Returns the columns that it takes, cut by `width` but not by the edges of the canvas: what was
  /// written outside counts, so that what follows stays in its place.
  @discardableResult
  public mutating func write(
    _ text: String, at point: Point, style: Style = .standard, within width: Int? = nil
  ) -> Int {
    let start = bounded(point.column)
    let limit = min(max(0, width ?? 1 << 30), 1 << 30)
    let isVisible = point.row >= clip.row && point.row < clip.endRow
    var used = 0
    var last: Int?
    for scalar in text.unicodeScalars {
      let value = scalar.value
      let kind = TextWidth.kind(of: value)
      switch kind {
      case .invisible: continue
      case .mark:
        if let last { cells[last].addMark(value) }
        continue
      case .control, .narrow, .wide: break
      }
      let columns = kind.columns
      if columns > limit - used { break }
      if isVisible {
        let shown = kind == .control ? 0x3F : Self.letter(value)
        last = put(shown, columns, row: point.row, column: start + used, style: style)
      }
      used += columns
    }
    return used
  }

  /// Fills a part with copies of a character that takes one column; with blanks if it doesn't.
  public mutating func fill(_ rect: Rect, with text: String = " ", style: Style = .standard) {
    let part = rect.intersection(clip)
    if part.isEmpty { return }
    var cell = Cell.blank(style)
    if let scalar = text.unicodeScalars.first, TextWidth.kind(of: scalar.value) == .narrow {
      cell = Cell(base: Self.letter(scalar.value), span: 1, style: style)
    }
    for row in part.row..<part.endRow {
      let first = row * size.columns
      separate(row: row, column: part.column)
      separate(row: row, column: part.endColumn)
      for index in first + part.column..<first + part.endColumn { cells[index] = cell }
    }
  }

  /// Changes how a part looks and leaves its text.
  public mutating func restyle(_ rect: Rect, _ change: (Style) -> Style) {
    let part = rect.intersection(clip)
    if part.isEmpty { return }
    for row in part.row..<part.endRow {
      for column in part.column..<part.endColumn {
        let index = row * size.columns + column
        cells[index].style = change(cells[index].style)
      }
    }
  }

  /// Copies another canvas onto this one, its top left cell to `point`.
  public mutating func draw(_ other: Canvas, at point: Point) {
    let left = bounded(point.column)
    let top = bounded(point.row)
    let part = Rect(column: left, row: top, columns: other.size.columns, rows: other.size.rows)
      .intersection(clip)
    if part.isEmpty { return }
    for row in part.row..<part.endRow {
      separate(row: row, column: part.column)
      separate(row: row, column: part.endColumn)
      for column in part.column..<part.endColumn {
        var cell = other[row: row - top, column: column - left]
        let isCut =
          cell.span == 0 && column == part.column
          || cell.span == 2 && column == part.endColumn - 1
        if isCut { cell = .blank(cell.style) }
        cells[row * size.columns + column] = cell
      }
    }
  }

  /// Puts `?` in place of every character beyond ASCII.
  mutating func keepASCII() {
    for index in cells.indices {
      let cell = cells[index]
      if cell.span == 0 {
        cells[index] = .blank(cell.style)
      } else if cell.base > 0x7E || cell.firstMark != 0 {
        cells[index] = Cell(base: 0x3F, span: 1, style: cell.style)
      }
    }
  }

  /// Puts a character into a cell, or a blank where half of it would stick out.
  ///
  /// Returns the index of its cell if it can be seen.
  private mutating func put(
    _ value: UInt32, _ columns: Int, row: Int, column: Int, style: Style
  ) -> Int? {
    let end = column + columns
    if column >= clip.column && end <= clip.endColumn {
      let index = row * size.columns + column
      if cells[index].span != 1 { separate(row: row, column: column) }
      separate(row: row, column: end)
      cells[index] = Cell(base: value, span: UInt8(columns), style: style)
      if columns == 2 { cells[index + 1] = Cell(base: 0, span: 0, style: style) }
      return index
    }
    for half in column..<end where half >= clip.column && half < clip.endColumn {
      separate(row: row, column: half)
      separate(row: row, column: half + 1)
      cells[row * size.columns + half] = .blank(style)
    }
    return nil
  }

  /// Makes blanks of a wide character that lies on both sides of the left edge of a cell.
  private mutating func separate(row: Int, column: Int) {
    guard column > 0, column < size.columns else { return }
    let index = row * size.columns + column
    if cells[index].span == 0 {
      cells[index - 1] = .blank(cells[index - 1].style)
      cells[index] = .blank(cells[index].style)
    }
  }

  /// Letters for the regional indicators, which terminals show in too many ways: a flag is its two letters.
  private static func letter(_ value: UInt32) -> UInt32 {
    value >= 0x1F1E6 && value <= 0x1F1FF ? value - 0x1F1E6 + 0x41 : value
  }
}
