/// The characters that screens are made of, by name: one set for UTF-8, one for ASCII.
///
/// Every one of the first takes one column, and so does every one of the second but `arrow`,
/// `leftArrow`, `plusMinus`, `atMost` and `atLeast`.
public struct Glyphs: Hashable, Sendable {
  /// Whether there is nothing but ASCII in it.
  public let isASCII: Bool

  /// Columns that grow upwards: a blank, then from the lowest to a full cell.
  public let verticalBars: [String]
  /// Bars that grow to the right: a blank, then from the narrowest to a full cell.
  public let horizontalBars: [String]
  /// Shades from none to full.
  public let shades: [String]
  /// The upper half of a cell.
  public let upperHalf: String
  /// The lower half of a cell.
  public let lowerHalf: String
  /// A full cell.
  public let block: String

  /// A line from left to right.
  public let horizontal: String
  /// A line from top to bottom.
  public let vertical: String
  /// The corner of a frame.
  public let topLeft: String
  /// The corner of a frame.
  public let topRight: String
  /// The corner of a frame.
  public let bottomLeft: String
  /// The corner of a frame.
  public let bottomRight: String
  /// Where a line to the right leaves a vertical one.
  public let teeRight: String
  /// Where a line to the left leaves a vertical one.
  public let teeLeft: String
  /// Where a line down leaves a horizontal one.
  public let teeDown: String
  /// Where a line up leaves a horizontal one.
  public let teeUp: String
  /// Where two lines cross.
  public let cross: String
  /// A line from left to right that says less.
  public let dashes: String

  /// Something was left out.
  public let ellipsis: String
  /// A branch that can be opened.
  public let closed: String
  /// A branch that is open.
  public let opened: String
  /// The row of the cursor.
  public let pointer: String
  /// Something in a list, or a marked row.
  public let bullet: String
  /// Something that isn't marked.
  public let circle: String
  /// Done, or as it should be.
  public let check: String
  /// Failed, or not allowed.
  public let wrong: String
  /// Between parts of a line.
  public let middleDot: String
  /// A point of a diagram.
  public let point: String
  /// A second kind of point.
  public let diamond: String

  /// Leads to.
  public let arrow: String
  /// Comes from.
  public let leftArrow: String
  /// Higher.
  public let upArrow: String
  /// Lower.
  public let downArrow: String
  /// About.
  public let approximately: String
  /// More or less.
  public let plusMinus: String
  /// Times.
  public let times: String
  /// Less than or equal.
  public let atMost: String
  /// Greater than or equal.
  public let atLeast: String
  /// Sum.
  public let sum: String
  /// No upper end.
  public let infinity: String
  /// A millionth.
  public let micro: String
  /// Nothing to show.
  public let dash: String

  /// For terminals with UTF-8.
  public static let unicode = Glyphs(
    isASCII: false,
    verticalBars: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    horizontalBars: [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
    shades: [" ", "░", "▒", "▓", "█"], upperHalf: "▀", lowerHalf: "▄", block: "█",
    horizontal: "─", vertical: "│", topLeft: "┌", topRight: "┐", bottomLeft: "└",
    bottomRight: "┘", teeRight: "├", teeLeft: "┤", teeDown: "┬", teeUp: "┴", cross: "┼",
    dashes: "╌", ellipsis: "…", closed: "▸", opened: "▾", pointer: "▶", bullet: "•", circle: "○",
    check: "✓", wrong: "✗", middleDot: "·", point: "●", diamond: "◆", arrow: "→", leftArrow: "←",
    upArrow: "↑", downArrow: "↓", approximately: "≈", plusMinus: "±", times: "×", atMost: "≤",
    atLeast: "≥", sum: "Σ", infinity: "∞", micro: "µ", dash: "–")

  /// For all others, and for `--ascii`.
  public static let ascii = Glyphs(
    isASCII: true,
    verticalBars: [" ", "_", ".", "-", "=", "+", "*", "%", "#"],
    horizontalBars: [" ", " ", ".", ".", ":", "-", "-", "=", "#"],
    shades: [" ", ".", ":", "+", "#"], upperHalf: "\"", lowerHalf: "_", block: "#",
    horizontal: "-", vertical: "|", topLeft: "+", topRight: "+", bottomLeft: "+",
    bottomRight: "+", teeRight: "+", teeLeft: "+", teeDown: "+", teeUp: "+", cross: "+",
    dashes: "-", ellipsis: "~", closed: ">", opened: "v", pointer: ">", bullet: "*", circle: "o",
    check: "v", wrong: "x", middleDot: ".", point: "o", diamond: "x", arrow: "->", leftArrow: "<-",
    upArrow: "^", downArrow: "v", approximately: "~", plusMinus: "+-", times: "x", atMost: "<=",
    atLeast: ">=", sum: "S", infinity: "i", micro: "u", dash: "-")

  /// The set for a terminal: ASCII if it's asked for or if the locale's characters aren't UTF-8.
  public static func choose(isUTF8: Bool, asciiOnly: Bool) -> Glyphs {
    isUTF8 && !asciiOnly ? unicode : ascii
  }

  /// All of them, for tests.
  public var all: [String] {
    var result: [String] = []
    for child in Mirror(reflecting: self).children {
      if let glyph = child.value as? String { result.append(glyph) }
      if let glyphs = child.value as? [String] { result += glyphs }
    }
    return result
  }
}
