import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// What was said, and how it is read again.
struct MessageLogTests {
  private func texts(_ player: Player) -> [String] {
    player.state.log.entries.map(\.notice.text)
  }

  @Test func everyMessageIsKept() throws {
    var player = Player(try SampleModel.llama().open())
    try player.press("*4u")
    player.take([.note("a note"), .logged("aside")])
    #expect(
      texts(player) == [
        "3 marked: a step now moves them all; Esc unmarks", "4 bits for 3 tensors   u undoes it",
        "undone: 4 bits for 3 tensors   Ctrl-R does it again", "a note", "aside",
      ])
    #expect(player.message == "a note")
    #expect(player.state.log.entries.map(\.number) == [1, 2, 3, 4, 5])
  }

  @Test func theSameInARowIsCounted() throws {
    var player = Player(try SampleModel.llama().open())
    try player.press("xxx")
    #expect(player.state.log.entries.map(\.count) == [3])
    try player.press("!")
    #expect(player.lines.contains { $0.contains("? shows the keys (3 times)") })
  }

  @Test func itIsBounded() {
    var log = MessageLog()
    for number in 0..<5_000 { log.add(.init(text: "\(number)"), at: nil) }
    #expect(log.entries.count == MessageLog.most)
    #expect(log.entries.last?.number == 5_000)
    #expect(log.entries.first?.notice.text == "4500")
  }

  /// What is said while a text to search is typed takes the place of what was said a letter before.
  @Test func typingLeavesOneEntry() throws {
    var player = Player(try SampleModel.llama().open())
    try player.press("/xyzzy<Enter>")
    #expect(texts(player) == ["no tensor's name holds 'xyzzy'"])
  }

  @Test func timesAreThoseOfTheEvents() throws {
    var player = Player(try SampleModel.llama().open())
    player.take([.time(ClockTime(hour: 9, minute: 5, second: 7)), .note("first")])
    player.take([.time(ClockTime(hour: 23, minute: 59, second: 0)), .note("second")])
    try player.press("!")
    let rows = player.lines.filter { $0.contains("  warning   ") }
    #expect(rows.count == 2)
    #expect(rows[0].contains("23:59:00  warning   second"))
    #expect(rows[1].contains("09:05:07  warning   first"))
  }

  @Test func notesOnTheModelAreInIt() throws {
    let player = Player(try SampleModel.llama().open())
    #expect(texts(player).isEmpty)
  }

  @Test(arguments: ["<Esc>", "q", "!", "<Enter>", "<C-c>"])
  func itIsScrolledAndLeft(end: String) throws {
    var player = Player(try SampleModel.llama().open())
    for number in 0..<60 { player.take([.note("note \(number)")]) }
    try player.press("!")
    #expect(player.lines.contains { $0.contains("note 59") })
    #expect(player.lines.contains { $0.contains("more below") })
    for (key, text) in [
      ("j", "note 58"), ("<PgDn>", "note 41"), ("G", "note 0"), ("k", "note 1"), ("g", "note 59"),
      ("<End>", "the end"), ("<Home>", "note 59"), ("<PgUp>", "note 59"),
    ] {
      try player.press(key)
      #expect(player.lines.contains { $0.contains(text) }, "\(key)")
    }
    try player.press("<Down*1000><Up*3>")
    #expect(player.lines.contains { $0.contains("note 4") })
    try player.press(end)
    #expect(!player.hasModal)
  }

  /// What failed and what only warns is told apart in words.
  @Test func kindsAreNamed() throws {
    var player = Player(try SampleModel.llama().open())
    try player.press("4S<C-u>/nowhere/at/all<Enter><Esc>G4!")
    let text = player.lines.joined(separator: "\n")
    #expect(text.contains("FAILURE   not saved") && text.contains("warning   "))
  }
}
