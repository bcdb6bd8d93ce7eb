/// How many colours there are.
public enum ColorDepth: String, CaseIterable, Hashable, Sendable {
  /// None: attributes only.
  case none
  /// The eight basic ones.
  case eight
  /// Those and their bright forms.
  case sixteen
  /// 256.
  case many

  /// What a terminal that has `colors` can show.
  public init(colors: Int) {
    self = colors >= 256 ? .many : colors >= 16 ? .sixteen : colors >= 8 ? .eight : .none
  }
}

/// What the user asks for with `--color`.
public enum ColorChoice: String, CaseIterable, Hashable, Sendable {
  /// As the terminal and NO_COLOR say.
  case auto
  /// As the terminal says, whatever NO_COLOR says.
  case always
  /// None.
  case never

  /// Whether colour is wanted; the choice comes before NO_COLOR, which counts if it isn't empty.
  ///
  /// See https://no-color.org. How much of it there is, is the terminal's to say: `depth(of:)`.
  public func wantsColor(environment: [String: String]) -> Bool {
    switch self {
    case .never: false
    case .always: true
    case .auto: (environment["NO_COLOR"] ?? "").isEmpty
    }
  }

  /// The depth to draw with on a terminal of so many colours.
  public func depth(terminalColors: Int, environment: [String: String]) -> ColorDepth {
    wantsColor(environment: environment) ? ColorDepth(colors: terminalColors) : .none
  }
}

extension Color {
  /// The nearest colour there is at `depth`.
  ///
  /// 256 to 16: the nearest of xterm's sixteen by the squares of the differences in red, green and blue;
  /// black only for what is all but black, so that dark colours keep their hue. 16 to 8: the bright ones
  /// become the plain ones, bright black the terminal's own colour, as black would often be unreadable.
  public func reduced(to depth: ColorDepth) -> Color {
    guard case .indexed(let index) = self else { return .standard }
    switch depth {
    case .many: return self
    case .sixteen: return .indexed(Self.basic(index))
    case .eight:
      let basic = Self.basic(index)
      return basic == 8 ? .standard : .indexed(basic & 7)
    case .none: return .standard
    }
  }

  private static func basic(_ index: UInt8) -> UInt8 {
    guard index >= 16 else { return index }
    let (red, green, blue) = components(index)
    if max(red, green, blue) < 48 { return 0 }
    var best: (index: UInt8, distance: Int) = (7, .max)
    for candidate in UInt8(1)...15 {
      let (r, g, b) = sixteen[Int(candidate)]
      let distance =
        (red - r) * (red - r) + (green - g) * (green - g) + (blue - b) * (blue - b)
      if distance < best.distance { best = (candidate, distance) }
    }
    return best.index
  }

  /// Red, green and blue, 0...255, of a colour from 16 up, as xterm has them.
  static func components(_ index: UInt8) -> (Int, Int, Int) {
    if index >= 232 {
      let level = 8 + 10 * (Int(index) - 232)
      return (level, level, level)
    }
    let cube = Int(index) - 16
    func level(_ step: Int) -> Int { step == 0 ? 0 : 55 + 40 * step }
    return (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
  }

  /// The basic colours as xterm shows them.
  private static let sixteen: [(Int, Int, Int)] = [
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0),
    (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0),
    (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
  ]
}

extension Style {
  /// The same look as far as `depth` goes; attributes stay.
  ///
  /// Two colours that differ don't become one: the foreground gives way to black or white.
  public func reduced(to depth: ColorDepth) -> Style {
    if depth == .many { return self }
    var foreground = self.foreground.reduced(to: depth)
    let background = self.background.reduced(to: depth)
    if case .indexed(let index) = background, foreground == background,
      self.foreground != self.background
    {
      foreground = [0, 1, 4, 5, 8].contains(index) ? .white : .black
    }
    return Style(foreground: foreground, background: background, attributes: attributes)
  }
}
