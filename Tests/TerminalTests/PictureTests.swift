import Foundation
import Testing

@testable import Terminal

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Canvases as SVG.
struct PictureTests {
  private func picture(_ size: Size, _ draw: (inout Canvas) -> Void) -> String {
    var canvas = Canvas(size: size)
    draw(&canvas)
    return canvas.svg(title: "a <title> & more\u{1B}")
  }

  private func isWellFormed(_ svg: String) -> Bool { XMLParser(data: Data(svg.utf8)).parse() }

  @Test func textIsFittedToItsColumns() {
    let svg = picture(Size(columns: 12, rows: 3)) {
      $0.write("a b  c<d", at: Point(column: 1, row: 2), style: .bold)
    }
    #expect(isWellFormed(svg))
    #expect(svg.contains("<title>a &lt;title&gt; &amp; more?</title>"))
    #expect(svg.contains("viewBox=\"0 0 112 64\""))
    #expect(svg.contains("<text x=\"8\" y=\"44\" textLength=\"24\""))
    #expect(svg.contains("class=\"cf b\">a b</text>"))
    #expect(svg.contains("<text x=\"48\" y=\"44\" textLength=\"24\""))
    #expect(svg.contains(">c&lt;d</text>"))
  }

  @Test func blocksAndLinesJoin() {
    let svg = picture(Size(columns: 8, rows: 2)) {
      $0.write("██▌─┐", at: Point(column: 0, row: 0))
    }
    // One area for two cells and a half, one for the line and its part of the corner.
    #expect(svg.contains("M0 0h20v16h-20zM24 8h13v1h-13zM36 8h1v8h-1z"))
    #expect(!svg.contains("<text"))
  }

  @Test func everyShapeLiesInItsCell() {
    for value in [0x2500, 0x2502, 0x253C, 0x254C] + Array(0x2580...0x259F) + [0x2801, 0x28FF] {
      guard let shape = CellShape(Cell(base: UInt32(value), span: 1, style: .standard)) else {
        Issue.record("\(value)")
        continue
      }
      #expect(!shape.parts.isEmpty)
      for part in shape.parts {
        #expect(part.left >= 0 && part.left < part.right && part.right <= 8)
        #expect(part.top >= 0 && part.top < part.bottom && part.bottom <= 16)
      }
    }
    #expect(CellShape(Cell(base: 0x41, span: 1, style: .standard)) == nil)
    #expect(CellShape(Cell(base: 0x28FF, span: 1, style: .standard))?.parts.count == 8)
  }

  @Test func coloursAreThoseOfBothThemes() {
    let svg = picture(Size(columns: 6, rows: 1)) {
      $0.write("ab", at: Point(column: 0, row: 0), style: Style(foreground: .green))
      $0.write("c", at: Point(column: 2, row: 0), style: .reverse)
      $0.write("d", at: Point(column: 3, row: 0), style: Style(background: .indexed(196)))
    }
    #expect(isWellFormed(svg))
    #expect(svg.contains(".c2{fill:#7fc062}") && svg.contains(".c2{fill:#1f7a33}"))
    #expect(svg.contains(".c196{fill:#ff0000}"))
    #expect(svg.contains("<path class=\"cf\" d=\"M16 0h8v16h-8z\"/>"))
    #expect(svg.contains("class=\"cb\">c</text>"))
    #expect(svg.contains("prefers-color-scheme:light"))
  }

  @Test func wideAndForeignLettersStandInTheMiddle() {
    let svg = picture(Size(columns: 8, rows: 1)) {
      $0.write("≈世x", at: Point(column: 0, row: 0))
      $0.cursor = Point(column: 5, row: 0)
    }
    #expect(isWellFormed(svg))
    #expect(svg.contains("<text x=\"4\" y=\"12\" class=\"m cf\">≈</text>"))
    #expect(svg.contains("<text x=\"16\" y=\"12\" class=\"m cf\">世</text>"))
    #expect(svg.contains("<text x=\"24\" y=\"12\" textLength=\"8\""))
    #expect(svg.contains("fill-opacity=\".5\" d=\"M40 0h8v16h-8z\""))
  }
}
