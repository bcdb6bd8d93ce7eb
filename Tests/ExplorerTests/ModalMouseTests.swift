import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// The mouse on what lies over the panes.
struct ModalMouseTests {
  private let model: Model

  init() throws { model = try SampleModel.llama(blocks: 2).open() }

  private func player(_ keys: String, size: Size = Size(columns: 110, rows: 36)) throws -> Player {
    var player = Player(model, size: size, answers: .madeUp)
    try player.press(keys)
    return player
  }

  /// Where a text stands on the screen.
  private func place(of text: String, in player: Player) throws -> Point {
    for (row, line) in player.lines.enumerated() {
      if let range = line.range(of: text) {
        return Point(column: String(line[..<range.lowerBound]).columns, row: row)
      }
    }
    Issue.record("\(text) isn't there")
    throw KeyScriptError.tooLong(offset: 0)
  }

  private func click(
    _ player: inout Player, on text: String, _ action: MouseEvent.Action = .press(.left)
  ) throws {
    player.take([.input(.mouse(MouseEvent(action, at: try place(of: text, in: player))))])
  }

  /// As a terminal reports a double click: the first press, then the second.
  private func doubleClick(_ player: inout Player, on text: String) throws {
    let place = try place(of: text, in: player)
    for action: MouseEvent.Action in [.press(.left), .doublePress(.left)] {
      player.take([.input(.mouse(MouseEvent(action, at: place)))])
    }
  }

  @Test(arguments: [Size(columns: 110, rows: 36), Size(columns: 80, rows: 24)])
  func aListIsClickedThrough(size: Size) throws {
    // (keys that open it, a row that isn't the first)
    for (keys, row) in [
      ("t", "int8"), (":", "one page down"), ("e", "mlx-lm"), ("d", "RTX 4060"),
    ] {
      var clicked = try player(keys, size: size)
      let before = clicked.lines
      try click(&clicked, on: row)
      #expect(clicked.hasModal)
      #expect(clicked.changed.isEmpty)
      #expect(clicked.lines.count == before.count)
      // The same by double click and by Enter on it.
      try clicked.press("<Enter>")
      var double = try player(keys, size: size)
      try doubleClick(&double, on: row)
      #expect(double.lines == clicked.lines, "\(keys)")
    }
  }

  @Test func aFormatIsTaken() throws {
    var player = try player("tq6_k")
    try doubleClick(&player, on: "q6_K")
    #expect(!player.hasModal)
  }

  @Test func stepsAreTaken() throws {
    var player = try player("b5bpw<Enter>")
    let before = player.state.edits.done.count
    try player.press("<lt>")
    guard case .moves(let list) = player.state.modal, let moves = list.moves else {
      Issue.record("no list")
      return
    }
    let curve = try #require(player.state.solver.curve)
    let name = player.state.subject(of: try #require(moves.dropFirst().first), curve.problem)
    try doubleClick(&player, on: name)
    #expect(player.state.edits.done.count == before + 1)
  }

  @Test func questionsAreAnswered() throws {
    for (label, quits) in [("[d] discard", true), ("[c] cancel", false)] {
      var player = try player("4q")
      try click(&player, on: label)
      #expect(player.hasQuit == quits)
      #expect(!player.hasModal)
    }
    var elsewhere = try player("4q")
    try click(&elsewhere, on: "Unsaved changes")
    #expect(elsewhere.hasModal && !elsewhere.hasQuit)
  }

  @Test func valuesOfTheFormAreTaken() throws {
    var player = try player("4c")
    try click(&player, on: " affine ")
    try click(&player, on: " g32 ")
    guard case .recipe(let form) = player.state.modal else { return }
    #expect(form.draft.scheme == .affine && form.draft.granularity == .group(32))
    try click(&player, on: "Enter apply")
    #expect(player.changed.values.contains("int4:affine:g32"))
  }

  @Test func theSolversFormIsFilledIn() throws {
    var player = try player("b")
    func form() -> SolveForm? {
      if case .solve(let form) = player.state.modal { form } else { nil }
    }
    try click(&player, on: "worst ")
    #expect(form()?.settings.objective == .worst)
    try click(&player, on: " 3 ")
    #expect(form()?.settings.formatLimit == 3)
    try click(&player, on: "[ ] gate")
    #expect(form()?.settings.together.contains(.gateUp) == true)
    try click(&player, on: "attn_q ")
    #expect(form()?.role == .attentionQ && form()?.column == 0)
    try click(&player, on: "Esc cancel")
    #expect(!player.hasModal)
  }

  @Test func theFormatsOfARoleAreTicked() throws {
    var player = try player("b<Down*5><Tab*2><Space>")
    try click(&player, on: "[x] int8")
    guard case .solve(let form) = player.state.modal, let role = form.role else { return }
    #expect(form.settings.allowed[role]?.contains { $0.description == "int8" } == false)
    try click(&player, on: "[ ] int8")
    guard case .solve(let again) = player.state.modal else { return }
    #expect(again.settings.allowed[role] == nil)
  }

  /// The last line's words are buttons wherever they name a key.
  @Test(arguments: ["?", "t", ":", "c", "b", "d", "e", "!", "4q", "/a", "S", "R", "e<Enter>"])
  func theLastLineIsClicked(keys: String) throws {
    let start = try player(keys)
    let layout = ScreenLayout(size: start.state.size)
    var column = layout.hints.column
    for hint in start.state.hints(columns: layout.hints.columns) {
      var clicked = start
      clicked.take([
        .input(
          .mouse(MouseEvent(.press(.left), at: Point(column: column, row: layout.hints.row))))
      ])
      var typed = start
      if let key = Key(name: hint.key) { typed.take([.input(.key(key))]) }
      #expect(clicked.lines == typed.lines, "\(hint.key)")
      column += hint.columns + 2
    }
  }

  @Test func theWheelScrollsWhatIsOpen() throws {
    for keys in ["?", "t", ":", "d", "b", "c", "!", "b<Down*5><Tab*2><Space>"] {
      var player = try player("", size: Size(columns: 80, rows: 12))
      player.take((0..<20).map { .note("note \($0)") })
      try player.press(keys)
      let before = player.state.draw()
      let place = Point(column: 30, row: 6)
      player.take([.input(.mouse(MouseEvent(.wheelDown, at: place)))])
      #expect(player.state.draw() != before, "\(keys)")
      player.take([.input(.mouse(MouseEvent(.wheelUp, at: place)))])
      #expect(player.state.draw() == before, "\(keys)")
    }
  }

  /// With nothing but the mouse: a click on the last line opens the list of all actions, the wheel finds the
  /// one that is wanted, a double click does it, as its key would.
  @Test(arguments: Action.all.map(\.id))
  func everyActionIsReached(id: String) throws {
    let action = try #require(Action.named(id))
    let view = try #require(View.allCases.first { action.views.contains($0) })
    var start = try player("4jj5uj", size: Size(columns: 120, rows: 36))
    start.take([.input(.key(.function(view.rawValue)))])
    var typed = start
    typed.take([.input(.key(try #require(action.keys.first)))])
    try click(&start, on: ": actions")
    let list = try place(of: "one row up", in: start)
    for _ in Action.all where !start.lines.contains(where: { $0.contains(action.title) }) {
      start.take([.input(.mouse(MouseEvent(.wheelDown, at: list)))])
    }
    try doubleClick(&start, on: action.title)
    #expect(start.lines == typed.lines)
    #expect(start.hasQuit == typed.hasQuit)
    #expect(start.state.edits.assignments == typed.state.edits.assignments)
  }

  @Test func doubleClicksInTheViews() throws {
    // A tensor: the list of formats for it.
    var layers = try player("")
    try doubleClick(&layers, on: "self_attn.k_proj")
    #expect(layers.lines.joined().contains("Choose a format"))
    // A difference: taken back, as by Enter.
    var compare = try player("4jj3<F4>")
    let list = compare.state.comparison.differences.count
    try doubleClick(&compare, on: "self_attn.")
    #expect(compare.state.comparison.differences.count == list - 1)
    // A place on the curve: its plan.
    var frontier = try player("b5bpw<Enter><F3><Right*3>")
    let curve = try #require(frontier.state.solver.curve)
    let plot = frontier.state.frontierPlot(of: curve)
    let vertex = curve.frontier.vertices[curve.frontier.vertices.count / 2]
    let cell = plot.cell(bytes: vertex.bytes, error: vertex.error)
    for action: MouseEvent.Action in [.press(.left), .doublePress(.left)] {
      frontier.take([.input(.mouse(MouseEvent(action, at: cell)))])
    }
    #expect(frontier.message.contains("undoes") || frontier.message.contains("already"))
  }

  @Test func theWheelOverTheLadder() throws {
    var player = try player("4")
    let layout = ScreenLayout(size: player.state.size)
    let place = Point(column: layout.ladder.column + 2, row: layout.ladder.row + 2)
    let cursor = player.state.cursor
    player.take([.input(.mouse(MouseEvent(.wheelDown, at: place)))])
    #expect(player.state.focus == .ladder && player.state.cursor == cursor)
    #expect(player.changed.values.map { $0 } == ["int4"])
    try player.press("<Enter>")
    #expect(player.changed.values.map { $0 } != ["int4"])
  }
}
