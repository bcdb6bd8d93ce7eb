import Foundation
import Testing

/// `bitladder export`, `bitladder check`, `plan --for` and `plan --recipe`.
struct ExportTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama(blocks: 2, width: 256), as: "sample.safetensors")
  }

  private func plan(_ arguments: [String], to name: String = "plan.json") throws -> String {
    let outcome = try Program.run(["plan", model, "-o", scratch[name], "--force"] + arguments)
    #expect(outcome.status == 0, "\(outcome.words)")
    return scratch[name]
  }

  @Test func aPlanBecomesATypeFile() throws {
    let path = try plan(["--budget", "6bpw", "--formats", "q8_0,q6_K,q4_K"])
    let printed = try Program.run(["export", path, "--to", "llama-quantize"])
    #expect(printed.status == 0, "\(printed.words)")
    #expect(printed.text.contains("^blk\\.0\\.attn_q\\.weight$="))
    let types = scratch["types.txt"]
    let written = try Program.run(["export", path, "--to", "llama-quantize", "-o", types])
    #expect(written.status == 0)
    #expect(
      written.words.contains("llama-quantize --tensor-type-file types.txt IN.gguf OUT.gguf Q8_0"))
    #expect(try scratch.text("types.txt") == printed.text)
    // What is there isn't overwritten unasked.
    let again = try Program.run(["export", path, "--to", "llama-quantize", "-o", types])
    #expect(again.status == 1 && again.words.contains("--force"))
    // The recipe is the plan again.
    let back = try plan(["--recipe", types], to: "back.json")
    let choices = try [path, back].map { try Program.run(["show", $0]).text }
    #expect(choices[0] == choices[1])
  }

  @Test func whatCannotBeExpressedIsSaidFirst() throws {
    let path = try plan(["--budget", "6bpw", "--formats", "int8,int6,int4"])
    let refused = try Program.run(
      ["export", path, "--to", "llama-quantize", "-o", scratch["types.txt"]])
    #expect(refused.status == 1)
    #expect(refused.words.contains("int4: llama.cpp has no such type; nearest: "))
    #expect(refused.words.contains("model.layers.1.mlp.down_proj.weight"))
    #expect(!FileManager.default.fileExists(atPath: scratch["types.txt"]))
    let checked = try Program.run(["check", path, "--for", "llama-quantize"])
    #expect(checked.status == 1 && checked.output.isEmpty)
    let object = try JSONSerialization.jsonObject(
      with: Data(
        Program.run(["check", path, "--for", "llama-quantize", "--json"]).text.utf8))
    let problems = try #require((object as? [String: Any])?["problems"] as? [[String: Any]])
    #expect(problems.count == 16)
    #expect(problems.allSatisfy { $0["instead"] is String && $0["reason"] is String })
    let nearest = try Program.run(
      ["export", path, "--to", "llama-quantize", "--nearest", "-o", scratch["types.txt"]])
    #expect(nearest.status == 0)
    #expect(try scratch.text("types.txt").contains("=q"))
  }

  @Test func plansForAConsumerAreLegalFromTheStart() throws {
    for consumer in ["llama-quantize", "vllm", "auto-round", "mlx-lm", "modelopt", "bitsandbytes"] {
      let budget = ["llama-quantize", "mlx-lm"].contains(consumer) ? "5bpw" : "20bpw"
      let path = try plan(["--budget", budget, "--for", consumer])
      let checked = try Program.run(["check", path, "--for", consumer])
      #expect(checked.status == 0, "\(consumer): \(checked.words)")
      #expect(checked.text == "\(consumer) can do this plan as it is\n")
    }
  }

  @Test func filesBesideAreWrittenToo() throws {
    let path = try plan(["--budget", "5bpw", "--for", "mlx-lm"])
    let outcome = try Program.run(["export", path, "--to", "mlx-lm", "-o", scratch["m.json"]])
    #expect(outcome.status == 0)
    #expect(scratch.names.contains("m.json") && scratch.names.contains("m-convert.py"))
    #expect(try scratch.text("m-convert.py").contains("\"m.json\""))
  }

  @Test func namesAreTheUsersOwn() throws {
    let path = try plan(["--budget", "8bpw", "--formats", "pal8,pal4,int8:channel"])
    let names = scratch["names.json"]
    try Data("{\"lm_head.weight\": \"op_of_mine\"}".utf8).write(to: URL(fileURLWithPath: names))
    let outcome = try Program.run(
      ["export", path, "--to", "coremltools", "--names", names, "-o", scratch["c.yaml"]])
    #expect(outcome.status == 0, "\(outcome.words)")
    #expect(outcome.words.contains("names are guessed"))
    let texts = try scratch.names.filter { $0.hasSuffix(".yaml") }.map { try scratch.text($0) }
    #expect(texts.joined().contains("op_of_mine: {"))
    for (text, words) in [
      ("[]", "expected an object"), ("{\"a\": 1}", "expected a string"), ("{", "byte"),
    ] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: names))
      let refused = try Program.run(["export", path, "--to", "coremltools", "--names", names])
      #expect(refused.status == 1 && refused.words.contains(words), "\(refused.words)")
    }
  }

  @Test(arguments: [
    ["export", "plan.json", "--to", "llama"], ["check", "plan.json"], ["export", "plan.json"],
    ["plan", "m", "--recipe", "r", "--preset", "Q4_K_M", "-o", "x"],
    ["plan", "m", "--recipe", "r", "--budget", "4bpw", "-o", "x"],
    ["plan", "m", "--preset", "Q4_K_M", "--for", "vllm", "-o", "x"],
  ])
  func wrongCommandLines(arguments: [String]) throws {
    #expect(try Program.run(arguments).status == 2)
  }
}
