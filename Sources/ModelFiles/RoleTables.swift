/// The names that models give to their parts, of the Hugging Face kind and of GGUF, and what they
/// mean.
enum RoleTables {
  /// Roles by the last one, two or three parts of a name, without numbers and without ".weight";
  /// the longest that is listed counts.
  static let roles: [String: Role] = table([
    .tokenEmbedding: """
    embed_tokens wte word_embeddings word_embedding tok_embeddings token_embd embed_in
    token_embedding embeddings embedding embed shared embed_tokens_per_layer per_layer_token_embd
    """,
    .positionEmbedding: """
    wpe position_embeddings position_embedding embed_positions positional_embedding position_embd
    pos_embed pos_embd pos_embedding positions_embed embed_pos relative_attention_bias attn_rel_b
    rel_pos_h rel_pos_w relative_position_bias_table token_type_embeddings token_type_embedding
    token_types rope_freqs rope_factors_long rope_factors_short rotary_emb rotary_pos_emb inv_freq
    position_ids embeddings.position_embeddings rel_attn_bias
    """,
    .attentionQ: """
    q_proj wq query q_lin attn_q to_q q_attn add_q_proj q_a_proj q_b_proj attn_q_a attn_q_b
    cross_attn_q SelfAttention.q EncDecAttention.q attn.q attention.q self_attention.q
    """,
    .attentionK: """
    k_proj wk key k_lin attn_k to_k add_k_proj attn_k_b cross_attn_k SelfAttention.k
    EncDecAttention.k attn.k attention.k self_attention.k
    """,
    .attentionV: """
    v_proj wv value v_lin attn_v to_v add_v_proj attn_v_b cross_attn_v SelfAttention.v
    EncDecAttention.v attn.v attention.v self_attention.v
    """,
    .attentionQKV: """
    qkv_proj qkv c_attn query_key_value Wqkv wqkv attn_qkv to_qkv in_proj_qkv in_proj_qkvz
    attn.in_proj self_attn.in_proj multihead_attn.in_proj attention.in_proj kv_a_proj_with_mqa
    kv_b_proj kv_proj attn_kv_a_mqa attn_kv_b
    """,
    .attentionOutput: """
    o_proj out_lin attn_output attn_out attn_o to_out cross_attn_o to_add_out attn.c_proj
    crossattention.c_proj attn.out_proj self_attn.out_proj encoder_attn.out_proj attention.out_proj
    multihead_attn.out_proj linear_attn.out_proj cross_attn.out_proj attention.output.dense
    attention.dense self_attention.dense self_attn.dense attn.proj attention.wo attn.wo self_attn.wo
    SelfAttention.o EncDecAttention.o attn.dense attn.o self_attention.out_proj self_attn.proj
    """,
    .router: """
    router ffn_gate_inp shared_expert_gate mlp.gate block_sparse_moe.gate moe.gate feed_forward.gate
    ffn.gate router.layer router.classifier gate.wg mlp.router block_sparse_moe.router.layer
    """,
    .ffnGate: "gate_proj ffn_gate wi_0 feed_forward.w1 experts.w1 mlp.w1",
    .ffnUp: """
    up_proj ffn_up gate_up_proj ffn_gate_up c_fc fc_in dense_h_to_4h intermediate.dense wi_1
    DenseReluDense.wi feed_forward.w3 experts.w3 mlp.w3 mlp.v1 ffn.lin1
    feed_forward.intermediate_dense
    """,
    .ffnDown: """
    down_proj ffn_down fc_out dense_4h_to_h output.dense mlp.c_proj DenseReluDense.wo
    feed_forward.w2 experts.w2 mlp.w2 ffn.lin2 feed_forward.output_dense
    """,
    .norm: "ln_attn ln_ffn ln ls1 ls2 layer_scale",
    .conv: "patch_embeddings.projection patch_embedding patch_embd patch_embed.proj",
    .output: """
    lm_head embed_out cls.predictions.decoder lm_head.decoder lm_head.linear vocab_projector
    qa_outputs cls.output classifier.out_proj heads.head
    """,
    .bias: "exp_probs_b e_score_correction_bias",
    .other: """
    pooler.dense transform.dense lm_head.dense classifier.dense mixer.in_proj mixer.out_proj
    embeddings.proj embeddings_project embedding_hidden_mapping_in
    """,
  ])

  /// Names that mean this only within a repeated block: a plain network has an fc1 too.
  static let rolesInBlocks: [String: Role] = table([
    .ffnUp: "fc1 lin1 linear1 wi w3",
    .ffnDown: "fc2 lin2 linear2 w2",
    .ffnGate: "w1",
    .attentionOutput: "wo out_proj",
  ])

  /// Names that mean this only at the top: within a block they are something else.
  static let rolesAtTop: [String: Role] = table([
    .output: "output proj_out classifier score head fc cls logits"
  ])

  /// The lists whose numbers count repeated blocks.
  static let containers: Set<String> = words(
    """
    layers layer h blocks block blk resblocks transformer_blocks encoder_layers decoder_layers
    stages resnets attentions down_blocks up_blocks features albert_layers albert_layer_groups
    layer_list
    """)

  /// Words that say which of a model's stacks a tensor belongs to.
  static let stacks: [(stack: String, words: Set<String>)] = [
    ("vision", words("vision_tower vision_model visual vision v vision_encoder image_encoder vpm")),
    ("audio", words("audio_tower audio_model audio a audio_encoder apm")),
    ("text", words("language_model text_model text_encoder llm")),
    ("encoder", words("encoder enc encoder_layers")),
    ("decoder", words("decoder dec decoder_layers")),
  ]

  /// Words around a model that say nothing about the stack.
  static let wrappers: Set<String> = words(
    """
    model transformer module backbone base_model bert roberta distilbert electra albert gpt_neox vit
    deit beit net bart opt biogpt mpnet deberta esm camembert xlm_roberta
    """)

  /// Last parts that say what kind of number of a module it is, without changing the module's role.
  static let weightNames: Set<String> = words(
    "weight kernel qweight weight_packed weight_scale weight_scale_inv scales qzeros g_idx")

  /// Last parts of tensors that belong to weights which are already packed: scales, zero points,
  /// orders.
  static let partsOfPacked: Set<String> = words(
    """
    qweight qzeros scales g_idx weight_scale weight_scale_inv weight_scale_2 input_scale
    weight_zero_point weight_shape weight_packed absmax quant_map nested_absmax nested_quant_map SCB
    biases
    """)

  /// The same, as ends of last parts.
  static let endsOfPacked = ["_scales", "_blocks", "_scale_inv", "_scale"]

  /// Ends of GGUF's names for stacked and shared experts.
  static let expertEnds = ["_exps", "_shexp", "_chexps"]

  private static func table(_ lists: KeyValuePairs<Role, String>) -> [String: Role] {
    var table: [String: Role] = [:]
    for (role, list) in lists {
      for word in words(list) { table[word] = role }
    }
    return table
  }

  private static func words(_ list: String) -> Set<String> {
    Set(list.split(whereSeparator: \.isWhitespace).map(String.init))
  }
}
