import Testing

@testable import Terminal

@Suite struct TextWidthTests {
  @Test(arguments: [
    ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("层", 2), ("层层1", 5), ("한글", 4), ("ﾊﾝ", 2),
    ("Ａ", 2), ("🙂", 2), ("👍🏽", 2), ("🇩🇪", 2), ("👨\u{200D}👩\u{200D}👧", 6), ("❤\u{FE0F}", 1),
    ("\u{200B}", 0), ("\u{202E}x", 1), ("\u{AD}", 0), ("\u{1B}", 1), ("a\tb", 3), ("\u{85}", 1),
    ("│─█▌…•▸", 7), ("각", 2), ("\u{1100}\u{1161}\u{11A8}", 2), ("ก\u{E33}", 2),
    ("n\u{303}\u{330}", 1),
    ("\u{10FFFF}", 1), ("\u{20000}", 2),
  ])
  func columns(text: String, expected: Int) {
    #expect(TextWidth.columns(of: text) == expected)
    #expect(text.reduce(0) { $0 + TextWidth.columns(of: $1) } == expected)
  }

  @Test(arguments: [TextWidthTable.marks, TextWidthTable.invisible, TextWidthTable.wide])
  func tablesAscend(table: [UInt32]) {
    #expect(table.count.isMultiple(of: 2) && !table.isEmpty)
    for index in table.indices.dropFirst() {
      // First and last of a range may be the same, the next range starts later.
      #expect(index % 2 == 1 ? table[index - 1] <= table[index] : table[index - 1] < table[index])
    }
  }

  /// The canvas uses what the function says, for every scalar there is.
  @Test func canvasAgrees() {
    var canvas = Canvas(size: Size(columns: 4, rows: 1))
    for value in UInt32(0)...0x3FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let used = canvas.write(String(scalar), at: Point(column: 0, row: 0))
      if used != TextWidth.columns(of: scalar) { Issue.record("U+\(String(value, radix: 16))") }
    }
  }

  @Test(arguments: [
    ("model.layers.12.self_attn.q_proj.weight", 40, "model.layers.12.self_attn.q_proj.weight"),
    ("model.layers.12.self_attn.q_proj.weight", 20, "model.lay…roj.weight"),
    ("abcdef", 5, "ab…ef"), ("abcdef", 2, "…f"), ("abcdef", 1, "…"), ("abcdef", 0, ""),
    ("abcdef", -3, ""), ("层层层", 5, "层…层"), ("层层层", 4, "…层"), ("层层层", 1, "…"),
  ])
  func middle(text: String, columns: Int, expected: String) {
    #expect(text.truncatedMiddle(to: columns) == expected)
    #expect(expected.columns <= max(0, columns))
  }

  @Test func ends() {
    #expect("abcdef".truncated(to: 4) == "abc…")
    #expect("abcdef".truncatedStart(to: 4) == "…def")
    #expect("abcdef".truncated(to: 6) == "abcdef")
    #expect("层b".truncated(to: 2, mark: "~") == "~")
    #expect("abcdef".truncated(to: 1, mark: "...") == "a")
  }

  @Test func padding() {
    #expect("ab".padded(to: 4) == "ab  ")
    #expect("ab".padded(to: 4, .right) == "  ab")
    #expect("ab".padded(to: 5, .center) == " ab  ")
    #expect("层".padded(to: 3) == "层 ")
    #expect("abc".padded(to: 2) == "abc")
    #expect("a".padded(to: .max).columns == Canvas.largest.columns)
    for width in 0...9 { #expect("层层ab".fitted(to: width).columns == width) }
  }

  @Test func glyphs() {
    for glyph in Glyphs.unicode.all { #expect(TextWidth.columns(of: glyph) == 1, "\(glyph)") }
    for glyph in Glyphs.ascii.all { #expect(glyph.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }) }
    #expect(Glyphs.unicode.all.count == Glyphs.ascii.all.count)
    #expect(Glyphs.choose(isUTF8: true, asciiOnly: false) == .unicode)
    #expect(Glyphs.choose(isUTF8: false, asciiOnly: false) == .ascii)
    #expect(Glyphs.choose(isUTF8: true, asciiOnly: true) == .ascii)
  }
}
