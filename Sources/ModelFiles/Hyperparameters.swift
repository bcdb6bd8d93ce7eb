/// The sizes of a model, as far as its configuration says them.
public struct Hyperparameters: Sendable, Hashable {
  /// The width of the residual stream.
  public var hiddenSize: Int?
  /// The number of repeated blocks.
  public var layers: Int?
  /// The number of attention heads.
  public var heads: Int?
  /// The number of heads for keys and values; fewer than `heads` where they are shared.
  public var keyValueHeads: Int?
  /// The width of a head.
  public var headSize: Int?
  /// The width within a feed-forward part.
  public var intermediateSize: Int?
  /// The number of tokens known.
  public var vocabulary: Int?
  /// The longest context the model was made for, in tokens.
  public var contextLength: Int?
  /// The number of experts in each mixture.
  public var experts: Int?
  /// The number of experts that a token uses.
  public var activeExperts: Int?

  /// Nothing known.
  public init() {}

  /// What a `config.json` says, under the names that its model family uses.
  ///
  /// The text model of a larger one is looked at if the top level is silent.
  public init(configuration: JSONValue) {
    let inner = ["text_config", "llm_config", "language_config", "thinker_config"]
    let levels = [configuration] + inner.compactMap { configuration[$0] }
    func first(_ names: String...) -> Int? {
      for level in levels {
        for name in names {
          if let value = level[name]?.int, value > 0 { return value }
        }
      }
      return nil
    }
    hiddenSize = first("hidden_size", "n_embd", "d_model", "dim", "embed_dim", "model_dim")
    layers = first(
      "num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "depth")
    heads = first(
      "num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads")
    keyValueHeads = first("num_key_value_heads", "n_head_kv", "num_kv_heads", "n_kv_heads")
    headSize = first("head_dim", "d_kv", "attention_head_dim")
    intermediateSize = first(
      "intermediate_size", "n_inner", "ffn_dim", "d_ff", "encoder_ffn_dim", "ffn_hidden_size",
      "hidden_dim")
    vocabulary = first("vocab_size", "padded_vocab_size")
    contextLength = first(
      "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length",
      "seq_length", "max_target_positions")
    experts = first(
      "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "n_experts")
    activeExperts = first(
      "num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_top_k",
      "moe_topk", "top_k_experts", "num_selected_experts", "moe_k")
    completeHeads()
  }

  /// What the metadata of a GGUF says under the name of its architecture.
  public init(metadata: Metadata) {
    let architecture = metadata["general.architecture"]?.string ?? ""
    func value(_ key: String) -> Int? {
      let value: Int? =
        switch metadata["\(architecture).\(key)"] {
        case .array(let array)?: array.prefix(1).first?.int  // One for each block: the first.
        case let value?: value.int
        case nil: nil
        }
      return value.flatMap { $0 < 0 ? nil : $0 }
    }
    hiddenSize = value("embedding_length")
    layers = value("block_count")
    heads = value("attention.head_count")
    keyValueHeads = value("attention.head_count_kv")
    headSize = value("attention.key_length")
    intermediateSize = value("feed_forward_length")
    vocabulary = value("vocab_size") ?? metadata["tokenizer.ggml.tokens"]?.array?.count
    contextLength = value("context_length")
    experts = value("expert_count")
    activeExperts = value("expert_used_count")
    completeHeads()
  }

  private mutating func completeHeads() {
    if keyValueHeads == nil { keyValueHeads = heads }
    if headSize == nil, let hiddenSize, let heads, heads > 0, hiddenSize % heads == 0 {
      headSize = hiddenSize / heads
    }
  }
}
