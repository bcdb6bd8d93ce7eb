import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// What holds whatever is typed. The same keys in every run.
struct PropertyTests {
  /// Every key that means something, and some that don't.
  private static let keys: [Key] = {
    let letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789*/?:+-=[]{}<>.,;'\"\\ é層"
    let named: [Key] = [
      .up, .down, .left, .right, .shiftUp, .shiftDown, .shiftLeft, .shiftRight, .pageUp, .pageDown,
      .home, .end, .tab, .backTab, .enter, .escape, .backspace, .delete, .insert,
    ]
    return letters.map { .character($0) } + named + named
      + "abcdefghijklmnopqrstuvwxyz @".map { .control($0) } + (1...12).map { .function($0) }
  }()

  private static func event(_ generator: inout SeededGenerator, wild: Bool) -> Event {
    let kind = Int.random(in: 0..<100, using: &generator)
    if wild, kind < 4 {
      return .resize(
        Size(
          columns: Int.random(in: 0...300, using: &generator),
          rows: Int.random(in: 0...100, using: &generator)))
    }
    if wild, kind < 10 {
      let actions: [MouseEvent.Action] = [
        .press(.left), .doublePress(.left), .wheelUp, .wheelDown, .press(.right), .release(.left),
      ]
      return .mouse(
        MouseEvent(
          actions.randomElement(using: &generator) ?? .wheelUp,
          at: Point(
            column: Int.random(in: -2...200, using: &generator),
            row: Int.random(in: -2...60, using: &generator))))
    }
    if kind < 11 { return .paste("proj*\u{1B}[31m\n層") }
    // Actions that make changes come more often, so that there is something to undo.
    if kind < 45 {
      return .key(.character("2345678 *vpmuj0hlc".randomElement(using: &generator) ?? "j"))
    }
    return .key(keys.randomElement(using: &generator) ?? .up)
  }

  private static let models: [@Sendable () -> SampleModel] = [
    { .llama(blocks: 6) }, { .mixture() }, { .hostile() }, { .single() }, { SampleModel([]) },
  ]

  /// The totals, by a way of their own.
  private func checkTotals(_ state: State) {
    var bytes = 0
    var sourceBytes = 0
    var error = 0.0
    var squares = 0.0
    for tensor in state.model.tensors {
      let choice = state.edits.assignments[tensor.id].choice
      sourceBytes += tensor.byteCount
      if case .format(let format) = choice {
        bytes += format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
        error += MadeUp.squaredError(tensor.id, format)
        squares += MadeUp.squares(tensor.id)
        #expect(tensor.suitability.isQuantizable)
      } else {
        bytes += tensor.byteCount
        if tensor.suitability.isWeights { squares += MadeUp.squares(tensor.id) }
      }
    }
    #expect(state.totals.bytes == bytes)
    #expect(state.totals.sourceBytes == sourceBytes)
    #expect(state.totals.isComplete)
    #expect(abs(state.totals.squaredError - error) <= error * 1e-12)
    #expect(abs(state.totals.squares - squares) <= squares * 1e-12)
  }

  @Test(arguments: 0..<5, 0..<4)
  func anyKeysWillDo(model: Int, seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(1_000 * model + seed))
    var player = Player(try Self.models[model]().open(), answers: .madeUp)
    for turn in 0..<1_500 {
      let event = Self.event(&generator, wild: true)
      player.take([.input(event)])
      if turn % 25 == 0 {
        checkTotals(player.state)
        let canvas = player.state.draw()
        #expect(canvas.text.allSatisfy { $0.columns <= player.state.size.columns })
        let layout = ScreenLayout(size: player.state.size)
        if layout.listRows > 0, !player.state.rows.isEmpty {
          let sight = player.state.scroll..<player.state.scroll + layout.listRows
          #expect(sight.contains(player.state.cursor))
        }
      }
      // Saving to files and asking for names belongs to other tests.
      if player.asksForAPath {
        player.take([.input(.key(.escape))])
      }
    }
    checkTotals(player.state)
  }

  @Test(arguments: 0..<12)
  func undoingAllIsTheStart(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(50 + seed))
    var player = Player(try SampleModel.mixture().open(), answers: .madeUp)
    let start = player.state.edits.assignments
    for _ in 0..<800 {
      player.take([.input(Self.event(&generator, wild: false))])
      if player.asksForAPath {
        player.take([.input(.key(.escape))])
      }
    }
    let end = player.state.edits.assignments
    let steps = player.state.edits.done.count
    #expect(steps > 0)
    // Out of whatever is open.
    try player.press("<Esc*4>")
    var path: [[Assignment]] = []
    for _ in 0..<steps {
      path.append(player.state.edits.assignments)
      try player.press("u")
    }
    #expect(player.state.edits.assignments == start)
    #expect(player.state.edits.done.isEmpty)
    checkTotals(player.state)
    let back = player.state.edits.undone.count
    for expected in path.reversed() {
      try player.press("<C-r>")
      #expect(player.state.edits.assignments == expected)
    }
    #expect(back >= steps)
    #expect(path.first == end || steps == 0)
    checkTotals(player.state)
  }

  @Test(arguments: 0..<12)
  func aSavedPlanHoldsTheSame(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(90 + seed))
    let model = try SampleModel.llama(blocks: 4).open()
    var player = Player(model, answers: .madeUp)
    for _ in 0..<200 {
      player.take([.input(Self.event(&generator, wild: false))])
      if player.asksForAPath {
        player.take([.input(.key(.escape))])
      }
    }
    let text = PlanFile.text(of: player.state.makePlan())
    let plan = try PlanFile.parse(Array(text.utf8), path: "p")
    let again = Player(model, plan: (plan: plan, stamp: nil), answers: .madeUp)
    #expect(again.state.edits.assignments == player.state.edits.assignments)
    #expect(PlanFile.text(of: again.state.makePlan()) == text)
  }
}
