import Foundation
import PseudoTerminalSupport
import Testing

/// `bitladder apply`.
@Suite(.serialized) struct ApplyTests {
  private static let austen = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("SampleModels/austen").path

  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// A plan for a model; its path.
  private func plan(_ model: String, _ formats: String, budget: String = "5bpw") throws -> String {
    let path = scratch["plan.json"]
    let outcome = try Program.run(
      ["plan", model, "--budget", budget, "--formats", formats, "--force", "-o", path])
    try #require(outcome.status == 0, "\(outcome.words)")
    return path
  }

  private func apply(_ arguments: String...) throws -> Program.Outcome {
    try Program.run(["apply"] + arguments)
  }

  /// The names, types and numbers of a safetensors file, numbers of F32 tensors alone.
  private func read(_ path: String) throws -> [String: (type: String, values: [Float])] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: Any])
    var tensors: [String: (String, [Float])] = [:]
    for (name, entry) in header where name != "__metadata__" {
      let entry = try #require(entry as? [String: Any])
      let offsets = try #require(entry["data_offsets"] as? [Int])
      let type = try #require(entry["dtype"] as? String)
      var values: [Float] = []
      if type == "F32" {
        values = [Float](repeating: 0, count: (offsets[1] - offsets[0]) / 4)
        _ = values.withUnsafeMutableBytes {
          data.copyBytes(to: $0, from: 8 + length + offsets[0]..<8 + length + offsets[1])
        }
      }
      tensors[name] = (type, values)
    }
    return tensors
  }

  @Test func whatComesBackHasTheErrorOfThePlan() throws {
    let model = SampleModel.llama()
    let path = try scratch.write(model)
    let plan = try plan(path, "int8,int4,int3:affine:g32,nf4,pal3")
    let outcome = try apply(plan, path, "-o", scratch["out.safetensors"], "--dequantized")
    #expect(outcome.status == 0 && outcome.text.isEmpty, "\(outcome.words)")
    let made = try read(scratch["out.safetensors"])
    #expect(made.count == model.tensors.count)
    var (squares, errors) = (0.0, 0.0)
    for tensor in model.tensors {
      let values = try #require(made[tensor.name]).values
      #expect(values.count == tensor.values.count)
      for (w, v) in zip(tensor.values, values) {
        squares += Double(w) * Double(w)
        errors += Double(w - v) * Double(w - v)
      }
    }
    let totals =
      try #require(
        JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: plan)))
          as? [String: Any])["totals"] as? [String: Any]
    let told = try #require(totals?["nmse"] as? Double)
    #expect(abs(errors / squares - told) < told * 1e-5)
    #expect(scratch.names == ["out.safetensors", "plan.json", "sample.safetensors"])
  }

  @Test func aFolderIsAWholeCheckpoint() throws {
    let plan = try plan(Self.austen, "int4,int8:channel", budget: "100%")
    // The embedding is tied: packed, no loader could take it.
    let refused = try apply(plan, Self.austen, "-o", scratch["packed"])
    if refused.status == 0 {
      #expect(try scratch.text("packed/config.json").contains("\"compressed-tensors\""))
    } else {
      #expect(refused.words.contains("ties the output"))
    }
    let outcome = try apply(plan, Self.austen, "-o", scratch["plain"], "--dequantized")
    #expect(outcome.status == 0, "\(outcome.words)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch["plain"]).sorted() == [
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
        "tokenizer_config.json",
      ])
    #expect(!(try scratch.text("plain/config.json").contains("quantization_config")))
    let again = try apply(plan, Self.austen, "-o", scratch["plain"], "--dequantized")
    #expect(again.status == 1 && again.words.contains("a folder that isn't empty"))
    // A GGUF of what was written: the tokenizer is there.
    let back = try self.plan(scratch["plain"], "q4_K,q8_0")
    #expect(try apply(back, scratch["plain"], "-o", scratch["x.gguf"]).status == 0)
    #expect(try Program.run(["inspect", scratch["x.gguf"]]).status == 0)
  }

  @Test func whatIsThereIsNotOverwritten() throws {
    let plan = try plan(Self.austen, "q4_K,q6_K")
    try scratch.write("out.gguf", "theirs")
    let refused = try apply(plan, Self.austen, "-o", scratch["out.gguf"])
    #expect(refused.status == 1 && refused.words.contains("--force"))
    expectOneLine(refused)
    #expect(try scratch.text("out.gguf") == "theirs")
    #expect(try apply(plan, Self.austen, "-o", scratch["out.gguf"], "--force").status == 0)
    #expect(try Program.run(["inspect", scratch["out.gguf"]]).status == 0)
  }

  @Test func aPlanOfAnotherModelIsRefused() throws {
    let model = try scratch.write(.llama())
    let other = try scratch.write(.llama(seed: 2), as: "other.safetensors")
    let plan = try plan(model, "int8,int4")
    let refused = try apply(plan, other, "-o", scratch["out.safetensors"])
    #expect(refused.status == 1 && refused.words.contains("the weights are others"))
    #expect(refused.words.contains("--other-model"))
    let forced = try apply(
      plan, other, "-o", scratch["out.safetensors"], "--dequantized", "--other-model")
    #expect(forced.status == 0, "\(forced.words)")
  }

  @Test func commandLinesThatContradictThemselves() throws {
    #expect(try apply("p", "m", "-o", "x.gguf", "--dequantized").status == 2)
    #expect(try apply("p", "m", "-o", "x.gguf", "--threads", "0").status == 2)
    #expect(try apply("p", "m").status == 2)
  }

  // MARK: - Faults

  @Test func theDiskIsFull() throws {
    let plan = try plan(Self.austen, "q4_K,q6_K")
    let outcome = try Program.shell(
      "ulimit -f 500; exec \"$0\" apply \"$1\" \"$2\" -o \"$3\" 2>&1",
      [plan, Self.austen, scratch["out.gguf"]])
    #expect(outcome.status == 1)
    #expect(outcome.text.contains("can't write to: file too large"), "\(outcome.text)")
    #expect(scratch.names == ["plan.json"])
  }

  @Test func placesThatTakeNoFile() throws {
    let plan = try plan(Self.austen, "q4_K,q6_K")
    symlink("/dev/full", scratch["full.gguf"])
    mkdir(scratch["folder.gguf"], 0o755)
    for (name, word) in [
      ("full.gguf", "a device"), ("folder.gguf", "a folder"),
      ("missing/out.gguf", "no such file"),
    ] {
      let outcome = try apply(plan, Self.austen, "-o", scratch[name], "--force")
      #expect(outcome.status == 1 && outcome.words.contains(word), "\(outcome.words)")
    }
    #expect(scratch.names == ["folder.gguf", "full.gguf", "plan.json"])
  }

  /// Whenever it is killed, the file isn't there or is whole, and the next run finds no litter.
  @Test func killed() throws {
    let plan = try plan(Self.austen, "iq3_s,iq4_xs,q6_K", budget: "4bpw")
    #expect(try apply(plan, Self.austen, "-o", scratch["whole.gguf"]).status == 0)
    let whole = try Data(contentsOf: URL(fileURLWithPath: scratch["whole.gguf"]))
    var generator = SeededGenerator(seed: 7)
    for round in 0..<15 {
      unlink(scratch["out.gguf"])
      let seconds = Double.random(in: 0.001...0.4, using: &generator)
      _ = try Program.shell(
        "\"$0\" apply \"$1\" \"$2\" -o \"$3\" --threads 1 2>/dev/null & sleep \"$4\"; kill -9 $!; wait",
        [plan, Self.austen, scratch["out.gguf"], "\(seconds)"])
      if let left = try? Data(contentsOf: URL(fileURLWithPath: scratch["out.gguf"])) {
        #expect(left == whole, "round \(round)")
      }
      #expect(scratch.names.count <= 4, "\(scratch.names)")
    }
    #expect(try apply(plan, Self.austen, "-o", scratch["out.gguf"], "--force").status == 0)
    #expect(scratch.names == ["out.gguf", "plan.json", "whole.gguf"])
  }

  @Test(arguments: ["TERM", "INT", "HUP"]) func interrupted(signal: String) throws {
    let plan = try plan(Self.austen, "iq3_s,iq4_xs,q6_K", budget: "4bpw")
    for seconds in ["0.02", "0.1", "0.2"] {
      unlink(scratch["out.gguf"])
      _ = try Program.shell(
        "\"$0\" apply \"$1\" \"$2\" -o \"$3\" --threads 1 2>/dev/null & sleep $4; kill -$5 $!; wait",
        [plan, Self.austen, scratch["out.gguf"], seconds, signal])
      #expect(scratch.names.allSatisfy { !$0.hasPrefix(".") }, "\(scratch.names)")
    }
  }

  /// A signal that whoever started it ignores stays ignored.
  @Test func goesOnWithoutATerminal() throws {
    let plan = try plan(Self.austen, "iq3_s,iq4_xs,q6_K", budget: "4bpw")
    let outcome = try Program.shell(
      "trap '' HUP; \"$0\" apply \"$1\" \"$2\" -o \"$3\" --threads 1 2>/dev/null & "
        + "sleep 0.05; kill -HUP $!; wait $!",
      [plan, Self.austen, scratch["out.gguf"]])
    #expect(outcome.status == 0)
    #expect(scratch.names == ["out.gguf", "plan.json"])
  }
}
