import ModelFiles

/// A heat map as SVG: colours, and the figures in the cells too.
struct HeatMapDrawing {
  let map: HeatMap
  let quantity: HeatQuantity

  private static let cell = (width: 46.0, height: 20.0)
  private static let labelWidth = 34.0

  /// The least and the greatest value, apart at least by as much as makes a difference.
  private var range: (low: Double, high: Double) {
    var values: [Double] = []
    for section in map.sections {
      for row in section.rows { values += row.cells.compactMap { $0.flatMap(quantity.value) } }
    }
    guard let low = values.min(), let high = values.max() else { return (0, 1) }
    let least = 0.5
    return high - low >= least ? (low, high) : (low, low + least)
  }

  func write(to page: inout Markup) {
    let range = range
    let columns = map.sections.map(\.columns.count).max() ?? 0
    let width = Self.labelWidth + Double(max(columns, 6)) * Self.cell.width + 2
    var height = 0.0
    var inner = Markup()
    for section in map.sections {
      height = write(section, range, from: height, to: &inner) + 14
    }
    writeLegend(range, top: height, width: width, to: &inner)
    height += 34
    page.element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "width": width.coordinate,
        "height": height.coordinate, "viewBox": "0 0 \(width.coordinate) \(height.coordinate)",
        "role": "img", "aria-label": "Heat map: \(quantity.title), blocks down, roles across",
      ]
    ) { $0.write(markup: inner.text) }
    page.endLine()
  }

  /// - Returns: where it ends.
  private func write(
    _ section: HeatMap.Section, _ range: (low: Double, high: Double), from top: Double,
    to page: inout Markup
  ) -> Double {
    page.element("text", ["x": "0", "y": (top + 12).coordinate, "class": "head"], section.title)
    let heads = section.columns.map { $0.rawValue.split(separator: "_").map(String.init) }
    let lines = heads.map(\.count).max() ?? 1
    for (column, head) in heads.enumerated() {
      let x = Self.labelWidth + (Double(column) + 0.5) * Self.cell.width
      for (line, word) in head.enumerated() {
        let y = top + 28 + Double(line + lines - head.count) * 12
        page.element(
          "text", ["x": x.coordinate, "y": y.coordinate, "class": "mid"], word)
      }
    }
    page.endLine()
    var y = top + 34 + Double(lines - 1) * 12
    for row in section.rows {
      if !row.label.isEmpty {
        page.element(
          "text",
          [
            "x": (Self.labelWidth - 5).coordinate, "y": (y + 14).coordinate, "class": "end",
            "textLength": row.label.count > 4 ? (Self.labelWidth - 6).coordinate : "",
            "lengthAdjust": row.label.count > 4 ? "spacingAndGlyphs" : "",
          ], row.label)
      }
      for (column, cell) in row.cells.enumerated() {
        guard let cell else { continue }
        write(
          cell, range, at: (Self.labelWidth + Double(column) * Self.cell.width, y),
          name: "\(row.label.isEmpty ? "" : "block \(row.label) ")\(section.columns[column])",
          to: &page)
      }
      page.endLine()
      y += Self.cell.height
    }
    return y
  }

  private func write(
    _ cell: HeatMap.Cell, _ range: (low: Double, high: Double), at place: (x: Double, y: Double),
    name: String, to page: inout Markup
  ) {
    let value = quantity.value(cell)
    let color = value.map { ColorScale.color(($0 - range.low) / (range.high - range.low)) }
    let (width, height) = (Self.cell.width - 2, Self.cell.height - 2)
    page.element("g") { group in
      group.element("title", "\(name): \(ReportGroups.formats(cell.choices))")
      group.empty(
        "rect",
        [
          "x": place.x.coordinate, "y": place.y.coordinate, "width": width.coordinate,
          "height": height.coordinate, "rx": "2", "fill": color?.fill ?? "none",
          "stroke": color == nil ? "currentColor" : "",
        ])
      let ink = color.map { $0.isLight ? " on-light" : " on-dark" } ?? ""
      group.element(
        "text",
        [
          "x": (place.x + width / 2).coordinate, "y": (place.y + 13).coordinate,
          "class": "in" + ink,
        ], quantity.text(cell))
    }
  }

  private func writeLegend(
    _ range: (low: Double, high: Double), top: Double, width: Double, to page: inout Markup
  ) {
    let steps = 24
    let length = min(276, width - Self.labelWidth)
    for step in 0..<steps {
      let share = (Double(step) + 0.5) / Double(steps)
      let x = Self.labelWidth + length * Double(step) / Double(steps)
      page.empty(
        "rect",
        [
          "x": x.coordinate, "y": top.coordinate,
          "width": (length / Double(steps) + 0.5).coordinate, "height": "9",
          "fill": ColorScale.color(share).fill,
        ])
    }
    let ends: [(Double, String)] = [(0, "start"), (0.5, "mid"), (1, "end")]
    for (share, anchor) in ends {
      page.element(
        "text",
        [
          "x": (Self.labelWidth + length * share).coordinate, "y": (top + 23).coordinate,
          "class": anchor,
        ], quantity.label(range.low + (range.high - range.low) * share))
    }
  }
}
