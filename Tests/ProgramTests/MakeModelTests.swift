import Foundation
import Testing

/// `bitladder make-model`.
struct MakeModelTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: scratch[name]))
  }

  private func make(_ arguments: String...) throws -> Program.Outcome {
    try Program.run(["make-model"] + arguments)
  }

  @Test func list() throws {
    let outcome = try make("--list")
    #expect(outcome.status == 0)
    for name in ["tiny", "llama-1b", "llama-8b", "llama-70b", "llama-405b", "mixtral-8x7b"] {
      #expect(outcome.lines.contains { $0.hasPrefix(name + " ") })
    }
  }

  @Test func sameForTheSameSeed() throws {
    for (name, seed) in [("a", "5"), ("b", "5"), ("c", "6")] {
      let outcome = try make(
        "--like", "tiny", "--seed", seed, "-o", scratch["\(name).safetensors"])
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.words)")
    }
    #expect(try bytes("a.safetensors") == bytes("b.safetensors"))
    #expect(try bytes("a.safetensors") != bytes("c.safetensors"))
    #expect(scratch.names == ["a.safetensors", "b.safetensors", "c.safetensors"])
  }

  /// Opened like any other model; its weights are bell-shaped.
  @Test(arguments: ["bf16", "f16", "f32"]) func weights(type: String) throws {
    #expect(try make("--like", "tiny-moe", "--type", type, "-o", scratch["m"]).status == 0)
    let outcome = try Program.run(["inspect", scratch["m"], "--stats", "--json"])
    let tensors = try #require(try outcome.object()["tensors"] as? [[String: Any]])
    #expect(tensors.count == 41)
    for tensor in tensors {
      let name = try #require(tensor["name"] as? String)
      let shape = try #require(tensor["shape"] as? [Int])
      #expect(tensor["source"] as? String == type.uppercased())
      let deviation = try #require(tensor["deviation"] as? Double)
      let mean = try #require(tensor["mean"] as? Double)
      let expected = shape.count == 1 ? 0.1 : 1 / Double(shape[1]).squareRoot()
      #expect(abs(deviation / expected - 1) < 0.35, "\(name)")
      #expect(abs(mean - (shape.count == 1 ? 1 : 0)) < 0.6 * expected, "\(name)")
      if name.hasSuffix("w2.weight") { #expect(tensor["role"] as? String == "ffn_down") }
    }
    let configuration = try JSONSerialization.jsonObject(with: bytes("m/config.json"))
    #expect((configuration as? [String: Any])?["num_local_experts"] as? Int == 4)
  }

  /// 756 GiB that take no room.
  @Test func sparse() throws {
    let outcome = try make("--like", "llama-405b", "--sparse", "-o", scratch["large"])
    #expect(outcome.status == 0, "\(outcome.words)")
    var status = stat()
    #expect(stat(scratch["large/model.safetensors"], &status) == 0)
    #expect(status.st_size > 811_000_000_000 && status.st_blocks < 2048)
    let inspected = try Program.run(["inspect", scratch["large"]])
    #expect(inspected.status == 0 && inspected.lines.contains { $0.contains("406 B weights") })
  }

  @Test func refusals() throws {
    try scratch.write("there.safetensors", "mine")
    try scratch.write("folder/config.json", "{}")
    for output in ["there.safetensors", "folder", "no/such/folder.safetensors"] {
      let outcome = try make("--like", "tiny", "-o", scratch[output])
      #expect(outcome.status == 1)
      expectOneLine(outcome)
    }
    #expect(try scratch.text("there.safetensors") == "mine")
    for arguments in [
      ["--like", "llama-9b", "-o", "x"], ["-o", "x"], ["--like", "tiny"],
      ["--like", "tiny", "-o", "x", "--sparse", "--seed", "1"],
      ["--like", "tiny", "-o", "x", "--type", "q4_0"],
    ] {
      #expect(try Program.run(["make-model"] + arguments).status == 2)
    }
  }

  /// No room: a word, and nothing left behind.
  @Test func fullDisk() throws {
    let outcome = try Program.shell(
      "ulimit -f 100; exec \"$0\" make-model --like tiny -o \"$1\"", [scratch["m.safetensors"]])
    #expect(outcome.status == 1)
    expectOneLine(outcome)
    #expect(scratch.names.isEmpty)
  }

  @Test func interrupted() throws {
    let outcome = try Program.shell(
      "\"$0\" make-model --like llama-1b -o \"$1\" & sleep 0.4; kill -TERM $!; wait $!",
      [scratch["m.safetensors"]])
    // The signal, or a fast disk.
    #expect(outcome.status == 143 || outcome.status == 0, "\(outcome.status ?? -1) \(outcome.words)")
    #expect(!scratch.names.contains { $0.hasPrefix(".") })
  }
}
