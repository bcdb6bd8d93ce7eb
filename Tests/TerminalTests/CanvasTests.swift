import Testing

@testable import Terminal

/// The same numbers in every run.
struct Numbers: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}

@Suite struct CanvasTests {
  @Test func writes() {
    var canvas = Canvas(size: Size(columns: 8, rows: 3))
    #expect(canvas.write("ab", at: Point(column: 1, row: 0), style: .bold) == 2)
    #expect(canvas.write("层x", at: Point(column: 5, row: 1), style: .reverse) == 3)
    #expect(canvas.write("long line", at: Point(column: 0, row: 2), within: 4) == 4)
    #expect(canvas.text == [" ab", "     层x", "long"])
    #expect(canvas.styles == [".aa", ".....bbb", ""])
    #expect(canvas.legend == ["a = bold", "b = reverse"])
    #expect(canvas[row: 1, column: 5].width == 2)
    #expect(canvas[row: 1, column: 6].text.isEmpty)
    #expect(canvas[row: 9, column: -1] == .blank())
  }

  @Test func wideCharactersAreNeverCut() {
    var canvas = Canvas(size: Size(columns: 5, rows: 1))
    canvas.write("层层层", at: Point(column: 0, row: 0))
    #expect(canvas.text == ["层层"])
    canvas.write("层", at: Point(column: -1, row: 0), style: .bold)
    #expect(canvas.text == ["  层"])
    #expect(canvas.styles == ["a"])
    canvas.write("x", at: Point(column: 3, row: 0))
    #expect(canvas.text == ["   x"])
    canvas.write("层层", at: Point(column: 0, row: 0))
    canvas.write("y", at: Point(column: 2, row: 0))
    #expect(canvas.text == ["层y"])
    canvas.write("层层", at: Point(column: 0, row: 0))
    canvas.fill(Rect(column: 1, row: 0, columns: 2, rows: 1), with: "#")
    #expect(canvas.text == [" ##"])
    canvas.write("abcde", at: Point(column: 0, row: 0))
    canvas.write("层", at: Point(column: 1, row: 0))
    #expect(canvas.text == ["a层de"])
    #expect(canvas.write("层", at: Point(column: 0, row: 0), within: 1) == 0)
    #expect(canvas.text == ["a层de"])
  }

  @Test func controlCharactersAreNeverStored() {
    var canvas = Canvas(size: Size(columns: 30, rows: 1))
    canvas.write("a\u{1B}[31m\u{7F}\u{9B}\t\r\n\u{202E}\u{200B}z", at: Point(column: 0, row: 0))
    #expect(canvas.text == ["a?[31m?????z"])
    canvas.fill(canvas.bounds, with: "\u{1B}")
    #expect(canvas.text == [""])
  }

  @Test func marks() {
    var canvas = Canvas(size: Size(columns: 6, rows: 1))
    canvas.write("\u{301}e\u{301}\u{330}\u{331}x", at: Point(column: 0, row: 0))
    #expect(canvas.text == ["e\u{301}\u{330}x"])
    canvas.write("🇩🇪👍🏽", at: Point(column: 0, row: 0))
    #expect(canvas.text == ["DE👍"])
    #expect(canvas.inASCII.text == ["DE?"])
  }

  @Test func clipping() {
    var canvas = Canvas(size: Size(columns: 6, rows: 3))
    canvas.withClip(Rect(column: 1, row: 1, columns: 3, rows: 1)) { canvas in
      for row in 0..<3 { canvas.write("abcdef", at: Point(column: 0, row: row)) }
      canvas.withClip(Rect(column: 0, row: 0, columns: 2, rows: 9)) {
        $0.fill(Rect(column: -9, row: -9, columns: 99, rows: 99), with: "#")
      }
    }
    #expect(canvas.text == ["", " #cd", ""])
    #expect(canvas.clip == canvas.bounds)
  }

  @Test func boxes() {
    var canvas = Canvas(size: Size(columns: 12, rows: 4))
    let inside = canvas.box(canvas.bounds, glyphs: .unicode, title: "layers")
    #expect(inside == Rect(column: 1, row: 1, columns: 10, rows: 2))
    #expect(canvas.text == ["┌─ layers ─┐", "│          │", "│          │", "└──────────┘"])
    canvas.box(Rect(column: 0, row: 0, columns: 9, rows: 3), glyphs: .ascii, title: "layers")
    #expect(canvas.text.first == "+- la~ -+ ─┐")
  }

  @Test func bars() {
    var canvas = Canvas(size: Size(columns: 4, rows: 3))
    canvas.bar(0.5, in: Rect(column: 0, row: 0, columns: 3, rows: 1), glyphs: .unicode)
    canvas.bar(2, in: Rect(column: 0, row: 1, columns: 3, rows: 1), glyphs: .ascii)
    canvas.bar(.nan, in: Rect(column: 0, row: 2, columns: 3, rows: 1), glyphs: .unicode)
    canvas.column(0.5, in: Rect(column: 3, row: 0, columns: 1, rows: 3), glyphs: .unicode)
    #expect(canvas.text == ["█▌", "###▄", "   █"])
  }

  @Test func drawsAnother() {
    var small = Canvas(size: Size(columns: 4, rows: 1))
    small.write("层层", at: Point(column: 0, row: 0))
    var canvas = Canvas(size: Size(columns: 6, rows: 1))
    canvas.write("......", at: Point(column: 0, row: 0))
    canvas.draw(small, at: Point(column: -1, row: 0))
    #expect(canvas.text == [" 层..."])
    canvas.draw(small, at: Point(column: 3, row: 0))
    #expect(canvas.text == [" 层层"])
  }

  /// Nothing traps, at any size, whatever is drawn where; and what is stored is always whole.
  @Test func everySize() {
    var numbers = Numbers(state: 7)
    let texts = [
      "", "plain", "层层", "e\u{301}", "\u{1B}]0;x\u{7}", "🙂🇩🇪", String(repeating: "w", count: 90),
    ]
    let extremes = [Int.min, -1, 0, 1, Int.max]
    for columns in 0...60 {
      for rows in 0...30 {
        var canvas = Canvas(size: Size(columns: columns, rows: rows))
        func coordinate() -> Int {
          Int.random(in: 0..<20, using: &numbers) == 0
            ? extremes.randomElement(using: &numbers) ?? 0
            : Int.random(in: -4...64, using: &numbers)
        }
        for _ in 0..<6 {
          let point = Point(column: coordinate(), row: coordinate())
          let rect = Rect(
            column: coordinate(), row: coordinate(), columns: coordinate(), rows: coordinate())
          let text = texts.randomElement(using: &numbers) ?? ""
          canvas.withClip(rect) { $0.write(text, at: point, within: coordinate()) }
          canvas.write(text, at: point, style: .bold)
          canvas.box(rect, glyphs: .unicode, title: text)
          canvas.fill(rect.inset(by: 1), with: text, style: .dim)
          canvas.bar(0.3, in: rect, glyphs: .unicode)
          canvas.column(0.7, in: rect, glyphs: .unicode)
          canvas.draw(canvas, at: point)
        }
        for row in 0..<rows {
          #expect(canvas.row(row).reduce(0) { $0 + $1.width } == columns)
        }
        #expect(canvas.text.count == rows && canvas.styles.count == rows)
        #expect(canvas.text.allSatisfy { $0.columns <= columns })
      }
    }
    #expect(Canvas(size: Size(columns: .max, rows: .max)).size == Canvas.largest)
    #expect(Canvas(size: Size(columns: -5, rows: .min)).text.isEmpty)
  }
}
