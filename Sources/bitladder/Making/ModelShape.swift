import ModelFiles

/// The shape of a known model: what its config.json says, and the tensors that follow from it.
///
/// Sizes and names are those of the public config.json and index of the repository named in `source`.
struct ModelShape: Sendable {
  /// A tensor: its name and its dimensions, the last one contiguous.
  struct Tensor: Sendable {
    var name: String
    var shape: [Int]
  }

  /// Mixtures of experts.
  struct Experts: Sendable {
    var count: Int
    var active: Int
    var intermediate: Int
    /// Blocks at the start that have no mixture.
    var denseBlocks = 0
    /// Experts that each token uses.
    var shared = 0
  }

  /// Queries, keys and values through a narrow middle (multi-head latent attention).
  struct Latent: Sendable {
    var queryRank: Int
    var valueRank: Int
    var plainHead: Int
    var rotaryHead: Int
    var valueHead: Int
  }

  enum Family: String, Sendable {
    case llama, mixtral
    case qwen3Mixture = "qwen3_moe"
    case deepseek = "deepseek_v3"

    fileprivate var architecture: String {
      switch self {
      case .llama: "LlamaForCausalLM"
      case .mixtral: "MixtralForCausalLM"
      case .qwen3Mixture: "Qwen3MoeForCausalLM"
      case .deepseek: "DeepseekV3ForCausalLM"
      }
    }
  }

  var name: String
  /// The repository at Hugging Face whose config.json has these sizes; nil for made-up ones.
  var source: String?
  var family = Family.llama
  var hidden: Int
  var layers: Int
  var heads: Int
  var keyValueHeads: Int
  var headSize: Int
  var intermediate: Int
  var vocabulary: Int
  var context: Int
  /// Whether the output shares the embedding's weights.
  var isTied = false
  var experts: Experts?
  var latent: Latent?

  /// The shapes that are known, small ones first.
  static let all: [ModelShape] = [
    ModelShape(
      name: "tiny", hidden: 64, layers: 2, heads: 4, keyValueHeads: 2, headSize: 16,
      intermediate: 128, vocabulary: 256, context: 512),
    ModelShape(
      name: "smollm-135m", source: "HuggingFaceTB/SmolLM-135M", hidden: 576, layers: 30, heads: 9,
      keyValueHeads: 3, headSize: 64, intermediate: 1_536, vocabulary: 49_152, context: 2_048,
      isTied: true),
    ModelShape(
      name: "tiny-moe", family: .mixtral, hidden: 64, layers: 2, heads: 4, keyValueHeads: 2,
      headSize: 16, intermediate: 96, vocabulary: 256, context: 512,
      experts: Experts(count: 4, active: 2, intermediate: 96)),
    ModelShape(
      name: "llama-1b", source: "meta-llama/Llama-3.2-1B", hidden: 2048, layers: 16, heads: 32,
      keyValueHeads: 8, headSize: 64, intermediate: 8192, vocabulary: 128_256, context: 131_072,
      isTied: true),
    ModelShape(
      name: "llama-8b", source: "meta-llama/Llama-3.1-8B", hidden: 4096, layers: 32, heads: 32,
      keyValueHeads: 8, headSize: 128, intermediate: 14_336, vocabulary: 128_256,
      context: 131_072),
    ModelShape(
      name: "qwen3-30b-a3b", source: "Qwen/Qwen3-30B-A3B", family: .qwen3Mixture, hidden: 2048,
      layers: 48, heads: 32, keyValueHeads: 4, headSize: 128, intermediate: 6144,
      vocabulary: 151_936, context: 40_960,
      experts: Experts(count: 128, active: 8, intermediate: 768)),
    ModelShape(
      name: "mixtral-8x7b", source: "mistralai/Mixtral-8x7B-v0.1", family: .mixtral, hidden: 4096,
      layers: 32, heads: 32, keyValueHeads: 8, headSize: 128, intermediate: 14_336,
      vocabulary: 32_000, context: 32_768,
      experts: Experts(count: 8, active: 2, intermediate: 14_336)),
    ModelShape(
      name: "llama-70b", source: "meta-llama/Llama-3.1-70B", hidden: 8192, layers: 80, heads: 64,
      keyValueHeads: 8, headSize: 128, intermediate: 28_672, vocabulary: 128_256,
      context: 131_072),
    ModelShape(
      name: "llama-405b", source: "meta-llama/Llama-3.1-405B", hidden: 16_384, layers: 126,
      heads: 128, keyValueHeads: 8, headSize: 128, intermediate: 53_248, vocabulary: 128_256,
      context: 131_072),
    ModelShape(
      name: "deepseek-v3", source: "deepseek-ai/DeepSeek-V3", family: .deepseek, hidden: 7168,
      layers: 61, heads: 128, keyValueHeads: 128, headSize: 192, intermediate: 18_432,
      vocabulary: 129_280, context: 163_840,
      experts: Experts(count: 256, active: 8, intermediate: 2048, denseBlocks: 3, shared: 1),
      latent: Latent(
        queryRank: 1536, valueRank: 512, plainHead: 128, rotaryHead: 64, valueHead: 128)),
  ]

  /// The shape of this name, in any letter case.
  static func named(_ name: String) -> ModelShape? {
    all.first { $0.name == name.lowercased() }
  }

  /// The weights of all tensors.
  var weightCount: Int { tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }
}

extension ModelShape {
  /// All tensors, in the order of a forward pass.
  var tensors: [Tensor] {
    var all = [Tensor(name: "model.embed_tokens.weight", shape: [vocabulary, hidden])]
    for block in 0..<layers {
      let prefix = "model.layers.\(block)."
      all.append(Tensor(name: prefix + "input_layernorm.weight", shape: [hidden]))
      all += attention.map { Tensor(name: prefix + "self_attn." + $0.name, shape: $0.shape) }
      all.append(Tensor(name: prefix + "post_attention_layernorm.weight", shape: [hidden]))
      all += feedForward(block).map { Tensor(name: prefix + $0.name, shape: $0.shape) }
    }
    all.append(Tensor(name: "model.norm.weight", shape: [hidden]))
    if !isTied { all.append(Tensor(name: "lm_head.weight", shape: [vocabulary, hidden])) }
    return all
  }

  private var attention: [Tensor] {
    guard let latent else {
      let norms = ["q_norm.weight", "k_norm.weight"].map { Tensor(name: $0, shape: [headSize]) }
      return [
        Tensor(name: "q_proj.weight", shape: [heads * headSize, hidden]),
        Tensor(name: "k_proj.weight", shape: [keyValueHeads * headSize, hidden]),
        Tensor(name: "v_proj.weight", shape: [keyValueHeads * headSize, hidden]),
        Tensor(name: "o_proj.weight", shape: [hidden, heads * headSize]),
      ] + (family == .qwen3Mixture ? norms : [])
    }
    let keys = latent.valueRank + latent.rotaryHead
    let queries = heads * (latent.plainHead + latent.rotaryHead)
    let values = heads * (latent.plainHead + latent.valueHead)
    return [
      Tensor(name: "q_a_proj.weight", shape: [latent.queryRank, hidden]),
      Tensor(name: "q_a_layernorm.weight", shape: [latent.queryRank]),
      Tensor(name: "q_b_proj.weight", shape: [queries, latent.queryRank]),
      Tensor(name: "kv_a_proj_with_mqa.weight", shape: [keys, hidden]),
      Tensor(name: "kv_a_layernorm.weight", shape: [latent.valueRank]),
      Tensor(name: "kv_b_proj.weight", shape: [values, latent.valueRank]),
      Tensor(name: "o_proj.weight", shape: [hidden, heads * latent.valueHead]),
    ]
  }

  private func feedForward(_ block: Int) -> [Tensor] {
    guard let experts, block >= experts.denseBlocks else { return gated("mlp.", intermediate) }
    if family == .mixtral {
      let parts = [("w1", true), ("w2", false), ("w3", true)]
      return [Tensor(name: "block_sparse_moe.gate.weight", shape: [experts.count, hidden])]
        + (0..<experts.count).flatMap { expert in
          parts.map { name, isWide in
            Tensor(
              name: "block_sparse_moe.experts.\(expert).\(name).weight",
              shape: isWide ? [experts.intermediate, hidden] : [hidden, experts.intermediate])
          }
        }
    }
    var all = [Tensor(name: "mlp.gate.weight", shape: [experts.count, hidden])]
    if family == .deepseek {
      all.append(Tensor(name: "mlp.gate.e_score_correction_bias", shape: [experts.count]))
    }
    for expert in 0..<experts.count {
      all += gated("mlp.experts.\(expert).", experts.intermediate)
    }
    if experts.shared > 0 {
      all += gated("mlp.shared_experts.", experts.shared * experts.intermediate)
    }
    return all
  }

  private func gated(_ prefix: String, _ width: Int) -> [Tensor] {
    [
      Tensor(name: prefix + "gate_proj.weight", shape: [width, hidden]),
      Tensor(name: prefix + "up_proj.weight", shape: [width, hidden]),
      Tensor(name: prefix + "down_proj.weight", shape: [hidden, width]),
    ]
  }

  /// What its config.json says, under the names that the family uses.
  func configuration(type: String) -> JSONValue {
    var object: JSONObject = [
      "architectures": [.string(family.architecture)],
      "model_type": .string(family.rawValue),
      "hidden_size": JSONValue(hidden),
      "intermediate_size": JSONValue(intermediate),
      "num_hidden_layers": JSONValue(layers),
      "num_attention_heads": JSONValue(heads),
      "num_key_value_heads": JSONValue(keyValueHeads),
      "head_dim": JSONValue(headSize),
      "vocab_size": JSONValue(vocabulary),
      "max_position_embeddings": JSONValue(context),
      "tie_word_embeddings": .bool(isTied),
      "torch_dtype": .string(type),
    ]
    if let experts {
      switch family {
      case .mixtral: object["num_local_experts"] = JSONValue(experts.count)
      case .deepseek: object["n_routed_experts"] = JSONValue(experts.count)
      case .qwen3Mixture, .llama: object["num_experts"] = JSONValue(experts.count)
      }
      object["num_experts_per_tok"] = JSONValue(experts.active)
      if family != .mixtral { object["moe_intermediate_size"] = JSONValue(experts.intermediate) }
      if experts.shared > 0 { object["n_shared_experts"] = JSONValue(experts.shared) }
      if experts.denseBlocks > 0 {
        object["first_k_dense_replace"] = JSONValue(experts.denseBlocks)
      }
    }
    if let latent {
      object["q_lora_rank"] = JSONValue(latent.queryRank)
      object["kv_lora_rank"] = JSONValue(latent.valueRank)
      object["qk_nope_head_dim"] = JSONValue(latent.plainHead)
      object["qk_rope_head_dim"] = JSONValue(latent.rotaryHead)
      object["v_head_dim"] = JSONValue(latent.valueHead)
    }
    return .object(object)
  }
}
