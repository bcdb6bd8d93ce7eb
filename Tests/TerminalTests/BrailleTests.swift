import Testing

@testable import Terminal

struct BrailleTests {
  private func text(
    _ size: Size, _ lines: [(Point, Point)], _ glyphs: Glyphs = .unicode
  ) -> [String] {
    var dots = BrailleCanvas(size: size)
    for (start, end) in lines { dots.line(from: start, to: end) }
    var canvas = Canvas(size: size)
    dots.draw(on: &canvas, at: Point(column: 0, row: 0), glyphs: glyphs, style: .standard)
    return canvas.text
  }

  private func p(_ column: Int, _ row: Int) -> Point { Point(column: column, row: row) }

  @Test(arguments: [
    ((0, 0), "⠁"), ((0, 1), "⠂"), ((0, 2), "⠄"), ((0, 3), "⡀"), ((1, 0), "⠈"), ((1, 1), "⠐"),
    ((1, 2), "⠠"), ((1, 3), "⢀"),
  ])
  func everyDotHasItsBit(dot: (Int, Int), expected: String) {
    #expect(text(Size(columns: 1, rows: 1), [(p(dot.0, dot.1), p(dot.0, dot.1))]) == [expected])
    #expect(expected.columns == 1)
  }

  @Test func linesAreDrawn() {
    let size = Size(columns: 3, rows: 2)
    #expect(text(size, [(p(0, 0), p(5, 0))]) == ["⠉⠉⠉", ""])
    #expect(text(size, [(p(0, 0), p(0, 7))]) == ["⡇", "⡇"])
    #expect(text(Size(columns: 2, rows: 1), [(p(0, 0), p(3, 3))]) == ["⠑⢄"])
    // Both ways the same.
    #expect(
      text(size, [(p(0, 0), p(5, 7))]) == text(size, [(p(5, 7), p(0, 0))]))
  }

  @Test func asciiHasStrokes() {
    let size = Size(columns: 4, rows: 1)
    #expect(text(size, [(p(0, 0), p(7, 0))], .ascii) == ["\"\"\"\""])
    #expect(text(size, [(p(0, 3), p(7, 3))], .ascii) == ["____"])
    #expect(text(Size(columns: 1, rows: 1), [(p(0, 0), p(0, 3))], .ascii) == ["|"])
    #expect(text(Size(columns: 1, rows: 1), [(p(0, 0), p(1, 3))], .ascii) == ["\\"])
    #expect(text(Size(columns: 1, rows: 1), [(p(0, 3), p(1, 0))], .ascii) == ["/"])
  }

  /// What lies outside is left out, at any distance, and takes no time.
  @Test func nothingOutsideMatters() {
    let size = Size(columns: 3, rows: 2)
    #expect(text(size, [(p(-5, 2), p(-1, 2)), (p(9, 9), p(.max, .max))]) == ["", ""])
    #expect(text(size, [(p(.min, 0), p(.max, 0))]) == ["⠉⠉⠉", ""])
    #expect(text(size, [(p(2, .min), p(2, .max))]) == [" ⡇", " ⡇"])
    #expect(text(Size(columns: 0, rows: 0), [(p(0, 0), p(3, 3))]) == [])
  }
}
