import Foundation
import Testing

@testable import ModelFiles

/// A table of Names/, made by gguf_names.py.
private func lines(_ file: String) throws -> [[String]] {
  let url = Bundle.module.resourceURL?.appendingPathComponent("Names/\(file)")
  let text = try String(contentsOf: #require(url), encoding: .utf8)
  return text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
}

/// The sizes of the models that gguf_names.py makes.
private func names(_ family: String) throws -> GGUFNames {
  let keyValueHeads = ["deepseek_v2", "deepseek_v3"].contains(family) ? 4 : 2
  return GGUFNames(
    architecture: family, heads: 4, keyValueHeads: keyValueHeads,
    configuration: try JSONParser.parse(#"{"num_kv_heads": 2, "v_head_dim": 8}"#))
}

@Suite("Names in GGUF")
struct GGUFNamesTests {
  @Test func areWhatTheTablesOfGGUFSay() throws {
    let lines = try lines("mapped.txt")
    #expect(lines.count > 2500)
    for line in lines {
      let found = GGUFNames(architecture: line[0]).names(of: line[1])
      #expect(found.map(\.name) == [line[2]], "\(line[0]) \(line[1])")
    }
  }

  @Test func areWhatConversionMakesOfThem() throws {
    let lines = try lines("converted.txt")
    #expect(lines.count > 1000)
    for line in lines {
      let name = line[1]
      let matrices = name.contains("input_linear") ? 3 : 1
      let found = try names(line[0]).names(of: name, matrices: matrices)
      guard line[2] != "-" else {
        #expect(found.isEmpty, "\(line)")
        continue
      }
      let one = try #require(found.first { $0.name == line[2] }, "\(line[0]) \(line[1])")
      let facts = line.dropFirst(3)
      let expert = facts.first { $0.hasPrefix("expert=") }.flatMap { Int($0.dropFirst(7)) }
      #expect(one.expert == expert, "\(line[0]) \(name)")
      #expect(one.isTransposed == facts.contains("transposed"), "\(line[0]) \(name)")
      let rows = facts.first { $0.hasPrefix("rows=") }
      guard let rows else {
        #expect(one.permutation == nil, "\(line[0]) \(name)")
        continue
      }
      // A vector of RoBERTa's loses its first rows: that is no reordering within rows.
      if name == "embeddings.position_embeddings.weight" { continue }
      let expected = rows.dropFirst(5).split(separator: ",").compactMap { Int($0) }
      let permutation = try #require(one.permutation, "\(line[0]) \(name)")
      let total = Self.sourceRows(permutation, count: expected.count)
      let sources = expected.indices.map { permutation.source(of: $0, sourceRows: total) }
      #expect(sources == expected, "\(line[0]) \(name)")
    }
  }

  /// The rows of the source, given how many rows there are afterwards.
  private static func sourceRows(_ permutation: RowPermutation, count: Int) -> Int {
    switch permutation {
    case .half, .values: 2 * count
    case .rotary, .separated: count
    }
  }

  @Test func splitTensorsHaveOneNameForEachPart() throws {
    let lines = try lines("converted.txt").filter { $0[2] != "-" }
    var counts: [String: Int] = [:]
    for line in lines { counts["\(line[0]) \(line[1])", default: 0] += 1 }
    for line in lines {
      let found = try names(line[0]).names(of: line[1])
      #expect(found.count == counts["\(line[0]) \(line[1])"], "\(line[0]) \(line[1])")
    }
  }

  @Test func leadBackToTheCheckpointsNames() throws {
    var tried = 0
    for line in try lines("converted.txt") where line[2] != "-" {
      let names = try names(line[0])
      let expert = line.dropFirst(3).first { $0.hasPrefix("expert=") }.flatMap {
        Int($0.dropFirst(7))
      }
      guard let family = names.architecture, GGUFNameTables.layered.contains(family) else {
        #expect(names.huggingFaceName(of: line[2]) == nil)
        continue
      }
      tried += 1
      // Qwen2's and OLMoE's families are told apart by what they hold, Mixtral by its experts.
      #expect(names.huggingFaceName(of: line[2], expert: expert) == line[1], "\(line)")
    }
    #expect(tried > 600)
  }

  @Test(arguments: [
    ("model.language_model.layers.3.mlp.up_proj.weight", "blk.3.ffn_up.weight"),
    ("language_model.model.layers.3.mlp.up_proj.weight", "blk.3.ffn_up.weight"),
    ("layers.3.mlp.up_proj.weight", "blk.3.ffn_up.weight"),
    ("language_model.lm_head.weight", "output.weight"),
    ("model.text_model.embed_tokens.weight", "token_embd.weight"),
    ("model.layers.0.mlp.experts.down_proj", "blk.0.ffn_down_exps.weight"),
    ("bert.encoder.layer.11.output.LayerNorm.gamma", "blk.11.layer_output_norm.weight"),
    ("bert.encoder.layer.11.output.LayerNorm.beta", "blk.11.layer_output_norm.bias"),
  ])
  func mayHaveWordsAroundThem(_ name: String, _ expected: String) {
    #expect(GGUFNames(architecture: nil).name(of: name)?.name == expected)
  }

  @Test(arguments: [
    "vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight",
    "model.visual.blocks.0.attn.qkv.weight", "multi_modal_projector.linear_1.weight",
    "vit.encoder.layer.0.output.dense.weight", "conv1.weight", "", ".", "layers.", "model.layers.",
    "layers.x.mlp.up_proj.weight", "layers.99999999999999999999.mlp.up_proj.weight",
    "model.layers.0.mlp.experts.99999999999999999999.up_proj.weight", "model.layers.0..weight",
  ])
  func areNoneForOtherTensors(_ name: String) {
    #expect(GGUFNames(architecture: "llama").names(of: name).isEmpty)
  }

  @Test func ofAGGUFStayAsTheyAre() {
    let names = GGUFNames(architecture: "llama", heads: 4, isGGUF: true)
    #expect(names.names(of: "blk.0.attn_q.weight") == [GGUFName("blk.0.attn_q.weight")])
    #expect(names.huggingFaceName(of: "blk.0.attn_q.weight") == "blk.0.attn_q.weight")
  }
}

@Suite("Names of the sample model in GGUF")
struct SampleNamesTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("SampleModels/austen").path

  @Test func areThoseOfItsExport() throws {
    let source = try Model.open(Self.folder + "/model.safetensors")
    let export = try Model.open(Self.folder + "/austen-bf16.gguf")
    let names = GGUFNames(source)
    #expect(names.architecture == "llama")
    let exported = Dictionary(uniqueKeysWithValues: export.tensors.map { ($0.name, $0) })
    #expect(source.tensors.count == export.tensors.count)
    for tensor in source.tensors {
      let name = try #require(names.name(of: tensor.name))
      let other = try #require(exported[name.name])
      #expect(other.shape == tensor.shape)
      #expect(names.huggingFaceName(of: name.name) == tensor.name)
      guard tensor.source == other.source else { continue }  // Norms become F32.
      try compareRows(of: tensor, in: source, with: other, in: export, name.permutation)
    }
  }

  private func compareRows(
    of tensor: Tensor, in source: Model, with other: Tensor, in export: Model,
    _ permutation: RowPermutation?
  ) throws {
    var moved = 0
    for row in 0..<tensor.rows {
      let from = try #require(
        permutation == nil ? row : permutation?.source(of: row, sourceRows: tensor.rows))
      if from != row { moved += 1 }
      let a = bytes(of: tensor, in: source, row: from)
      let b = bytes(of: other, in: export, row: row)
      #expect(a == b, "\(tensor.name), row \(row)")
    }
    let isRotated = tensor.name.contains("q_proj") || tensor.name.contains("k_proj")
    #expect((moved > 0) == isRotated)
  }

  private func bytes(of tensor: Tensor, in model: Model, row: Int) -> [UInt8] {
    let start = row * tensor.rowLength
    return model.withBytes(of: tensor, elements: start..<start + tensor.rowLength) { span in
      span.withUnsafeBytes { Array($0) }
    }
  }
}
