import Quantization

/// The weights of a tensor as SVG: an area, and what comes back of them as a line over it.
struct HistogramDrawing {
  let source: Histogram
  let reconstructed: Histogram?

  private static let size = (width: 320.0, height: 120.0)
  private static let bottom = 100.0

  func write(to page: inout Markup, label: String) {
    let sourceTop = source.counts.max() ?? 0
    // Few levels make tall columns: past what the source needs they are cut off, and marked so.
    let top = max(1, Double(sourceTop) * (reconstructed == nil ? 1 : 1.25))
    page.element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "class": "histogram",
        "viewBox": "0 0 \(Self.size.width.coordinate) \(Self.size.height.coordinate)",
        "role": "img", "aria-label": label,
      ]
    ) { svg in
      svg.empty("path", ["class": "source", "d": outline(source, top) + "z"])
      if let reconstructed {
        svg.empty("path", ["class": "back", "d": outline(reconstructed, top)])
        let cut = reconstructed.counts.indices.filter { Double(reconstructed.counts[$0]) > top }
        let width = Self.size.width / Double(max(1, reconstructed.counts.count))
        let path = cut.map { "M\(((Double($0) + 0.5) * width).coordinate) 1l3 5h-6z" }.joined()
        if !path.isEmpty { svg.empty("path", ["class": "cut", "d": path]) }
      }
      svg.empty("path", ["class": "axis", "d": "M0 100H320"])
      writeAxis(to: &svg)
    }
    page.endLine()
  }

  private func writeAxis(to svg: inout Markup) {
    let range = source.range
    let below = source.below > 0 ? "\u{2190}\(Figures.count(Int(source.below))) " : ""
    let above = source.above > 0 ? " \(Figures.count(Int(source.above)))\u{2192}" : ""
    func text(_ text: String, _ x: Double, _ anchor: String) {
      svg.element("text", ["x": x.coordinate, "y": "114", "class": anchor], text)
    }
    text(below + Figures.weight(Double(range.lower)), 0, "start")
    text(Figures.weight(Double(range.upper)) + above, Self.size.width, "end")
    let span = Double(range.upper) - Double(range.lower)
    guard range.lower < 0, range.upper > 0, span > 0, span.isFinite else { return }
    let zero = -Double(range.lower) / span * Self.size.width
    if zero > 100, zero < Self.size.width - 100 { text("0", zero, "mid") }
  }

  /// The tops of the bins, from the axis to the axis.
  private func outline(_ histogram: Histogram, _ top: Double) -> String {
    let width = Self.size.width / Double(max(1, histogram.counts.count))
    var path = "M0 100"
    var last = Self.bottom
    var run = 0
    func end() -> String { run > 0 ? "H\((Double(run) * width).coordinate)" : "" }
    for (bin, count) in histogram.counts.enumerated() {
      let share = min(1, Double(count) / top)
      // What is there at all is seen.
      let height = count == 0 ? 0 : max(0.8, share * (Self.bottom - 8))
      let place = Self.bottom - height
      run = bin
      if place.coordinate != last.coordinate {
        path += end() + "V\(place.coordinate)"
        last = place
      }
    }
    run = histogram.counts.count
    return path + end() + "V100"
  }
}
