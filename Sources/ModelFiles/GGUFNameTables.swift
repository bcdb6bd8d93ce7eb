/// The names that llama.cpp's conversion gives to the tensors of Hugging Face checkpoints.
///
/// Facts of the formats, from llama.cpp's gguf-py (`tensor_mapping.py`, `constants.py`) and its
/// conversion code. A module's path within its block, or at the top without the words around the model,
/// says nearly always enough; what depends on the family is listed apart.
enum GGUFNameTables {
  /// GGUF names of a block's tensors by the module.
  static let block: [String: String] = table([
    "attn_norm": """
    input_layernorm ln_1 norm_1 ln_mlp attention_norm ln1 ln attn_norm operator_norm pre_attn_norm
    attention_layernorm pre_attention_layernorm
    """,
    "attn_norm_2": "ln_attn layer_norm_1",
    "attn_qkv": """
    self_attn.qkv_proj attn.c_attn attn.Wqkv attention.query_key_value mixer.Wqkv
    self_attention.query_key_value self_attn.query_key_value linear_attn.in_proj_qkv attn.qkv_proj
    """,
    "attn_q": """
    self_attn.q_proj attention.wq attention.self.query attention.q_lin attn.q_proj attention.q_proj
    """,
    "attn_k": """
    self_attn.k_proj attention.wk attention.self.key attention.k_lin attn.k_proj attn.k
    attention.k_proj
    """,
    "attn_v": """
    self_attn.v_proj attention.wv attention.self.value attention.v_lin attn.v_proj attn.v
    attention.v_proj
    """,
    "attn_output": """
    self_attn.o_proj self_attn.dense self_attn.out_proj self_attn.linear_attn attention.wo
    attention.output.dense attention.out_lin attention.dense attention.o_proj attn.c_proj attn.out_proj
    attn.Wo self_attention.dense mixer.out_proj
    """,
    "attn_q_norm": """
    self_attn.q_norm self_attn.q_layernorm self_attn.query_layernorm attention.query_layernorm
    attention.self.layer_norm_q attn.q_ln attn.q_norm self_attention.q_layernorm
    """,
    "attn_k_norm": """
    self_attn.k_norm self_attn.k_layernorm self_attn.key_layernorm attention.key_layernorm
    attention.self.layer_norm_k attn.k_ln attn.k_norm self_attention.k_layernorm
    self_attn.k_rope_only_layernorm
    """,
    "attn_q_a": "self_attn.q_a_proj attention.q_a_proj attention.wq_a",
    "attn_q_b": "self_attn.q_b_proj attention.q_b_proj attention.wq_b",
    "attn_kv_a_mqa": """
    self_attn.kv_a_proj_with_mqa attention.kv_a_proj_with_mqa attention.wkv_a_with_mqa
    """,
    "attn_kv_b": "self_attn.kv_b_proj attention.kv_b_proj",
    "attn_k_b": "self_attn.k_b_proj attention.k_b_proj",
    "attn_v_b": "self_attn.v_b_proj attention.v_b_proj",
    "attn_q_a_norm": "self_attn.q_a_layernorm attention.q_a_layernorm attention.q_a_norm",
    "attn_kv_a_norm": "self_attn.kv_a_layernorm attention.kv_a_layernorm attention.kv_a_norm",
    "attn_sinks": "self_attn.sinks",
    "attn_output_norm": "attention.output.LayerNorm sa_layer_norm norm1",
    "post_attention_norm": "post_self_attn_layernorm",
    "ffn_norm": """
    post_attention_layernorm pre_feedforward_layernorm ln_2 norm_2 ffn_norm ln2 mlp_norm
    feedforward_layernorm pre_ff_layernorm pre_mlp_layernorm pre_moe_layernorm pre_moe_norm
    """,
    "post_ffw_norm": "post_feedforward_layernorm post_mlp_layernorm post_moe_norm",
    "layer_output_norm": "output.LayerNorm output_layer_norm norm2 layer_norm_2 mlp.layernorm",
    "ffn_gate": """
    mlp.gate_proj feed_forward.w1 feed_forward.gate_proj mlp.fc12 mlp.gated_layers_w mlp.w2
    mlp.c_fc_0 mlp.linear_1
    """,
    "ffn_up": """
    mlp.up_proj feed_forward.w3 mlp.gate_up_proj mlp.c_fc mlp.fc1 mlp.dense_h_to_4h
    intermediate.dense ffn.lin1 ffn.up_proj feed_forward.up_proj mlp.Wi mlp.fc11 mlp.fc_in
    mlp.gated_layers mlp.gated_layers_v mlp.up_gated_layer mlp.w1 mlp.c_fc_1 mlp.linear_3
    block_sparse_moe.up
    """,
    "ffn_down": """
    mlp.down_proj feed_forward.w2 mlp.c_proj mlp.fc2 mlp.dense_4h_to_h output.dense ffn.lin2
    ffn.down_proj feed_forward.down_proj mlp.Wo mlp.wo mlp.fc_out mlp.down_layer
    block_sparse_moe.down
    """,
    "ffn_gate_inp": """
    mlp.gate block_sparse_moe.gate block_sparse_moe.router.layer block_sparse_moe.router mlp.router
    mlp.router.layer mlp.router.gate mlp.gate.wg feed_forward.gate feed_forward.router router router.proj
    gate
    """,
    "ffn_gate_inp_shexp": "mlp.shared_expert_gate",
    "exp_probs_b": """
    mlp.gate.e_score_correction mlp.e_score_correction block_sparse_moe.e_score_correction
    block_sparse_moe.gate.e_score_correction mlp.experts.e_score_correction
    """,
    "ffn_gate_exps": """
    mlp.experts.gate_proj block_sparse_moe.experts.w1 feed_forward.experts.w1
    feed_forward.experts.gate_proj block_sparse_moe.experts.gate
    """,
    "ffn_up_exps": """
    mlp.experts.up_proj block_sparse_moe.experts.w3 feed_forward.experts.w3
    feed_forward.experts.up_proj block_sparse_moe.experts.up mlp.experts.mlp.w1
    """,
    "ffn_down_exps": """
    mlp.experts.down_proj block_sparse_moe.experts.w2 feed_forward.experts.w2
    feed_forward.experts.down_proj block_sparse_moe.experts.down block_sparse_moe.output_linear
    mlp.experts.mlp.w2 experts.down_proj
    """,
    "ffn_gate_shexp": shared("gate_proj") + " shared_experts.w1",
    "ffn_up_shexp": shared("up_proj") + " shared_experts.w3",
    "ffn_down_shexp": shared("down_proj") + " shared_experts.w2 shared_mlp.output_linear",
    "nextn.eh_proj": "eh_proj",
    "nextn.embed_tokens": "embed_tokens",
    "nextn.enorm": "enorm",
    "nextn.hnorm": "hnorm",
    "nextn.shared_head_head": "shared_head.head",
    "nextn.shared_head_norm": "shared_head.norm",
  ])

  /// GGUF names at the top by the module, the words around the model taken off.
  static let top: [String: String] = table([
    "token_embd": """
    embed_tokens wte word_embeddings embed_in embd.wte tok_embeddings embedding embeddings
    embeddings.word_embeddings embeddings.tok_embeddings token_embeddings
    """,
    "token_embd_norm": "word_embeddings_layernorm embeddings.LayerNorm embeddings.norm emb_ln",
    "token_types": "embeddings.token_type_embeddings",
    "position_embd": "wpe embeddings.position_embeddings",
    "output": "lm_head embed_out output lm_head.linear word_embeddings_for_head",
    "output_norm": """
    norm ln_f norm_f final_layer_norm final_layernorm final_norm lm_head.ln rms_norm
    """,
  ])

  /// What some families mean by a module that means something else elsewhere.
  static let exceptions: [(families: Set<String>, modules: [String: String])] = [
    (
      words(
        """
        gemma2 gemma3 gemma3n gemma4 gemma4-assistant gemma-embedding olmo2 muse-glimmer glm4moe
        exaone4 afmoe gpt-oss seed_oss qwen3next qwen35 qwen35moe nemotron_h_moe
        """), ["post_attention_layernorm": "post_attention_norm"]
    ),
    (
      ["arctic"],
      ["residual_layernorm": "ffn_norm", "post_attention_layernorm": "ffn_norm_exps"]
    ),
  ]

  /// Families whose queries and keys are permuted for rotation where they come as separate tensors.
  static let rotary: Set<String> = words(
    """
    llama mistral3 granite granitemoe smollm3 olmo deepseek minicpm arctic llama-embed arcee
    nanbeige
    """)

  /// GGUF's architectures by `model_type`, where the two names differ.
  static let architectures: [String: String] = [
    "mistral": "llama", "mixtral": "llama", "internlm3": "llama", "smolvlm": "llama",
    "idefics3": "llama", "ministral": "mistral3", "ministral3": "mistral3",
    "qwen2_moe": "qwen2moe", "qwen3_moe": "qwen3moe", "qwen2_vl": "qwen2vl",
    "qwen2_5_vl": "qwen2vl", "qwen3_vl": "qwen3vl", "qwen3_vl_moe": "qwen3vlmoe",
    "qwen3_next": "qwen3next", "gemma3_text": "gemma3", "gemma3n_text": "gemma3n", "phi": "phi2",
    "gpt_bigcode": "starcoder", "gpt_neox": "gptneox", "roberta": "bert", "xlm-roberta": "bert",
    "camembert": "bert", "distilbert": "bert", "modernbert": "modern-bert",
    "nomic_bert": "nomic-bert", "RefinedWeb": "falcon", "RefinedWebModel": "falcon",
    "deepseek_v2": "deepseek2", "deepseek_v3": "deepseek2", "kimi_k2": "deepseek2",
    "olmo3": "olmo2", "cohere": "command-r", "granitemoeshared": "granitemoe",
    "glm4_moe": "glm4moe", "gpt_oss": "gpt-oss", "llama4_text": "llama4",
  ]

  /// Words around a model that say nothing.
  static let wrappers = [
    "model.", "language_model.", "text_model.", "transformer.", "gpt_neox.", "bert.", "roberta.",
    "distilbert.", "thinker.",
  ]

  /// What blocks are numbered under, the words around the model taken off.
  static let containers = [
    "layers.", "h.", "blocks.", "layer.", "encoder.layer.", "encoder.layers.", "layers.h.",
  ]

  private static func shared(_ module: String) -> String {
    [
      "mlp.shared_expert.", "mlp.shared_experts.", "feed_forward.shared_expert.", "mlp.shared_mlp.",
      "block_sparse_moe.shared_experts.", "share_expert.",
    ].map { $0 + module }.joined(separator: " ")
  }

  private static func table(_ lists: KeyValuePairs<String, String>) -> [String: String] {
    var table: [String: String] = [:]
    for (name, list) in lists {
      for module in list.split(whereSeparator: \.isWhitespace) { table[String(module)] = name }
    }
    return table
  }

  private static func words(_ list: String) -> Set<String> {
    Set(list.split(whereSeparator: \.isWhitespace).map(String.init))
  }
}

// MARK: - Back

extension GGUFNameTables {
  /// Families whose checkpoints number their blocks as `model.layers.N`.
  static let layered: Set<String> = words(
    """
    llama mistral3 qwen2 qwen2moe qwen3 qwen3moe gemma gemma2 gemma3 phi2 phi3 phimoe starcoder2
    olmo olmo2 olmoe command-r cohere2 granite granitemoe stablelm smollm3 glm4 nemotron deepseek
    deepseek2 arcee
    """)

  /// The modules of such a family by GGUF name; "#" is the expert's number.
  static let modules: [String: String] = [
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "attn_qkv": "self_attn.qkv_proj", "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm", "attn_q_a": "self_attn.q_a_proj",
    "attn_q_b": "self_attn.q_b_proj", "attn_kv_a_mqa": "self_attn.kv_a_proj_with_mqa",
    "attn_kv_b": "self_attn.kv_b_proj", "attn_k_b": "self_attn.kv_b_proj",
    "attn_v_b": "self_attn.kv_b_proj", "attn_q_a_norm": "self_attn.q_a_layernorm",
    "attn_kv_a_norm": "self_attn.kv_a_layernorm", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    "ffn_gate_inp": "mlp.gate", "ffn_gate_exps": "mlp.experts.#.gate_proj",
    "ffn_up_exps": "mlp.experts.#.up_proj", "ffn_down_exps": "mlp.experts.#.down_proj",
    "ffn_gate_shexp": "mlp.shared_expert.gate_proj", "ffn_up_shexp": "mlp.shared_expert.up_proj",
    "ffn_down_shexp": "mlp.shared_expert.down_proj",
    "ffn_gate_inp_shexp": "mlp.shared_expert_gate", "exp_probs_b": "mlp.gate.e_score_correction",
    "post_attention_norm": "post_attention_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
  ]

  /// Where a family differs from that.
  static let modulesByFamily: [String: [String: String]] = [
    "llama": mixtral, "phimoe": mixtral,
    "gemma2": ["ffn_norm": "pre_feedforward_layernorm"],
    "gemma3": ["ffn_norm": "pre_feedforward_layernorm"],
    "phi2": [
      "attn_output": "self_attn.dense", "ffn_up": "mlp.fc1", "ffn_down": "mlp.fc2",
      "output_norm": "final_layernorm",
    ],
    "phi3": ["ffn_up": "mlp.gate_up_proj"],
    "starcoder2": ["ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"],
    "glm4": [
      "ffn_up": "mlp.gate_up_proj", "post_attention_norm": "post_self_attn_layernorm",
      "post_ffw_norm": "post_mlp_layernorm", "ffn_norm": "post_attention_layernorm",
    ],
    "granitemoe": [
      "ffn_gate_exps": "block_sparse_moe.input_linear",
      "ffn_up_exps": "block_sparse_moe.input_linear",
      "ffn_down_exps": "block_sparse_moe.output_linear",
      "ffn_gate_inp": "block_sparse_moe.router.layer",
    ],
    "deepseek": deepseek, "deepseek2": deepseek,
  ]

  private static let mixtral = [
    "ffn_gate_exps": "block_sparse_moe.experts.#.w1",
    "ffn_up_exps": "block_sparse_moe.experts.#.w3",
    "ffn_down_exps": "block_sparse_moe.experts.#.w2", "ffn_gate_inp": "block_sparse_moe.gate",
  ]

  private static let deepseek = [
    "ffn_gate_shexp": "mlp.shared_experts.gate_proj", "ffn_up_shexp": "mlp.shared_experts.up_proj",
    "ffn_down_shexp": "mlp.shared_experts.down_proj",
  ]
}
