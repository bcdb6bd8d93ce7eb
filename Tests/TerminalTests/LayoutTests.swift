import Testing

@testable import Terminal

@Suite struct LayoutTests {
  /// Boxes drawn where the parts are, as the picture of a layout.
  func picture(_ size: Size, _ parts: [Rect]) -> [String] {
    var canvas = Canvas(size: size)
    for (index, part) in parts.enumerated() { canvas.fill(part, with: "\(index)") }
    return canvas.text
  }

  @Test func columns() {
    let size = Size(columns: 12, rows: 1)
    let parts = Rect(size).splitColumns(.fixed(3), .weight(2), .weight(1), spacing: 1)
    #expect(picture(size, parts) == ["000 1111 222"])
  }

  @Test func rows() {
    let size = Size(columns: 2, rows: 6)
    let parts = Rect(size).splitRows(.fixed(1), .weight(1), .fixed(1))
    #expect(picture(size, parts) == ["00", "11", "11", "11", "11", "22"])
  }

  @Test func tooNarrow() {
    let size = Size(columns: 5, rows: 1)
    #expect(picture(size, Rect(size).splitColumns(.fixed(4), .fixed(4), .weight(1))) == ["00001"])
    #expect(Rect(size).splitColumns(.fixed(4), .fixed(4), .weight(1)).map(\.columns) == [4, 1, 0])
  }

  @Test func neverSticksOut() {
    let shares: [[Share]] = [
      [], [.fixed(.max)], [.fixed(-1), .weight(0)], [.weight(.max), .weight(.max), .fixed(3)],
      Array(repeating: .weight(3), count: 40), [.weight(-4), .weight(-4)],
    ]
    for columns in 0...50 {
      for spacing in [Int.min, 0, 1, 3, 200, .max] {
        for share in shares {
          let all = Rect(column: 7, row: 3, columns: columns, rows: 4)
          let parts = all.splitColumns(share, spacing: spacing)
          #expect(parts.count == share.count)
          for part in parts { #expect(part.intersection(all) == part && part.columns >= 0) }
          for (left, right) in zip(parts, parts.dropFirst()) {
            #expect(left.endColumn <= right.column)
          }
          if spacing == 0, share.contains(.weight(3)) {
            #expect(parts.reduce(0) { $0 + $1.columns } == columns)
          }
        }
      }
    }
  }

  @Test func rectangles() {
    let rect = Rect(column: 2, row: 1, columns: 10, rows: 4)
    #expect(rect.inset(by: 1) == Rect(column: 3, row: 2, columns: 8, rows: 2))
    #expect(rect.inset(by: 9).isEmpty)
    #expect(rect.inset(left: .max, top: .max, right: .max, bottom: .max).isEmpty)
    #expect(
      rect.centered(Size(columns: 4, rows: 2)) == Rect(column: 5, row: 2, columns: 4, rows: 2))
    #expect(rect.centered(Size(columns: 99, rows: 99)) == rect)
    #expect(rect.contains(Point(column: 11, row: 4)) && !rect.contains(Point(column: 12, row: 4)))
    #expect(rect.line(3).row == 4 && rect.line(4).isEmpty && rect.line(-1).isEmpty)
    #expect(rect.intersection(Rect(column: 50, row: 0, columns: 1, rows: 1)).isEmpty)
  }
}
