import Foundation
import ModelFiles
import Planning
import Quantization
import Testing

@testable import Consumers

/// Plans as consumers take them. The files in Exports/ were held to the consumers' own packages by exports.py;
/// RECORD=1 writes them anew.
@Suite("Exports") struct ExportTests {
  static func plan(
    architecture: String = "llama", _ tensors: [(name: String, shape: [Int], choice: String)]
  ) throws -> Plan {
    let entries = try tensors.map { name, shape, text in
      let choice: Choice = text == "source" ? .source : .format(try Format(parsing: text))
      return Plan.Entry(
        name: name, shape: shape, source: "BF16", choice: choice,
        bytes: 2 * shape.reduce(1, *), bitsPerWeight: 16, nmse: nil, exact: false, isPinned: false)
    }
    return Plan(
      model: Plan.ModelIdentity(
        name: "model", architecture: architecture, fingerprint: "sha256:0", weights: 1, bytes: 2),
      budget: nil, totals: Plan.Sums(bytes: 1, bitsPerWeight: 1, nmse: nil, sqnr: nil),
      tensors: entries)
  }

  /// Two blocks of a llama, in the formats given one after another.
  static func llama(_ formats: [String]) throws -> Plan {
    var tensors: [(name: String, shape: [Int], choice: String)] = [
      ("model.embed_tokens.weight", [512, 256], "source")
    ]
    var place = 0
    func next() -> String {
      defer { place += 1 }
      return formats[place % formats.count]
    }
    for block in 0..<2 {
      let prefix = "model.layers.\(block)."
      for (name, shape) in [
        ("self_attn.q_proj", [256, 256]), ("self_attn.k_proj", [128, 256]),
        ("self_attn.v_proj", [128, 256]), ("self_attn.o_proj", [256, 256]),
        ("mlp.gate_proj", [768, 256]), ("mlp.up_proj", [768, 256]),
        ("mlp.down_proj", [256, 768]),
      ] {
        tensors.append((prefix + name + ".weight", shape, next()))
      }
      tensors.append((prefix + "input_layernorm.weight", [256], "source"))
    }
    tensors.append(("lm_head.weight", [512, 256], "source"))
    return try plan(tensors)
  }

  /// What each consumer can express, all of which it is given.
  static let expressible: [(Consumer, [String])] = [
    (.llamaQuantize, ["q4_K", "q8_0", "source", "iq4_xs", "f16", "q6_K", "mxfp4"]),
    (
      .compressedTensors,
      [
        "int4", "int8:channel", "int4:affine:g32", "source", "mxfp4:ocp", "nvfp4:tensor",
        "int3:mse",
        "mxfp8", "f8_e4m3",
      ]
    ),
    (.llmCompressor, ["int4", "int8:channel", "int4:affine:g32", "source", "nvfp4:tensor"]),
    (.vllm, ["int4", "int4", "int4", "int8", "int8:g32", "int8:g32", "source"]),
    (.autoRound, ["int4", "int8:channel", "int2:affine:g32", "source", "mxfp4:ocp"]),
    (
      .mlxLM, ["mlx4", "mlx8:g32", "mlx3:g128", "source", "mxfp4:ocp", "mxfp8"]
    ),
    (.gptqModel, ["int4", "int8:channel", "int2:affine:g32", "source", "int5"]),
    (.torchAO, ["int4", "int8:channel", "int2:affine:g32", "source", "f8_e4m3"]),
    (
      .modelOpt,
      ["int4", "int8:channel", "nvfp4:tensor", "source", "f8_e4m3", "mxfp4:ocp", "int8:tensor"]
    ),
    (.coreMLTools, ["int4:g32", "int8:channel", "pal4", "source", "int8:affine:tensor"]),
    (.bitsAndBytes, ["nf4", "source", "nf4"]),
  ]

  @Test(arguments: expressible)
  func filesAreAsRecorded(consumer: Consumer, formats: [String]) throws {
    let export = Export(try Self.llama(formats), for: consumer)
    #expect(export.problems.isEmpty, "\(export.problems)")
    #expect(!export.files.isEmpty && !export.usage.isEmpty)
    for file in export.files {
      let name = "\(consumer.rawValue).\(file.name)"
      let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Exports/\(name)")
      if ProcessInfo.processInfo.environment["RECORD"] == "1" {
        try file.text.write(to: source, atomically: true, encoding: .utf8)
      }
      let recorded = try String(contentsOf: source, encoding: .utf8)
      #expect(file.text == recorded, "\(name)")
    }
  }

  /// What can't be expressed is said of each tensor, with the nearest thing, and only there.
  @Test func nothingIsChangedInSilence() throws {
    let plan = try Self.llama(["int4", "int6", "q4_K", "nf4", "int4:affine:g32", "pal4", "source"])
    for consumer in Consumer.allCases {
      let export = Export(plan, for: consumer)
      let said = Dictionary(uniqueKeysWithValues: export.problems.map { ($0.tensor, $0) })
      for (entry, choice) in zip(plan.tensors, export.choices) {
        #expect((said[entry.name] != nil) == (entry.choice != choice), "\(consumer) \(entry.name)")
        guard let problem = said[entry.name] else { continue }
        #expect(problem.asked == entry.choice)
        #expect(problem.instead == choice)
        #expect(!problem.reason.isEmpty)
      }
      // What comes nearest can be expressed: the same plan with it has no problems.
      var nearest = plan
      for (index, choice) in export.choices.enumerated() { nearest.tensors[index].choice = choice }
      #expect(Export(nearest, for: consumer).problems.isEmpty, "\(consumer)")
      #expect(Export(nearest, for: consumer).files == export.files)
    }
  }

  /// Programs that choose codes by activations themselves are told so; others have the grids, and say it.
  @Test func calibrationsByActivationsAreHandedOver() throws {
    let plan = try Self.llama(["int4:gptq", "int4:gptq-act", "int4:awq", "int4", "source"])
    func text(_ consumer: Consumer, _ plan: Plan) throws -> String {
      let export = Export(plan, for: consumer)
      #expect(export.problems.isEmpty, "\(consumer) \(export.problems)")
      return try #require(export.files.first).text
    }
    let model = try JSONParser.parse([UInt8](try text(.gptqModel, plan).utf8))
    let rules = try #require(model["dynamic"]?.object)
    let orders = rules.keys.filter { $0.hasPrefix("+:") }.map { rules[$0]?["desc_act"]?.bool }
    #expect(orders.contains(true) && orders.contains(false) && !orders.contains(nil))
    #expect(model["static_groups"] == true && model["act_group_aware"] == false)
    let recipe = try text(.llmCompressor, plan)
    for name in ["QuantizationModifier", "GPTQModifier", "AWQModifier", "actorder: static"] {
      #expect(recipe.contains(name), "\(name)")
    }
    #expect(Export(plan, for: .llmCompressor).usage.joined().contains("dataset=DATA"))
    // Without them nothing is said of it.
    let plain = try Self.llama(["int4:gptq"])
    #expect(try !text(.gptqModel, plain).contains("static_groups"))
    #expect(try !text(.llmCompressor, plain).contains("QuantizationModifier"))
    #expect(try text(.compressedTensors, plain) == text(.compressedTensors, Self.llama(["int4"])))
  }

  @Test func whatNeedsActivationsIsRefusedWithoutThem() throws {
    let model = try Model.open(austen)
    let tensor = try #require(model.tensors.first { $0.role == .attentionQ })
    let format = try Format(parsing: "int4:gptq")
    let bare = FormatRules(model: model, importance: nil)
    let refusal = try #require(bare.refusal(of: format, for: tensor))
    #expect(refusal.reason == "needs what flows through the model" && refusal.remedy != nil)
    let known = FormatRules(model: model, importance: nil, activations: [tensor.id])
    #expect(known.refusal(of: format, for: tensor) == nil)
    let other = known[model.tensors[0]].refusal(of: format)
    #expect(other?.reason == "nothing is known to flow into it")
  }

  /// Each entry of the type file matches its tensor and no other, as std::regex and Python's read it.
  @Test func typePatternsAreDisjoint() throws {
    let plan = try Self.llama(["q4_K", "q6_K", "source"])
    let text = try #require(Export(plan, for: .llamaQuantize).files.first?.text)
    let patterns = try text.split(separator: "\n").map { line in
      try NSRegularExpression(pattern: String(line.prefix { $0 != "=" }))
    }
    let names = GGUFNames(architecture: "llama")
    #expect(patterns.count == 16)
    for entry in plan.tensors {
      for name in names.names(of: entry.name).map(\.name) {
        let range = NSRange(name.startIndex..., in: name)
        let matches = patterns.count { $0.firstMatch(in: name, range: range) != nil }
        #expect(matches == (name.contains("norm") ? 0 : 1), "\(name)")
      }
    }
    #expect(text == text.lowercased())
  }

  @Test func tiedEmbeddingsAreNamed() throws {
    let embedding = ("token_embd.weight", [512, 256], "q6_K")
    let block = ("blk.0.attn_q.weight", [256, 256], "q4_K")
    func notes(_ tensors: [(String, [Int], String)]) throws -> [String] {
      let plan = try Self.plan(tensors.map { (name: $0.0, shape: $0.1, choice: $0.2) })
      return Export(plan, for: .llamaQuantize).notes.filter { $0.contains("output matrix") }
    }
    #expect(try notes([embedding, block]).count == 1)
    #expect(try notes([embedding, block, ("output.weight", [512, 256], "q6_K")]).isEmpty)
  }

  @Test func rowsThatFillNoBlocksAreRefused() throws {
    let plan = try Self.plan([
      ("model.layers.0.self_attn.q_proj.weight", [64, 96], "q4_K"),
      ("model.layers.0.self_attn.k_proj.weight", [64, 96], "int4"),
    ])
    let export = Export(plan, for: .llamaQuantize)
    #expect(export.problems.count == 2)
    #expect(export.problems[0].reason.contains("llama-quantize would write q5_0"))
    #expect(export.problems[0].instead.format?.objection(rowLength: 96) == nil)
    let recipe = Export(plan, for: .llmCompressor)
    #expect(recipe.problems.map(\.reason).contains("rows of 96 aren't multiples of 128"))
  }

  @Test func expertsOfABlockShareAType() throws {
    let plan = try Self.plan(
      architecture: "mixtral",
      (0..<4).map {
        (
          "model.layers.0.block_sparse_moe.experts.\($0).w1.weight", [512, 256],
          $0 == 2 ? "q6_K" : "q4_K"
        )
      })
    let export = Export(plan, for: .llamaQuantize)
    let names = [0, 1, 3].map { plan.tensors[$0].name }
    #expect(export.problems.map(\.tensor) == names)
    #expect(export.problems.allSatisfy { $0.instead.description == "q6_K" && $0.extraBytes > 0 })
    #expect(export.files[0].text == "^blk\\.0\\.ffn_gate_exps\\.weight$=q6_k\n")
  }

  @Test func whatVLLMFusesAgrees() throws {
    let plan = try Self.llama(["int4", "int8", "source", "int4", "int8", "int3", "int4"])
    let export = Export(plan, for: .vllm)
    let instead = Dictionary(
      uniqueKeysWithValues: zip(plan.tensors.map(\.name), export.choices.map(\.description)))
    for block in 0..<2 {
      let prefix = "model.layers.\(block)."
      let fused = ["q", "k", "v"].map { instead["\(prefix)self_attn.\($0)_proj.weight"] }
      #expect(Set(fused) == ["source"])
      #expect(instead[prefix + "mlp.up_proj.weight"] == "int8")
    }
  }

  /// Plans made on a GGUF name what Hugging Face calls otherwise; stacked experts are many modules.
  @Test func namesOfGGUFAreMappedBack() throws {
    let plan = try Self.plan(
      [
        ("token_embd.weight", [512, 256], "source"),
        ("blk.3.attn_q.weight", [256, 256], "int4"),
        ("blk.3.ffn_up_exps.weight", [2, 512, 256], "int8"),
      ].map { $0 })
    let text = try #require(Export(plan, for: .autoRound).files.first?.text)
    #expect(text.contains("\"model.layers.3.self_attn.q_proj\""))
    let mixture = try Self.plan(
      architecture: "qwen3moe", [("blk.3.ffn_up_exps.weight", [2, 512, 256], "int8")])
    let modules = try #require(Export(mixture, for: .autoRound).files.first?.text)
    for expert in 0..<2 {
      #expect(modules.contains("\"model.layers.3.mlp.experts.\(expert).up_proj\""))
    }
    let types = try #require(Export(plan, for: .llamaQuantize, fileName: "t").files.first)
    #expect(types.name == "t" && types.text.contains("^token_embd\\.weight$=bf16"))
  }

  @Test func hostilePlansOnlyGetWords() throws {
    let plan = try Self.plan([
      ("", [], "int4"), ("x.weight", [0, 0], "int4"),
      ("\u{1B}[31m.weight", [1 << 20, 1 << 20], "q4_K"),
      ("model.layers.99999999999999999999.mlp.up_proj.weight", [64, 64], "int4"),
      ("a*?[b]\"'\n#.weight", [64, 256], "int4"),
    ])
    var huge = plan
    huge.tensors[2].shape = [.max, .max]
    huge.tensors[3].shape = [.max, 2, .max, 7]
    for consumer in Consumer.allCases {
      for plan in [plan, huge] {
        let export = Export(plan, for: consumer)
        #expect(export.choices.count == plan.tensors.count)
        #expect(!export.notes.joined().contains("\u{1B}"))
      }
    }
  }
}
