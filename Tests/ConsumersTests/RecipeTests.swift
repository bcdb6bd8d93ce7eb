import Foundation
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Testing

@testable import Consumers

/// Files of llama-quantize and mlx-lm, read back.
@Suite("Recipes") struct RecipeTests {
  private let model: Model

  init() throws {
    model = try SampleModel.llama(blocks: 2).open()
  }

  private func read(_ text: String) throws -> Recipe {
    try Recipe.read(Array(text.utf8), for: model)
  }

  private func choice(_ recipe: Recipe, _ name: String) throws -> String {
    let tensor = try #require(model.tensors.first { $0.name == name })
    return recipe.choices[tensor.id].description
  }

  /// A plan of this model in which tensors get these formats in turn, as far as their rows allow.
  private func plan(_ formats: [String]) throws -> Plan {
    let formats = try formats.map { try Format(parsing: $0) }
    let tensors = model.tensors.map { tensor -> (name: String, shape: [Int], choice: String) in
      let format = formats[tensor.id % formats.count]
      let fits =
        tensor.suitability.isQuantizable && format.objection(rowLength: tensor.rowLength) == nil
      return (tensor.name, tensor.shape, fits ? format.description : "source")
    }
    return try ExportTests.plan(tensors)
  }

  /// What is exported comes back, but for tensors that stay in their type: those are asked for by its name.
  @Test func exportsComeBack() throws {
    for (consumer, formats) in [
      (Consumer.llamaQuantize, ["q8_0", "q4_0", "q5_1", "iq4_nl"]),
      (.mlxLM, ["mlx8:g32", "mlx4:g32", "mlx3:g32", "mxfp4:ocp"]),
    ] {
      let plan = try plan(formats)
      let export = Export(plan, for: consumer)
      #expect(export.problems.isEmpty, "\(export.problems)")
      let recipe = try read(try #require(export.files.first?.text))
      #expect(recipe.notes.isEmpty, "\(recipe.notes)")
      for (tensor, entry) in zip(model.tensors, plan.tensors)
      where tensor.suitability.isQuantizable {
        let choice = recipe.choices[tensor.id]
        if entry.choice != .source { #expect(choice == entry.choice, "\(entry.name)") }
      }
    }
  }

  @Test func theFirstEntryThatMatchesWins() throws {
    let recipe = try read(
      "ATTN_V=q6_k  ^blk\\.1\\.=q8_0\nattn_(q|k)=q4_0 \\d\\.ffn=q5_0\n^nothing$=q4_1 .*=q5_1")
    #expect(try choice(recipe, "model.layers.0.self_attn.q_proj.weight") == "q4_0")
    #expect(try choice(recipe, "model.layers.1.self_attn.q_proj.weight") == "q8_0")
    #expect(try choice(recipe, "model.layers.0.mlp.up_proj.weight") == "q5_0")
    #expect(try choice(recipe, "model.embed_tokens.weight") == "q5_1")
    // Rows of 64 don't fill blocks of 256: what llama-quantize would write.
    #expect(try choice(recipe, "model.layers.1.self_attn.v_proj.weight") == "q8_0")
    #expect(recipe.notes.contains { $0.contains("^nothing$=q4_1") })
    let norm = try #require(model.tensors.first { $0.role == .norm })
    #expect(recipe.choices[norm.id] == .source)
  }

  @Test func whatMatchesNothingGetsTheBaseType() throws {
    let recipe = try read("attn_q=q4_0")
    #expect(try choice(recipe, "model.layers.0.mlp.up_proj.weight") == "q8_0")
    #expect(recipe.notes.contains { $0.contains("q8_0") })
  }

  @Test func aConvertedModelsTable() throws {
    let recipe = try read(
      """
      {"model_type": "llama", "quantization": {"group_size": 32, "bits": 4, "mode": "affine",
        "model.layers.0.mlp.up_proj": {"group_size": 32, "bits": 8}, "lm_head": false, "nowhere": false}}
      """)
    #expect(try choice(recipe, "model.layers.0.mlp.up_proj.weight") == "mlx8:g32")
    #expect(try choice(recipe, "model.layers.0.mlp.gate_proj.weight") == "mlx4:g32")
    #expect(recipe.notes.count == 1 && recipe.notes[0].contains("nowhere"))
  }

  @Test(arguments: [
    ("", "found nothing"), ("attn_q", "expected PATTERN=TYPE"), ("=q4_0", "expected PATTERN=TYPE"),
    ("attn_q=q4_k_m", "expected a type of ggml"), ("attn_q=int4", "expected a type of ggml"),
    ("(=q4_0", "can't be read"), ("{", "byte 1"), ("{}", "expected mlx-lm's table"),
    ("{\"layers\": {\"model.layers.0.mlp.up_proj\": 3}}", "expected bits and group_size"),
    (
      "{\"layers\": {\"model.layers.0.mlp.up_proj\": {\"bits\": 7, \"group_size\": 64}}}", "MLX has"
    ),
    (
      "{\"layers\": {\"model.layers.0.mlp.up_proj\": {\"bits\": 4, \"group_size\": 128}}}",
      "rows of"
    ),
  ])
  func flawsAreNamed(text: String, words: String) {
    do {
      _ = try read(text)
      Issue.record("\(text) was read")
    } catch {
      #expect("\(error)".contains(words), "\(error)")
    }
  }
}
