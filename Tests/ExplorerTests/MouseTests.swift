import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

struct MouseTests {
  private let model: Model

  init() throws { model = try SampleModel.llama(blocks: 12).open() }

  private func click(
    _ player: inout Player, _ column: Int, _ row: Int,
    _ action: MouseEvent.Action = .press(.left)
  ) {
    player.take([.input(.mouse(MouseEvent(action, at: Point(column: column, row: row))))])
  }

  @Test(arguments: [
    Size(columns: 80, rows: 24), Size(columns: 160, rows: 50), Size(columns: 60, rows: 16),
  ])
  func aClickSelectsTheRowUnderIt(size: Size) throws {
    let layout = ScreenLayout(size: size)
    for line in 0..<layout.list.rows {
      var player = Player(model, size: size)
      try player.press("<Down*9>")
      let scroll = player.state.scroll
      click(&player, layout.list.column + 20, layout.list.row + line)
      #expect(
        player.state.cursor == min(scroll + line, player.state.rows.count - 1)
          || scroll + line >= player.state.rows.count)
      #expect(player.changed.isEmpty)
    }
  }

  @Test func aGroupFoldsByItsMarkOrASecondClick() {
    var player = Player(model)
    let layout = ScreenLayout(size: player.state.size)
    let count = player.state.rows.count
    click(&player, 2, layout.list.row + 1)
    #expect(player.state.rows.count == count - 8)
    click(&player, 20, layout.list.row + 1)
    #expect(player.state.rows.count == count)
    click(&player, 20, layout.list.row + 1, .doublePress(.left))
    #expect(player.state.rows.count == count - 8)
  }

  @Test func aClickOnARungTakesIt() throws {
    for size in [
      Size(columns: 80, rows: 24), Size(columns: 120, rows: 36), Size(columns: 160, rows: 50),
    ] {
      let layout = ScreenLayout(size: size)
      for line in 1..<layout.ladder.rows {
        var player = Player(model, size: size)
        let shown = player.lines[layout.ladder.row + line]
        let rungs = player.state.rungsInSight(
          of: try #require(player.state.tensor?.id), rows: layout.ladder.rows - 1)
        click(&player, layout.ladder.column + 3, layout.ladder.row + line)
        guard rungs.indices.contains(line - 1) else {
          #expect(player.changed.isEmpty)
          continue
        }
        let name = rungs[line - 1].description
        #expect(shown.contains(name))
        #expect(player.changed.values.map { $0 } == (name == "source" ? [] : [name]))
      }
    }
  }

  @Test func theWheelMovesWhatItIsOver() throws {
    var player = Player(model)
    click(&player, 5, 5, .wheelDown)
    #expect(player.state.cursor == 5)
    click(&player, 5, 5, .wheelUp)
    click(&player, 5, 5, .wheelUp)
    #expect(player.state.cursor == 0)
    try player.press("?")
    click(&player, 5, 5, .wheelDown)
    guard case .help(let scroll) = player.state.modal else {
      Issue.record("the help is gone")
      return
    }
    #expect(scroll == 3)
    try player.press("<Esc>t")
    click(&player, 5, 5, .wheelDown)
    try player.press("<Enter>")
    #expect(player.changed.count == 1)
  }

  /// A click on a hint does what its key does.
  @Test(arguments: ["", "4", "<Tab>", "*", "<F2>", "<F6>"], [40, 60, 80, 120, 200])
  func hintsCanBeClicked(keys: String, columns: Int) throws {
    var start = Player(model, size: Size(columns: columns, rows: 30), answers: .madeUp)
    try start.press(keys)
    let layout = ScreenLayout(size: start.state.size)
    var column = layout.hints.column
    let hints = start.state.hints(columns: layout.hints.columns)
    #expect(hints.count >= 3)
    for hint in hints {
      for end in [column, column + hint.columns - 1] {
        var clicked = start
        click(&clicked, end, layout.hints.row)
        var typed = start
        let action = try #require(Action.all.first { $0.id == hint.action })
        typed.take([.input(.key(try #require(action.keys.first)))])
        #expect(clicked.lines == typed.lines)
        #expect(clicked.hasQuit == typed.hasQuit)
      }
      let shown = start.lines[layout.hints.row]
      #expect(shown.contains("\(hint.key) \(hint.text)"))
      column += hint.columns + 2
    }
  }

  /// Every cell of a screen, in every mode, with every button: nothing traps, nothing is lost.
  @Test(arguments: [
    "", "?", "t", "c", ":", "/", "f", "S", "4q", "<Tab>", "gfxyzzy<Enter>", "<F2>", "<F6>", "!",
    "b", "d", "e", "R", "b<Down*5><Tab*2><Space>",
  ])
  func everyCellCanBeClicked(keys: String) throws {
    for size in [
      Size(columns: 80, rows: 24), Size(columns: 41, rows: 11), Size(columns: 151, rows: 20),
      Size(columns: 9, rows: 3),
    ] {
      var start = Player(model, size: size)
      try start.press(keys)
      for row in -1...size.rows {
        for column in stride(from: row % 3 - 1, through: size.columns, by: 3) {
          for action: MouseEvent.Action in [
            .press(.left), .wheelDown, .press(.right), .doublePress(.left),
          ] {
            var player = start
            click(&player, column, row, action)
            #expect(player.state.scroll >= 0)
            #expect(player.state.cursor >= 0)
          }
        }
      }
    }
  }

  @Test func theMouseCanBeGivenBack() throws {
    var player = Player(model)
    try player.press("M")
    #expect(player.message == "the mouse is the terminal's: select text")
    #expect(player.effects.contains { if case .mouse(false) = $0 { true } else { false } })
    try player.press("M")
    #expect(player.effects.contains { if case .mouse(true) = $0 { true } else { false } })
  }
}
