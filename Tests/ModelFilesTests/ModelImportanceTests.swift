import Foundation
import Testing

@testable import ModelFiles

@Suite("Importance of a model's tensors")
struct ModelImportanceTests {
  private func imatrix(_ entries: [Imatrix.Entry]) -> Imatrix {
    Imatrix(entries: entries, datasets: [], chunks: nil)
  }

  private func entry(
    _ name: String, _ count: Int, matrices: Int = 1, unseen: [Int] = []
  ) -> Imatrix.Entry {
    Imatrix.Entry(
      name: name, values: (0..<count).map { Float($0) }, matrices: matrices, unseen: unseen)
  }

  private func model(
    _ tensors: [(String, [Int])], architecture: String? = "llama",
    container: Container = .safetensors
  ) -> Model {
    Model(
      name: "m", container: container, architecture: architecture,
      tensors: tensors.enumerated().map {
        Tensor(id: $0, name: $1.0, shape: $1.1, source: .bf16)
      })
  }

  @Test func isFoundByTheNameInGGUF() throws {
    let model = model([
      ("model.embed_tokens.weight", [64, 32]),
      ("model.layers.0.self_attn.q_proj.weight", [64, 32]),
      ("model.layers.0.mlp.up_proj.weight", [64, 32]),
      ("model.norm.weight", [32]),
    ])
    let importance = ModelImportance(
      imatrix([
        entry("blk.0.attn_q.weight", 32), entry("output.weight", 32), entry("blk.1.x.weight", 3),
      ]), model: model)
    let found = try #require(importance[model.tensors[1]])
    #expect(found.values == (0..<32).map { Float($0) })
    #expect(found.matrices == 1)
    #expect(found.entry == "blk.0.attn_q.weight")
    // The embeddings are tied, but llama-quantize looks for their own name only.
    #expect(importance[model.tensors[0]] == nil)
    #expect(importance[model.tensors[2]] == nil)
    #expect(importance.unmatched == ["output.weight", "blk.1.x.weight"])
    #expect(importance.matched == 1)
    #expect(importance.quantizable == 3)
    #expect(importance.quantizableMatched == 1)
    #expect(importance.notes.isEmpty)
    #expect(importance.permutations == ["rows of heads of unknown number interleaved for rotation"])
  }

  @Test func ofStackedExpertsGoesByTheMatrix() throws {
    let model = model(
      [("blk.0.ffn_up_exps.weight", [3, 8, 32])], container: .gguf)
    let importance = ModelImportance(
      imatrix([entry("blk.0.ffn_up_exps.weight", 96, matrices: 3, unseen: [1])]), model: model)
    let found = try #require(importance[model.tensors[0]])
    #expect(found.matrices == 3)
    #expect(found.unseen == 1)
    #expect(Array(found.values(ofRow: 0, rows: 24)) == (0..<32).map { Float($0) })
    #expect(Array(found.values(ofRow: 7, rows: 24)) == (0..<32).map { Float($0) })
    #expect(Array(found.values(ofRow: 8, rows: 24)) == (32..<64).map { Float($0) })
    #expect(Array(found.values(ofRow: 23, rows: 24)) == (64..<96).map { Float($0) })
    #expect(importance.notes.map(\.problem) == [.unseen(1, of: 3)])
    #expect(importance.notes.allSatisfy { !$0.isWithout })
  }

  @Test func ofAnExpertIsItsSlice() throws {
    let names = (0..<3).map { "model.layers.0.block_sparse_moe.experts.\($0).w3.weight" }
    let model = model(names.map { ($0, [8, 32]) }, architecture: "mixtral")
    // The older form doesn't say how many matrices there are.
    for matrices in [1, 3] {
      let importance = ModelImportance(
        imatrix([entry("blk.0.ffn_up_exps.weight", 96, matrices: matrices)]), model: model)
      #expect(importance.matched == 3)
      #expect(importance[model.tensors[2]]?.values == (64..<96).map { Float($0) })
      #expect(importance[model.tensors[2]]?.matrices == 1)
      #expect(importance.unmatched.isEmpty)
    }
  }

  @Test func ofAnotherSizeIsNotedAndNotTaken() {
    let model = model([
      ("model.layers.0.mlp.up_proj.weight", [64, 32]),
      ("model.layers.0.mlp.experts.0.up_proj.weight", [8, 32]),
      ("model.layers.0.mlp.experts.1.up_proj.weight", [8, 32]),
    ])
    let importance = ModelImportance(
      imatrix([entry("blk.0.ffn_up.weight", 64), entry("blk.0.ffn_up_exps.weight", 32)]),
      model: model)
    #expect(importance.matched == 0)
    #expect(
      importance.notes.map(\.problem) == [
        .size(found: 64, expected: 32), .size(found: 32, expected: 64), .expert(1, of: 1),
      ])
    #expect(importance.notes.allSatisfy { $0.isWithout })
    #expect(importance.unmatched.isEmpty)
    #expect(importance.notes.map(\.description).allSatisfy { !$0.isEmpty })
  }

  @Test func ofTransposedTensorsIsOfNoUse() {
    let model = model(
      [("h.0.mlp.c_fc.weight", [32, 64]), ("wte.weight", [64, 32])], architecture: "gpt2")
    let importance = ModelImportance(imatrix([entry("blk.0.ffn_up.weight", 32)]), model: model)
    #expect(importance.notes.map(\.problem) == [.transposed])
    #expect(importance.matched == 0)
  }

  @Test func ofSplitTensorsIsThatOfAPart() throws {
    let model = model(
      [("model.layers.0.block_sparse_moe.input_linear.weight", [2, 16, 32])],
      architecture: "granitemoe")
    let importance = ModelImportance(
      imatrix([
        entry("blk.0.ffn_gate_exps.weight", 64, matrices: 2),
        entry("blk.0.ffn_up_exps.weight", 64, matrices: 2),
      ]), model: model)
    #expect(importance[model.tensors[0]]?.matrices == 2)
    #expect(importance.unmatched.isEmpty)
  }

  @Test func ofLatentAttentionGoesByTheHead() throws {
    let configuration = try JSONParser.parse(
      #"{"model_type": "deepseek_v2", "num_attention_heads": 4, "v_head_dim": 8}"#)
    let name = "model.layers.0.self_attn.kv_b_proj.weight"
    let model = Model(
      name: "m", architecture: "deepseek_v2", configuration: configuration,
      tensors: [Tensor(id: 0, name: name, shape: [64, 32], source: .bf16)])
    let importance = ModelImportance(
      imatrix([entry("blk.0.attn_k_b.weight", 32), entry("blk.0.attn_v_b.weight", 128)]),
      model: model)
    #expect(importance[model.tensors[0]]?.matrices == 4)
    #expect(importance[model.tensors[0]]?.entry == "blk.0.attn_v_b.weight")
    #expect(importance.unmatched.isEmpty)
  }

  @Test func forManyTensorsTakesLittleTime() {
    let experts = 128
    var tensors: [(String, [Int])] = []
    for block in 0..<94 {
      for expert in 0..<experts {
        for part in ["gate", "up", "down"] {
          let name = "model.layers.\(block).mlp.experts.\(expert).\(part)_proj.weight"
          tensors.append((name, [2, 4]))
        }
      }
    }
    let model = model(tensors, architecture: "qwen3_moe")
    let entries = (0..<94).flatMap { block in
      ["gate", "up", "down"].map {
        entry("blk.\(block).ffn_\($0)_exps.weight", 4 * experts, matrices: experts)
      }
    }
    var importance: ModelImportance?
    let time = ContinuousClock().measure {
      importance = ModelImportance(imatrix(entries), model: model)
    }
    #expect(importance?.matched == tensors.count)
    #expect(time < .seconds(10), "\(time)")
  }
}

@Suite("Importance as llama-quantize takes it")
struct ImatrixValuesTests {
  private func floats(_ values: [Float]) -> [UInt8] { values.flatMap { bytes($0.bitPattern) } }

  @Test func expertsThatSawNoTokenCountAsOne() throws {
    let folder = try ScratchFolder()
    var file = GGUFBuilder()
    file.set("general.type", "imatrix")
    file.add("a.weight.in_sum2", [2, 3], floats([1, 2, 5, 6, 7, 8]))
    file.add("a.weight.counts", [1, 3], floats([3, 0, 2.5]))
    let imatrix = try Imatrix.open(try folder.write("i.gguf", file.file))
    let entry = try #require(imatrix["a.weight"])
    // 2.5 calls are 3: halves away from zero, as lround has it.
    let expected: [Float] = [1 / 3, 2 / 3, 1, 1, 7 / 3, 8 / 3]
    #expect(entry.values.map(\.bitPattern) == expected.map(\.bitPattern))
    #expect(entry.unseen == [1])
    #expect(entry.matrices == 3)
  }

  @Test func theOlderFormDividesByItsCallsInSinglePrecision() throws {
    let folder = try ScratchFolder()
    let name = Array("a.weight".utf8)
    let sums: [Float] = [0.1, 1e-30, 3.3e7, 12345.678]
    var file = bytes(Int32(1)) + bytes(Int32(name.count)) + name
    file += bytes(Int32(7)) + bytes(Int32(sums.count)) + floats(sums)
    let imatrix = try Imatrix.open(try folder.write("i.dat", file))
    #expect(
      imatrix["a.weight"]?.values.map(\.bitPattern) == sums.map { ($0 / 7).bitPattern })
  }
}
