import Testing

@testable import Terminal

@Suite struct KeyScriptTests {
  @Test func keys() throws {
    let events = try KeyScript.parse("j J <Space>4 <C-r><Enter> /q<lt>> <S-Tab><F12><pgup><Down*3>")
    let expected: [Key] = [
      .character("j"), .character("J"), .character(" "), .character("4"), .control("r"), .enter,
      .character("/"), .character("q"), .character("<"), .character(">"), .backTab, .function(12),
      .pageUp, .down, .down, .down,
    ]
    #expect(events == expected.map(Event.key))
  }

  @Test func others() throws {
    let events = try KeyScript.parse("<Click 10,5><WheelUp 0,0> <Resize 80x24><Paste a b><C-i>é层")
    #expect(
      events == [
        .mouse(MouseEvent(.press(.left), at: Point(column: 10, row: 5))),
        .mouse(MouseEvent(.wheelUp, at: Point(column: 0, row: 0))),
        .resize(Size(columns: 80, rows: 24)), .paste("a b"), .key(.tab), .key(.character("é")),
        .key(.character("层")),
      ])
    #expect(try KeyScript.parse(" \n ").isEmpty)
  }

  @Test(arguments: [
    ("a<Up", KeyScriptError.unclosed(offset: 1)), ("<", .unclosed(offset: 0)),
    ("ab<Foo>", .unknown(name: "Foo", offset: 2)), ("<>", .unknown(name: "", offset: 0)),
    ("<F13>", .unknown(name: "F13", offset: 0)), ("<F0>", .unknown(name: "F0", offset: 0)),
    ("<C-1>", .unknown(name: "C-1", offset: 0)),
    ("<Click 1>", .unknown(name: "Click 1", offset: 0)),
    ("<Click -1,2>", .unknown(name: "Click -1,2", offset: 0)),
    ("<Resize 80,24>", .unknown(name: "Resize 80,24", offset: 0)),
    ("<Up*0>", .unknown(name: "Up*0", offset: 0)), ("<Up*x>", .unknown(name: "Up*x", offset: 0)),
    ("<Up*1000000>j", .tooLong(offset: 12)), ("<Up*1000000> <Up>", .tooLong(offset: 13)),
    ("x\u{1B}", .control(offset: 1)),
  ])
  func errors(script: String, expected: KeyScriptError) {
    #expect(throws: expected) { try KeyScript.parse(script) }
    #expect(expected.description.hasPrefix("keys: character "))
  }
}

@Suite struct KeyDecoderTests {
  func decode(_ text: String) -> [Event] {
    var decoder = KeyDecoder()
    return decoder.decode(Array(text.utf8)) + decoder.flush()
  }

  @Test(arguments: [
    ("\u{1B}[A", Key.up), ("\u{1B}OA", .up), ("\u{1B}[B", .down), ("\u{1B}OB", .down),
    ("\u{1B}[C", .right), ("\u{1B}OC", .right), ("\u{1B}[D", .left), ("\u{1B}OD", .left),
    ("\u{1B}[H", .home), ("\u{1B}OH", .home), ("\u{1B}[1~", .home), ("\u{1B}[7~", .home),
    ("\u{1B}[F", .end), ("\u{1B}OF", .end), ("\u{1B}[4~", .end), ("\u{1B}[8~", .end),
    ("\u{1B}[5~", .pageUp), ("\u{1B}[6~", .pageDown), ("\u{1B}[2~", .insert),
    ("\u{1B}[3~", .delete),
    ("\u{1B}[Z", .backTab), ("\u{1B}[1;2A", .shiftUp), ("\u{1B}[1;2B", .shiftDown),
    ("\u{1B}[1;2C", .shiftRight), ("\u{1B}[1;2D", .shiftLeft), ("\u{1B}[a", .shiftUp),
    ("\u{1B}[1;5C", .right), ("\u{1B}OP", .function(1)), ("\u{1B}[[A", .function(1)),
    ("\u{1B}[11~", .function(1)), ("\u{1B}[15~", .function(5)), ("\u{1B}[17~", .function(6)),
    ("\u{1B}[21~", .function(10)), ("\u{1B}[24~", .function(12)), ("\u{1B}[15;2~", .function(5)),
    ("\r", .enter), ("\n", .enter), ("\u{1B}OM", .enter), ("\t", .tab), ("\u{7F}", .backspace),
    ("\u{8}", .backspace), ("\u{3}", .control("c")), ("\u{12}", .control("r")),
    ("\0", .control(" ")),
    ("\u{1F}", .control("_")), ("\u{1B}", .escape), ("q", .character("q")), (" ", .character(" ")),
    ("é", .character("é")), ("层", .character("层")), ("🙂", .character("🙂")),
    ("\u{1B}[27u", .escape), ("\u{1B}[114;5u", .control("r")), ("\u{1B}[9;2u", .backTab),
  ])
  func key(bytes: String, expected: Key) { #expect(decode(bytes) == [.key(expected)]) }

  @Test(arguments: [
    "\u{1B}[I", "\u{1B}[?62;c", "\u{1B}[200;5;7;x", "\u{1B}[>1;2c", "\u{1B}[999~", "\u{1B}[<1M",
  ])
  func unknownSequencesMeanNothing(bytes: String) {
    let events = decode(bytes + "j")
    #expect(events.last == .key(.character("j")))
    #expect(events.count <= 2 && !events.contains(.key(.escape)))
  }

  @Test func severalAtOnce() {
    #expect(
      decode("\u{1B}j\u{1B}\u{1B}[A") == [
        .key(.escape), .key(.character("j")), .key(.escape), .key(.up),
      ])
    #expect(decode("\u{1B}[") == [.key(.escape), .key(.character("["))])
    #expect(
      decode(String(repeating: "\u{1B}OB", count: 500)) == Array(repeating: .key(.down), count: 500)
    )
  }

  /// However the bytes are cut, the events are the same.
  @Test func anyCut() {
    let text =
      "a\u{1B}[1;2Aé层🙂\u{1B}OP\u{1B}[<0;300;7M\u{1B}[200~x\u{1B}[2\u{1B}[20é1~\u{7}y\u{1B}[201~z\u{1B}[[C\r"
    let bytes = Array(text.utf8)
    let whole = decode(text)
    #expect(whole.contains(.paste("x[2[20é1~y")))
    #expect(whole.contains(.mouse(MouseEvent(.press(.left), at: Point(column: 299, row: 6)))))
    for size in 1...bytes.count {
      var decoder = KeyDecoder()
      var events: [Event] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        events += decoder.decode(bytes[start..<min(start + size, bytes.count)])
      }
      #expect(events == whole && !decoder.isWaiting, "\(size)")
    }
  }

  /// Nothing traps, whatever comes, and nothing waits for ever.
  @Test func noise() {
    var numbers = Numbers(state: 3)
    let likely: [UInt8] =
      Array("\u{1B}[O;<M~0129\u{1B}\u{1B}".utf8) + [0xFF, 0xC3, 0xE5, 0xF0, 0x80]
    for _ in 0..<3000 {
      var decoder = KeyDecoder()
      let bytes = (0..<40).map { _ in likely.randomElement(using: &numbers) ?? 0 }
      _ = decoder.decode(bytes)
      _ = decoder.flush()
      #expect(!decoder.isWaiting)
      for case .key(.character(let character)) in decoder.decode(Array("x".utf8)) {
        #expect(character == "x")
      }
    }
  }

  @Test func mouse() {
    let at = Point(column: 9, row: 4)
    #expect(
      decode("\u{1B}[<64;10;5M\u{1B}[<65;10;5M\u{1B}[<0;10;5m\u{1B}[<2;10;5M\u{1B}[<16;10;5M") == [
        .mouse(MouseEvent(.wheelUp, at: at)), .mouse(MouseEvent(.wheelDown, at: at)),
        .mouse(MouseEvent(.release(.left), at: at)), .mouse(MouseEvent(.press(.right), at: at)),
        .mouse(MouseEvent(.press(.left), at: at)),
      ])
    #expect(decode("\u{1B}[<35;10;5M\u{1B}[<0;99999999999999999999;5M").count == 1)
  }

  @Test func terminalsOwnKeys() {
    var decoder = KeyDecoder()
    decoder.terminalKeys = [Array("\u{1B}\u{1}".utf8): .up, Array("\u{1B}[A".utf8): .end]
    #expect(decoder.decode(Array("\u{1B}\u{1}\u{1B}[A".utf8)) == [.key(.up), .key(.end)])
  }

  @Test func unendedPaste() {
    var decoder = KeyDecoder()
    #expect(decoder.decode(Array("\u{1B}[200~abc\u{1B}[2".utf8)).isEmpty)
    #expect(decoder.isPasting)
    #expect(decoder.flush() == [.paste("abc[2")])
    #expect(!decoder.isPasting && decoder.decode(Array("q".utf8)) == [.key(.character("q"))])
  }
}
