/// A colour by its parts, as screens mix it.
public struct ColorParts: Hashable, Sendable {
  /// 0...255.
  public let red: Int
  /// 0...255.
  public let green: Int
  /// 0...255.
  public let blue: Int

  /// Makes a colour; parts are brought into 0...255.
  public init(red: Int, green: Int, blue: Int) {
    func part(_ value: Int) -> Int { min(max(value, 0), 255) }
    self.red = part(red)
    self.green = part(green)
    self.blue = part(blue)
  }

  /// Black.
  public static let black = ColorParts(red: 0, green: 0, blue: 0)
  /// White.
  public static let white = ColorParts(red: 255, green: 255, blue: 255)

  /// How bright it is, 0...1: WCAG 2.1's relative luminance, of sRGB.
  public var luminance: Double {
    0.2126 * Self.linear[red] + 0.7152 * Self.linear[green] + 0.0722 * Self.linear[blue]
  }

  /// WCAG 2.1's contrast ratio, 1...21; text is to have 4.5 at least.
  public func contrast(with other: ColorParts) -> Double {
    let (a, b) = (luminance, other.luminance)
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)
  }

  /// Of black and white, that which is easier to read on it.
  public var textOnIt: ColorParts {
    contrast(with: .black) >= contrast(with: .white) ? .black : .white
  }

  /// The square of the distance to another one.
  public func distance(to other: ColorParts) -> Int {
    let (r, g, b) = (red - other.red, green - other.green, blue - other.blue)
    return r * r + g * g + b * b
  }

  /// The light of each value of a part.
  private static let linear: [Double] = (0...255).map { value in
    let part = Double(value) / 255
    return part <= 0.04045 ? part / 12.92 : power((part + 0.055) / 1.055)
  }

  /// x to the power of 2.4, that is x² times the fifth root of x²: no library is needed for 256 values.
  private static func power(_ x: Double) -> Double {
    let square = x * x
    var root = 1.0
    for _ in 0..<60 { root -= (root - square / (root * root * root * root)) / 5 }
    return square * root
  }
}

extension Color {
  /// What it looks like, if that is the same on every terminal: not so the terminal's own colours, of which the first
  /// sixteen are some.
  public var parts: ColorParts? {
    guard case .indexed(let index) = self, index >= 16 else { return nil }
    let (red, green, blue) = Self.components(index)
    return ColorParts(red: red, green: green, blue: blue)
  }
}
