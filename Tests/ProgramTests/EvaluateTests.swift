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
      "name", "bytes", "bitsPerWeight", "nmse", "positions", "perplexity", "sourcePerplexity",
      "logRatio",
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

  /// What the explorer shows beside the totals is what `evaluate` says of the plan that it saves.
  @Test func theExplorerShowsTheSame() throws {
    let scratch = try Scratch()
    let plan = scratch["plan.json"]
    let terminal = try explore(Self.samples + "/digits", ["--plan", plan, "--no-store"])
    try #require(terminal.wait(for: "100 % right, KL 0"), "\(terminal.screen.picture)")
    terminal.send("*3")
    let pattern = /% right, KL ([0-9.]+(e-[0-9]+)?)/
    func shown() -> Double? {
      terminal.screen.text[1].firstMatch(of: pattern).flatMap { Double($0.1) }
    }
    try #require(terminal.wait { _ in (shown() ?? 0) > 0 }, "\(terminal.screen.picture)")
    let divergence = try #require(shown())
    try #require(terminal.press("s", until: "saved to "))
    terminal.expectQuits()
    let outcome = try Program.run(
      ["evaluate", Self.samples + "/digits", "--plan", plan, "--json"])
    let results = try #require(try outcome.object()["results"] as? [[String: Any]])
    let figure = try #require(results.last?["divergence"] as? [String: Any])
    let exact = try #require(figure["value"] as? Double)
    #expect(abs(divergence / exact - 1) < 0.005)
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
    #expect(
      solved.status == 0 && solved.words.contains("sum of the tensors' own divergences"),
      "\(solved.words)")
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

  @Test func calibratesOnOtherData() throws {
    let scratch = try Scratch()
    let text = scratch["text.txt"]
    try String(repeating: "It is a truth universally acknowledged. ", count: 40).write(
      toFile: text, atomically: true, encoding: .utf8)
    let formats = ["--formats", "int3,int3:gptq,int3:gptq-act,int3:awq"] + Self.few
    let outcome = try Program.run(
      ["evaluate", Self.samples + "/austen", "--calibration", text, "--json"] + formats)
    #expect(outcome.status == 0, "\(outcome.words)")
    let results = try #require(try outcome.object()["results"] as? [[String: Any]])
    #expect(Set(results.dropFirst().map { $0["bytes"] as? Int }).count == 1)
    #expect(Set(results.dropFirst().map { $0["nmse"] as? Double }).count == 4)
    let held = try Program.run(
      ["evaluate", Self.samples + "/austen", "--calibration", Self.samples + "/austen/heldout.txt"]
        + formats)
    #expect(held.status == 1 && held.errorLines.count == 1, "\(held.words)")
    #expect(held.words.contains("is what the model is evaluated on"))
    let sensitivity = try Program.run(
      [
        "sensitivity", Self.samples + "/digits", "--formats", "int2:gptq", "--no-store",
        "--calibration-sequences", "20",
      ])
    #expect(sensitivity.status == 0 && sensitivity.lines.count == 5, "\(sensitivity.words)")
  }

  @Test func whatNeedsActivationsIsRefusedElsewhere() throws {
    let measured = try Program.run(
      ["measure", Self.samples + "/digits", "--formats", "int4:gptq", "--no-store"])
    #expect(measured.status == 1 && measured.words.contains("needs what flows through the model"))
    let scratch = try Scratch()
    let plan = scratch["plan.json"]
    let made = try Program.run(
      ["plan", Self.samples + "/digits", "--budget", "5bpw", "--formats", "int4", "-o", plan])
    #expect(made.status == 0)
    let text = try String(contentsOfFile: plan, encoding: .utf8)
    try text.replacing("\"int4\"", with: "\"int4:gptq\"").write(
      toFile: plan, atomically: true, encoding: .utf8)
    let applied = try Program.run(
      ["apply", plan, Self.samples + "/digits", "-o", scratch["out.safetensors"]])
    #expect(applied.status == 1 && applied.words.contains("as int4:gptq asks"), "\(applied.words)")
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
