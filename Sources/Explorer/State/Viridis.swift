import Terminal

/// Colours from little to much that people with any kind of colour vision can put in order, and that keep their
/// order in grey: the points of matplotlib's viridis. What the terminal and the report colour by a figure is taken from
/// here.
enum Viridis {
  private static let points: [(Double, Double, Double)] = [
    (68, 1, 84), (72, 40, 120), (62, 73, 137), (49, 104, 142), (38, 130, 142), (31, 158, 137),
    (53, 183, 121), (110, 206, 88), (181, 222, 43), (253, 231, 37),
  ]

  /// The colour of a share from 0 to 1.
  static func color(_ share: Double) -> ColorParts {
    let share = share.isNaN ? 0 : min(1, max(0, share))
    let place = share * Double(points.count - 1)
    let index = min(points.count - 2, Int(place))
    let part = place - Double(index)
    func mixed(_ channel: KeyPath<(Double, Double, Double), Double>) -> Int {
      let (a, b) = (points[index][keyPath: channel], points[index + 1][keyPath: channel])
      return Int((a + (b - a) * part).rounded())
    }
    return ColorParts(red: mixed(\.0), green: mixed(\.1), blue: mixed(\.2))
  }

  /// So many steps of it in the colours of the 6x6x6 cube: the nearest that are each brighter than the one before, and on
  /// which black or white has a contrast of 7 (WCAG's enhanced one).
  static func steps(_ count: Int) -> [Color] {
    let cube = (16...231).map { Color.indexed($0) }.compactMap { color in
      color.parts.map { (color: color, parts: $0) }
    }
    let readable = cube.filter { $0.parts.contrast(with: $0.parts.textOnIt) >= 6.99 }
    var luminance = -1.0
    return (0..<count).compactMap { step in
      let wanted = color(Double(step) / Double(max(1, count - 1)))
      let nearest = readable.filter { $0.parts.luminance > luminance + 0.015 }
        .min { $0.parts.distance(to: wanted) < $1.parts.distance(to: wanted) }
      luminance = nearest?.parts.luminance ?? luminance
      return nearest?.color
    }
  }
}
