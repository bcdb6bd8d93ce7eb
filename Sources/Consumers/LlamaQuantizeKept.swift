/// Which tensors llama-quantize never quantizes, whatever it is asked for.
///
/// Source: `tensor_allows_quantization` in llama.cpp's `src/llama-quant.cpp`, of the version that has
/// ggml 0.25.3. A line of the plan for such a tensor is silently ignored.
enum LlamaQuantizeKept {
  /// Why a tensor is kept as it is, in a few words; nil if it isn't.
  /// - Parameter shape: the dimensions as GGUF has them, but row-major.
  static func reason(name: String, shape: [Int], architecture: String?) -> String? {
    // ggml doesn't count leading dimensions of 1: a row by itself is a vector.
    if shape.drop(while: { $0 == 1 }).count < 2 { return "a vector" }
    guard name.hasSuffix("weight") else { return "no weight by its name" }
    if let reason = exact[name] { return reason }
    for (part, reason) in parts where name.contains(part) { return reason }
    if architecture == "glm5-next", let part = glm5Next.first(where: { name.contains($0) }) {
      return "\(part.split(separator: ".").first ?? "") of GLM 5"
    }
    return nil
  }

  private static let exact = [
    "position_embd.weight": "positions", "token_types.weight": "token types",
  ]

  /// Parts of names, anywhere in them.
  private static let parts: [(String, String)] = [
    ("_norm.weight", "a norm"),
    ("ffn_gate_inp.weight", "a router"),
    ("ffn_gate_tid2eid.weight", "a table of experts"),
    ("altup", "small"),
    ("laurel", "small"),
    ("per_layer_model_proj", "not large"),
    ("ssm_conv1d", "a small convolution"),
    ("shortconv.conv.weight", "a small convolution"),
    ("indexer.k_proj.weight", "small"),
    ("indexer.q_proj.weight", "small"),
    ("time_mix_first.weight", "small"),
    ("time_mix_w0.weight", "small"), ("time_mix_w1.weight", "small"),
    ("time_mix_w2.weight", "small"), ("time_mix_v0.weight", "small"),
    ("time_mix_v1.weight", "small"), ("time_mix_v2.weight", "small"),
    ("time_mix_a0.weight", "small"), ("time_mix_a1.weight", "small"),
    ("time_mix_a2.weight", "small"), ("time_mix_g1.weight", "small"),
    ("time_mix_g2.weight", "small"), ("time_mix_decay_w1.weight", "small"),
    ("time_mix_decay_w2.weight", "small"), ("time_mix_lerp_fused.weight", "small"),
    ("attn_rel_b.weight", "relative positions"),
    (".position_embd", "positions"),
    ("sam.pos_embd", "positions"),
    ("sam.neck.", "part of an image encoder"),
    ("sam.net_", "part of an image encoder"),
    (".rel_pos", "relative positions"),
    (".patch_embd", "patches"),
    (".patch_merger", "patches"),
    ("a.rvq.codebook", "a code book"),
    ("mm.a.code_embd", "a code book"),
  ]

  private static let glm5Next = [
    "hc_", "indexer.attn_q_b", "indexer.attn_k", "indexer.proj", "indexer_compressor_gate",
    "indexer_compressor_ape", "ssm_f_a.weight", "ssm_f_b.weight", "ssm_g_a.weight",
    "ssm_g_b.weight", "ssm_beta.weight", "attn_kv_a_mqa.weight", "attn_k_b.weight",
    "attn_v_b.weight",
  ]
}
