/// A character that is drawn rather than written: blocks, lines, braille.
struct CellShape {
  /// A part of a cell of 8 x 16.
  struct Part {
    let left: Int
    let top: Int
    let right: Int
    let bottom: Int

    init(_ left: Int, _ top: Int, _ right: Int, _ bottom: Int) {
      (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
    }
  }

  let parts: [Part]
  /// How much of the ink there is, in quarters.
  let share: Int

  /// nil for a character that is written.
  init?(_ cell: Cell) {
    guard cell.firstMark == 0 else { return nil }
    let value = Int(cell.base)
    share = 0x2591...0x2593 ~= value ? value - 0x2590 : 4
    switch value {
    case 0x2580...0x259F: parts = Self.block(value - 0x2580)
    case 0x2800...0x28FF: parts = Self.braille(value - 0x2800)
    case 0x254C: parts = [Part(0, 8, 3, 9), Part(4, 8, 7, 9)]
    default:
      guard let arms = Self.arms[value] else { return nil }
      parts = Self.line(arms)
    }
  }

  private static func block(_ index: Int) -> [Part] {
    switch index {
    case 0: return [Part(0, 0, 8, 8)]
    case 1...8: return [Part(0, 16 - 2 * index, 8, 16)]
    case 9...15: return [Part(0, 0, 16 - index, 16)]
    case 16: return [Part(4, 0, 8, 16)]
    case 17...19: return [Part(0, 0, 8, 16)]
    case 20: return [Part(0, 0, 8, 2)]
    case 21: return [Part(7, 0, 8, 16)]
    default:
      // Quarters: upper left, upper right, lower left, lower right.
      let quarters = [4, 8, 1, 13, 9, 7, 11, 2, 6, 14][index - 22]
      let all = [Part(0, 0, 4, 8), Part(4, 0, 8, 8), Part(0, 8, 4, 16), Part(4, 8, 8, 16)]
      return all.indices.filter { quarters >> $0 & 1 == 1 }.map { all[$0] }
    }
  }

  private static func braille(_ dots: Int) -> [Part] {
    let places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
    return places.indices.filter { dots >> $0 & 1 == 1 }.map { bit in
      let (column, row) = places[bit]
      return Part(column * 4 + 1, row * 4 + 1, column * 4 + 3, row * 4 + 3)
    }
  }

  // MARK: - Lines

  private struct Arms: OptionSet {
    let rawValue: Int
    static let left = Arms(rawValue: 1)
    static let right = Arms(rawValue: 2)
    static let up = Arms(rawValue: 4)
    static let down = Arms(rawValue: 8)
  }

  /// The thin lines of a frame.
  private static let arms: [Int: Arms] = [
    0x2500: [.left, .right], 0x2502: [.up, .down], 0x250C: [.right, .down], 0x2510: [.left, .down],
    0x2514: [.right, .up], 0x2518: [.left, .up], 0x251C: [.right, .up, .down],
    0x2524: [.left, .up, .down], 0x252C: [.left, .right, .down], 0x2534: [.left, .right, .up],
    0x253C: [.left, .right, .up, .down],
  ]

  private static func line(_ arms: Arms) -> [Part] {
    var parts: [Part] = []
    if !arms.isDisjoint(with: [.left, .right]) {
      parts.append(Part(arms.contains(.left) ? 0 : 4, 8, arms.contains(.right) ? 8 : 5, 9))
    }
    if !arms.isDisjoint(with: [.up, .down]) {
      parts.append(Part(4, arms.contains(.up) ? 0 : 8, 5, arms.contains(.down) ? 16 : 9))
    }
    return parts
  }
}
