import Terminal

/// What a terminal would show of the bytes sent to it: enough of xterm's sequences to follow curses.
///
/// Cursor addressing, erasing, inserting and deleting of characters and lines, scrolling and its region,
/// repetition, tabs, the line-drawing set, the alternate screen. Looks (SGR) are not kept, only whether a
/// colour was ever set. See ECMA-48 and xterm's ctlseqs.
public struct VirtualScreen: Sendable {
  /// Its width and height.
  public private(set) var size: Size
  /// Where the next character goes.
  public private(set) var cursor = Point(column: 0, row: 0)
  /// DEC private modes that are set, such as 25 (cursor shown), 1049 (alternate screen), 2004 (paste).
  public private(set) var modes: Set<Int> = [7, 25]
  /// Whether a foreground or background colour was ever set.
  public private(set) var hasSeenColor = false
  /// Characters printed since the start; the bytes of sequences don't count.
  public private(set) var printed = 0

  /// A character with its marks; "" in the right half of a wide one.
  private var cells: [[String]]
  private var mainCells: [[String]]?
  private var top = 0
  private var bottom: Int
  private var saved = Point(column: 0, row: 0)
  private var wrapsNext = false
  private var inserts = false
  private var last = " "
  private var sets: [Character] = ["B", "B"]
  private var activeSet = 0
  private var parser = ControlParser()

  /// Makes an empty screen.
  public init(size: Size) {
    self.size = size
    bottom = size.rows - 1
    cells = Self.blank(size)
  }

  private static func blank(_ size: Size) -> [[String]] {
    Array(repeating: Array(repeating: " ", count: size.columns), count: size.rows)
  }

  /// The rows as text, without blanks at their ends.
  public var text: [String] { cells.indices.map(line) }

  /// One row as text.
  public func line(_ row: Int) -> String {
    var line = cells[row].joined()
    while line.last == " " { line.removeLast() }
    return line
  }

  /// The rows as one text.
  public var picture: String { text.joined(separator: "\n") }

  /// Whether the program is on the alternate screen.
  public var isAlternate: Bool { !modes.isDisjoint(with: [47, 1047, 1049]) }
  /// Whether the cursor is shown.
  public var showsCursor: Bool { modes.contains(25) }
  /// Whether mouse reports are asked for.
  public var reportsMouse: Bool { !modes.isDisjoint(with: [1000, 1002, 1003]) }

  /// Gives the screen another size, as dragging the window's corner would; text stays at the top left.
  public mutating func resize(to new: Size) {
    func fit(_ old: [[String]]) -> [[String]] {
      (0..<new.rows).map { row in
        (0..<new.columns).map { column in
          row < old.count && column < old[row].count ? old[row][column] : " "
        }
      }
    }
    cells = fit(cells)
    mainCells = mainCells.map(fit)
    size = new
    top = 0
    bottom = new.rows - 1
    moveTo(row: cursor.row, column: cursor.column)
  }

  /// Follows bytes from the program.
  public mutating func feed(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      switch parser.take(byte) {
      case nil: break
      case .text(let scalar): put(scalar)
      case .control(let byte): control(byte)
      case .escape(let intermediate, let final): escape(intermediate, final)
      case .sequence(let sequence): run(sequence)
      }
    }
  }

  // MARK: Characters

  private mutating func put(_ scalar: Unicode.Scalar) {
    guard size.columns > 0, size.rows > 0 else { return }
    var text = String(scalar)
    if sets[activeSet] == "0", let drawn = Self.lineDrawing[scalar] { text = String(drawn) }
    let width = TextWidth.columns(of: text)
    printed += 1
    if width == 0 {
      var column = wrapsNext ? cursor.column : cursor.column - 1
      if column > 0, cells[cursor.row][column].isEmpty { column -= 1 }
      if column >= 0 { cells[cursor.row][column] += text }
      return
    }
    if wrapsNext || cursor.column + width > size.columns {
      if modes.contains(7) {
        cursor.column = 0
        lineFeed()
      } else {
        cursor.column = max(0, size.columns - width)
      }
      wrapsNext = false
    }
    if inserts { insertBlanks(width) }
    last = text
    cells[cursor.row][cursor.column] = text
    if width == 2, cursor.column + 1 < size.columns { cells[cursor.row][cursor.column + 1] = "" }
    if cursor.column + width >= size.columns {
      cursor.column = size.columns - 1
      wrapsNext = modes.contains(7)
    } else {
      cursor.column += width
    }
  }

  private mutating func control(_ byte: UInt8) {
    switch byte {
    case 0x08: moveTo(row: cursor.row, column: cursor.column - 1)
    case 0x09: moveTo(row: cursor.row, column: (cursor.column / 8 + 1) * 8)
    case 0x0A...0x0C: lineFeed()
    case 0x0D: moveTo(row: cursor.row, column: 0)
    case 0x0E: activeSet = 1
    case 0x0F: activeSet = 0
    default: break
    }
  }

  private mutating func escape(_ intermediate: Character?, _ final: Character) {
    switch (intermediate, final) {
    case ("(", _): sets[0] = final
    case (")", _): sets[1] = final
    case (nil, "7"): saved = cursor
    case (nil, "8"): moveTo(row: saved.row, column: saved.column)
    case (nil, "D"): lineFeed()
    case (nil, "E"):
      moveTo(row: cursor.row, column: 0)
      lineFeed()
    case (nil, "M"):
      if cursor.row == top {
        scroll(by: -1, from: top)
      } else {
        moveTo(row: cursor.row - 1, column: cursor.column)
      }
    case (nil, "c"): self = VirtualScreen(size: size)
    default: break
    }
  }

  // MARK: Sequences

  private mutating func run(_ sequence: ControlParser.Sequence) {
    let count = max(1, sequence.number(0) ?? 1)
    if sequence.mark == "?" {
      if sequence.final == "h" { sequence.numbers.forEach { setMode($0, true) } }
      if sequence.final == "l" { sequence.numbers.forEach { setMode($0, false) } }
      return
    }
    if sequence.mark != nil { return }
    let (row, column) = (cursor.row, cursor.column)
    switch sequence.final {
    case "A": moveTo(row: max(row - count, row >= top ? top : 0), column: column)
    case "B", "e": moveTo(row: min(row + count, row <= bottom ? bottom : .max), column: column)
    case "C", "a": moveTo(row: row, column: column + count)
    case "D": moveTo(row: row, column: column - count)
    case "E": moveTo(row: row + count, column: 0)
    case "F": moveTo(row: row - count, column: 0)
    case "G", "`": moveTo(row: row, column: count - 1)
    case "d": moveTo(row: count - 1, column: column)
    case "H", "f": moveTo(row: count - 1, column: max(1, sequence.number(1) ?? 1) - 1)
    case "Z": moveTo(row: row, column: max(0, (column - 1) / 8 * 8))
    case "J": eraseDisplay(sequence.number(0) ?? 0)
    case "K": eraseLine(sequence.number(0) ?? 0)
    case "X": erase(row: row, from: column, to: column + count)
    case "@": insertBlanks(count)
    case "P": deleteCharacters(count)
    case "L": if row >= top, row <= bottom { scroll(by: -count, from: row) }
    case "M": if row >= top, row <= bottom { scroll(by: count, from: row) }
    case "S": scroll(by: count, from: top)
    case "T": scroll(by: -count, from: top)
    case "b":
      let repeated = last
      for _ in 0..<min(count, 10_000) { repeated.unicodeScalars.first.map { put($0) } }
    case "r":
      top = min(count, size.rows) - 1
      bottom = min(sequence.number(1) ?? size.rows, size.rows) - 1
      if top < 0 || top >= bottom { (top, bottom) = (0, size.rows - 1) }
      moveTo(row: 0, column: 0)
    case "h": if sequence.numbers.contains(4) { inserts = true }
    case "l": if sequence.numbers.contains(4) { inserts = false }
    case "m":
      let colors = sequence.numbers.filter {
        (30...38).contains($0) || (40...48).contains($0) || (90...107).contains($0)
      }
      if !colors.isEmpty { hasSeenColor = true }
    default: break
    }
  }

  private mutating func setMode(_ mode: Int, _ isSet: Bool) {
    if isSet { modes.insert(mode) } else { modes.remove(mode) }
    guard [47, 1047, 1049].contains(mode) else { return }
    if isSet, mainCells == nil {
      saved = cursor
      mainCells = cells
      cells = Self.blank(size)
    } else if !isSet, let main = mainCells {
      cells = main
      mainCells = nil
      moveTo(row: saved.row, column: saved.column)
    }
  }

  // MARK: Moving and erasing

  private mutating func moveTo(row: Int, column: Int) {
    wrapsNext = false
    cursor = Point(
      column: min(max(0, column), max(0, size.columns - 1)),
      row: min(max(0, row), max(0, size.rows - 1)))
  }

  private mutating func lineFeed() {
    wrapsNext = false
    if cursor.row == bottom {
      scroll(by: 1, from: top)
    } else if cursor.row < size.rows - 1 {
      cursor.row += 1
    }
  }

  /// Moves the lines from `first` to the region's end up (or down, if negative).
  private mutating func scroll(by count: Int, from first: Int) {
    guard first >= 0, first <= bottom, bottom < cells.count else { return }
    let height = bottom - first + 1
    let distance = min(abs(count), height)
    let empty = Array(repeating: Array(repeating: " ", count: size.columns), count: distance)
    let lines = cells[first...bottom]
    let moved: [[String]] =
      count > 0 ? Array(lines.dropFirst(distance)) + empty : empty + Array(lines.dropLast(distance))
    cells.replaceSubrange(first...bottom, with: moved)
  }

  private mutating func erase(row: Int, from: Int, to: Int) {
    guard cells.indices.contains(row) else { return }
    for column in max(0, from)..<max(max(0, from), min(to, size.columns)) {
      cells[row][column] = " "
    }
  }

  private mutating func eraseLine(_ part: Int) {
    let from = part == 0 ? cursor.column : 0
    erase(row: cursor.row, from: from, to: part == 1 ? cursor.column + 1 : size.columns)
  }

  private mutating func eraseDisplay(_ part: Int) {
    if part != 2 && part != 3 { eraseLine(part) }
    for row in 0..<size.rows
    where part >= 2 || part == 0 && row > cursor.row || part == 1 && row < cursor.row {
      erase(row: row, from: 0, to: size.columns)
    }
  }

  private mutating func insertBlanks(_ count: Int) {
    guard cells.indices.contains(cursor.row) else { return }
    let count = min(count, size.columns - cursor.column)
    cells[cursor.row].insert(contentsOf: Array(repeating: " ", count: count), at: cursor.column)
    cells[cursor.row].removeLast(count)
  }

  private mutating func deleteCharacters(_ count: Int) {
    guard cells.indices.contains(cursor.row) else { return }
    let count = min(count, size.columns - cursor.column)
    cells[cursor.row].removeSubrange(cursor.column..<cursor.column + count)
    cells[cursor.row] += Array(repeating: " ", count: count)
  }

  private static let lineDrawing: [Unicode.Scalar: Character] = [
    "j": "┘", "k": "┐", "l": "┌", "m": "└", "n": "┼", "q": "─", "t": "├", "u": "┤", "v": "┴",
    "w": "┬", "x": "│", "a": "▒", "`": "◆", "f": "°", "g": "±", "~": "·",
  ]
}
