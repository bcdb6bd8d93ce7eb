import Consumers
import Foundation
import ModelFiles
import Planning
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// Exporting from the explorer: the list of programs, the preview, the files.
struct ExportingTests {
  private let model: Model
  private let folder: ScratchFolder

  init() throws {
    model = try SampleModel.llama().open(configuration: SampleModel.llamaConfiguration)
    folder = try ScratchFolder()
  }

  private func player(_ keys: String = "", size: Size = Size(columns: 120, rows: 36)) throws
    -> Player
  {
    var options = Options()
    options.planPath = folder["plan.json"]
    var player = Player(model, size: size, options: options, answers: .madeUp)
    try player.press(keys)
    return player
  }

  private func preview(_ player: Player) throws -> ExportPreview {
    guard case .export(let preview) = player.state.modal else { throw Missing() }
    return preview
  }

  private struct Missing: Error {}

  @Test func everyProgramIsOffered() throws {
    let player = try player("e")
    for consumer in Consumer.allCases {
      #expect(player.lines.contains { $0.contains(consumer.rawValue) })
    }
    for consumer in Consumer.allCases {
      var player = player
      player.type(consumer.rawValue)
      try player.press("<Enter>")
      #expect(try preview(player).consumer == consumer)
      #expect(try preview(player).content != nil)
    }
  }

  /// What is written is what the command `export` writes of the plan.
  @Test func aFileIsWrittenBesideThePlan() throws {
    var player = try player("m*_proj*<Enter>tq8_0<Enter>ellama<Enter>")
    #expect(try preview(player).content?.problems.isEmpty == true)
    #expect(player.lines.contains { $0.contains("llama-quantize can do this plan as it is") })
    try player.press("<Enter>")
    #expect(player.lines[34].contains("write for llama-quantize: \(folder["tensor-types.txt"])"))
    #expect(folder.names == [])
    try player.press("<Enter>")
    #expect(player.message == "wrote \(folder["tensor-types.txt"])")
    let export = Export(
      player.state.makePlan(), for: .llamaQuantize, fileName: "tensor-types.txt")
    #expect(folder.text("tensor-types.txt") == export.files[0].text)
    #expect(try preview(player).written == [folder["tensor-types.txt"]])
    #expect(player.lines.contains { $0.contains("--tensor-type-file tensor-types.txt IN.gguf") })
    try player.press("<Enter>")
    #expect(!player.hasModal)
    // The plan itself is saved for its own.
    #expect(player.state.hasUnsavedChanges)
    #expect(folder.names == ["tensor-types.txt"])
  }

  @Test func nothingIsWrittenThatCannotBeExpressedUntilTheNearestIsTaken() throws {
    var player = try player("4emlx<Enter>")
    let content = try #require(try preview(player).content)
    #expect(content.problemCount == 1)
    #expect(player.lines.contains { $0.contains("• model.layers.0.self_attn.q_proj.weight") })
    #expect(player.lines.contains { $0.contains("int4 → mlx4") })
    try player.press("<Enter>")
    #expect(player.message == "n first takes the nearest for 1 tensor")
    #expect(player.lines.contains { $0.contains("[ ] n: take the nearest") })
    try player.press("n")
    #expect(player.lines.contains { $0.contains("[x] n: take the nearest") })
    try player.press("<Enter><C-u>")
    player.type(folder["mine.json"])
    try player.press("<Enter>")
    // The driver lies beside.
    #expect(folder.names == ["mine-convert.py", "mine.json"])
    #expect(folder.text("mine-convert.py")?.contains("\"mine.json\"") == true)
    #expect(try preview(player).written?.count == 2)
  }

  @Test(arguments: [("o", true), ("c", false), ("<Esc>", false)])
  func filesThatAreThereAreAskedAbout(answer: String, overwritten: Bool) throws {
    // Not the file itself, but one that comes with it.
    try folder.write("mlx-plan-convert.py", "precious")
    var player = try player("tmlx4<Enter>emlx<Enter><Enter><Enter>")
    guard case .question(let question) = player.state.modal else { throw Missing() }
    #expect(question.lines == [folder["mlx-plan-convert.py"]])
    #expect(folder.names == ["mlx-plan-convert.py"])
    try player.press(answer)
    #expect((folder.text("mlx-plan-convert.py") != "precious") == overwritten)
    #expect((folder.names.count == 2) == overwritten)
  }

  @Test func anotherNameCanBeGiven() throws {
    try folder.write("tensor-types.txt", "precious")
    var player = try player("ellama<Enter><Enter><Enter>a<C-u>")
    player.type(folder["no/such/folder"])
    try player.press("<Enter>")
    #expect(player.message.contains("no/such/folder wasn't written: "))
    try player.press("<C-u>")
    player.type(folder["types"])
    try player.press("<Enter>")
    #expect(folder.names == ["tensor-types.txt", "types"])
    #expect(folder.text("tensor-types.txt") == "precious")
  }

  @Test(arguments: ["ellama<Enter><Esc>", "ellama<Enter><Enter><Esc>", "e<Esc>", "ellama<Enter>q"])
  func itCanBeCalledOff(keys: String) throws {
    let player = try player(keys)
    #expect(!player.hasModal)
    #expect(folder.names == [])
  }

  /// A plan that changes meanwhile, as when it is solved, is previewed again.
  @Test func thePreviewFollowsThePlan() throws {
    var player = try player("4egptq<Enter>n")
    let before = try preview(player)
    #expect(before.nearest || before.content?.problems.isEmpty == true)
    _ = player.state.edits.undo()
    player.take([.input(.wake)])
    let after = try preview(player)
    #expect(after.request?.number != before.request?.number)
    #expect(!after.nearest)
    #expect(after.content?.plan.tensors.allSatisfy { $0.choice == .source } == true)
  }

  /// What comes too late is passed over.
  @Test func anAnswerThatNobodyWaitsForIsPassedOver() throws {
    var state = State(model: model)
    _ = state.settle()
    var requests: [ExportRequest] = []
    for key in try KeyScript.parse("ellama<Enter><Esc>emlx<Enter>") {
      for case .export(let request) in state.update([.input(key)]) { requests.append(request) }
    }
    #expect(requests.count == 2)
    _ = state.update([.exported(requests[0].run())])
    #expect(state.draw().text.contains { $0.contains("working it out") })
    _ = state.update([.exported(requests[1].run())])
    #expect(state.draw().text.contains { $0.contains("mlx-plan.json") })
  }

  @Test func allOfItCanBeRead() throws {
    var player = try player("4emlx<Enter>", size: Size(columns: 60, rows: 16))
    var seen = player.lines
    for _ in 0..<100 {
      try player.press("j")
      seen += player.lines
    }
    #expect(player.lines.contains { $0.contains("the end") })
    let content = try #require(try preview(player).content)
    for file in content.files { #expect(seen.contains { $0.contains(file.name) }) }
    try player.press("<Home>")
    #expect(try preview(player).scroll == 0)
  }

  @Test(arguments: [
    ("export-list-80x24", Size(columns: 80, rows: 24), false, "e"),
    ("export-80x24", Size(columns: 80, rows: 24), false, "4j3emlx<Enter>n"),
    (
      "export-120x36", Size(columns: 120, rows: 36), false,
      "m*_proj*<Enter>tq4_0<Enter>ellama<Enter>"
    ),
    ("export-60x16", Size(columns: 60, rows: 16), false, "4j3emlx<Enter>"),
    ("export-ascii-80x24", Size(columns: 80, rows: 24), true, "4j3emlx<Enter>"),
    ("export-prompt-80x24", Size(columns: 80, rows: 24), false, "ellama<Enter><Enter>"),
  ])
  func framesAreAsTheyWere(name: String, size: Size, isASCII: Bool, keys: String) throws {
    let screen = MemoryScreen(size: size, glyphs: isASCII ? .ascii : .unicode)
    _ = Session.play(
      try KeyScript.parse(keys), model, options: Options(), plan: nil, on: screen)
    try Golden.expect(screen.canvas.text, name)
    for line in screen.canvas.text {
      #expect(line.columns <= size.columns)
      if isASCII { #expect(line.utf8.allSatisfy { (0x20...0x7E).contains($0) }) }
    }
  }
}
