import Foundation
import Testing

/// `bitladder fit`, `bitladder devices`, `bitladder plan --fit` and the file of the user's own devices.
struct FitTests {
  private static let configuration =
    #"{"model_type": "llama", "num_hidden_layers": 3, "num_attention_heads": 4, "#
    + #""num_key_value_heads": 2, "hidden_size": 128, "vocab_size": 256, "#
    + #""max_position_embeddings": 65536}"#

  /// A folder with a small model; 128 numbers are kept of each token in each layer.
  private func model(_ scratch: Scratch) throws -> String {
    _ = try scratch.write(SampleModel.llama(), as: "model/model.safetensors")
    try scratch.write("model/config.json", Self.configuration)
    return scratch["model"]
  }

  private func write(_ toml: String, _ scratch: Scratch) throws -> [String: String] {
    try scratch.write("config/bitladder/config.toml", toml)
    return ["XDG_CONFIG_HOME": scratch["config"]]
  }

  private func devices(_ outcome: Program.Outcome) throws -> [[String: Any]] {
    try #require(try outcome.object()["devices"] as? [[String: Any]])
  }

  @Test func partsForADevice() throws {
    let scratch = try Scratch()
    let model = try model(scratch)
    let arguments = ["fit", model, "--device", "rtx4090", "--context", "4k", "--batch", "2"]
    let outcome = try Program.run(arguments + ["--json"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.words)")
    let object = try outcome.object()
    #expect(Set(object.keys) == ["model", "use", "cache", "devices"])
    let device = try #require(try devices(outcome).first)
    #expect(device["cache"] as? Int == 4096 * 2 * 3 * 128 * 2)
    #expect(device["weights"] as? Int == SampleModel.llama().byteCount)
    let parts = ["weights", "cache", "overhead"].compactMap { device[$0] as? Int }.reduce(0, +)
    #expect(device["total"] as? Int == parts)
    #expect(device["fits"] as? Bool == true && device["greatestContext"] as? Int == 65_536)
    let text = try Program.run(arguments)
    #expect(text.status == 0)
    for word in ["RTX 4090 (", "weights", "an estimate", "greatest context", "a bound"] {
      #expect(text.text.contains(word), "\(word)")
    }
  }

  @Test func aTableOfAllDevices() throws {
    let scratch = try Scratch()
    let outcome = try Program.run(["fit", try model(scratch)])
    #expect(outcome.status == 0 && outcome.lines.count > 60)
    #expect(outcome.lines.first?.hasPrefix("needs ") == true)
    #expect(outcome.lines.contains { $0.hasPrefix("RTX 4090 ") && $0.contains("64k") })
    let list = try Program.run(["devices"])
    #expect(list.status == 0)
    #expect(list.lines.contains { $0.hasPrefix("RTX 4090") && $0.contains("1008 GB/s  NVIDIA") })
    #expect(try devices(try Program.run(["devices", "--json"])).count == list.lines.count - 1)
  }

  /// What is published as used for a token: Mixtral 12.9 B of 46.7 B weights (mistral.ai/news/mixtral-of-experts),
  /// DeepSeek V3 37 B of 671 B (arXiv 2412.19437), Qwen3 30B-A3B 3.3 B of 30.5 B (its model card, with both embeddings).
  @Test(arguments: [
    ("mixtral-8x7b", 12.9, 0.2), ("deepseek-v3", 37.0, 0.7), ("qwen3-30b-a3b", 3.3 - 0.31, 0.1),
  ])
  func mixturesReadWhatIsActive(_ name: String, _ billions: Double, _ tolerance: Double) throws {
    let scratch = try Scratch()
    let folder = scratch["model"]
    #expect(try Program.run(["make-model", "--like", name, "--sparse", "-o", folder]).status == 0)
    let outcome = try Program.run(["fit", folder, "--device", "H200", "--context", "1", "--json"])
    let bytes = try #require(try devices(outcome).first?["bytesRead"] as? Double)
    #expect(abs(bytes / 2e9 - billions) < tolerance, "\(bytes / 2e9) B weights")
  }

  @Test func aPlanIsWeighed() throws {
    let scratch = try Scratch()
    let (model, plan) = (try model(scratch), scratch["plan.json"])
    #expect(try Program.run(["plan", model, "--budget", "5bpw", "-o", plan]).status == 0)
    let outcome = try Program.run(["fit", model, "--plan", plan, "--device", "L4", "--json"])
    let totals = try #require(
      try Program.run(["show", plan, "--json"]).object()["totals"] as? [String: Any])
    #expect(try devices(outcome).first?["weights"] as? Int == totals["bytes"] as? Int)
  }

  @Test func whatIsNotKnownIsSaid() throws {
    let scratch = try Scratch()
    let path = try scratch.write(SampleModel.llama(blocks: 1))
    let outcome = try Program.run(["fit", path, "--device", "L4", "--json"])
    #expect(outcome.status == 0)
    #expect(outcome.words.contains("the cache isn't counted"))
    let device = try #require(try devices(outcome).first)
    #expect(device["cache"] is NSNull && device["tokensPerSecond"] is NSNull)
    let plan = try Program.run(["plan", path, "--fit", "L4", "-o", "-"])
    #expect(plan.status == 1)
    expectOneLine(plan)
  }

  // MARK: - plan --fit

  @Test func aDeviceIsABudget() throws {
    let scratch = try Scratch()
    let model = try model(scratch)
    // 600 KiB are left for weights.
    let overhead = 256 << 20 + 512 * 4 * (256 + 2 * 128 + 8192)
    let cache = 8192 * 3 * 128 * 2
    let environment = try write(
      """
      [[device]]
      name = "small"
      memory = "\(overhead + cache + 600 << 10)B"
      bandwidth = "1GB/s"
      """, scratch)
    let arguments = ["plan", model, "--fit", "small", "--context", "8k", "-o", "-"]
    let outcome = try Program.run(arguments, environment: environment)
    #expect(outcome.status == 0, "\(outcome.words)")
    let object = try outcome.object()
    #expect((object["budget"] as? [String: Int])?["bytes"] == 600 << 10)
    let bytes = try #require((object["totals"] as? [String: Any])?["bytes"] as? Int)
    #expect(bytes <= 600 << 10 && bytes > 500 << 10)
    #expect(outcome.errorLines.last?.hasPrefix("small: ") == true)
    let tight = try Program.run(
      arguments.map { $0 == "8k" ? "64k" : $0 }, environment: environment)
    #expect(tight.status == 1)
    expectOneLine(tight)
    #expect(tight.words.contains("with a context of 64k the smallest plan"))
    #expect(tight.words.contains("it fits with a context of 8k"))
  }

  // MARK: - Errors

  @Test func wrongNamesHaveNeighbours() throws {
    let scratch = try Scratch()
    let outcome = try Program.run(["fit", try model(scratch), "--device", "RTX 409"])
    #expect(outcome.status == 1)
    expectOneLine(outcome)
    #expect(outcome.words.contains("the nearest: RTX 4090"))
  }

  @Test(arguments: [
    ["--context", "0"], ["--context", "x"], ["--batch", "0"], ["--cache", "q4_K"],
    ["--device"],
  ])
  func wrongCommandLines(_ arguments: [String]) throws {
    let scratch = try Scratch()
    #expect(try Program.run(["fit", try model(scratch)] + arguments).status == 2)
  }

  @Test(arguments: [
    ["--fit", "L4", "--budget", "1GiB", "-o", "-"],
    ["--budget", "1GiB", "--context", "8k", "-o", "-"],
    ["--fit", "L4"],
  ])
  func wrongPlanCommandLines(_ arguments: [String]) throws {
    let scratch = try Scratch()
    #expect(try Program.run(["plan", try model(scratch)] + arguments).status == 2)
  }

  @Test func aCacheInBlocksNeedsWholeOnes() throws {
    let scratch = try Scratch()
    _ = try scratch.write(SampleModel.llama(width: 32), as: "model/model.safetensors")
    try scratch.write("model/config.json", Self.configuration)
    let outcome = try Program.run(["fit", scratch["model"], "--device", "L4", "--cache", "q8_0"])
    #expect(outcome.status == 1)
    expectOneLine(outcome)
  }

  @Test func ownDevicesComeFirst() throws {
    let scratch = try Scratch()
    let environment = try write(
      """
      colour = "blue"
      [[device]]
      name = "mine"
      memory = "48GiB"
      bandwidth = "768GB/s"
      [[device]]
      name = "RTX 4090"
      memory = "48GiB"
      bandwidth = "1TB/s"
      size = 1
      """, scratch)
    let outcome = try Program.run(["devices"], environment: environment)
    #expect(outcome.status == 0)
    #expect(outcome.lines[1].hasPrefix("mine ") && outcome.lines[2].contains("1000 GB/s"))
    #expect(outcome.lines.count { $0.hasPrefix("RTX 4090 ") } == 1)
    #expect(outcome.errorLines.count == 2)
    #expect(outcome.words.contains("colour isn't known"))
    #expect(outcome.words.contains("device[1].size isn't known"))
  }

  /// The file, the place, what was found, what was expected, in one line.
  @Test(arguments: [
    ("[[device]]\nname = \"a\"\nmemory = 24\n", "key \"device[0].memory\": found a number"),
    ("[[device]]\nname = \"a\"\nmemory = 1979-05-27\n", "key \"device[0].memory\": found null"),
    ("device = 1\n", "key \"device\": found a number"),
    ("[[device]\n", "line 1"), ("a = 1\n [[[device]]]\n", "line 2: found \"[\", expected a name"),
    ("a = [1}\n", "line 1: found \"}\", expected"),
    ("[ ]\n", "line 1: found \"]\", expected a name"),
    ("[#]\n", "line 1: found \"#\", expected a name"),
    ("name = \"a\nb\"\n", "line 1"), ("a = 1\na = 2\n", "line 2"),
    ("\u{0}", "found other bytes, expected UTF-8 text"),
  ])
  func wrongConfigurations(_ toml: String, _ words: String) throws {
    let scratch = try Scratch()
    let outcome = try Program.run(["devices"], environment: try write(toml, scratch))
    #expect(outcome.status == 1)
    expectOneLine(outcome)
    #expect(outcome.words.contains("config.toml: "))
    #expect(outcome.words.contains(words), "\(outcome.words)")
  }

  @Test func hostileConfigurations() throws {
    let scratch = try Scratch()
    for bytes in [
      [UInt8](repeating: 0x5B, count: 100_000), Array("a = \"".utf8) + [0xFF, 0xFE],
      Array(String(repeating: "a.", count: 50_000).utf8) + Array("b = 1".utf8),
      [UInt8](repeating: 0x20, count: 2 << 20),
    ] {
      try scratch.write("config/bitladder/config.toml", bytes)
      let outcome = try Program.run(
        ["devices"], environment: ["XDG_CONFIG_HOME": scratch["config"]])
      #expect(outcome.status == 1 || outcome.status == 0, "no trap")
    }
  }
}
