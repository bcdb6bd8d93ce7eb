/// How many columns text takes on a screen.
///
/// Counted scalar by scalar, as terminals do: 0 for marks on the character before and for what is
/// invisible, 2 for East Asian wide characters and emoji, else 1. Joined emoji count as the ones they are
/// made of, for the canvas leaves the joiners out. A control character counts 1, for the canvas shows `?`.
public enum TextWidth {
  /// The columns of one scalar: 0, 1 or 2.
  public static func columns(of scalar: Unicode.Scalar) -> Int {
    kind(of: scalar.value).columns
  }

  /// The columns of one character.
  public static func columns(of character: Character) -> Int {
    columns(of: character.unicodeScalars)
  }

  /// The columns of a text on one line.
  public static func columns(of text: String) -> Int {
    var text = text
    let ascii = text.withUTF8 { bytes in bytes.allSatisfy { $0 < 0x80 } ? bytes.count : nil }
    return ascii ?? columns(of: text.unicodeScalars)
  }

  /// The columns of some scalars.
  static func columns(of scalars: some Sequence<Unicode.Scalar>) -> Int {
    scalars.reduce(0) { $0 + columns(of: $1) }
  }

  /// What a scalar is to a canvas.
  enum Kind {
    case control, invisible, mark, narrow, wide

    var columns: Int {
      switch self {
      case .invisible, .mark: 0
      case .control, .narrow: 1
      case .wide: 2
      }
    }
  }

  static func kind(of value: UInt32) -> Kind {
    if value < 0x300 {
      if value >= 0x20 && value < 0x7F { return .narrow }
      if value < 0xA0 { return .control }
      return value == 0xAD ? .invisible : .narrow
    }
    // Box-drawing and blocks, which screens are full of.
    if value >= 0x2500 && value < 0x25FD { return .narrow }
    if contains(TextWidthTable.marks, value) { return .mark }
    if contains(TextWidthTable.invisible, value) { return .invisible }
    return contains(TextWidthTable.wide, value) ? .wide : .narrow
  }

  private static func contains(_ ranges: [UInt32], _ value: UInt32) -> Bool {
    var low = 0
    var high = ranges.count / 2
    while low < high {
      let middle = (low + high) / 2
      if value > ranges[2 * middle + 1] {
        low = middle + 1
      } else if value < ranges[2 * middle] {
        high = middle
      } else {
        return true
      }
    }
    return false
  }
}
