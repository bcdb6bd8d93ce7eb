import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// Names on the clipboard.
struct CopyingTests {
  @Test func theNameUnderTheCursor() throws {
    var player = Player(try SampleModel.llama().open())
    try player.press("y")
    #expect(player.copied == [player.here])
    #expect(player.message.hasPrefix("copied by OSC 52, if the terminal allows it: model"))
    try player.press("<F2>y")
    #expect(player.copied.count == 2)
  }

  @Test func theNamesOfWhatIsMarked() throws {
    var player = Player(try SampleModel.llama().open())
    try player.press("*y")
    let names = player.state.marks.sorted().map { player.state.model.tensors[$0].name }
    #expect(names.count == 3)
    #expect(player.copied == [names.joined(separator: "\n")])
    #expect(player.message == "copied by OSC 52, if the terminal allows it: 3 names")
  }

  @Test func theNamesOfAGroup() throws {
    var player = Player(try SampleModel.llama(blocks: 1).open())
    try player.press("gjy")
    #expect(player.copied.first?.split(separator: "\n").count ?? 0 > 1)
  }

  @Test func inAComparisonTheOneUnderTheCursor() throws {
    var player = Player(try SampleModel.llama().open(), answers: .madeUp)
    try player.press("<F4>y")
    #expect(player.copied.isEmpty && player.message == "there is no name to copy here")
    try player.press("<F1>4")
    let name = player.here
    try player.press("<F4>y")
    #expect(player.copied == [name])
  }

  @Test func whereThereIsNoClipboard() throws {
    var options = Options()
    options.clipboardObjection = "the Linux console has no clipboard"
    var player = Player(try SampleModel.llama().open(), options: options)
    try player.press("y")
    #expect(player.copied.isEmpty)
    #expect(player.message == "nothing was copied: the Linux console has no clipboard")
  }

  /// Exact where that is harmless: what a terminal would obey when it is pasted is escaped.
  @Test func hostileNamesAreEscaped() throws {
    var player = Player(try SampleModel.hostile().open())
    for tensor in player.state.model.tensors {
      player.state.marks = [tensor.id]
      try player.press("y")
      let copied = try #require(player.copied.last)
      #expect(
        copied.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
      let isPlain = tensor.name.unicodeScalars.allSatisfy {
        $0.properties.generalCategory != .control
      }
      #expect(copied == (isPlain ? tensor.name : tensor.name.sanitised))
    }
  }

  /// No more than terminals take: whole names, and it is said how many.
  @Test func tooManyAreCut() throws {
    var player = Player(try SampleModel.llama(blocks: 300).open())
    try player.press("m*<Enter>y")
    let copied = try #require(player.copied.first)
    let names = copied.split(separator: "\n").map(String.init)
    #expect(
      copied.utf8.count <= Clipboard.mostBytes && copied.utf8.count > Clipboard.mostBytes - 200)
    let all = Set(player.state.model.tensors.map(\.name))
    #expect(names.allSatisfy { all.contains($0) })
    #expect(
      player.message
        == "copied by OSC 52, if the terminal allows it: the first \(names.count) of "
        + "\(player.state.marks.count) names, as many as a terminal takes")
  }
}
