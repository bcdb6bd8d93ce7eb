import Terminal

extension Canvas {
  /// Draws a horizontal bar that fills a share of a line, by eighths of a cell.
  mutating func drawBar(_ share: Double, in rect: Rect, style: Style, glyphs: Glyphs) {
    let eighths = Int((min(1, max(0, share)) * Double(rect.columns * 8)).rounded())
    let full = eighths / 8
    var text = String(repeating: glyphs.horizontalBars[8], count: full)
    if eighths % 8 > 0 { text += glyphs.horizontalBars[eighths % 8] }
    write(text, at: rect.origin, style: style, within: rect.columns)
  }

  /// Writes a text at the right end of a line.
  mutating func writeRight(_ text: String, in rect: Rect, style: Style = .standard) {
    let width = min(text.columns, rect.columns)
    write(
      text, at: Point(column: rect.endColumn - width, row: rect.row), style: style, within: width)
  }
}
