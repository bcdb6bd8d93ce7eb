import Planning
import Quantization
import Terminal

// The actions, by section. Keys follow DESIGN.md's table.

extension Action {
  static let moving: [Action] = [
    Action(id: "up", section: .moving, keys: [.up, .character("k")], title: "one row up") {
      $0.moveFocus(by: -1)
    },
    Action(id: "down", section: .moving, keys: [.down, .character("j")], title: "one row down") {
      $0.moveFocus(by: 1)
    },
    Action(id: "pageUp", section: .moving, keys: [.pageUp], title: "one page up") {
      $0.moveFocus(by: -max(1, $0.pageRows - 1))
    },
    Action(id: "pageDown", section: .moving, keys: [.pageDown], title: "one page down") {
      $0.moveFocus(by: max(1, $0.pageRows - 1))
    },
    Action(
      id: "top", section: .moving, keys: [.character("g"), .home], title: "to the first row"
    ) { $0.moveFocus(by: -1_000_000_000) },
    Action(id: "bottom", section: .moving, keys: [.character("G"), .end], title: "to the last row")
    {
      $0.moveFocus(by: 1_000_000_000)
    },
    Action(
      id: "back", section: .moving, keys: [.escape],
      title: "back out: of a range, the marks, the filter, a view"
    ) { $0.backOut() },
  ]

  static let movingInLayers: [Action] = [
    Action(
      id: "fold", section: .moving, keys: [.enter], title: "fold or unfold; on the ladder: take it",
      hint: ("fold", 60)
    ) { $0.enter() },
    Action(
      id: "foldAll", section: .moving, keys: [.character("Z")], title: "fold or unfold all blocks"
    ) {
      $0.toggleAllFolds()
      return []
    },
    Action(
      id: "pane", section: .moving, keys: [.tab, .backTab],
      title: "between list, ladder and histogram", hint: ("ladder", 45)
    ) { $0.switchFocus() },
  ]

  static let views: [Action] =
    View.allCases.map { view in
      Action(
        id: "view\(view.title)", section: .views, keys: [.function(view.rawValue)],
        title: view.purpose
      ) {
        $0.show(view)
        return []
      }
    } + [
      Action(
        id: "previousView", section: .views, keys: [.character("[")], title: "the view before"
      ) {
        $0.show($0.view.neighbour(by: -1))
        return []
      },
      Action(
        id: "nextView", section: .views, keys: [.character("]")], title: "the next view",
        hint: ("view", 38)
      ) {
        $0.show($0.view.neighbour(by: 1))
        return []
      },
    ]

  static let steps: [Action] = [
    Action(
      id: "fewer", section: .bits, keys: [.left, .character("h"), .character("-")],
      title: "one step down the ladder: fewer bits", hint: ("bits", 10)
    ) {
      $0.step(by: 1)
      return []
    },
    Action(
      id: "more", section: .bits,
      keys: [.right, .character("l"), .character("+"), .character("=")],
      title: "one step up the ladder: more bits"
    ) {
      $0.step(by: -1)
      return []
    },
  ]

  static let formats: [Action] =
    [2, 3, 4, 5, 6, 7, 8].map { bits in
      Action(
        id: "bits\(bits)", section: .bits, keys: [.character(Character("\(bits)"))],
        title: "\(bits) bits, in the family at hand",
        helpTitle: "so many bits, in the family at hand"
      ) {
        $0.setBits(bits)
        return []
      }
    }
    + [
      Action(
        id: "source", section: .bits, keys: [.character("0")], title: "back to the source",
        hint: ("source", 50)
      ) {
        $0.assign("source") { _, _ in .source }
        return []
      },
      Action(
        id: "formats", section: .bits, keys: [.character("t")],
        title: "choose a format from the whole list", hint: ("formats", 20)
      ) {
        $0.openFormats()
        return []
      },
      Action(
        id: "calibration", section: .bits, keys: [.character("c")],
        title: "scheme, granularity and calibration", hint: ("calibration", 30)
      ) {
        $0.openRecipe()
        return []
      },
    ]

  static let marking: [Action] = [
    Action(
      id: "mark", section: .marking, keys: [.character(" ")], title: "mark or unmark, and move on",
      hint: ("mark", 35)
    ) {
      $0.toggleMark()
      return []
    },
    Action(
      id: "markRole", section: .marking, keys: [.character("*")],
      title: "mark all tensors of the same role", hint: ("role", 36)
    ) {
      $0.markRole()
      return []
    },
  ]

  static let moreMarking: [Action] = [
    Action(
      id: "range", section: .marking, keys: [.character("v")],
      title: "begin a range of marks, or end it here"
    ) {
      $0.toggleRange()
      return []
    },
    Action(
      id: "markPattern", section: .marking, keys: [.character("m")],
      title: "mark by a pattern: text, glob or /regex/"
    ) {
      $0.modal = .prompt(Prompt(kind: .mark, input: TextInput()))
      return []
    },
  ]

  static let finding: [Action] = [
    Action(
      id: "search", section: .finding, keys: [.character("/")], title: "search in the names",
      hint: ("search", 40)
    ) {
      $0.modal = .prompt(Prompt(kind: .search, input: TextInput()))
      return []
    },
    Action(id: "next", section: .finding, keys: [.character("n")], title: "to the next match") {
      $0.searchAgain(forward: true)
      return []
    },
    Action(id: "previous", section: .finding, keys: [.character("N")], title: "to the match before")
    {
      $0.searchAgain(forward: false)
      return []
    },
    Action(
      id: "filter", section: .finding, keys: [.character("f")],
      title: "show only what matches: text, glob or /regex/", hint: ("filter", 42)
    ) {
      let before = $0.filter?.text
      $0.modal = .prompt(Prompt(kind: .filter(before: before), input: TextInput(before ?? "")))
      return []
    },
  ]

  static let pins: [Action] = [
    Action(
      id: "pin", section: .plan, keys: [.character("p")],
      title: "pin or unpin: the solver leaves pinned ones alone"
    ) {
      $0.togglePins()
      return []
    }
  ]

  static let plan: [Action] = [
    Action(
      id: "solve", section: .plan, keys: [.character("b")], title: "solve for a budget or an error",
      hint: ("solve", 12)
    ) {
      $0.openSolveForm()
      return []
    },
    Action(
      id: "savings", section: .plan, keys: [.character("<")], title: "what to give up next",
      hint: ("give up", 44)
    ) {
      $0.openSavings()
      return []
    },
    Action(
      id: "improvements", section: .plan, keys: [.character(">")],
      title: "what is the best use of 100 MiB more", hint: ("spend", 46)
    ) {
      $0.openImprovements()
      return []
    },
    Action(
      id: "devices", section: .plan, keys: [.character("d")],
      title: "will it fit: choose a device and a context", hint: ("device", 43)
    ) {
      $0.openDevices()
      return []
    },
    Action(
      id: "undo", section: .plan, keys: [.character("u")], title: "undo the last step",
      hint: ("undo", 25), objection: { $0.edits.done.isEmpty ? "nothing to undo" : nil }
    ) {
      $0.undo()
      return []
    },
    Action(
      id: "redo", section: .plan, keys: [.control("r")], title: "do it again",
      objection: { $0.edits.undone.isEmpty ? "nothing to redo" : nil }
    ) {
      $0.redo()
      return []
    },
    Action(
      id: "save", section: .plan, keys: [.character("s")], title: "save the plan",
      hint: ("save", 15)
    ) { $0.save(quits: false) },
    Action(
      id: "saveAs", section: .plan, keys: [.character("S")], title: "save the plan under a name"
    ) {
      $0.askForPath(quits: false)
      return []
    },
    Action(
      id: "export", section: .plan, keys: [.character("e")],
      title: "export the plan for a quantizer", hint: ("export", 37)
    ) {
      $0.modal = .picker(Picker(kind: .consumers))
      return []
    },
    Action(
      id: "report", section: .plan, keys: [.character("R")],
      title: "write a report of the plan, to be shown to others"
    ) {
      $0.askForReport()
      return []
    },
  ]

  static let map: [Action] = [
    Action(
      id: "mapLeft", section: .map, keys: [.left, .character("h")], title: "one role to the left",
      hint: ("walk", 9)
    ) {
      $0.moveInMap(lines: 0, columns: -1)
      return []
    },
    Action(
      id: "mapRight", section: .map, keys: [.right, .character("l")],
      title: "one role to the right"
    ) {
      $0.moveInMap(lines: 0, columns: 1)
      return []
    },
    Action(
      id: "mapFewer", section: .map, keys: [.character("-")],
      title: "fewer bits for the cell: one step down the ladder", hint: ("fewer", 10)
    ) {
      $0.step(by: 1)
      return []
    },
    Action(
      id: "mapMore", section: .map, keys: [.character("+"), .character("=")],
      title: "more bits for the cell: one step up the ladder", hint: ("more", 11)
    ) {
      $0.step(by: -1)
      return []
    },
    Action(
      id: "mapColor", section: .map, keys: [.character("o"), .tab],
      title: "colour by bits, error, size, what a step up brings", hint: ("colour by", 13)
    ) {
      $0.recolorMap()
      return []
    },
    Action(
      id: "mapShow", section: .map, keys: [.enter], title: "show the cell's tensor in Layers",
      hint: ("Layers", 18)
    ) {
      $0.showMapped()
      return []
    },
  ]

  static let frontier: [Action] = [
    Action(
      id: "smaller", section: .frontier, keys: [.left, .character("h"), .character("-")],
      title: "to smaller plans, by a column", hint: ("walk", 10)
    ) {
      $0.moveAcrossFrontier(by: -1)
      return []
    },
    Action(
      id: "larger", section: .frontier,
      keys: [.right, .character("l"), .character("+"), .character("=")],
      title: "to larger plans, by a column"
    ) {
      $0.moveAcrossFrontier(by: 1)
      return []
    },
    Action(
      id: "nextMark", section: .frontier, keys: [.tab], title: "to the next plan off the curve",
      hint: ("plans", 16)
    ) {
      $0.moveToMark(by: 1)
      return []
    },
    Action(
      id: "previousMark", section: .frontier, keys: [.backTab],
      title: "to the plan off the curve before"
    ) {
      $0.moveToMark(by: -1)
      return []
    },
    Action(
      id: "takePlan", section: .frontier, keys: [.enter], title: "take the plan under the cursor",
      hint: ("take", 11)
    ) {
      $0.takeFromFrontier()
      return []
    },
  ]

  static let compare: [Action] = [
    Action(
      id: "otherPlan", section: .compare, keys: [.tab, .right, .character("l")],
      title: "compare with the next plan", hint: ("plan", 10)
    ) {
      $0.compareNext(by: 1)
      return []
    },
    Action(
      id: "otherPlanBefore", section: .compare, keys: [.backTab, .left, .character("h")],
      title: "compare with the plan before"
    ) {
      $0.compareNext(by: -1)
      return []
    },
    Action(
      id: "order", section: .compare, keys: [.character("o")],
      title: "sort by error, size, error per MiB, or not", hint: ("order", 13)
    ) {
      $0.reorderComparison()
      return []
    },
    Action(
      id: "takeBack", section: .compare, keys: [.enter],
      title: "give this tensor what it has in the other plan", hint: ("take back", 14)
    ) {
      $0.takeFromComparison()
      return []
    },
    Action(
      id: "showTensor", section: .compare, keys: [.character("t")],
      title: "show this tensor in Layers"
    ) {
      $0.showCompared()
      return []
    },
  ]

  static let guide: [Action] = [
    Action(
      id: "readOn", section: .guide, keys: [.right, .character("l"), .character(" ")],
      title: "read on", hint: ("read on", 14)
    ) {
      $0.scrollGuide(by: 5)
      return []
    },
    Action(
      id: "readBack", section: .guide, keys: [.left, .character("h")], title: "read back"
    ) {
      $0.scrollGuide(by: -5)
      return []
    },
    Action(
      id: "nextFamily", section: .guide, keys: [.tab], title: "to the next family of formats",
      hint: ("family", 13)
    ) {
      $0.moveFamily(by: 1)
      return []
    },
    Action(
      id: "previousFamily", section: .guide, keys: [.backTab],
      title: "to the family of formats before"
    ) {
      $0.moveFamily(by: -1)
      return []
    },
    Action(
      id: "takeFormat", section: .guide, keys: [.enter],
      title: "give it to the tensor at hand, or to what is marked", hint: ("take", 11)
    ) {
      $0.takeFromGuide()
      return []
    },
  ]

  static let copying: [Action] = [
    Action(
      id: "copy", section: .finding, keys: [.character("y")],
      title: "copy the name, or those of what is marked"
    ) { $0.copyNames() }
  ]

  static let program: [Action] = [
    Action(
      id: "theme", section: .program, keys: [.character("T")],
      title: "another theme: dark, light, high contrast"
    ) {
      $0.switchTheme()
      return []
    },
    Action(
      id: "mouse", section: .program, keys: [.character("M")],
      title: "give the mouse to the terminal, or take it back"
    ) {
      $0.mouse.toggle()
      $0.message = .init(
        text: $0.mouse ? "the mouse works here again" : "the mouse is the terminal's: select text")
      return [.mouse($0.mouse)]
    },
    Action(
      id: "palette", section: .program, keys: [.character(":"), .control("p")],
      title: "find an action by name", hint: ("actions", 21)
    ) {
      $0.modal = .picker(Picker(kind: .actions))
      return []
    },
    Action(
      id: "help", section: .program, keys: [.character("?")], title: "this help",
      hint: ("help", 1)
    ) {
      $0.modal = .help(scroll: 0)
      return []
    },
    Action(
      id: "messages", section: .program, keys: [.character("!")],
      title: "what was said so far: the log of messages"
    ) {
      $0.modal = .log(scroll: 0)
      return []
    },
    Action(id: "redraw", section: .program, keys: [.control("l")], title: "draw the screen anew") {
      _ in [.redraw]
    },
    Action(
      id: "suspend", section: .program, keys: [.control("z")], title: "suspend (fg brings it back)"
    ) { _ in [.suspend] },
    Action(
      id: "quit", section: .program, keys: [.character("q"), .control("c")],
      title: "quit, asking if something is unsaved", hint: ("quit", 2)
    ) { $0.quit() },
  ]
}
