/// One cell of a canvas: a character with up to two marks on it, and how it looks.
public struct Cell: Hashable, Sendable {
  /// The character; 0 in the right half of a wide one.
  let base: UInt32
  /// Marks on it, 0 if none.
  var firstMark: UInt32 = 0
  var secondMark: UInt32 = 0
  /// 1; 2 for the left half of a wide character, 0 for its right half.
  let span: UInt8
  /// How it looks.
  public var style: Style

  init(base: UInt32, span: UInt8, style: Style) {
    self.base = base
    self.span = span
    self.style = style
  }

  /// A blank in a style.
  public static func blank(_ style: Style = .standard) -> Cell {
    Cell(base: 0x20, span: 1, style: style)
  }

  /// The columns of its character: 1, 2, or 0 for the right half of a wide one.
  public var width: Int { Int(span) }

  /// Its character with its marks; empty for the right half of a wide one.
  public var text: String {
    var scalars = String.UnicodeScalarView()
    for value in [base, firstMark, secondMark] where value != 0 {
      if let scalar = Unicode.Scalar(value) { scalars.append(scalar) }
    }
    return String(scalars)
  }

  var isBlank: Bool { base == 0x20 && firstMark == 0 }

  mutating func addMark(_ mark: UInt32) {
    if firstMark == 0 { firstMark = mark } else if secondMark == 0 { secondMark = mark }
  }
}
