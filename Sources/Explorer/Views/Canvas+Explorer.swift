import Measurement
import Quantization
import Terminal

extension Canvas {
  /// Writes a text at the right end of a line.
  mutating func writeRight(_ text: String, in rect: Rect, style: Style = .standard) {
    let width = min(text.columns, rect.columns)
    write(
      text, at: Point(column: rect.endColumn - width, row: rect.row), style: style, within: width)
  }

  /// Shows that a line is the one chosen: reversed, in the terminal's own colours.
  mutating func select(_ rect: Rect) {
    restyle(rect) { Style(attributes: $0.attributes.subtracting(.dim).union(.reverse)) }
  }
}

extension State {
  /// Writes the errors of a tensor in a format, or that they are still to come; with a bar where
  /// there is room for one.
  func drawErrors(
    of tensor: Int, in format: Format, on canvas: inout Canvas, nmse: Rect, sqnr: Rect,
    bar: Rect? = nil
  ) {
    guard let figures = measurement(of: tensor, format)?.figures else {
      canvas.writeRight(glyphs.ellipsis, in: nmse, style: Theme.faint)
      return
    }
    let style = Theme.Severity(nmse: figures.nmse).style
    canvas.writeRight(Figures.percent(figures.nmse), in: nmse, style: style)
    canvas.writeRight(Figures.decibels(figures.sqnr), in: sqnr, style: style)
    guard let bar else { return }
    canvas.bar(Theme.severityShare(nmse: figures.nmse), in: bar, glyphs: glyphs, style: style)
  }
}
