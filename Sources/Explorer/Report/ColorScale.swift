import Terminal

/// The colours of figures in a report.
enum ColorScale {
  /// The colour of a share from 0 to 1, and whether black is easier to read on it than white.
  static func color(_ share: Double) -> (fill: String, isLight: Bool) {
    let color = Viridis.color(share)
    return (
      "#" + [color.red, color.green, color.blue].map(hex).joined(), color.textOnIt == .black
    )
  }

  private static func hex(_ value: Int) -> String {
    let text = String(value, radix: 16)
    return text.utf8.count == 1 ? "0" + text : text
  }
}
