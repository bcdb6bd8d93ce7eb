import Foundation
import ModelFiles
import Planning
import Quantization
import Testing

@testable import Consumers

@Suite("mlx-lm's recipes")
struct MLXRecipeTests {
  /// A model of MLX/recipes.txt, and the bits that mlx-lm gave its modules.
  private struct Sample {
    let name: String
    let layers: Int
    var tensors: [(name: String, shape: [Int])] = []
    var bits: [String: [String: Int]] = [:]
  }

  private static func read() throws -> [Sample] {
    let url = try #require(Bundle.module.resourceURL)
    let text = try String(
      contentsOf: url.appendingPathComponent("MLX/recipes.txt"), encoding: .utf8)
    var samples: [Sample] = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      let last = samples.count - 1
      switch words[0] {
      case "model": samples.append(Sample(name: words[1], layers: try #require(Int(words[2]))))
      case "tensor":
        let shape = words[2].split(separator: "x").compactMap { Int($0) }
        for name in names(words[1], words.dropFirst(3).first) {
          samples[last].tensors.append((name, shape))
        }
      default:
        for name in names(words[2], words.dropFirst(3).first) {
          samples[last].bits[words[0], default: [:]]["\(name).weight"] = Int(words[1])
        }
      }
    }
    return samples
  }

  private static func names(_ name: String, _ blocks: String?) -> [String] {
    guard let blocks else { return [name] }
    return blocks.split(separator: ",").flatMap { run in
      let ends = run.split(separator: "-").compactMap { Int($0) }
      return ((ends.first ?? 0)...(ends.last ?? 0)).map {
        name.replacingOccurrences(of: "#", with: "\($0)")
      }
    }
  }

  @Test func equalWhatTheProgramMakes() throws {
    let samples = try Self.read()
    #expect(samples.count == 4)
    for sample in samples {
      let model = Model(
        name: sample.name, architecture: "llama",
        tensors: sample.tensors.enumerated().map { place, tensor in
          Tensor(id: place, name: tensor.name, shape: tensor.shape, source: .bf16)
        })
      #expect(sample.bits.count == MLXRecipe.allCases.count)
      for (recipe, bits) in sample.bits {
        let preset = try Presets(model)[recipe]
        #expect(preset.program == .mlxLM && preset.name == recipe)
        for (tensor, choice) in zip(model.tensors, preset.choices) {
          let expected = bits[tensor.name].map { "mlx\($0)" } ?? "source"
          #expect(choice.description == expected, "\(sample.name) \(recipe) \(tensor.name)")
        }
      }
    }
  }

  @Test(arguments: [
    (#"{"torch_dtype": "float16"}"#, "mlx4:f16"), (#"{"torch_dtype": "float32"}"#, "mlx4:f32"),
    (#"{"text_config": {"dtype": "bfloat16"}}"#, "mlx4"), ("{}", "mlx4:f32"),
  ])
  func scalesAreOfTheModelsType(_ configuration: String, _ expected: String) throws {
    let model = Model(
      name: "m", configuration: try JSONParser.parse(configuration),
      tensors: [Tensor(id: 0, name: "model.embed_tokens.weight", shape: [64, 64], source: .f32)])
    #expect(try Presets(model)["mlx_4bit"].choices.map(\.description) == [expected])
  }
}

@Suite("Presets")
struct PresetTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("SampleModels")

  private func open(_ path: String) throws -> Model {
    try Model.open(Self.folder.appendingPathComponent(path).path)
  }

  @Test func namesMayBeWrittenInAnyCase() throws {
    let presets = Presets(try open("austen/austen-bf16.gguf"))
    #expect(try presets["q4_k_m"].name == "Q4_K_M")
    #expect(try presets["Q4_K"] == presets["Q4_K_M"])
    #expect(Set(Presets.names).count == Presets.names.count)
  }

  @Test func unknownNamesAreExplained() throws {
    let presets = Presets(try open("austen"))
    #expect { try presets["Q4_K_X"] } throws: {
      "\($0)" == "'Q4_K_X' is no preset; the nearest known: Q4_K_M, Q4_K_S, Q5_K_M"
    }
  }

  @Test func whatCantBeMadeIsExplained() throws {
    let missing: [(model: String, preset: String, reason: String)] = [
      (
        "austen", "IQ2_XXS",
        "needs an imatrix; collect it with llama-imatrix, give it with --imatrix"
      ),
      ("austen/austen-bf16.gguf", "mixed_3_6", "mlx-lm converts safetensors only"),
      ("digits", "Q4_K_M", "its tensors have no names in GGUF that are known"),
      ("digits", "mixed_3_6", "mlx-lm converts language models, and it embeds no tokens"),
    ]
    for (model, preset, reason) in missing {
      #expect { try Presets(open(model))[preset] } throws: {
        "\($0)" == "\(preset) can't be made of this model: \(reason)"
      }
    }
    let bert = Model(
      name: "m",
      tensors: [Tensor(id: 0, name: "embed_tokens.weight", shape: [64, 64], source: .f32)])
    #expect { try Presets(bert)["mixed_3_6"] } throws: { "\($0)".contains("down_proj") }
  }

  @Test func checkpointAndGGUFGetTheSame() throws {
    let checkpoint = try open("austen")
    let converted = try open("austen/austen-bf16.gguf")
    let names = GGUFNames(checkpoint)
    for preset in Presets.all(for: converted) {
      let other = try Presets(checkpoint)[preset.name]
      var choices: [String: Choice] = [:]
      for (tensor, choice) in zip(converted.tensors, preset.choices) {
        choices[tensor.name] = choice
      }
      for (tensor, choice) in zip(checkpoint.tensors, other.choices) {
        let name = try #require(names.name(of: tensor.name)?.name)
        #expect(choices[name] == choice, "\(preset.name) \(name)")
      }
    }
  }

  @Test func allAreThoseThatCanBeMade() throws {
    let model = try open("austen")
    let all = Presets.all(for: model)
    #expect(all.map(\.name).filter { $0.hasPrefix("mixed") }.count == 4)
    #expect(!all.contains { $0.name.hasPrefix("IQ1") || $0.name.hasPrefix("IQ2") })
    for preset in all {
      #expect(preset.choices.count == model.tensors.count)
      for (tensor, choice) in zip(model.tensors, preset.choices) {
        #expect(choice == .source || tensor.suitability.isQuantizable)
        #expect(choice.format?.objection(rowLength: tensor.rowLength) == nil)
      }
    }
    let bf16 = try #require(all.first { $0.name == "BF16" })
    #expect(
      bf16.choices.allSatisfy { $0 == .source } && bf16.byteCount(of: model) == model.byteCount)
  }
}
