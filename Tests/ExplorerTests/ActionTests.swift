import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// The one table of actions, and what is made from it.
struct ActionTests {
  @Test(arguments: View.allCases)
  func noKeyIsBoundTwice(view: View) {
    let actions = Action.all.filter { $0.views.contains(view) }
    let keys = actions.flatMap(\.keys)
    #expect(Set(keys).count == keys.count)
    for action in actions {
      for key in action.keys { #expect(KeyMap.standard.action(of: key, in: view)?.id == action.id) }
    }
  }

  @Test func everyActionHasItsWords() {
    #expect(Set(Action.all.map(\.id)).count == Action.all.count)
    #expect(Set(Action.all.map(\.title)).count == Action.all.count)
    for action in Action.all {
      #expect(!action.title.isEmpty)
      #expect(!action.keys.isEmpty)
      #expect(action.title.first?.isUppercase == false)
      #expect(action.title.columns <= 52)
      if let hint = action.hint { #expect(hint.text.columns <= 12) }
    }
    #expect(Action.all.map(\.section) == Action.all.map(\.section).sorted { $0.place < $1.place })
  }

  /// DESIGN.md, section 9, but for the keys of what is still to come.
  @Test(arguments: [
    ("up", [Key.up, .character("k")]), ("down", [.down, .character("j")]),
    ("pageUp", [.pageUp]), ("pageDown", [.pageDown]), ("top", [.character("g"), .home]),
    ("bottom", [.character("G"), .end]),
    ("fewer", [.left, .character("h"), .character("-")]),
    ("more", [.right, .character("l"), .character("+")]),
    ("bits2", [.character("2")]), ("bits3", [.character("3")]), ("bits4", [.character("4")]),
    ("bits5", [.character("5")]), ("bits6", [.character("6")]), ("bits8", [.character("8")]),
    ("source", [.character("0")]), ("formats", [.character("t")]), ("mark", [.character(" ")]),
    ("range", [.character("v")]), ("markRole", [.character("*")]),
    ("calibration", [.character("c")]), ("search", [.character("/")]), ("next", [.character("n")]),
    ("previous", [.character("N")]), ("filter", [.character("f")]), ("pane", [.tab]),
    ("pin", [.character("p")]), ("undo", [.character("u")]), ("redo", [.control("r")]),
    ("save", [.character("s")]), ("saveAs", [.character("S")]), ("help", [.character("?")]),
    ("palette", [.character(":")]), ("quit", [.character("q")]),
    ("solve", [.character("b")]), ("viewLayers", [.function(1)]), ("viewFrontier", [.function(3)]),
    ("viewMap", [.function(2)]), ("viewChannels", [.function(5)]), ("viewFormats", [.function(6)]),
    ("viewCompare", [.function(4)]), ("previousView", [.character("[")]),
    ("nextView", [.character("]")]), ("export", [.character("e")]),
    ("devices", [.character("d")]),
  ])
  func theKeysOfTheDesignAreBound(id: String, keys: [Key]) {
    for key in keys { #expect(KeyMap.standard.action(of: key, in: .layers)?.id == id) }
  }

  /// Every action has a key of letters, arrows, Enter, Space, Tab or Escape; to the views [ and ] lead as well.
  @Test func nothingNeedsFunctionKeys() {
    for action in Action.all where !action.id.hasPrefix("view") {
      #expect(
        action.keys.contains { key in
          if case .function = key { false } else { true }
        }, "\(action.id)")
    }
  }

  @Test func theHelpPageListsEveryAction() {
    let entries = Action.Section.allCases.flatMap { HelpView.entries(of: $0, .standard) }
    #expect(entries.flatMap(\.keys) == Action.all.flatMap(\.keys))
    for action in Action.all {
      let title = action.helpTitle ?? action.title
      #expect(entries.contains { $0.title == title && $0.keys.contains(action.keys) })
    }
    #expect(Set(Action.all.map(\.section)) == Set(Action.Section.allCases))
  }

  /// By scrolling through it, every line of the help can be read, nothing cut off at 80 columns.
  @Test(arguments: [Size(columns: 80, rows: 24), Size(columns: 80, rows: 10)])
  func theHelpPageCanBeRead(size: Size) throws {
    var player = Player(try SampleModel.single().open(), size: size)
    try player.press("?")
    var seen = player.lines
    for _ in 0..<200 {
      try player.press("j")
      seen += player.lines
    }
    let text = seen.joined(separator: "\n")
    for action in Action.all {
      #expect(text.contains(action.helpTitle ?? action.title))
      #expect(action.keys.allSatisfy { text.contains($0.label) })
    }
    #expect(player.lines.last?.contains("the end") == true || text.contains("the end"))
    try player.press("<Esc>")
    #expect(!player.hasModal)
  }

  @Test func thePaletteOffersEveryAction() throws {
    let player = Player(try SampleModel.single().open())
    let items = player.state.items(of: Picker(kind: .actions))
    let ids = items.compactMap { if case .action(let action) = $0 { action.id } else { nil } }
    #expect(ids == Action.all.map(\.id))
  }

  /// Typing an action's title and Enter does what its key does.
  @Test(arguments: Action.all.map(\.id))
  func thePaletteDoesWhatTheKeyDoes(id: String) throws {
    let action = try #require(Action.all.first { $0.id == id })
    var start = Player(try SampleModel.llama().open(), answers: .madeUp)
    try start.press("4jj5uj")
    if let view = View.allCases.first(where: { action.views.contains($0) }), view != .layers {
      start.take([.input(.key(.function(view.rawValue)))])
    }
    var typed = start
    typed.take([.input(.key(try #require(action.keys.first)))])
    var chosen = start
    try chosen.press(":")
    chosen.type(action.title)
    try chosen.press("<Enter>")
    #expect(chosen.lines == typed.lines)
    #expect(chosen.hasQuit == typed.hasQuit)
    #expect(chosen.state.edits.assignments == typed.state.edits.assignments)
  }

  /// The last line always has help and quit, in every width and state of the list.
  @Test(arguments: ["", "4", "4u", "*", "G", "<Tab>", "fxyzzy<Enter>"], 40...130)
  func helpAndQuitAreAlwaysOffered(keys: String, columns: Int) throws {
    var player = Player(try SampleModel.single().open(), size: Size(columns: columns, rows: 20))
    try player.press(keys)
    let hints = player.state.hints(columns: ScreenLayout(size: player.state.size).hints.columns)
    #expect(hints.suffix(2).map(\.key) == ["?", "q"])
    #expect(hints.map(\.columns).reduce(0, +) + 2 * (hints.count - 1) <= columns - 2)
  }

  /// A refused action isn't offered.
  @Test func hintsAreOfWhatCanBeDone() throws {
    var player = Player(try SampleModel.single().open(), size: Size(columns: 200, rows: 50))
    #expect(!player.state.hints(columns: 198).contains { $0.action == "undo" })
    try player.press("4")
    #expect(player.state.hints(columns: 198).contains { $0.action == "undo" })
  }

  @Test(arguments: [
    (Key.character(" "), "Space", "Space"), (.control("r"), "Ctrl-R", "Ctrl-R"), (.up, "↑", "Up"),
    (.shiftDown, "Shift-↓", "Shift-Down"), (.function(12), "F12", "F12"), (.escape, "Esc", "Esc"),
    (.backTab, "Shift-Tab", "Shift-Tab"), (.character("q"), "q", "q"),
  ])
  func keysHaveNames(key: Key, label: String, ascii: String) {
    #expect(key.label == label)
    #expect(key.asciiLabel == ascii)
  }
}

extension Action.Section {
  fileprivate var place: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
