import ModelFiles
import SampleSupport
import Testing

@testable import Explorer

struct CatalogueTests {
  private func model(_ names: [String]) -> Model {
    Model(
      name: "m",
      tensors: names.enumerated().map {
        Tensor(id: $0, name: $1, shape: [64, 64], source: .bf16)
      })
  }

  /// The rows as text, a step in for each level.
  private func outline(_ model: Model, folded: Set<Group> = [], filter: ((Int) -> Bool)? = nil)
    -> [String]
  {
    let state = State(model: model)
    let catalogue = Catalogue(tensors: model.tensors)
    return catalogue.rows(folded: folded, filter: filter).map { row in
      let name =
        switch row.subject {
        case .tensor(let id): Catalogue.shortName(model.tensors[id])
        case .group(let group):
          state.describe(group, members: catalogue.members[group] ?? [])
        }
      return String(repeating: "  ", count: row.depth) + name
    }
  }

  @Test func blocksStandInTheirOrder() {
    let names = [10, 2, 1, 0, 11].map { "model.layers.\($0).self_attn.q_proj.weight" }
    #expect(
      outline(model(names))
        == [0, 1, 2, 10, 11].flatMap { ["block \($0)", "  self_attn.q_proj"] })
  }

  @Test func whatStandsOutsideKeepsItsSide() {
    let names = [
      "lm_head.weight", "model.layers.0.mlp.up_proj.weight", "model.embed_tokens.weight",
      "model.norm.weight",
    ]
    #expect(
      outline(model(names)) == [
        "model.embed_tokens", "block 0", "  mlp.up_proj", "lm_head", "model.norm",
      ])
  }

  /// In a block what can be quantized comes first, by what it does.
  @Test func tensorsOfABlockAreOrderedByWhatTheyDo() {
    let names = [
      "input_layernorm.weight", "mlp.down_proj.weight", "mlp.up_proj.weight",
      "self_attn.k_proj.bias", "self_attn.k_proj.weight", "self_attn.q_proj.weight",
    ].map { "model.layers.0." + $0 }
    #expect(
      outline(model(names)) == [
        "block 0", "  self_attn.q_proj", "  self_attn.k_proj", "  mlp.up_proj",
        "  mlp.down_proj", "  input_layernorm", "  self_attn.k_proj.bias",
      ])
  }

  @Test func expertsAreAGroupOfTheirOwn() throws {
    let mixture = try SampleModel.mixture(blocks: 1, experts: 12).open()
    let rows = outline(mixture)
    #expect(rows.contains("  ffn_gate × 12 experts"))
    let first = try #require(rows.firstIndex(of: "  ffn_gate × 12 experts"))
    let numbers = rows[first + 1...first + 12].map { $0.split(separator: ".")[2] }
    #expect(numbers == (0..<12).map { "\($0)"[...] })
    // At the start experts are folded.
    #expect(State(model: mixture).rows.count == rows.count - 36)
  }

  @Test func twoStacksStandOneAfterTheOther() {
    let names = ["encoder", "decoder"].flatMap { stack in
      [1, 0].map { "\(stack).block.\($0).layer.0.SelfAttention.q.weight" }
    }
    let rows = outline(model(names)).filter { !$0.hasPrefix(" ") }
    #expect(
      rows == ["encoder block 0", "encoder block 1", "decoder block 0", "decoder block 1"])
  }

  @Test(arguments: [
    ("model.layers.3.mlp.up_proj.weight", "mlp.up_proj"), ("blk.3.attn_q.weight", "attn_q"),
    ("blk.3.attn_q.bias", "attn_q.bias"), ("lm_head.weight", "lm_head"), ("weight", "weight"),
    (".weight", ".weight"), ("a\u{1B}b.weight", "a\\x1bb"),
  ])
  func shortNamesLeaveOutWhatTheRowSays(name: String, short: String) {
    #expect(Catalogue.shortName(model([name]).tensors[0]) == short)
  }

  @Test func foldsHideAndFiltersShow() throws {
    let model = model(
      [0, 1].flatMap { block in
        ["q", "k"].map { "model.layers.\(block).self_attn.\($0)_proj.weight" }
      })
    let all = outline(model)
    #expect(all.count == 6)
    let block = Group.block(stack: nil, index: 0)
    #expect(outline(model, folded: [block]).count == 4)
    #expect(outline(model, folded: [block]) { $0 == 0 } == ["block 0", "  self_attn.q_proj"])
    #expect(outline(model) { _ in false } == [])
  }

  /// Each tensor stands in the tree once.
  @Test(arguments: 0..<4)
  func everyTensorHasOneRow(index: Int) throws {
    let models: [SampleModel] = [.llama(), .mixture(), .hostile(), .single()]
    let model = try models[index].open()
    let rows = Catalogue(tensors: model.tensors).rows(folded: [], filter: nil)
    let tensors = rows.compactMap { if case .tensor(let id) = $0.subject { id } else { nil } }
    #expect(tensors.sorted() == Array(model.tensors.indices))
  }
}
