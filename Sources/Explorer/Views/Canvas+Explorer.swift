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
    guard let measurement = measurement(of: tensor, format) else {
      canvas.writeRight(glyphs.ellipsis, in: nmse, style: Theme.faint)
      return
    }
    let figures = measurement.figures
    let style = errorStyle(figures.nmse, isEstimate: !measurement.exact)
    drawPercent(figures.nmse, measurement.interval, on: &canvas, in: nmse)
    canvas.writeRight(
      (measurement.exact ? "" : glyphs.about) + Figures.decibels(figures.sqnr), in: sqnr,
      style: style)
    guard let bar else { return }
    canvas.bar(Theme.severityShare(nmse: figures.nmse), in: bar, glyphs: glyphs, style: style)
  }

  /// Estimates are fainter than exact figures, and say so without colours too: by a sign.
  func errorStyle(_ nmse: Double, isEstimate: Bool) -> Style {
    let style = Theme.Severity(nmse: nmse).style
    return isEstimate ? style.with(.dim) : style
  }

  /// Writes an error in percent; an estimate with its interval where there is room for it.
  func drawPercent(
    _ share: Double, _ interval: Interval?, on canvas: inout Canvas, in rect: Rect
  ) {
    let style = errorStyle(share, isEstimate: interval != nil)
    guard let interval else {
      canvas.writeRight(Figures.percent(share), in: rect, style: style)
      return
    }
    let long = percentText(share, interval)
    let short = Figures.roughPercent(share, interval: interval, about: glyphs.about)
    // Without its sign or its unit a figure would read as another one.
    let text = [long, short, short.filter { $0 != " " }].first { $0.columns <= rect.columns }
    canvas.writeRight(text ?? glyphs.about, in: rect, style: style)
  }

  /// An error in percent, with its interval if it is an estimate.
  func percentText(_ share: Double, _ interval: Interval?) -> String {
    Figures.percent(
      share, interval: interval, about: glyphs.about + " ", within: glyphs.plusMinus)
  }
}
