import Measurement
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// What is measured in the time that is left, and what is said of it.
struct ProgressTests {
  private func wishes(_ player: Player, from start: Int = 0) -> [(LadderWishes, [Int]?)] {
    player.effects.dropFirst(start).compactMap { effect in
      if case .measureLadders(let wishes, let changed) = effect { (wishes, changed) } else { nil }
    }
  }

  @Test func laddersOfWhatIsMarkedAndInSightComeFirst() throws {
    var player = Player(try SampleModel.llama().open())
    let start = try #require(wishes(player).first)
    #expect(start.1 == nil)
    #expect(!start.0.first.isEmpty)
    #expect(start.0.next.isEmpty)
    let id = try #require(player.state.tensor?.id)
    for case .format(let format) in player.state.ladder(of: id).rungs {
      #expect(start.0.works(id).contains(.measurement(tensor: id, format: format)))
    }
    let before = player.effects.count
    try player.press("*")
    let marked = try #require(wishes(player, from: before).last)
    let marks = player.state.marks.sorted()
    #expect(marks.count > 1)
    #expect(Array(marked.0.first.prefix(marks.count)) == marks)
    #expect(marked.1 == [])
  }

  /// Only ladders that have changed are looked at again.
  @Test func editsRenewTheirLadders() throws {
    var player = Player(try SampleModel.llama().open())
    let id = try #require(player.state.tensor?.id)
    var before = player.effects.count
    try player.press("4")
    #expect(wishes(player, from: before).map(\.1) == [[id]])
    before = player.effects.count
    let work = Work.statistics(tensor: id)
    player.take([.found(work, MadeUp.finding(work))])
    #expect(wishes(player, from: before).isEmpty)
  }

  @Test func paceAndTimeLeftAreSaidWhereThereIsRoom() throws {
    var player = Player(try SampleModel.llama().open(), size: Size(columns: 160, rows: 36))
    #expect(player.lines[1].contains("measuring 0/"))
    #expect(!player.lines[1].contains("left"))
    player.take([.pace(1_000)])
    #expect(player.lines[1].contains("1.00 K/s"))
    #expect(player.lines[1].contains(" left"))
    player.take([.pace(0)])
    #expect(!player.lines[1].contains("left"))
    for work in player.state.pending.values {
      player.take([.found(work, MadeUp.finding(work))])
    }
    #expect(!player.lines[1].contains("ladders"))
    player.take([.pace(3.1e8)])
    #expect(player.lines[1].contains("ladders 310 M/s"))
  }

  @Test func durations() {
    let expected = [
      (0.0, "1 s"), (12, "12 s"), (180, "3 min"), (9_000, "2.5 h"), (345_600, "4 days"),
      (.infinity, "for ever"),
    ]
    for (seconds, text) in expected { #expect(Figures.duration(seconds) == text) }
    #expect(Figures.pace(0) == "0/s")
    #expect(Figures.pace(3.1e8) == "310 M/s")
    #expect(Figures.pace(.infinity).hasSuffix("/s"))
  }
}
