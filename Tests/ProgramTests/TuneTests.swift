import Foundation
import Testing

/// `bitladder tune`.
struct TuneTests {
  private static let samples = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("SampleModels").path
  private static let digits = samples + "/digits"
  private static let austen = samples + "/austen"

  private func results(_ outcome: Program.Outcome) throws -> [[String: Any]] {
    try #require(try outcome.object()["results"] as? [[String: Any]])
  }

  private func divergence(_ result: [String: Any]) throws -> Double {
    let divergence = try #require(result["divergence"] as? [String: Any])
    return try #require(divergence["value"] as? Double)
  }

  @Test func whatIsSavedIsWhatWasShown() throws {
    let scratch = try Scratch()
    let folder = scratch["tuned"]
    let outcome = try Program.run(
      [
        "tune", Self.digits, "--format", "int2:g64", "--steps", "12", "--batch", "48", "-o", folder,
        "--json",
      ])
    #expect(outcome.status == 0, "\(outcome.words)")
    let shown = try results(outcome)
    #expect(
      shown.map { $0["name"] as? String } == ["float", "post-training", "quantization-aware"])
    #expect(try divergence(shown[0]) == 0)
    #expect(try divergence(shown[2]) < divergence(shown[1]))
    #expect(shown[1]["bytes"] as? Int == shown[2]["bytes"] as? Int)

    let names = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
    #expect(names == ["model.safetensors", "config.json", "plan.json", "test.safetensors"])
    let plan = folder + "/plan.json"
    let again = try Program.run(
      ["evaluate", folder, "--plan", plan, "--against", Self.digits, "--json"])
    #expect(again.status == 0, "\(again.words)")
    let found = try #require(try results(again).last)
    for key in ["right", "bytes", "bitsPerWeight", "flips", "lost"] {
      #expect(found[key] as? Double == shown[2][key] as? Double, "\(key)")
    }
    #expect(try divergence(found) == divergence(shown[2]))

    let frame = try Program.run([
      folder, "--plan", plan, "--script", "j", "--size", "80x24", "--dump-frame", "--no-store",
    ])
    #expect(frame.status == 0 && frame.text.contains("int2:g64"), "\(frame.words)")
    // On with the plan, from where it is.
    let data = Self.digits + "/train.safetensors"
    let more = try Program.run(
      ["tune", folder, "--plan", plan, "--steps", "1", "--data", data, "--json"])
    #expect(more.status == 0, "\(more.words)")
    let accuracies = try results(more).map { $0["accuracy"] as? Double }
    #expect(accuracies[1] == shown[2]["accuracy"] as? Double)
    let foreign = try Program.run(["tune", Self.digits, "--plan", plan])
    #expect(foreign.status == 1 && foreign.words.contains("made for another model"))

    let second = try Program.run(
      ["tune", Self.digits, "--format", "int2:g64", "--steps", "1", "-o", folder])
    #expect(second.status == 1 && second.words.contains("there is something of that name already"))
  }

  @Test func aLanguageModelInATable() throws {
    let scratch = try Scratch()
    let text = scratch["text.txt"]
    let words = (0..<400).map { "It was the \($0)th time that she had said so. " }.joined()
    try words.write(toFile: text, atomically: true, encoding: .utf8)
    let outcome = try Program.run(
      [
        "tune", Self.austen, "--format", "q2_K", "--steps", "1", "--batch", "1", "--data", text,
        "--sequences", "1",
      ])
    #expect(outcome.status == 0, "\(outcome.words)")
    try #require(outcome.lines.count == 6, "\(outcome.text)")
    #expect(outcome.lines[2].hasPrefix("q2_K"))
    #expect(outcome.lines[5].hasPrefix("quantization-aware"))
  }

  @Test func whatCannotBeDoneIsSaidInALine() throws {
    let scratch = try Scratch()
    func expect(_ arguments: [String], _ status: Int32, _ words: String) throws {
      let outcome = try Program.run(["tune"] + arguments)
      #expect(outcome.status == status && outcome.words.contains(words), "\(outcome.words)")
    }
    try expect([Self.digits], 2, "expected either --plan or --format")
    try expect([Self.digits, "--format", "int3", "--steps", "0"], 2, "--steps takes a number")
    try expect(
      [Self.digits, "--format", "int3", "-o", scratch["x.safetensors"]], 2, "expected a folder")
    try expect(
      [Self.austen + "/austen-bf16.gguf", "--format", "int3", "-o", scratch["x"]], 1,
      "a tuned GGUF can't be written yet")
    try expect([Self.austen, "--format", "iq2_xs"], 1, "needs an imatrix")
    try expect(
      [Self.austen, "--format", "int3", "--data", Self.austen + "/heldout.txt"], 1,
      "it is judged by what it wasn't trained on")
  }
}
