import Consumers
import Foundation
import Planning
import Quantization
import SampleSupport
import Testing

@testable import ModelFiles

/// What `apply` writes as GGUF is what llama-quantize wrote (apply_golden.py).
@Suite("GGUF files by a plan")
struct ApplyGoldenTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private struct Expected {
    var names: [String] = []
    var types: [String: String] = [:]
    var digests: [String: String] = [:]
    var file = ""

    init(_ plan: String) throws {
      for line in try goldenLines("apply.txt") where line[0] == plan {
        if line[1] == "-" {
          file = line[3]
        } else {
          names.append(line[1])
          types[line[1]] = line[2]
          digests[line[1]] = line[3]
        }
      }
      #expect(names.count == 47)
    }
  }

  private static func digest(_ bytes: [UInt8]) -> String {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.hexDigest()
  }

  /// The importance that apply_golden.py made up.
  private func importance(of model: Model) throws -> ModelImportance {
    let gguf = try Model.open(austen + "/austen-bf16.gguf")
    let matrices = gguf.tensors.filter { $0.shape.count == 2 && $0.name != "token_embd.weight" }
    func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
    var data = bytes(Int32(matrices.count))
    for (place, tensor) in matrices.enumerated() {
      data += bytes(Int32(tensor.name.utf8.count)) + Array(tensor.name.utf8) + bytes(Int32(1))
      data += bytes(Int32(tensor.rowLength))
      for channel in 0..<tensor.rowLength {
        let value = Float((channel * 7919 + place * 104_729) % 1000 + 1) / 100
        data += bytes(value.bitPattern)
      }
    }
    let path = try folder.write("importance.dat", data)
    return ModelImportance(try Imatrix.open(path), file: path, model: model)
  }

  @Test(arguments: ["k", "small", "legacy", "weighted"])
  func ofGGUFIsTheSameFile(plan: String) throws {
    let expected = try Expected(plan)
    let model = try Model.open(austen + "/austen-bf16.gguf")
    let layout = try GGUFOutput.layout(
      model: model, choices: try model.choices(expected.types),
      importance: plan == "weighted" ? try importance(of: model) : nil)
    let path = try folder.apply(layout, of: model, as: "out.gguf")
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(Self.digest(bytes) == expected.file)
    #expect(bytes.count == layout.byteCount)
  }

  @Test(arguments: ["k", "small", "legacy", "weighted"])
  func ofACheckpointHasTheSameTensors(plan: String) throws {
    let expected = try Expected(plan)
    let model = try Model.open(austen)
    let layout = try GGUFOutput.layout(
      model: model, choices: try model.choices(expected.types),
      importance: plan == "weighted" ? try importance(of: model) : nil)
    let made = try Model.open(try folder.apply(layout, of: model, as: "out.gguf"))
    #expect(made.tensors.map(\.name) == expected.names)
    for tensor in made.tensors {
      #expect(tensor.source.rawValue == expected.types[tensor.name])
      #expect(
        Self.digest(storedBytes(tensor, of: made)) == expected.digests[tensor.name],
        "\(tensor.name)")
    }
  }

  /// What the sample model's own script says of it, which llama.cpp runs.
  @Test func ofACheckpointHasTheSameMetadata() throws {
    let script = try Model.open(austen + "/austen-bf16.gguf").storedPairs()
    let ours = try GGUFConversion(try Model.open(austen)).pairs
    // What isn't known from the checkpoint, or is said of every quantized file.
    let others: Set = [
      "general.name", "general.description", "general.license", "general.languages",
      "general.file_type", "general.quantization_version",
    ]
    #expect(
      Set(ours.map(\.key)).subtracting(others) == Set(script.map(\.key)).subtracting(others))
    for pair in script where !others.contains(pair.key) {
      #expect(ours.first { $0.key == pair.key } == pair, "\(pair.key)")
    }
  }

  @Test func bytesDontDependOnThreads() throws {
    let expected = try Expected("k")
    let model = try Model.open(austen)
    let layout = try GGUFOutput.layout(
      model: model, choices: try model.choices(expected.types), importance: nil)
    let first = try Data(
      contentsOf: URL(fileURLWithPath: try folder.apply(layout, of: model, as: "1", threads: 1)))
    let many = try Data(
      contentsOf: URL(fileURLWithPath: try folder.apply(layout, of: model, as: "7", threads: 7)))
    #expect(first == many)
  }

  // MARK: - What can't be made

  private func refusal(
    _ model: Model, _ name: String, _ format: String
  ) throws -> String? {
    let tensor = try #require(model.tensors.first { $0.name == name })
    let choices = [tensor.id: Choice.format(try Format(parsing: format))]
    do throws(ApplyFailure) {
      _ = try GGUFOutput.layout(model: model, choices: choices, importance: nil)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func whatLlamaQuantizeWouldReplaceIsRefused() throws {
    let model = Model(
      name: "m", container: .gguf, architecture: "llama",
      files: [try MappedFile(austen + "/austen-bf16.gguf")],
      tensors: [Tensor(id: 0, name: "blk.0.ffn_down.weight", shape: [64, 288], source: .bf16)])
    #expect(
      try refusal(model, "blk.0.ffn_down.weight", "q4_K")
        == "blk.0.ffn_down.weight can't be q4_K: rows of 288 aren't a multiple of 256; "
        + "llama-quantize would write q5_0 instead")
  }

  @Test func formatsThatGGUFDoesNotHaveAreRefused() throws {
    let model = try Model.open(austen)
    let name = "model.layers.0.self_attn.q_proj.weight"
    #expect(try refusal(model, name, "int4")?.contains("int4 is no type of GGUF") == true)
    #expect(try refusal(model, name, "iq2_xs")?.contains("needs an imatrix") == true)
    #expect(try refusal(model, name, "q4_K") == nil)
  }

  @Test func architecturesThatAreNotKnownAreNamed() throws {
    let model = try Model.open(
      URL(fileURLWithPath: austen).deletingLastPathComponent().path + "/digits")
    let text = try refusal(model, "fc1.weight", "q8_0") ?? ""
    #expect(text.contains("sequential") && text.contains("llama, mistral, mixtral, qwen2, qwen3"))
  }
}

/// Fresh random plans through llama-quantize itself, where it is at hand:
///
///     LLAMA_QUANTIZE=PATH/TO/llama-quantize swift test --filter ApplyPeerTests
@Suite(.enabled(if: llamaQuantize != nil, "LLAMA_QUANTIZE names no program"))
struct ApplyPeerTests {
  @Test(arguments: ["austen-bf16.gguf", "model.safetensors"])
  func tensorsAreThoseOfTheProgram(file: String) throws {
    let folder = try ScratchFolder()
    let types = GGMLType.allCases.map(\.rawValue) + ["f16", "bf16", "f32"]
    let source = try Model.open(austen + "/austen-bf16.gguf")
    for _ in 0..<3 {
      var asked: [String: String] = [:]
      for tensor in source.tensors where tensor.shape.count == 2 {
        let fitting = types.filter { type in
          (try? Format(parsing: type))?.needsImportance == false && type != "iq3_xxs"
            && type != "iq1_m" && type != "iq2_s"
        }
        asked[tensor.name] = fitting.randomElement()
      }
      let plan = asked.map { "^\($0.replacing(".", with: "\\."))$=\($1.lowercased())" }
      try folder.write("plan.txt", plan.joined(separator: "\n") + "\n")
      let process = Process()
      process.executableURL = URL(fileURLWithPath: try #require(llamaQuantize))
      process.arguments = [
        "--tensor-type-file", folder["plan.txt"], austen + "/austen-bf16.gguf",
        folder["theirs.gguf"], "Q8_0",
      ]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
      let theirs = try Model.open(folder["theirs.gguf"])
      let model = try Model.open(austen + "/" + file)
      let upper = asked.mapValues { $0.uppercased() }
      let layout = try GGUFOutput.layout(
        model: model, choices: try model.choices(upper), importance: nil)
      let ours = try Model.open(try folder.apply(layout, of: model, as: "ours.gguf"))
      #expect(ours.tensors.map(\.name) == theirs.tensors.map(\.name))
      for (a, b) in zip(ours.tensors, theirs.tensors) {
        #expect(a.source == b.source && a.shape == b.shape, "\(a.name)")
        #expect(storedBytes(a, of: ours) == storedBytes(b, of: theirs), "\(a.name) \(a.source)")
      }
    }
  }
}
