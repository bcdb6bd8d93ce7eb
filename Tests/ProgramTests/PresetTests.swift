import Foundation
import Testing

/// `bitladder presets`, and `--preset` of `plan` and of the explorer.
struct PresetTests {
  private static let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "SampleModels")
  private static let gguf = samples.appending(path: "austen/austen-bf16.gguf").path

  private func tensors(_ outcome: Program.Outcome) throws -> [[String: Any]] {
    try #require(try outcome.object()["tensors"] as? [[String: Any]])
  }

  @Test func aPlanIsThePresetMeasured() throws {
    let outcome = try Program.run(["plan", Self.gguf, "--preset", "q4_k_m", "-o", "-"])
    #expect(outcome.status == 0)
    let object = try outcome.object()
    #expect(object["budget"] == nil)
    let tensors = try tensors(outcome)
    let formats = tensors.map { $0["format"] as? String ?? "" }
    #expect(Set(formats) == ["q4_K", "q6_K", "source"])
    #expect(tensors.allSatisfy { $0["exact"] as? Bool == true && $0["nmse"] as? Double != nil })
    #expect(tensors.allSatisfy { $0["pinned"] as? Bool == false })
    #expect(outcome.errorLines.contains { $0.contains("bpw, NMSE") })
    #expect(!outcome.words.contains("bound"))
    // As a plan of those formats that was found has it.
    let measured = try Program.run(["measure", Self.gguf, "--formats", "q6_K", "--json"])
    let all = try #require(try measured.object()["tensors"] as? [[String: Any]])
    let name = "token_embd.weight"
    let first = try #require(all.first { $0["name"] as? String == name })
    let measurement = try #require((first["measurements"] as? [[String: Any]])?.first)
    let planned = try #require(tensors.first { $0["name"] as? String == name })
    #expect(planned["nmse"] as? Double == measurement["nmse"] as? Double)
    #expect(planned["bytes"] as? Int == measurement["bytes"] as? Int)
  }

  @Test func theListHasTheSizesOfPlans() throws {
    let list = try Program.run(["presets", Self.gguf])
    #expect(list.status == 0)
    let row = try #require(list.lines.first { $0.hasPrefix("Q4_K_M ") })
    #expect(
      row.split(separator: " ").map(String.init) == [
        "Q4_K_M", "2.64", "MiB", "4.97", "q4_K", "q6_K",
      ])
    #expect(list.errorLines.contains { $0.contains("IQ1_S") && $0.contains("--imatrix") })
    #expect(list.errorLines.contains { $0.contains("mixed_3_6") && $0.contains("safetensors") })
    let plan = try Program.run(["plan", Self.gguf, "--preset", "Q4_K_M", "-o", "-"])
    #expect(plan.words.contains("2.64 MiB, 4.97 bpw"))
  }

  @Test(arguments: [
    ["--budget", "4bpw"], ["--max-error", "1%"], ["--formats", "q4_K"], ["--pin", "*=q8_0"],
    ["--uniform", "all"], ["--objective", "log"],
  ])
  func nothingIsLeftToFind(_ other: [String]) throws {
    let outcome = try Program.run(
      ["plan", Self.gguf, "--preset", "Q4_K_M", "-o", "-"] + other)
    #expect(outcome.status == 2 && outcome.output.isEmpty)
    #expect(outcome.words.contains("--preset says what every tensor gets"))
  }

  @Test func unknownNamesAreExplained() throws {
    let outcome = try Program.run(["plan", Self.gguf, "--preset", "Q4_K_X\u{1b}", "-o", "-"])
    #expect(outcome.status == 2 && outcome.words.contains("Q4_K_M"))
    expectPrintable(outcome.errors)
    let unsuited = try Program.run(["plan", Self.gguf, "--preset", "IQ1_S", "-o", "-"])
    #expect(unsuited.status == 1)
    expectOneLine(unsuited)
    #expect(unsuited.words.contains("--imatrix"))
  }

  @Test func theExplorerStartsWithIt() throws {
    let scratch = try Scratch()
    let arguments = [Self.gguf, "--preset", "Q4_K_M", "--size", "110x30", "--dump-frame"]
    let outcome = try Program.run(arguments)
    #expect(outcome.status == 0)
    #expect(outcome.lines[0].contains("unsaved"))
    #expect(outcome.lines[1].contains("4.97 bpw"))
    #expect(outcome.lines.contains { $0.contains("token_embd") && $0.contains("q6_K") })
    // It is saved to a new plan file; an old one says for itself what tensors get.
    let path = scratch["plan.json"]
    #expect(try Program.run(arguments + ["--plan", path, "--script", "s"]).status == 0)
    let plan = try Program.run(["plan", Self.gguf, "--preset", "Q4_K_M", "-o", "-"])
    #expect(try scratch.text("plan.json") == plan.text)
    let both = try Program.run(arguments + ["--plan", path])
    #expect(both.status == 2 && both.words.contains("--preset"))
  }
}
