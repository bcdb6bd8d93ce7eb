/// A colour that terminals have names for.
public enum Color: Hashable, Sendable {
  /// The terminal's own foreground or background.
  case standard
  /// 0-7 the basic ones, 8-15 their bright forms, 16-231 a 6x6x6 cube, 232-255 greys, as xterm has them.
  case indexed(UInt8)

  /// Basic colour 0.
  public static let black = Color.indexed(0)
  /// Basic colour 1.
  public static let red = Color.indexed(1)
  /// Basic colour 2.
  public static let green = Color.indexed(2)
  /// Basic colour 3.
  public static let yellow = Color.indexed(3)
  /// Basic colour 4.
  public static let blue = Color.indexed(4)
  /// Basic colour 5.
  public static let magenta = Color.indexed(5)
  /// Basic colour 6.
  public static let cyan = Color.indexed(6)
  /// Basic colour 7.
  public static let white = Color.indexed(7)

  /// A colour of the 6x6x6 cube, each part 0...5 (others are brought into that range).
  public static func cube(red: Int, green: Int, blue: Int) -> Color {
    func part(_ value: Int) -> Int { min(max(value, 0), 5) }
    return .indexed(UInt8(16 + 36 * part(red) + 6 * part(green) + part(blue)))
  }

  /// One of 24 greys, 0 the darkest (others are brought into that range).
  public static func grey(_ level: Int) -> Color {
    .indexed(UInt8(232 + min(max(level, 0), 23)))
  }
}

/// How text is set apart other than by colour.
public struct Attributes: OptionSet, Hashable, Sendable {
  /// One bit for each.
  public let rawValue: UInt8
  /// Makes a set of the bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Heavier or brighter.
  public static let bold = Attributes(rawValue: 1)
  /// Fainter.
  public static let dim = Attributes(rawValue: 2)
  /// Underlined.
  public static let underline = Attributes(rawValue: 4)
  /// Foreground and background exchanged.
  public static let reverse = Attributes(rawValue: 8)
  /// Slanted.
  public static let italic = Attributes(rawValue: 16)
}

/// How a cell looks.
public struct Style: Hashable, Sendable {
  /// The colour of the character.
  public var foreground: Color
  /// The colour behind it.
  public var background: Color
  /// What is told without colour.
  public var attributes: Attributes

  /// Makes a style.
  public init(
    foreground: Color = .standard, background: Color = .standard, attributes: Attributes = []
  ) {
    self.foreground = foreground
    self.background = background
    self.attributes = attributes
  }

  /// The terminal's own colours, nothing else.
  public static let standard = Style()
  /// Heavier or brighter.
  public static let bold = Style(attributes: .bold)
  /// Fainter.
  public static let dim = Style(attributes: .dim)
  /// Foreground and background exchanged.
  public static let reverse = Style(attributes: .reverse)
  /// Underlined.
  public static let underline = Style(attributes: .underline)

  /// The same with these attributes as well.
  public func with(_ more: Attributes) -> Style {
    Style(foreground: foreground, background: background, attributes: attributes.union(more))
  }

  /// The same on another background.
  public func on(_ background: Color) -> Style {
    Style(foreground: foreground, background: background, attributes: attributes)
  }

  /// The same in another foreground.
  public func colored(_ foreground: Color) -> Style {
    Style(foreground: foreground, background: background, attributes: attributes)
  }
}
