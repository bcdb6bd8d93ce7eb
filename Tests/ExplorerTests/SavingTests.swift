import Foundation
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

struct SavingTests {
  private let model: Model
  private let folder: ScratchFolder

  init() throws {
    model = try SampleModel.llama().open()
    folder = try ScratchFolder()
  }

  private func player(_ keys: String = "", path: String? = "plan.json") throws -> Player {
    var options = Options()
    options.planPath = path.map { folder[$0] }
    var player = Player(model, options: options, answers: .madeUp)
    try player.press(keys)
    return player
  }

  private func read(_ name: String) throws -> (plan: Plan, stamp: FileStamp?) {
    let bytes = try #require(folder.read(name))
    return (try PlanFile.parse(bytes, path: name), FileStamp(path: folder[name]))
  }

  private func isAsking(_ player: Player) -> String? {
    if case .question(let question) = player.state.modal { question.title } else { nil }
  }

  @Test func aPresetIsWhereAnUnsavedPlanStarts() throws {
    var options = Options()
    options.planPath = folder["plan.json"]
    options.start = model.tensors.map {
      $0.suitability.isQuantizable ? .format(.ggml(.q80)) : .source
    }
    var player = Player(model, options: options, answers: .madeUp)
    #expect(player.state.hasUnsavedChanges)
    #expect(player.state.makePlan().tensors.map(\.choice) == options.start)
    try player.press("us")
    #expect(!player.state.hasUnsavedChanges)
    #expect(try read("plan.json").plan.tensors.map(\.choice) == options.start)
  }

  @Test func aSavedPlanOpensAsItWas() throws {
    var player = try player("4pj<Left*2>*6mmlp<Enter>c<Right><Enter>3s")
    #expect(player.message == "saved to \(folder["plan.json"])")
    #expect(!player.state.hasUnsavedChanges)
    #expect(folder.names == ["plan.json"])
    let first = folder.read("plan.json")

    var options = Options()
    options.planPath = folder["plan.json"]
    var again = Player(model, options: options, plan: try read("plan.json"), answers: .madeUp)
    #expect(again.state.edits.assignments == player.state.edits.assignments)
    #expect(again.state.totals == player.state.totals)
    #expect(!again.hasModal)
    #expect(!again.state.hasUnsavedChanges)
    // The screens agree where they tell of the plan.
    try again.press("<Esc>g")
    try player.press("<Esc>g")
    #expect(again.lines.dropLast() == player.lines.dropLast())
    try again.press("s")
    #expect(folder.read("plan.json") == first)
    try again.press("s")
    #expect(folder.read("plan.json") == first)
  }

  @Test func realFiguresAreSavedTheSameEveryTime() throws {
    var texts: [String?] = []
    for name in ["a", "b"] {
      var options = Options()
      options.planPath = folder[name]
      let screen = MemoryScreen()
      _ = Session.play(
        try KeyScript.parse("mmlp<Enter>4"), model, options: options, plan: nil, on: screen)
      var player = Player(model, options: options, answers: .real)
      try player.press("mmlp<Enter>4s")
      texts.append(folder.text(name))
    }
    #expect(texts[0] == texts[1])
    let plan = try read("a").plan
    #expect(plan.totals.nmse.map { $0 > 0 && $0 < 0.1 } == true)
    #expect(plan.tensors.allSatisfy { $0.exact })
  }

  @Test func unmeasuredTensorsAreSavedAsSuch() throws {
    var options = Options()
    options.planPath = folder["p"]
    var player = Player(model, options: options)
    try player.press("4s")
    #expect(player.message.hasSuffix("save again later to have their errors in it"))
    let plan = try read("p").plan
    #expect(plan.totals.nmse == nil)
    #expect(plan.tensors.count { !$0.exact } == 1)
  }

  @Test func withoutANameSavingAsksForOne() throws {
    var player = try player("4s", path: nil)
    guard case .prompt(let prompt) = player.state.modal else {
      Issue.record("nothing was asked")
      return
    }
    #expect(prompt.input.string == "sample.plan.json")
    try player.press("<C-u>")
    player.type(folder["mine.json"])
    try player.press("<Enter>")
    #expect(player.state.planPath == folder["mine.json"])
    #expect(try read("mine.json").plan.tensors.count { $0.choice != .source } == 1)
    try player.press("5s")
    #expect(!player.hasModal)
    #expect(folder.names == ["mine.json"])
  }

  @Test(arguments: ["<Esc>", "<C-u><Enter>"])
  func savingCanBeCalledOff(keys: String) throws {
    let player = try player("4s" + keys, path: nil)
    #expect(!player.hasModal)
    #expect(player.state.hasUnsavedChanges)
    #expect(folder.names == [])
  }

  @Test(arguments: [("o", true), ("c", false), ("<Esc>", false), ("<C-c>", false)])
  func aFileThatIsThereIsAskedAbout(answer: String, overwritten: Bool) throws {
    try folder.write("plan.json", "somebody's")
    var player = try player("4s")
    #expect(isAsking(player) == "That file is there already")
    try player.press(answer)
    #expect((folder.text("plan.json") == "somebody's") != overwritten)
    #expect(player.state.hasUnsavedChanges != overwritten)
    #expect(!player.hasQuit)
  }

  @Test(arguments: [("o", true), ("c", false)])
  func aFileThatWasChangedIsAskedAbout(answer: String, overwritten: Bool) throws {
    var player = try player("4s")
    try folder.write("plan.json", "somebody's")
    try player.press("5s")
    #expect(isAsking(player) == "The file was changed by somebody else")
    try player.press(answer)
    #expect((folder.text("plan.json") == "somebody's") != overwritten)
  }

  @Test func anotherNameCanBeGiven() throws {
    try folder.write("plan.json", "somebody's")
    var player = try player("4sa<BS*4>2<Enter>")
    #expect(folder.text("plan.json") == "somebody's")
    #expect(folder.names == ["plan.2", "plan.json"])
    try player.press("5s")
    #expect(folder.names == ["plan.2", "plan.json"])
    #expect(!player.hasModal)
  }

  @Test func whatCannotBeSavedCanBeSavedElsewhere() throws {
    var player = try player("4s", path: "no/such/folder")
    #expect(player.message.hasPrefix("not saved: \(folder["no/such/folder"]): can't"))
    #expect(player.state.hasUnsavedChanges)
    try player.press("<C-u>")
    player.type(folder["yes"])
    try player.press("<Enter>")
    #expect(folder.names == ["yes"])
  }

  @Test(arguments: [
    ("q", true), ("<C-c>", true), ("4q", false), ("4<C-c>", false), ("4qd", true), ("4qc", false),
    ("4q<Esc>", false), ("4qs", true), ("4<C-c><C-c>", true), ("4sq", true), ("4uq", true),
    ("4qx", false), ("4s5q", false), ("?q", false), ("?qq", true), ("4<Resize 10x3>q", false),
    ("4<Resize 10x3>qq", true), ("<Resize 10x3>q", true),
  ])
  func quittingAsksIfSomethingIsUnsaved(keys: String, quits: Bool) throws {
    let player = try player(keys)
    #expect(player.hasQuit == quits)
    #expect((folder.text("plan.json") != nil) == ["4qs", "4sq", "4s5q"].contains(keys))
  }

  @Test func savingAndQuittingWithoutANameAsksForOne() throws {
    var player = try player("4qs", path: nil)
    #expect(!player.hasQuit)
    try player.press("<C-u>")
    player.type(folder["late"])
    try player.press("<Enter>")
    #expect(player.hasQuit)
    #expect(folder.names == ["late"])
  }

  @Test func savingAndQuittingStaysIfItCannotSave() throws {
    let player = try player("4qs", path: "no/such")
    #expect(!player.hasQuit)
    #expect(player.hasModal)
  }

  @Test(arguments: [("a", 1, true), ("n", 0, false), ("<Esc>", 0, false)])
  func aPlanOfAnotherModelIsAskedAbout(answer: String, changed: Int, unsaved: Bool) throws {
    var first = try player("4s")
    try first.press("q")
    let plan = try read("plan.json")
    var options = Options()
    options.planPath = folder["plan.json"]
    var player = Player(
      try SampleModel.llama(blocks: 2, seed: 77).open(), options: options, plan: plan,
      answers: .madeUp)
    #expect(isAsking(player) == "This plan was made for another model")
    #expect(player.changed.isEmpty)
    let before = folder.read("plan.json")
    try player.press(answer)
    #expect(player.changed.count == changed)
    #expect(player.state.hasUnsavedChanges == unsaved)
    // The other model's plan isn't overwritten in passing: a name is asked for.
    try player.press("5s")
    guard case .prompt = player.state.modal else {
      Issue.record("saved without asking")
      return
    }
    #expect(folder.read("plan.json") == before)
  }

  /// The suggested name can be a file's, whatever the model is called.
  @Test(arguments: [
    ("a b/c", "a-b-c.plan.json"), ("..", "model.plan.json"), ("", "model.plan.json"),
    ("x\u{1B}y", "x-y.plan.json"),
    (String(repeating: "層", count: 90), String(repeating: "層", count: 40) + ".plan.json"),
  ])
  func suggestionsAreFileNames(name: String, suggestion: String) throws {
    var player = Player(Model(name: name, tensors: []))
    try player.press("S")
    guard case .prompt(let prompt) = player.state.modal else {
      Issue.record("nothing was asked")
      return
    }
    #expect(prompt.input.string == suggestion)
  }

  @Test func sessionsReallyWriteFiles() throws {
    var options = Options()
    options.planPath = folder["p"]
    let state = Session.play(
      try KeyScript.parse("4sq"), model, options: options, plan: nil, on: MemoryScreen())
    #expect(!state.hasUnsavedChanges)
    #expect(try read("p").plan.tensors.count { $0.choice != .source } == 1)
  }
}
