import Foundation
import Testing

/// `bitladder evaluate`, `sensitivity` and `imatrix`.
struct EvaluateTests {
  private static let samples = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("SampleModels").path
  private static let austen = samples + "/austen/austen-bf16.gguf"
  private static let few = ["--sequences", "2", "--context", "32"]

  @Test func figuresOfALanguageModel() throws {
    let outcome = try Program.run(
      ["evaluate", Self.austen, "--formats", "q8_0,q2_K", "--json"] + Self.few)
    #expect(outcome.status == 0, "\(outcome.words)")
    let object = try outcome.object()
    #expect(Set(object.keys) == ["model", "data", "results"])
    let data = try #require(object["data"] as? [String: Any])
    #expect(data["name"] as? String == "heldout.txt" && data["context"] as? Int == 32)
    let results = try #require(object["results"] as? [[String: Any]])
    #expect(results.map { $0["name"] as? String } == ["source", "q8_0", "q2_K"])
    let keys: Set = [
      "name", "bytes", "bitsPerWeight", "positions", "perplexity", "sourcePerplexity", "logRatio",
      "ratio", "divergence", "divergenceInterval", "divergencePercentiles", "sameTop",
      "probabilityChange", "meanProbabilityChange",
    ]
    let divergences = try results.map { result in
      #expect(Set(result.keys) == keys)
      #expect(result["positions"] as? Int == 30)
      let divergence = try #require(result["divergence"] as? [String: Any])
      return try #require(divergence["value"] as? Double)
    }
    #expect(divergences[0] == 0 && divergences[1] > 0 && divergences[2] > 100 * divergences[1])
  }

  @Test func tables() throws {
    let digits = try Program.run(["evaluate", Self.samples + "/digits", "--formats", "int4"])
    #expect(digits.status == 0 && digits.text.contains("100.00 %"))
    #expect(digits.lines.first?.hasPrefix("test.safetensors: 360 samples") == true)
    let austen = try Program.run(["evaluate", Self.austen] + Self.few)
    #expect(austen.status == 0 && austen.lines.count == 3)
    #expect(austen.lines[1].hasPrefix("plan"))
  }

  @Test func sensitivitiesMakePlans() throws {
    let scratch = try Scratch()
    let file = scratch["sensitivities.json"]
    let formats = ["--formats", "int8,int3", "--no-store"]
    let outcome = try Program.run(
      ["sensitivity", Self.samples + "/austen", "-o", file] + formats + Self.few)
    #expect(outcome.status == 0, "\(outcome.words)")
    #expect(outcome.lines.count == 1 + 36 * 2)
    let plan = scratch["plan.json"]
    let solved = try Program.run(
      ["plan", Self.samples + "/austen", "--budget", "4.5bpw", "--sensitivity", file, "-o", plan]
        + formats)
    #expect(solved.status == 0 && solved.words.contains("sum of the tensors' own divergences"), "\(solved.words)")
    let evaluated = try Program.run(
      ["evaluate", Self.samples + "/austen", "--plan", plan] + Self.few)
    #expect(evaluated.status == 0 && evaluated.lines.last?.hasPrefix("plan.json") == true)
    let other = try Program.run(
      [
        "plan", Self.samples + "/digits", "--budget", "4.5bpw", "--sensitivity", file, "-o",
        scratch["other.json"],
      ]
        + formats)
    #expect(other.status == 1 && other.words.contains("sensitivities of another model"))
  }

  @Test func collectedImportanceIsRead() throws {
    let scratch = try Scratch()
    let file = scratch["imatrix.gguf"]
    let collected = try Program.run(["imatrix", Self.austen, "-o", file] + Self.few)
    #expect(collected.status == 0 && collected.output.isEmpty, "\(collected.words)")
    let measured = try Program.run(
      [
        "measure", Self.austen, "--imatrix", file, "--formats", "q4_K", "--tensors",
        "*.2.attn_k.*", "--no-store",
      ])
    #expect(measured.status == 0)
    #expect(measured.words.contains("importance for 35 of 36 tensors"))
    let again = try Program.run(["imatrix", Self.austen, "-o", file] + Self.few)
    #expect(again.status == 1 && again.words.contains("--force overwrites it"))
  }

  @Test func whatCannotBeRunIsSaidInALine() throws {
    let scratch = try Scratch()
    let path = try scratch.write(SampleModel.llama(blocks: 1, width: 96))
    let bare = try Program.run(["evaluate", path])
    #expect(bare.status == 1 && bare.errorLines.count == 1)
    #expect(bare.words.contains("so it can't be run"))
    for arguments in [
      ["--data", scratch["none.txt"]], ["--data", Self.samples + "/digits/model.safetensors"],
    ] {
      let outcome = try Program.run(["evaluate", Self.austen] + arguments)
      #expect(outcome.status == 1 && outcome.errorLines.count == 1, "\(outcome.words)")
    }
    #expect(try Program.run(["evaluate", Self.austen, "--sequences", "0"]).status == 2)
  }
}
