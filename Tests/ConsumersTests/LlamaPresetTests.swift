import Foundation
import Planning
import Quantization
import Testing

@testable import Consumers
@testable import ModelFiles

/// A made-up model of LlamaQuantize/presets.txt, and what llama-quantize said it would write of it.
private struct Sample {
  struct Case {
    let fileType: String
    let hasImportance: Bool
    /// The types written, by the tensors' places; others stay.
    var types: [Int: String] = [:]
    var needsImportance = false
    var stops = false
  }

  let name: String
  let architecture: String
  var metadata = Metadata()
  var tensors: [(name: String, shape: [Int])] = []
  var cases: [Case] = []

  static let all = Result { try read() }

  static func read() throws -> [Sample] {
    let url = try #require(Bundle.module.resourceURL)
    let text = try String(
      contentsOf: url.appendingPathComponent("LlamaQuantize/presets.txt"), encoding: .utf8)
    var samples: [Sample] = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if words[0] == "model" {
        samples.append(Sample(name: words[1], architecture: words[2]))
        samples[samples.count - 1].read(keys: words.dropFirst(3))
      } else if words[0] == "tensor" {
        samples[samples.count - 1].read(tensor: words)
      } else {
        try samples[samples.count - 1].read(case: words)
      }
    }
    return samples
  }

  private mutating func read(keys: ArraySlice<String>) {
    metadata.set(.string(architecture), for: "general.architecture")
    for pair in keys {
      let parts = pair.split(separator: "=").map(String.init)
      // Of what each block has for its own the first counts.
      if let value = parts[1].split(whereSeparator: { "[,]".contains($0) }).first.flatMap({
        UInt32($0)
      }) {
        metadata.set(.uint32(value), for: "\(architecture).\(parts[0])")
      }
    }
  }

  private mutating func read(tensor words: [String]) {
    let shape = words[2].split(separator: "x").compactMap { Int($0) }
    for block in words.count > 3 ? Self.range(words[3]) : 0...0 {
      tensors.append((words[1].replacingOccurrences(of: "#", with: "\(block)"), shape))
    }
  }

  private mutating func read(case words: [String]) throws {
    for hasImportance in [false, true] where words[1] != (hasImportance ? "none" : "imatrix") {
      var item = Case(fileType: words[0], hasImportance: hasImportance)
      for word in words.dropFirst(2) {
        let parts = word.split(separator: "=").map(String.init)
        if word == "needs" { item.needsImportance = true }
        if word == "stops" { item.stops = true }
        guard parts.count == 2 else { continue }
        for run in parts[1].split(separator: ",") {
          for place in Self.range(String(run)) {
            try #require(item.types.updateValue(parts[0], forKey: place) == nil)
          }
        }
      }
      cases.append(item)
    }
  }

  private static func range(_ text: String) -> ClosedRange<Int> {
    let ends = text.split(separator: "-").compactMap { Int($0) }
    return (ends.first ?? 0)...(ends.last ?? 0)
  }

  /// The model as a GGUF.
  func model() -> Model {
    Model(
      name: name, container: .gguf, architecture: architecture, metadata: metadata,
      tensors: tensors.enumerated().map { place, tensor in
        Tensor(id: place, name: tensor.name, shape: tensor.shape, source: .f32)
      })
  }
}

@Suite("llama-quantize's file types")
struct LlamaPresetTests {
  /// Every tensor of every model in every file type, with importance and without.
  @Test func equalWhatTheProgramSays() throws {
    let samples = try Sample.all.get()
    #expect(samples.count == 33)
    var tensors = 0
    for sample in samples {
      #expect(sample.cases.count == 2 * LlamaFileType.allCases.count)
      let model = sample.model()
      for hasImportance in [false, true] {
        // An importance file has all that is wanted of it.
        let presets = LlamaPresets(model, hasImportance: hasImportance) { _ in .fits }
        let without = LlamaPresets(model, hasImportance: hasImportance) { _ in .noFile }
        for item in sample.cases where item.hasImportance == hasImportance {
          let label = "\(sample.name) \(item.fileType) \(hasImportance)"
          let fileType = try #require(LlamaFileType(rawValue: item.fileType))
          let expected = item.stops ? [:] : sample.types(item)
          #expect(Self.written(presets, fileType) == expected, "\(label)")
          if !hasImportance {
            let stops = item.needsImportance || item.stops
            #expect(((try? without.written(fileType)) == nil) == stops, "\(label)")
          }
          tensors += expected.count
        }
      }
    }
    #expect(tensors > 550_000)
  }

  /// The types by GGUF's names; none if the run stops.
  private static func written(_ presets: LlamaPresets, _ type: LlamaFileType) -> [String: String] {
    guard let formats = try? presets.written(type) else { return [:] }
    return Dictionary(
      zip(presets.names, formats.map { $0?.description ?? "f32" }), uniquingKeysWith: { a, _ in a })
  }

  /// The same through names and configurations of Hugging Face, experts one by one.
  @Test(arguments: [
    "heads", "shared-more", "narrow", "llama-70b", "llama-65b", "qwen2-small", "gemma2", "phi3",
    "phi3-shared", "qwen3moe", "mixtral",
  ])
  func holdForCheckpoints(_ name: String) throws {
    let sample = try #require(try Sample.all.get().first { $0.name == name })
    let model = try #require(sample.checkpoint())
    #expect(model.tensors.count >= sample.tensors.count)
    let names = GGUFNames(model)
    let presets = LlamaPresets(model, hasImportance: true) { _ in .fits }
    for item in sample.cases where item.hasImportance && !item.stops {
      let choices = try presets.choices(try #require(LlamaFileType(rawValue: item.fileType)))
      let expected = sample.types(item)
      for (tensor, choice) in zip(model.tensors, choices) {
        let stored = try #require(names.name(of: tensor.name)?.name)
        let type = tensor.suitability.isQuantizable ? expected[stored] : "f32"
        if (choice.format?.description ?? "f32") != type {
          Issue.record("\(item.fileType) \(tensor.name): \(choice), not \(type ?? "nothing")")
        }
      }
    }
  }
}

extension Sample {
  /// What is written of every tensor.
  fileprivate func types(_ item: Case) -> [String: String] {
    var types: [String: String] = [:]
    for (place, tensor) in tensors.enumerated() {
      types[tensor.name] = item.types[place] ?? "f32"
    }
    return types
  }

  /// The checkpoint that conversion would make the model of.
  fileprivate func checkpoint() -> Model? {
    func number(_ key: String) -> Int? { metadata["\(architecture).\(key)"]?.int }
    var configuration = """
      "num_hidden_layers": \(number("block_count") ?? 0),
      "num_attention_heads": \(number("attention.head_count") ?? 0),
      "num_key_value_heads": \(number("attention.head_count_kv") ?? 0)
      """
    if let experts = number("expert_count") {
      configuration += #", "num_local_experts": \#(experts)"#
    }
    let family =
      name == "mixtral" ? "mixtral" : architecture == "qwen3moe" ? "qwen3_moe" : architecture
    let names = GGUFNames(architecture: family)
    var entries: [(name: String, shape: [Int])] = []
    for tensor in tensors {
      let experts = tensor.shape.count == 3 ? tensor.shape[0] : nil
      for expert in 0..<(experts ?? 1) {
        guard
          let name = names.huggingFaceName(
            of: tensor.name, expert: experts == nil ? nil : expert)
        else { return nil }
        entries.append((name, experts == nil ? tensor.shape : Array(tensor.shape.dropFirst())))
      }
    }
    guard let configuration = try? JSONParser.parse("{\(configuration)}") else { return nil }
    // In another order than that of the GGUF.
    return Model(
      name: name, architecture: family, configuration: configuration,
      tensors: entries.sorted { $0.name < $1.name }.enumerated().map { place, entry in
        Tensor(id: place, name: entry.name, shape: entry.shape, source: .f32)
      })
  }
}
