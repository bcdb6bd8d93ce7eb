import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// The work of a user: move, choose, undo, save, come back.
@Suite(.serialized) struct ExploringTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama())
  }

  @Test func opensAndMoves() throws {
    let terminal = try explore(model)
    #expect(terminal.screen.text[0].contains("sample"))
    #expect(terminal.screen.reportsMouse && terminal.screen.modes.contains(2004))
    #expect(!terminal.screen.showsCursor && !terminal.isInOrder)
    // The head of the list counts the rows.
    for (keys, place) in [
      ("g", "1/33"), ("j", "2/33"), ("\u{1B}[B", "3/33"), ("\u{1B}OB", "4/33"), ("k", "3/33"),
      ("\u{1B}[A", "2/33"), ("G", "33/33"), ("\u{1B}[H", "1/33"), ("\u{1B}[F", "33/33"),
      ("\u{1B}[5~\u{1B}[5~\u{1B}[5~\u{1B}[5~", "1/33"),
    ] {
      try #require(
        terminal.press(keys, until: "tensor  \(place)"), "\(keys.debugDescription) \(place)")
    }
    terminal.expectQuits()
  }

  @Test func choosesUndoesSavesAndReopens() throws {
    let terminal = try explore(model)
    let plan = scratch["my plan.json"]
    // Four bits for the tensor under the cursor.
    try #require(terminal.press("4", until: "unsaved"))
    try #require(terminal.waitForLine("self_attn.q_proj ", with: " int4 "))
    // Eight for all of its role (marked first, unmarked after), then that undone and done again.
    try #require(terminal.press("*8", until: "8 bits for 3 tensors"))
    try #require(terminal.press("u", until: "undone: 8 bits for 3 tensors"))
    try #require(terminal.waitForLine("self_attn.q_proj ", with: " int4 "))
    try #require(terminal.press("\u{12}", until: "done again: 8 bits for 3 tensors"))
    terminal.send("\u{1B}")
    try #require(terminal.wait { !$0.picture.contains("marked") })
    // And three steps down, past the formats of 8 bits, for the first.
    terminal.send("\u{1B}[D\u{1B}OD-")
    try #require(
      terminal.wait { $0.text.contains { $0.contains("q_proj ") && $0.contains("int6") } })
    try #require(terminal.wait(until: isMeasured))
    // Saved under a name that is typed.
    try #require(terminal.press("s", until: "save as: "))
    try #require(terminal.press("\u{15}\(plan)\r", until: "saved to "))
    #expect(
      terminal.wait { $0.text[0].contains("my plan.json") && $0.text[0].hasSuffix("· saved") })
    terminal.settle()
    let before = terminal.screen.text
    terminal.expectQuits()

    try expectSaved(plan)
    let again = try explore(model, ["--plan", plan])
    try #require(again.wait(until: isMeasured))
    // All but the message's line is as it was.
    let after = again.screen.text
    #expect(after.dropLast(2) == before.dropLast(2))
    again.expectQuits()
  }

  /// The file on disk parses and holds the choices.
  private func expectSaved(_ plan: String) throws {
    let shown = try Program.run(["show", plan, "--json"])
    #expect(shown.status == 0 && shown.words.isEmpty)
    #expect(shown.output == Array(try Data(contentsOf: URL(fileURLWithPath: plan))))
    let object = try shown.object()
    let tensors = try #require(object["tensors"] as? [[String: Any]])
    #expect(tensors.count == SampleModel.llama().tensors.count)
    var bytes = 0
    for (found, tensor) in zip(tensors, SampleModel.llama().tensors) {
      let isQuery = tensor.name.contains("q_proj")
      let bits = tensor.name.contains("layers.0.") ? 6 : 8
      #expect(found["name"] as? String == tensor.name)
      #expect(found["format"] as? String == (isQuery ? "int\(bits)" : "source"), "\(tensor.name)")
      #expect(found["exact"] as? Bool == true && found["pinned"] as? Bool == false)
      let reference = Reference(bits: bits)
      let expected =
        isQuery
        ? reference.byteCount(rows: tensor.shape[0], rowLength: tensor.shape[1]) : tensor.byteCount
      #expect(found["bytes"] as? Int == expected)
      bytes += expected
      let nmse =
        isQuery ? reference.figures(tensor.values, rowLength: tensor.shape[1]).nmse : 0
      #expect(agree(found["nmse"] as? Double, nmse))
    }
    let totals = try #require(object["totals"] as? [String: Any])
    #expect(totals["bytes"] as? Int == bytes)
    let bits = 8 * Double(bytes) / Double(SampleModel.llama().weights)
    #expect(agree(totals["bitsPerWeight"] as? Double, bits))
    #expect((totals["nmse"] as? Double ?? 0) > 0)
  }

  /// The same plan always gives the same bytes, typed or from a script.
  @Test func samePlanSameBytes() throws {
    let plan = scratch["a.json"]
    let terminal = try explore(model, ["--plan", plan])
    terminal.send("4jj8")
    try #require(terminal.wait { isMeasured($0) && $0.text[0].contains("unsaved") })
    try #require(terminal.press("s", until: "saved to "))
    terminal.expectQuits()
    let first = try scratch.text("a.json")
    #expect(first.contains("\"int8\"") && first.contains("\"int4\""))
    // A script saves when everything is measured, however soon its keys come.
    for script in ["4jj8s", "jj8kk4s", "*8u<Esc>4jj8s"] {
      let name = "\(script.count).json"
      let outcome = try Program.run([model, "--plan", scratch[name], "--script", script])
      #expect(outcome.status == 0)
      #expect(try scratch.text(name) == first, "\(script)")
    }
  }

  @Test func unsavedQuitAsks() throws {
    let plan = scratch["plan.json"]
    let terminal = try explore(model, ["--plan", plan])
    try #require(terminal.press("4", until: "unsaved"))
    try #require(terminal.press("q", until: "[d]"))
    // Nothing else is an answer, and Esc takes the question back.
    #expect(!FileManager.default.fileExists(atPath: plan))
    terminal.send("x\u{1B}")
    try #require(terminal.wait { !$0.picture.contains("[d]") && isWhole($0) })
    try #require(terminal.press("q", until: "[s]"))
    terminal.send("s")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
    #expect(try scratch.text("plan.json").contains("\"int4\""))

    let discarding = try explore(model, ["--plan", plan])
    try #require(discarding.press("8", until: "unsaved"))
    try #require(discarding.press("q", until: "[d]"))
    discarding.send("d")
    #expect(discarding.waitForExit() == .exited(0))
    #expect(try !scratch.text("plan.json").contains("\"int8\""))
  }

  @Test func planOfAnotherModelAsks() throws {
    let plan = try ShowTests.savedPlan(scratch)
    let other = try scratch.write(.llama(seed: 2), as: "other.safetensors")
    let terminal = try PseudoTerminal(
      Program.path, [other, "--plan", plan], size: Size(columns: 120, rows: 36))
    try #require(terminal.wait(for: "This plan was made for another model"))
    try #require(terminal.wait(for: "model.layers.1.input_layernorm.weight isn't in the plan"))
    #expect(!terminal.screen.text.contains { $0.contains("q_proj ") && $0.contains("int4") })
    terminal.send("a")
    try #require(terminal.wait { isWhole($0) && $0.text[0].contains("unsaved") })
    try #require(terminal.waitForLine("self_attn.q_proj ", with: " int4 "))
    // It isn't written back over the other model's plan.
    try #require(terminal.press("s", until: "save as: "))
    terminal.send("\u{1B}q")
    try #require(terminal.wait(for: "[d]"))
    terminal.send("d")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
    #expect(scratch.names.filter { $0.hasSuffix(".json") } == ["plan.json"])
  }

  @Test func planChangedOnDiskAsks() throws {
    let plan = try ShowTests.savedPlan(scratch)
    let model = scratch["sample.safetensors"]
    let terminal = try explore(model, ["--plan", plan])
    try scratch.write("plan.json", "somebody else's")
    try #require(terminal.press("3", until: "unsaved"))
    try #require(terminal.press("s", until: "changed by somebody else"))
    #expect(try scratch.text("plan.json") == "somebody else's")
    try #require(terminal.press("o", until: "saved to "))
    #expect(try scratch.text("plan.json").contains("\"int3\""))
    terminal.expectQuits()
  }

  @Test func existingFileAsks() throws {
    let file = try scratch.write("precious.json", "precious")
    let terminal = try explore(model)
    try #require(terminal.press("4s", until: "save as: "))
    try #require(terminal.press("\u{15}\(file)\r", until: "That file is there already"))
    terminal.send("\u{1B}")
    try #require(terminal.wait { isWhole($0) && $0.text[0].contains("unsaved") })
    #expect(try scratch.text("precious.json") == "precious")
    terminal.send("qd")
    #expect(terminal.waitForExit() == .exited(0))
  }
}
