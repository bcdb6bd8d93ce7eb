import Measurement
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// What comes of measuring, and what is asked for.
struct FindingsTests {
  /// The measurer does nothing twice, so nothing that it found may be forgotten.
  @Test func nothingIsForgotten() {
    var findings = Findings(count: 2_000)
    let work = (0..<2_000).flatMap { tensor in
      [Work.histogram(tensor: tensor, format: nil, bins: 40), .statistics(tensor: tensor)]
    }
    for work in work { findings.add(work, MadeUp.finding(work)) }
    for work in work { #expect(findings.has(work)) }
  }

  @Test func theTensorAtTheCursorComesFirst() throws {
    let model = try SampleModel.llama().open()
    var player = Player(model)
    try player.press("4")
    let id = try #require(player.state.tensor?.id)
    let wanted = player.state.wantedNow(layout: ScreenLayout(size: player.state.size))
    let int4 = try Format(parsing: "int4")
    #expect(wanted.first == .measurement(tensor: id, format: int4))
    #expect(wanted.allSatisfy { $0.tensor == id })
    #expect(Set(wanted).count == wanted.count)
    for rung in player.state.ladder(of: id).rungs {
      if case .format(let format) = rung {
        #expect(wanted.contains(.measurement(tensor: id, format: format)))
      }
    }
  }

  /// What moving on leaves behind isn't wanted any longer, what is known isn't wanted again.
  @Test func wishesFollowTheCursor() throws {
    var player = Player(try SampleModel.llama().open())
    try player.press("j")
    let id = try #require(player.state.tensor?.id)
    #expect(player.state.urgent.allSatisfy { $0.tensor == id })
    player.take([.found(.statistics(tensor: id), MadeUp.finding(.statistics(tensor: id)))])
    #expect(!player.state.urgent.contains(.statistics(tensor: id)))
    #expect(player.state.pending[id] == nil)
    #expect(player.state.isMeasuring)
  }

  /// A figure for the old choice that comes in the same turn as the key doesn't keep the new choice
  /// from being measured, seen or not.
  @Test func aFigureThatComesWithAKeyHidesNoWork() throws {
    var player = Player(try SampleModel.llama().open())
    try player.press("*")
    let targets = player.state.quantizableTargets
    try #require(targets.count > 1)
    let before = player.effects.count
    let late = targets.map { Work.statistics(tensor: $0) }
    player.take(
      [.input(.key(.character("4")))] + late.map { .found($0, MadeUp.finding($0)) })
    let int4 = try Format(parsing: "int4")
    let added = player.effects.dropFirst(before).flatMap { effect -> [Work] in
      if case .measureInBackground(let added, _) = effect { added } else { [] }
    }
    for tensor in targets {
      #expect(added.contains(.measurement(tensor: tensor, format: int4)))
    }
  }

  /// A stale figure is never shown for a new choice.
  @Test func aNewChoiceWaitsForItsOwnFigure() throws {
    var player = Player(try SampleModel.single().open())
    try player.press("4")
    let int4 = Work.measurement(tensor: 0, format: try Format(parsing: "int4"))
    player.take([.found(int4, MadeUp.finding(int4))])
    #expect(player.state.totals.isComplete)
    try player.press("3")
    #expect(!player.state.totals.isComplete)
    #expect(player.state.contributions[0].nmse == nil)
    try player.press("u")
    #expect(player.state.totals.isComplete)
  }

  /// A weight that overflows its format makes the error infinite in the totals, as in the ladder.
  @Test func anOverflowIsNoSmallError() throws {
    let model = try SampleModel([
      SampleTensor("w", [32, 32], values: [1e6] + [Float](repeating: 1, count: 1_023))
    ]).open()
    var player = Player(model, answers: .real)
    try player.press("tf16<Enter>")
    #expect(player.changed.values.map { $0 } == ["f16"])
    #expect(player.state.contributions[0].nmse == .infinity)
    #expect(player.state.totals.nmse == .infinity)
    let plan = player.state.makePlan()
    let text = PlanFile.text(of: plan)
    #expect(text.contains("\"nmse\": null, \"sqnr\": null"))
    let read = try PlanFile.parse(Array(text.utf8), path: "p")
    #expect(PlanFile.text(of: read) == text)
  }

  @Test func unreadableTensorsStayOutOfTheErrors() throws {
    var player = Player(try SampleModel.single().open())
    try player.press("4")
    let work = Work.measurement(tensor: 0, format: try Format(parsing: "int4"))
    player.take([.found(work, .unreadable)])
    #expect(player.state.totals.isComplete)
    #expect(player.state.wantedNow(layout: ScreenLayout(size: player.state.size)) == [])
    player.take([.input(.key(.down))])
    #expect(player.state.urgent.isEmpty)
    #expect(player.lines.joined().contains("can't be read"))
  }
}
