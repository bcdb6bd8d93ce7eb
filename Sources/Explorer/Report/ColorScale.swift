/// Colours from little to much that people with any kind of colour vision can put in order, and that keep their
/// order in grey: the points of matplotlib's viridis.
enum ColorScale {
  private static let points: [(Double, Double, Double)] = [
    (68, 1, 84), (72, 40, 120), (62, 73, 137), (49, 104, 142), (38, 130, 142), (31, 158, 137),
    (53, 183, 121), (110, 206, 88), (181, 222, 43), (253, 231, 37),
  ]

  /// The colour of a share from 0 to 1, and whether black is easier to read on it than white.
  static func color(_ share: Double) -> (fill: String, isLight: Bool) {
    let share = share.isNaN ? 0 : min(1, max(0, share))
    let place = share * Double(points.count - 1)
    let index = min(points.count - 2, Int(place))
    let part = place - Double(index)
    func mixed(_ channel: KeyPath<(Double, Double, Double), Double>) -> Double {
      let (a, b) = (points[index][keyPath: channel], points[index + 1][keyPath: channel])
      return (a + (b - a) * part).rounded()
    }
    let (red, green, blue) = (mixed(\.0), mixed(\.1), mixed(\.2))
    // Relative luminance, about: from here on black has the greater contrast.
    let light = 0.2126 * gamma(red) + 0.7152 * gamma(green) + 0.0722 * gamma(blue)
    return ("#" + hex(red) + hex(green) + hex(blue), light > 0.18)
  }

  private static func gamma(_ value: Double) -> Double { (value / 255) * (value / 255) }

  private static func hex(_ value: Double) -> String {
    let text = String(Int(value), radix: 16)
    return text.utf8.count == 1 ? "0" + text : text
  }
}
