import Foundation
import Testing

/// Models whose weights are packed in several tensors.
struct PackedTests {
  private let scratch: Scratch
  private let folder: String

  /// A GPTQ model: 64 inputs, 32 outputs, codes that count up to 15, scales of a half, zero points of 8.
  init() throws {
    scratch = try Scratch()
    var model = SampleModel()
    let stem = "model.layers.0.mlp.down_proj."
    // 0x76543210 is more than a Float holds exactly: the codes 0 to 3, then four of 0.
    model.add(stem + "qweight", .i32, [8, 32], [Float](repeating: 0x3210, count: 256))
    model.add(stem + "qzeros", .i32, [2, 4], [Float](repeating: 0, count: 8))
    model.add(stem + "scales", .f32, [2, 32], [Float](repeating: 0.5, count: 64))
    model.add(stem + "g_idx", .i32, [64], (0..<64).map { Float($0 / 32) })
    model.add("model.norm.weight", .f32, [32], [Float](repeating: 1, count: 32))
    model.add(
      "model.layers.1.mlp.down_proj.qweight", .i32, [8, 32], [Float](repeating: 0, count: 256))
    _ = try scratch.write(model, as: "gptq/model.safetensors")
    try scratch.write(
      "gptq/config.json",
      "{\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 32}}")
    folder = scratch["gptq"]
  }

  @Test func inspect() throws {
    let outcome = try Program.run(["inspect", folder, "--json", "--stats"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let tensors = try #require(try outcome.object()["tensors"] as? [[String: Any]])
    #expect(tensors.count == 3)
    let packed = try #require(
      tensors.first { $0["name"] as? String == "model.layers.0.mlp.down_proj.weight" })
    #expect(packed["source"] as? String == "GPTQ int4 g32")
    #expect(packed["shape"] as? [Int] == [32, 64])
    #expect(packed["weights"] as? Int == 2048)
    #expect(packed["bytes"] as? Int == 1024 + 32 + 256 + 256)
    #expect(packed["role"] as? String == "ffn_down")
    #expect(packed["quantizable"] as? Bool == true)
    // The zero point is one more than what is stored.
    #expect(packed["min"] as? Double == -0.5)
    #expect(packed["max"] as? Double == 1)
    #expect(packed["zeros"] as? Int == 256)
    let left = try #require(
      tensors.first { $0["name"] as? String == "model.layers.1.mlp.down_proj.qweight" })
    #expect(left["source"] as? String == "I32")
    #expect(left["reason"] as? String == "GPTQ, not decoded: no scales")
  }

  @Test func table() throws {
    let outcome = try Program.run(["inspect", folder])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let line = try #require(outcome.lines.first { $0.contains("layers.0.mlp.down_proj.weight") })
    #expect(line.contains(" GPTQ int4 g32 "))
    #expect(line.contains(" 32x64  GPTQ int4 g32 "))
  }

  /// The same model, the same fingerprint; other codes, another one.
  @Test func fingerprint() throws {
    func fingerprint() throws -> String? {
      let identity = try Program.run(["inspect", folder, "--json"]).object()["model"]
      return (identity as? [String: Any])?["fingerprint"] as? String
    }
    let first = try fingerprint()
    #expect(try fingerprint() == first)
    let path = folder + "/model.safetensors"
    var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    let length = Int(bytes[0]) + Int(bytes[1]) << 8
    bytes[8 + length + 100] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    #expect(try fingerprint() != first)
  }

  @Test func explore() throws {
    let outcome = try Program.run(["--script", "jjG", "--size", "120x30", "--dump-frame", folder])
    #expect(outcome.status == 0)
    #expect(outcome.text.contains("GPTQ int4 g32"))
  }
}
