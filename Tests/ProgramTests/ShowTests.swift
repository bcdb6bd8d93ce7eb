import Foundation
import Testing

/// `bitladder show`.
struct ShowTests {
  /// A plan as the explorer saves it.
  static func savedPlan(_ scratch: Scratch, keys: String = "4jj8Gp") throws -> String {
    let model = try scratch.write(.llama(blocks: 1))
    let plan = scratch["plan.json"]
    let outcome = try Program.run([model, "--plan", plan, "--script", keys + "s"])
    try #require(outcome.status == 0, "\(outcome.words)")
    return plan
  }

  @Test func jsonIsTheFile() throws {
    let scratch = try Scratch()
    let plan = try Self.savedPlan(scratch)
    let outcome = try Program.run(["show", plan, "--json"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.text == (try scratch.text("plan.json")))
    let object = try outcome.object()
    #expect(object["bitladder"] as? Int == 1)
    #expect(Set(object.keys).isSuperset(of: ["bitladder", "model", "totals", "tensors"]))
    try expectIdentity(object["model"], .llama(blocks: 1))
    let totals = try #require(object["totals"] as? [String: Any])
    #expect(Set(totals.keys) == ["bytes", "bitsPerWeight", "nmse", "sqnr"])
    let tensors = try #require(object["tensors"] as? [[String: Any]])
    #expect(tensors.count == SampleModel.llama(blocks: 1).tensors.count)
    for tensor in tensors {
      #expect(
        Set(tensor.keys) == [
          "name", "shape", "source", "format", "bytes", "bitsPerWeight", "nmse", "exact", "pinned",
        ])
    }
  }

  @Test func table() throws {
    let scratch = try Scratch()
    let outcome = try Program.run(["show", try Self.savedPlan(scratch)])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    expectPrintable(outcome.output)
    let lines = outcome.lines
    #expect(lines.count == SampleModel.llama(blocks: 1).tensors.count + 2)
    #expect(lines[0].hasPrefix("tensor"))
    #expect(lines.contains { $0.contains(" int4 ") } && lines.contains { $0.contains(" int8 ") })
    #expect(lines.filter { $0.hasSuffix("  pinned") }.count == 1)
    #expect(
      lines[lines.count - 1].contains(" -> ") && lines[lines.count - 1].contains(" bpw, NMSE "))
  }

  /// A file may say anything of the whole: what it says of the tensors is added up.
  @Test func falseTotalsAreNotShown() throws {
    let scratch = try Scratch()
    let plan = try Self.savedPlan(scratch)
    let right = try Program.run(["show", plan]).text
    let text = try scratch.text("plan.json").replacing(
      /"totals":\s*\{\s*"bytes": [0-9]+/, with: "\"totals\": {\"bytes\": 1073741824")
    let wrong = try scratch.write("wrong.json", text)
    let outcome = try Program.run(["show", wrong])
    #expect(outcome.status == 0)
    #expect(outcome.text == right)
    #expect(outcome.words.contains("wrong.json: its totals aren't those of its tensors"))
    #expect(outcome.words.contains("1073741824 bytes, not "))
    let json = try Program.run(["show", wrong, "--json"])
    #expect(json.text == (try scratch.text("plan.json")))
  }

  @Test(arguments: [
    ("\"bitladder\": 1", "\"bitladder\": 2", "version 2"),
    ("\"bitladder\": 1", "\"bitladder\": \"1\"", "bitladder"),
    ("int4", "int44", "int44"), ("\"int4\"", "null", "format"),
    ("\"totals\"", "\"sums\"", "totals"),
    ("\"weights\": ", "\"weights\": -", "weights"), ("\"bytes\": ", "\"bytes\": 1e400", "bytes"),
    ("{", "", "byte 1"), ("int4", "int4\\u001b[31m\\u009b\\u202e", "format"),
    ("model.norm.weight", "lm_head.weight", "each tensor once"),
  ]) func wrongPlans(found: String, replacement: String, word: String) throws {
    let scratch = try Scratch()
    _ = try Self.savedPlan(scratch)
    var text = try scratch.text("plan.json")
    let range = try #require(text.firstRange(of: found))
    text.replaceSubrange(range, with: replacement)
    let outcome = try Program.run(["show", try scratch.write("wrong.json", text)])
    #expect(outcome.status == 1)
    expectOneLine(outcome, "\(outcome.words)")
    #expect(outcome.words.contains("wrong.json: "))
    #expect(outcome.words.contains(word), "\(outcome.words)")
  }

  @Test(arguments: ["", "[]", "{}", "null", "\u{0}", "{\"bitladder\": 1}", "{\"bitladder\": 1"])
  func noPlans(text: String) throws {
    let scratch = try Scratch()
    let outcome = try Program.run(["show", try scratch.write("plan.json", text)])
    #expect(outcome.status == 1)
    expectOneLine(outcome, "\(outcome.words)")
  }

  @Test func deepPlanIsRefusedAtOnce() throws {
    let scratch = try Scratch()
    let deep = String(repeating: "[", count: 1_000_000)
    let start = ContinuousClock.now
    for text in [deep, "{\"bitladder\": 1, \"model\": \(deep)"] {
      let outcome = try Program.run(["show", try scratch.write("plan.json", text)])
      #expect(outcome.status == 1)
      expectOneLine(outcome)
    }
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  /// What a plan says of names reaches no terminal raw; the JSON stays the file.
  @Test func escapesInNames() throws {
    let scratch = try Scratch()
    _ = try Self.savedPlan(scratch)
    let text = try scratch.text("plan.json")
      .replacingOccurrences(of: "lm_head", with: "lm\\u001b[31m\\u009b\\u202e\\u0007head")
      .replacingOccurrences(of: "\"F32\"", with: "\"F\\u001b]0;x\\u0007\"")
    let plan = try scratch.write("hostile.json", text)
    let table = try Program.run(["show", plan])
    #expect(table.status == 0)
    expectPrintable(table.output)
    #expect(table.text.contains("lm\\x1b[31m\\u{9b}\\u{202e}\\x07head.weight"))
    let json = try Program.run(["show", plan, "--json"])
    #expect(json.status == 0)
    expectPrintable(json.output)
    let tensors = try #require(try json.object()["tensors"] as? [[String: Any]])
    #expect(
      tensors.contains { $0["name"] as? String == "lm\u{1B}[31m\u{9B}\u{202E}\u{7}head.weight" })
  }
}
