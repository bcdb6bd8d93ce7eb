import Terminal

extension Canvas {
  /// Writes a text at the right end of a line.
  mutating func writeRight(_ text: String, in rect: Rect, style: Style = .standard) {
    let width = min(text.columns, rect.columns)
    write(
      text, at: Point(column: rect.endColumn - width, row: rect.row), style: style, within: width)
  }
}
