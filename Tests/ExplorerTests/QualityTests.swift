import Foundation
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Evaluation
@testable import Explorer

struct QualityTests {
  private let model: Model

  init() throws { model = try SampleModel.llama().open() }

  private func player(
    _ keys: String = "", size: Size = Size(columns: 120, rows: 36), isAutomatic: Bool = true,
    task: Evaluation.Task = .language(vocabulary: 2), isComplete: Bool = true,
    glyphs: Glyphs = .unicode
  ) throws -> Player {
    var options = Options()
    var quality = QualityOptions()
    quality.isAutomatic = isAutomatic
    options.quality = quality
    options.glyphs = glyphs
    var answers = MadeUpQuality(model, task: task)
    answers.isComplete = isComplete
    var player = Player(model, size: size, options: options, answers: .madeUp, quality: answers)
    try player.press(keys)
    return player
  }

  private func totals(_ player: Player) -> String { player.lines[1] }

  // MARK: - Beside the totals

  @Test func thePlansFigureIsInTheTotals() throws {
    var player = try player()
    #expect(totals(player).hasSuffix("KL 0"))
    try player.press("4")
    let tensor = try #require(player.state.tensor?.id)
    let format = try #require(player.state.choice(of: tensor).format)
    let figure = Figures.divergence(MadeUpQuality.distance(tensor, format))
    #expect(totals(player).contains("KL \(figure)"))
  }

  @Test func fewSequencesGiveAnEstimate() throws {
    let player = try player("4", isComplete: false)
    #expect(totals(player).contains("KL ≈"))
    #expect(totals(player).contains("±"))
    #expect(player.state.isRunningModel)
  }

  @Test func whatWasRunOnceIsKnown() throws {
    var player = try player("4")
    let line = totals(player)
    let plans = try #require(player.quality).plans.count
    try player.press("3u")
    #expect(totals(player) == line)
    // Three bits were run; the way back was not.
    #expect(player.quality?.plans.count == plans + 1)
    #expect(!player.state.isRunningModel)
  }

  @Test func pinsAreNoOtherPlan() throws {
    var player = try player("4")
    let plans = try #require(player.quality).plans.count
    try player.press("p")
    #expect(player.quality?.plans.count == plans)
  }

  @Test func figuresOfAnOlderPlanDontCount() throws {
    var player = try player("4")
    let answers = try #require(player.quality)
    player.quality = nil
    try player.press("3")
    #expect(totals(player).contains("KL …"))
    let old = player.state.quality.orders - 1
    let news = QualityNews(kind: .reading(order: old, answers.reading(0.5)))
    player.take([.quality(news)])
    #expect(totals(player).contains("KL …"))
    let newest = QualityNews(
      kind: .reading(order: player.state.quality.orders, answers.reading(0.5)))
    player.take([.quality(newest)])
    #expect(totals(player).contains("KL 0.500"))
  }

  @Test func largeModelsAreRunWhenSomebodyAsks() throws {
    var player = try player("4<F7>", isAutomatic: false)
    #expect(player.quality?.plans.isEmpty == true)
    #expect(player.lines.contains { $0.contains("K runs it under every plan") })
    try player.press("K")
    #expect(player.quality?.plans.count == 1)
    #expect(totals(player).contains("KL"))
    try player.press("K")
    #expect(!totals(player).contains("KL"))
    #expect(player.message.contains("isn't run any more"))
    try player.press("<F1>3K")
    #expect(player.quality?.plans.count == 2)
  }

  @Test func aModelThatCantBeRunSaysSo() throws {
    var player = try player("<F7>", isAutomatic: false)
    player.quality = nil
    try player.press("K")
    player.take([.quality(QualityNews(kind: .unavailable("sample: nobody can run it")))])
    #expect(player.lines.contains { $0.contains("sample: nobody can run it") })
    // Everything else works, and the solver doesn't offer what it can't know.
    try player.press("<F1>4b")
    guard case .solve(let form) = player.state.modal else {
      Issue.record("no form")
      return
    }
    #expect(!form.objectives.contains(.divergence))
  }

  // MARK: - The view

  @Test func tensorsAreSortedByTheirEffect() throws {
    var player = try player("*4<F7>")
    let effects = player.state.qualityRows.compactMap { $0.effect?.distance }
    #expect(effects.count == player.quality?.subject.tensors.count)
    #expect(effects == effects.sorted(by: >))
    try player.press("o")
    let surprises = player.state.qualityRows.compactMap(\.surprise)
    #expect(surprises == surprises.sorted(by: >))
    #expect(player.state.qualityRows.first?.tensor == 3)
    #expect(player.lines.contains { $0.contains("NMSE misleads") && $0.contains("times") })
    try player.press("oo")
    #expect(
      player.state.qualityRows.map(\.tensor) == player.state.qualityRows.map(\.tensor).sorted())
  }

  @Test func aStepIsThatOfTheTensorUnderTheCursor() throws {
    var player = try player("<F7><Down*2>")
    let tensor = try #require(player.state.qualityTensor)
    try player.press("4")
    #expect(player.state.choice(of: tensor).format?.description == "int4")
    #expect(player.state.qualityTensor == tensor)
    #expect(player.changed.count == 1)
    try player.press("<Enter>")
    #expect(player.state.view == .layers)
    #expect(player.state.tensor?.id == tensor)
  }

  @Test func aClickSelectsAndTwoShowTheTensor() throws {
    var player = try player("<F7>")
    let list = QualityLayout(ScreenLayout(size: player.state.size).body).list
    let rows = player.state.qualityRows
    let place = Point(column: 5, row: list.row + 2)
    player.take([.input(.mouse(MouseEvent(.press(.left), at: place)))])
    #expect(player.state.qualityTensor == rows[2].tensor)
    player.take([.input(.mouse(MouseEvent(.doublePress(.left), at: place)))])
    #expect(player.state.view == .layers)
    #expect(player.state.tensor?.id == rows[2].tensor)
  }

  // MARK: - Solving

  @Test func theSolverMinimisesTheSumOfTheEffects() throws {
    let player = try player("b<Down><Left><Enter>")
    #expect(player.state.solver.settings.objective == .divergence)
    #expect(player.message.contains("KL"))
    #expect(!player.state.isThinking)
    // Against all uniform plans that are as small.
    let ids = try #require(player.quality).subject.tensors
    func sum(_ format: (Int) -> Format?) -> Double {
      ids.reduce(0) { sum, id in sum + (format(id).map { MadeUpQuality.distance(id, $0) } ?? 0) }
    }
    let mine = sum { player.state.choice(of: $0).format }
    let bytes = player.state.totals.bytes
    var compared = 0
    for name in ["int2", "int3", "int4", "int5"] {
      let format = try Format(parsing: name)
      let size = model.tensors.reduce(0) { size, tensor in
        size
          + (ids.contains(tensor.id)
            ? format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
            : tensor.byteCount)
      }
      guard size <= bytes else { continue }
      compared += 1
      #expect(mine <= sum { _ in format })
    }
    #expect(compared > 0)
  }

  @Test func solvingByDivergenceRunsAModelThatWasNotRun() throws {
    let player = try player("b<Down><Left><Enter>", isAutomatic: false)
    #expect(player.state.quality.isOn)
    #expect(player.changed.count > 0)
  }

  // MARK: - Screens

  @Test(arguments: [(60, 16), (80, 24), (120, 36), (200, 60)])
  func screens(columns: Int, rows: Int) throws {
    let size = Size(columns: columns, rows: rows)
    for (name, glyphs) in [("", Glyphs.unicode), ("-ascii", .ascii)] {
      let player = try player("*4jj3<F7>", size: size, glyphs: glyphs)
      try Golden.expect(player.lines, "quality\(name)-\(columns)x\(rows)")
    }
  }

  @Test func otherScreens() throws {
    let size = Size(columns: 80, rows: 24)
    for (name, task) in [
      ("classifier", Evaluation.Task.classification(classes: 2)), ("encoder", .embedding(width: 2)),
    ] {
      let player = try player("*4<F7>", size: size, task: task)
      try Golden.expect(player.lines, "quality-\(name)-80x24")
    }
    try Golden.expect(
      try player("*4<F7>", size: size, isComplete: false).lines, "quality-running-80x24")
    try Golden.expect(
      try player("<F7>", size: size, isAutomatic: false).lines, "quality-asleep-80x24")
    try Golden.expect(try player("*4", size: size).lines, "quality-layers-80x24")
    let curve = try player("b<Down><Left><Enter><F3>", size: size)
    #expect(curve.state.solver.curve?.problem.objective == .divergence)
    try Golden.expect(curve.lines, "quality-frontier-80x24")
  }
}
