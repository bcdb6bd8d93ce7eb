extension Canvas {
  /// A picture of it as SVG, as a terminal would show it; in light colours where the reader's system is light.
  ///
  /// Every character stands in its cell whatever the font: blocks, lines and braille are drawn, so that they
  /// join, and text is fitted to its columns.
  /// - Parameter title: what it shows, for those who can't see it.
  public func svg(title: String) -> String {
    CanvasPicture(canvas: self, title: title).text
  }
}

/// The parts of the picture.
private struct CanvasPicture {
  let canvas: Canvas
  let title: String

  private static let margin = 8

  var text: String {
    var used: Set<Ink> = [.foreground, .background]
    var rects = ""
    var texts = ""
    for row in 0..<canvas.size.rows {
      var line = PictureRow(row: row)
      for (column, cell) in canvas.row(row).enumerated() where cell.span > 0 {
        line.add(cell, column: column)
      }
      line.end()
      rects += line.rects()
      texts += line.texts
      used.formUnion(line.used)
    }
    if let cursor = canvas.cursor, canvas.bounds.contains(cursor) {
      let (x, y) = (cursor.column * PictureRow.width, cursor.row * PictureRow.height)
      rects += "<path class=\"cf\" fill-opacity=\".5\" d=\"M\(x) \(y)h8v16h-8z\"/>\n"
    }
    let width = canvas.size.columns * PictureRow.width + 2 * Self.margin
    let height = canvas.size.rows * PictureRow.height + 2 * Self.margin
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
      viewBox="0 0 \(width) \(height)" role="img" font-size="13.3" \
      font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace">
      <title>\(xmlText(title))</title>
      <style>\(style(used))</style>
      <rect class="cb" width="\(width)" height="\(height)" rx="6"/>
      <g transform="translate(\(Self.margin) \(Self.margin))">
      <g shape-rendering="crispEdges">
      \(rects)</g>
      \(texts)</g>
      </svg>

      """
  }

  private func style(_ used: Set<Ink>) -> String {
    let inks = used.sorted { $0.name < $1.name }
    func rules(_ values: ColorValues) -> String {
      inks.map { ".\($0.name){fill:\($0.value(values))}" }.joined()
    }
    return ".b{font-weight:700}.i{font-style:italic}.d{fill-opacity:.62}.m{text-anchor:middle}"
      + rules(.dark) + "@media (prefers-color-scheme:light){\(rules(.light))}"
  }
}

/// Text between tags: without what XML can't hold.
private func xmlText(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x26: result += "&amp;"
    case 0x3C: result += "&lt;"
    case 0x3E: result += "&gt;"
    case 0..<0x20, 0xFFFE, 0xFFFF: result += "?"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// A colour of the picture.
private enum Ink: Hashable {
  case foreground, background
  case indexed(UInt8)

  init(_ color: Color, standard: Ink) {
    switch color {
    case .standard: self = standard
    case .indexed(let index): self = .indexed(index)
    }
  }

  /// Its class.
  var name: String {
    switch self {
    case .foreground: "cf"
    case .background: "cb"
    case .indexed(let index): "c\(index)"
    }
  }

  func value(_ values: ColorValues) -> String {
    switch self {
    case .foreground: values.foreground
    case .background: values.background
    case .indexed(let index): values.value(index)
    }
  }
}

/// A row of cells: what is behind, what is drawn, and what is written.
private struct PictureRow {
  static let width = 8
  static let height = 16

  let row: Int
  private(set) var used: Set<Ink> = []
  private(set) var texts = ""
  private var areas: [Area] = []
  private var run: Run?

  init(row: Int) { self.row = row }

  /// A part of the row in one ink.
  private struct Area: Equatable {
    var left: Int
    var right: Int
    let top: Int
    let bottom: Int
    let ink: Ink
    let isDim: Bool
    let share: Int
  }

  /// Letters that stand side by side in one style.
  private struct Run {
    let column: Int
    var text: String
    var columns: Int
    var blanks = 0
    let look: String
  }

  mutating func add(_ cell: Cell, column: Int) {
    let style = cell.style
    var front = Ink(style.foreground, standard: .foreground)
    var back = Ink(style.background, standard: .background)
    if style.attributes.contains(.reverse) { swap(&front, &back) }
    let isDim = style.attributes.contains(.dim)
    if back != .background {
      fill(CellShape.Part(0, 0, 8, 16), column, columns: cell.width, back)
    }
    if style.attributes.contains(.underline) {
      fill(CellShape.Part(0, 15, 8, 16), column, columns: cell.width, front, isDim: isDim)
    }
    if cell.isBlank {
      blank(column)
      return
    }
    if let shape = CellShape(cell) {
      end()
      for part in shape.parts {
        fill(part, column, columns: 1, front, isDim: isDim, share: shape.share)
      }
      return
    }
    used.insert(front)
    let attributes = style.attributes
    let look =
      front.name + (attributes.contains(.bold) ? " b" : "")
      + (attributes.contains(.italic) ? " i" : "") + (isDim ? " d" : "")
    write(cell, column, look)
  }

  // MARK: - Areas

  private mutating func fill(
    _ part: CellShape.Part, _ column: Int, columns: Int, _ ink: Ink, isDim: Bool = false,
    share: Int = 4
  ) {
    used.insert(ink)
    let start = column * Self.width
    let right = part.right == Self.width ? Self.width * columns : part.right
    let area = Area(
      left: start + part.left, right: start + right, top: part.top, bottom: part.bottom, ink: ink,
      isDim: isDim, share: share)
    // Equal parts that touch are one, so that nothing shows between them.
    if let place = areas.lastIndex(where: { other in
      var wider = other
      wider.left = area.left
      wider.right = area.right
      return other.right == area.left && wider == area
    }) {
      areas[place].right = area.right
    } else {
      areas.append(area)
    }
  }

  /// The areas as paths: neighbours in one ink share a path.
  func rects() -> String {
    var result = ""
    var index = 0
    while index < areas.count {
      let first = areas[index]
      var path = ""
      while index < areas.count, areas[index].ink == first.ink,
        areas[index].isDim == first.isDim, areas[index].share == first.share
      {
        let area = areas[index]
        let top = row * Self.height + area.top
        let (width, height) = (area.right - area.left, area.bottom - area.top)
        path += "M\(area.left) \(top)h\(width)v\(height)h-\(width)z"
        index += 1
      }
      let shade = first.share < 4 ? " fill-opacity=\".\(first.share * 25)\"" : ""
      result +=
        "<path class=\"\(first.ink.name)\(first.isDim ? " d" : "")\"\(shade) d=\"\(path)\"/>\n"
    }
    return result
  }

  // MARK: - Text

  private mutating func blank(_ column: Int) {
    guard run != nil else { return }
    run?.blanks += 1
    if (run?.blanks ?? 0) > 1 { end() }
  }

  private mutating func write(_ cell: Cell, _ column: Int, _ look: String) {
    // Letters beyond ASCII may come from another font: each stands by itself in the middle of its cell.
    guard cell.base < 0x7F, cell.firstMark == 0 else {
      end()
      let x = column * Self.width * 2 + cell.width * Self.width
      texts +=
        "<text x=\"\(x / 2)\" y=\"\(baseline)\" class=\"m \(look)\">\(xmlText(cell.text))</text>\n"
      return
    }
    if var current = run, current.look == look {
      current.text += String(repeating: " ", count: current.blanks) + cell.text
      current.columns += current.blanks + 1
      current.blanks = 0
      run = current
    } else {
      end()
      run = Run(column: column, text: cell.text, columns: 1, look: look)
    }
  }

  private var baseline: Int { row * Self.height + 12 }

  /// Writes what was gathered.
  mutating func end() {
    guard let run else { return }
    self.run = nil
    texts +=
      "<text x=\"\(run.column * Self.width)\" y=\"\(baseline)\" "
      + "textLength=\"\(run.columns * Self.width)\" lengthAdjust=\"spacingAndGlyphs\" "
      + "class=\"\(run.look)\">\(xmlText(run.text))</text>\n"
  }
}
