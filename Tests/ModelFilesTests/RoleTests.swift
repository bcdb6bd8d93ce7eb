import Testing

@testable import ModelFiles

/// What a name must be taken for.
struct NameCase: Sendable, CustomTestStringConvertible {
  var name: String
  var role: Role
  var block: Int?
  var expert: Int?
  var stack: String?
  var shape: [Int]

  init(
    _ name: String, _ role: Role, _ block: Int? = nil, expert: Int? = nil, stack: String? = nil,
    shape: [Int] = [64, 64]
  ) {
    self.name = name
    self.role = role
    self.block = block
    self.expert = expert
    self.stack = stack
    self.shape = shape
  }

  var testDescription: String { name }
}

@Suite("Roles by name")
struct RoleTests {
  static let llamaQwenMistralGemma: [NameCase] = [
    NameCase("model.embed_tokens.weight", .tokenEmbedding),
    NameCase("model.layers.0.self_attn.q_proj.weight", .attentionQ, 0),
    NameCase("model.layers.3.self_attn.k_proj.weight", .attentionK, 3),
    NameCase("model.layers.3.self_attn.k_proj.bias", .bias, 3, shape: [64]),
    NameCase("model.layers.27.self_attn.v_proj.weight", .attentionV, 27),
    NameCase("model.layers.1.self_attn.o_proj.weight", .attentionOutput, 1),
    NameCase("model.layers.1.self_attn.q_norm.weight", .norm, 1, shape: [64]),
    NameCase("model.layers.1.mlp.gate_proj.weight", .ffnGate, 1),
    NameCase("model.layers.1.mlp.up_proj.weight", .ffnUp, 1),
    NameCase("model.layers.1.mlp.down_proj.weight", .ffnDown, 1),
    NameCase("model.layers.1.input_layernorm.weight", .norm, 1, shape: [64]),
    NameCase("model.layers.1.pre_feedforward_layernorm.weight", .norm, 1, shape: [64]),
    NameCase("model.norm.weight", .norm, shape: [64]),
    NameCase("lm_head.weight", .output),
    NameCase("layers.4.attention.wq.weight", .attentionQ, 4),
    NameCase("layers.4.attention.wo.weight", .attentionOutput, 4),
    NameCase("layers.4.feed_forward.w1.weight", .ffnGate, 4),
    NameCase("layers.4.feed_forward.w2.weight", .ffnDown, 4),
    NameCase("layers.4.feed_forward.w3.weight", .ffnUp, 4),
    NameCase("tok_embeddings.weight", .tokenEmbedding),
    NameCase("output.weight", .output),
  ]

  static let mixtures: [NameCase] = [
    NameCase("model.layers.2.block_sparse_moe.experts.7.w1.weight", .ffnGate, 2, expert: 7),
    NameCase("model.layers.2.block_sparse_moe.experts.7.w2.weight", .ffnDown, 2, expert: 7),
    NameCase("model.layers.2.block_sparse_moe.experts.7.w3.weight", .ffnUp, 2, expert: 7),
    NameCase("model.layers.2.block_sparse_moe.gate.weight", .router, 2),
    NameCase("model.layers.60.mlp.experts.255.gate_proj.weight", .ffnGate, 60, expert: 255),
    NameCase("model.layers.60.mlp.experts.255.up_proj.weight", .ffnUp, 60, expert: 255),
    NameCase("model.layers.60.mlp.experts.0.down_proj.weight", .ffnDown, 60, expert: 0),
    NameCase("model.layers.60.mlp.gate.weight", .router, 60),
    NameCase("model.layers.60.mlp.gate.e_score_correction_bias", .bias, 60, shape: [64]),
    NameCase("model.layers.60.mlp.shared_experts.up_proj.weight", .ffnUp, 60),
    NameCase("model.layers.0.mlp.shared_expert.down_proj.weight", .ffnDown, 0),
    NameCase("model.layers.0.mlp.shared_expert_gate.weight", .router, 0, shape: [1, 2048]),
    NameCase("model.layers.5.self_attn.q_a_proj.weight", .attentionQ, 5),
    NameCase("model.layers.5.self_attn.kv_b_proj.weight", .attentionQKV, 5),
    NameCase("model.layers.5.self_attn.kv_a_layernorm.weight", .norm, 5, shape: [64]),
    NameCase("model.layers.5.mlp.experts.gate_up_proj", .ffnUp, 5, shape: [8, 64, 128]),
    NameCase("model.layers.5.mlp.experts.down_proj", .ffnDown, 5, shape: [8, 64, 64]),
    NameCase("model.layers.5.mlp.experts.down_proj_bias", .bias, 5),
    NameCase("model.layers.5.mlp.router.weight", .router, 5),
    NameCase("model.layers.5.feed_forward.router.weight", .router, 5),
  ]

  static let phiGPT2NeoX: [NameCase] = [
    NameCase("model.layers.9.self_attn.qkv_proj.weight", .attentionQKV, 9),
    NameCase("model.layers.9.mlp.gate_up_proj.weight", .ffnUp, 9),
    NameCase("model.layers.9.self_attn.dense.weight", .attentionOutput, 9),
    NameCase("model.layers.9.mlp.fc1.weight", .ffnUp, 9),
    NameCase("model.layers.9.mlp.fc2.weight", .ffnDown, 9),
    NameCase("wte.weight", .tokenEmbedding),
    NameCase("transformer.wpe.weight", .positionEmbedding),
    NameCase("h.11.attn.c_attn.weight", .attentionQKV, 11),
    NameCase("transformer.h.11.attn.c_proj.weight", .attentionOutput, 11),
    NameCase("transformer.h.11.mlp.c_fc.weight", .ffnUp, 11),
    NameCase("transformer.h.11.mlp.c_proj.weight", .ffnDown, 11),
    NameCase("h.0.ln_1.weight", .norm, 0, shape: [64]),
    NameCase("h.0.ln_1.bias", .bias, 0, shape: [64]),
    NameCase("ln_f.weight", .norm, shape: [64]),
    NameCase("gpt_neox.embed_in.weight", .tokenEmbedding),
    NameCase("gpt_neox.layers.3.attention.query_key_value.weight", .attentionQKV, 3),
    NameCase("gpt_neox.layers.3.attention.dense.weight", .attentionOutput, 3),
    NameCase("gpt_neox.layers.3.mlp.dense_h_to_4h.weight", .ffnUp, 3),
    NameCase("gpt_neox.layers.3.mlp.dense_4h_to_h.weight", .ffnDown, 3),
    NameCase("embed_out.weight", .output),
    NameCase("transformer.h.1.self_attention.dense.weight", .attentionOutput, 1),
  ]

  static let bertVitT5: [NameCase] = [
    NameCase("bert.embeddings.word_embeddings.weight", .tokenEmbedding),
    NameCase("embeddings.position_embeddings.weight", .positionEmbedding),
    NameCase("embeddings.token_type_embeddings.weight", .positionEmbedding),
    NameCase("embeddings.LayerNorm.weight", .norm, shape: [64]),
    NameCase("embeddings.LayerNorm.gamma", .norm, shape: [64]),
    NameCase("embeddings.LayerNorm.beta", .bias, shape: [64]),
    NameCase("encoder.layer.5.attention.self.query.weight", .attentionQ, 5, stack: "encoder"),
    NameCase("encoder.layer.5.attention.self.key.weight", .attentionK, 5, stack: "encoder"),
    NameCase("encoder.layer.5.attention.self.value.bias", .bias, 5, stack: "encoder"),
    NameCase(
      "encoder.layer.5.attention.output.dense.weight", .attentionOutput, 5, stack: "encoder"),
    NameCase("encoder.layer.5.attention.output.LayerNorm.weight", .norm, 5, stack: "encoder"),
    NameCase("encoder.layer.5.intermediate.dense.weight", .ffnUp, 5, stack: "encoder"),
    NameCase("encoder.layer.5.output.dense.weight", .ffnDown, 5, stack: "encoder"),
    NameCase("pooler.dense.weight", .other),
    NameCase("cls.predictions.decoder.weight", .output),
    NameCase("classifier.weight", .output),
    NameCase("distilbert.transformer.layer.2.attention.q_lin.weight", .attentionQ, 2),
    NameCase("distilbert.transformer.layer.2.ffn.lin2.weight", .ffnDown, 2),
    NameCase(
      "vit.encoder.layer.1.attention.attention.query.weight", .attentionQ, 1, stack: "encoder"),
    NameCase(
      "vit.embeddings.patch_embeddings.projection.weight", .conv, shape: [768, 3, 16, 16]),
    NameCase("vit.embeddings.position_embeddings", .positionEmbedding, shape: [1, 197, 768]),
    NameCase("vit.encoder.layer.1.layernorm_before.weight", .norm, 1, stack: "encoder"),
    NameCase("blocks.3.attn.qkv.weight", .attentionQKV, 3),
    NameCase("blocks.3.attn.proj.weight", .attentionOutput, 3),
    NameCase("shared.weight", .tokenEmbedding),
    NameCase(
      "encoder.block.2.layer.0.SelfAttention.q.weight", .attentionQ, 2, stack: "encoder"),
    NameCase(
      "decoder.block.2.layer.2.DenseReluDense.wo.weight", .ffnDown, 2, stack: "decoder"),
    NameCase(
      "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", .positionEmbedding,
      0, stack: "encoder"),
  ]

  static let whisperAndVision: [NameCase] = [
    NameCase(
      "model.encoder.layers.3.self_attn.q_proj.weight", .attentionQ, 3, stack: "encoder"),
    NameCase(
      "model.decoder.layers.3.encoder_attn.out_proj.weight", .attentionOutput, 3,
      stack: "decoder"),
    NameCase("model.decoder.layers.3.fc1.weight", .ffnUp, 3, stack: "decoder"),
    NameCase("model.decoder.layers.3.fc2.weight", .ffnDown, 3, stack: "decoder"),
    NameCase("model.encoder.conv1.weight", .conv, stack: "encoder", shape: [384, 80, 3]),
    NameCase("model.decoder.embed_positions.weight", .positionEmbedding, stack: "decoder"),
    NameCase("model.decoder.embed_tokens.weight", .tokenEmbedding, stack: "decoder"),
    NameCase("proj_out.weight", .output),
    NameCase(
      "vision_tower.vision_model.encoder.layers.1.mlp.fc1.weight", .ffnUp, 1, stack: "vision"),
    NameCase("model.language_model.layers.1.mlp.up_proj.weight", .ffnUp, 1, stack: "text"),
    NameCase(
      "visual.transformer.resblocks.4.attn.in_proj_weight", .attentionQKV, 4, stack: "vision"),
    NameCase("visual.transformer.resblocks.4.attn.in_proj_bias", .bias, 4, stack: "vision"),
    NameCase("visual.blocks.4.attn.proj.weight", .attentionOutput, 4, stack: "vision"),
  ]

  static let plainNetworks: [NameCase] = [
    NameCase("conv1.weight", .conv, shape: [32, 1, 3, 3]),
    NameCase("conv1.bias", .bias, shape: [32]),
    NameCase("features.0.weight", .conv, shape: [64, 3, 3, 3]),
    NameCase("features.3.conv.0.0.weight", .conv, 3, stack: nil, shape: [64, 1, 3, 3]),
    NameCase("layer2.1.conv1.weight", .conv, 1, stack: "layer2", shape: [128, 64, 3, 3]),
    NameCase("layer2.1.bn1.weight", .norm, 1, stack: "layer2", shape: [128]),
    NameCase("fc1.weight", .other),
    NameCase("fc1.bias", .bias, shape: [64]),
    NameCase("fc.weight", .output),
    NameCase("0.weight", .other),
    NameCase("layers.2.weight", .other),
    NameCase("weight", .other),
    NameCase("", .other),
    NameCase("...", .other),
    NameCase("model.layers.99999999999999999999.mlp.up_proj.weight", .ffnUp),
  ]

  static let gguf: [NameCase] = [
    NameCase("token_embd.weight", .tokenEmbedding),
    NameCase("position_embd.weight", .positionEmbedding),
    NameCase("token_types.weight", .positionEmbedding),
    NameCase("token_embd_norm.weight", .norm, shape: [64]),
    NameCase("output_norm.weight", .norm, shape: [64]),
    NameCase("output.weight", .output),
    NameCase("rope_freqs.weight", .positionEmbedding, shape: [64]),
    NameCase("blk.12.attn_q.weight", .attentionQ, 12),
    NameCase("blk.12.attn_k.weight", .attentionK, 12),
    NameCase("blk.12.attn_v.weight", .attentionV, 12),
    NameCase("blk.12.attn_v.bias", .bias, 12, shape: [64]),
    NameCase("blk.12.attn_qkv.weight", .attentionQKV, 12),
    NameCase("blk.12.attn_output.weight", .attentionOutput, 12),
    NameCase("blk.12.attn_norm.weight", .norm, 12, shape: [64]),
    NameCase("blk.12.attn_q_norm.weight", .norm, 12, shape: [64]),
    NameCase("blk.12.attn_kv_a_mqa.weight", .attentionQKV, 12),
    NameCase("blk.12.ffn_gate.weight", .ffnGate, 12),
    NameCase("blk.12.ffn_up.weight", .ffnUp, 12),
    NameCase("blk.12.ffn_down.weight", .ffnDown, 12),
    NameCase("blk.12.ffn_gate_inp.weight", .router, 12),
    NameCase("blk.12.ffn_gate_inp_shexp.weight", .router, 12),
    NameCase("blk.12.ffn_gate_exps.weight", .ffnGate, 12, shape: [8, 64, 64]),
    NameCase("blk.12.ffn_gate_up_exps.weight", .ffnUp, 12, shape: [8, 64, 64]),
    NameCase("blk.12.ffn_down_exps.weight", .ffnDown, 12, shape: [8, 64, 64]),
    NameCase("blk.12.ffn_up_shexp.weight", .ffnUp, 12),
    NameCase("blk.12.exp_probs_b.bias", .bias, 12, shape: [64]),
    NameCase("enc.blk.1.attn_o.weight", .attentionOutput, 1, stack: "encoder"),
    NameCase("dec.blk.1.cross_attn_q.weight", .attentionQ, 1, stack: "decoder"),
    NameCase("v.blk.1.attn_out.weight", .attentionOutput, 1, stack: "vision"),
    NameCase("v.patch_embd.weight", .conv, stack: "vision", shape: [64, 3, 14, 14]),
  ]

  @Test(
    "are found",
    arguments: [
      llamaQwenMistralGemma, mixtures, phiGPT2NeoX, bertVitT5, whisperAndVision, plainNetworks,
      gguf,
    ].flatMap { $0 })
  func roles(_ expected: NameCase) {
    var finder = RoleFinder()
    let found = finder.placement(of: expected.name, shape: expected.shape)
    #expect(found.role == expected.role)
    #expect(found.block == expected.block)
    #expect(found.expert == expected.expert)
    #expect(found.stack == expected.stack)
  }

  @Test func aPatternSeenBeforeGivesItsOwnNumbers() {
    var finder = RoleFinder()
    for (block, expert) in [(0, 0), (12, 3), (7, 250)] {
      let name = "model.layers.\(block).mlp.experts.\(expert).up_proj.weight"
      let found = finder.placement(of: name, shape: [64, 64])
      #expect(found.block == block)
      #expect(found.expert == expert)
    }
  }

  @Test func rolesAreOrderedAsDeclared() {
    #expect(Role.allCases.sorted() == Role.allCases)
    #expect(Role.tokenEmbedding < .output)
  }
}

@Suite("Tensors")
struct TensorTests {
  private func tensor(
    _ name: String, _ shape: [Int], _ source: SourceType = .f32
  ) -> Tensor {
    Tensor(id: 0, name: name, shape: shape, source: source)
  }

  @Test(
    "have rows that share a scale",
    arguments: [
      ("fc.weight", [30, 70], 30, 70),
      ("conv1.weight", [32, 16, 3, 3], 32, 144),
      ("model.encoder.conv1.weight", [384, 80, 3], 384, 240),
      ("blk.0.ffn_up_exps.weight", [8, 64, 32], 512, 32),
      ("blk.0.ffn_up_exps.weight", [8, 64, 16], 512, 16),
      ("model.layers.0.mlp.experts.down_proj", [8, 64, 32], 512, 32),
      ("pos_embed", [1, 197, 768], 197, 768),
      ("norm.weight", [768], 1, 768),
      ("logit_scale", [], 1, 1),
      ("w", [0, 7], 0, 7),
      ("w", [7, 0], 0, 0),
      ("w", [0], 1, 0),
    ])
  func rows(_ name: String, _ shape: [Int], _ rows: Int, _ rowLength: Int) {
    let tensor = tensor(name, shape)
    #expect(tensor.rows == rows)
    #expect(tensor.rowLength == rowLength)
    #expect(tensor.rows * tensor.rowLength == tensor.weightCount)
  }

  @Test(
    "say why they are kept",
    arguments: [
      ("model.layers.0.mlp.up_proj.weight", [64, 64], SourceType.bf16, nil),
      ("conv2.weight", [32, 16, 3, 3], .f32, nil),
      ("conv1.weight", [16, 2, 3, 3], .f32, "tiny: 288 weights"),
      ("fc.weight", [31, 33], .f32, "tiny: 1,023 weights"),
      ("fc.weight", [32, 32], .f32, nil),
      ("norm.weight", [4096], .f32, "norm"),
      ("fc.bias", [4096], .f32, "bias"),
      ("blk.0.attn_sinks", [4096], .f32, "one dimension"),
      ("cls_token", [1, 1, 1024], .f32, "one dimension"),
      ("w", [], .f32, "one dimension"),
      ("w", [1, 1], .f32, "tiny: 1 weight"),
      ("blk.0.ffn_gate_inp.weight", [64, 64], .f32, "router"),
      ("wpe.weight", [1024, 64], .f32, "positions"),
      ("fc.weight", [64, 64], .i64, "not floating point: I64"),
      ("fc.weight", [64, 64], .bool, "not floating point: BOOL"),
      ("blk.0.attn_q.weight", [64, 256], .q4K, nil),
      ("blk.0.attn_q.weight", [64, 256], .q8K, "already quantized: Q8_K"),
      ("fc.weight", [0, 64], .f32, "empty"),
      ("model.layers.0.mlp.up_proj.scales", [64, 64], .f16, "part of packed weights"),
      ("model.layers.0.mlp.up_proj.weight_scale_inv", [64, 64], .f32, "part of packed weights"),
      ("model.layers.0.mlp.up_proj.weight", [64, 64], .f8E4M3, nil),
      ("model.layers.0.mlp.up_proj.weight", [64, 64], .f8E4M3FNUZ, "unreadable type: F8_E4M3FNUZ"),
    ] as [(String, [Int], SourceType, String?)])
  func suitability(_ name: String, _ shape: [Int], _ source: SourceType, _ reason: String?) {
    let tensor = tensor(name, shape, source)
    #expect(tensor.suitability.reason == reason)
    #expect(tensor.suitability.isQuantizable == (reason == nil))
  }

  @Test func aNameIsMadeSafeToShow() {
    let tensor = tensor("\u{1B}[2Jw\n\u{202E}é", [2, 2])
    #expect(tensor.label == "\\x1b[2Jw\\x0a\\u{202e}é")
    #expect(tensor.name == "\u{1B}[2Jw\n\u{202E}é")
  }
}

@Suite("Types")
struct SourceTypeTests {
  @Test func sizesAreThoseOfGGML() {
    // Bits per weight, from the block structs of ggml.
    let bits: [SourceType: Double] = [
      .f32: 32, .bf16: 16, .q80: 8.5, .q6K: 6.5625, .q51: 6, .q50: 5.5, .q5K: 5.5, .q41: 5,
      .q4K: 4.5, .q40: 4.5, .iq4NL: 4.5, .nvfp4: 4.5, .iq4XS: 4.25, .mxfp4: 4.25, .q3K: 3.4375,
      .iq3S: 3.4375, .iq3XXS: 3.0625, .q2K: 2.625, .iq2S: 2.5625, .iq2XS: 2.3125, .q20: 2.25,
      .iq2XXS: 2.0625, .tq20: 2.0625, .iq1M: 1.75, .tq10: 1.6875, .iq1S: 1.5625, .q10: 1.125,
    ]
    for (type, expected) in bits {
      #expect(Double(8 * type.bytesPerBlock) / Double(type.blockLength) == expected, "\(type)")
    }
  }

  @Test func numbersAreThoseOfGGML() {
    let numbers: [UInt32: SourceType] = [
      0: .f32, 1: .f16, 2: .q40, 8: .q80, 12: .q4K, 15: .q8K, 16: .iq2XXS, 20: .iq4NL, 24: .i8,
      28: .f64, 29: .iq1M, 30: .bf16, 34: .tq10, 35: .tq20, 39: .mxfp4, 40: .nvfp4, 42: .q20,
    ]
    for (number, type) in numbers {
      #expect(SourceType(ggmlNumber: number) == type)
      #expect(type.ggmlNumber == number)
    }
    for removed: UInt32 in [4, 5, 31, 32, 33, 36, 37, 38, 43, 99, .max] {
      #expect(SourceType(ggmlNumber: removed) == nil)
    }
  }

  @Test func byteCountsAreChecked() {
    #expect(SourceType.q40.byteCount(elements: 64) == 36)
    #expect(SourceType.q40.byteCount(elements: 33) == nil)
    #expect(SourceType.f4.byteCount(elements: 3) == nil)
    #expect(SourceType.f64.byteCount(elements: .max) == nil)
    #expect(SourceType.f32.byteCount(elements: -1) == nil)
    #expect(SourceType(safetensorsName: "F8_E4M3") == .f8E4M3)
    #expect(SourceType(safetensorsName: "Q4_0") == nil)
    #expect(SourceType(safetensorsName: "f32") == nil)
  }
}
