import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

struct SizeTests {
  /// The keys that open each thing that can lie over the panes, and states that draw otherwise.
  static let modes = [
    "", "4<Tab>", "?", "?G", "t", "t4", "c", "cjj<Right>", ":", ":un", "/q", "f*.q*", "m", "S",
    "4q",
    "k", "gfxyzzy<Enter>", "*v", "4y", "G4", "b", "b9",
    "b<Down*9><Tab*2><Space>", "b0bpw<Enter>", "<F3>", "b4bpw<Enter><F3><Tab>",
    "b4bpw<Enter><F4>", "<F5>", "4<F5>o", "3<F5><Tab>oo<Down*3>", "G<F5>", "<F4>", "4<lt>", "4>",
    "4H", "4Hii<Left>", "3HEL", "<F2>T",
    "d", "d4<Right>", "d4090<Enter>", "e", "4emlx<Enter>", "4ellama<Enter>n<Enter>",
  ]

  private static let sizes: [Size] =
    (0...60).flatMap { columns in (0...30).map { Size(columns: columns, rows: $0) } }
    + [61, 73, 74, 80, 109, 110, 149, 150, 200, 300].flatMap { columns in
      [1, 9, 10, 17, 18, 24, 31, 50, 100].map { Size(columns: columns, rows: $0) }
    }

  @Test(arguments: modes)
  func everySizeIsDrawn(keys: String) throws {
    for glyphs in [Glyphs.ascii, .unicode] {
      var options = Options()
      options.glyphs = glyphs
      var player = Player(
        try SampleModel.llama(blocks: 2).open(), options: options, answers: .madeUp)
      try player.press(keys)
      // In ASCII a sample will do: only the characters differ.
      for (index, size) in Self.sizes.enumerated() where !glyphs.isASCII || index % 11 == 0 {
        player.take([.input(.resize(size))])
        let canvas = player.state.draw()
        #expect(canvas.size == size)
        let lines = canvas.text
        #expect(lines.count == size.rows)
        #expect(lines.allSatisfy { $0.columns <= size.columns })
        if glyphs.isASCII {
          #expect(
            lines.allSatisfy { $0.utf8.allSatisfy { $0 < 0x7F } }, "\(keys) at \(size): \(lines)")
        }
        if let cursor = canvas.cursor {
          #expect(canvas.bounds.contains(cursor), "\(keys) at \(size): the cursor is at \(cursor)")
        }
      }
    }
  }

  /// A long text in a prompt or a list keeps its end, where the cursor is, in sight.
  @Test(arguments: ["/", "f", "m", "S<C-u>", "t", ":"])
  func longTextsStayOnTheScreen(keys: String) throws {
    for columns in [40, 60, 80, 150] {
      var player = Player(
        try SampleModel.single().open(), size: Size(columns: columns, rows: 20))
      try player.press(keys)
      player.type(String(repeating: "層x", count: 150) + "END")
      let canvas = player.state.draw()
      let cursor = try #require(canvas.cursor)
      #expect(canvas.bounds.contains(cursor))
      #expect(canvas.text[cursor.row].contains("END"), "\(keys) at \(columns)")
      try player.press("<Home>")
      let start = try #require(player.state.draw().cursor)
      #expect(start.column < cursor.column)
    }
  }

  @Test func resizingKeepsEverythingElse() throws {
    var player = Player(
      try SampleModel.llama(blocks: 12).open(), size: Size(columns: 120, rows: 36))
    try player.press("/9.mlp.up<Enter>fmlp<Enter>t4")
    let before = player.lines
    let here = player.here
    for size in [
      Size(columns: 0, rows: 0), Size(columns: 39, rows: 9), Size(columns: 300, rows: 100),
      Size(columns: 60, rows: 12),
    ] {
      player.take([.input(.resize(size))])
    }
    #expect(player.here == here)
    player.take([.input(.resize(Size(columns: 120, rows: 36)))])
    #expect(player.here == here)
    guard case .picker(let picker) = player.state.modal else {
      Issue.record("the list is gone")
      return
    }
    #expect(picker.input.string == "4")
    try player.press("<Esc>")
    #expect(player.lines.contains { $0.contains("mlp.up_proj") })
    #expect(before.count == 36)
  }

  @Test(arguments: [
    Size(columns: 39, rows: 24), Size(columns: 80, rows: 9), Size(columns: 1, rows: 1),
  ])
  func tooSmallScreensTakeNoKeysButQuitting(size: Size) throws {
    var player = Player(try SampleModel.single().open(), size: size)
    try player.press("4t<Enter>*c")
    #expect(player.changed.isEmpty)
    #expect(!player.hasModal)
    try player.press("q")
    #expect(player.hasQuit)
  }
}
