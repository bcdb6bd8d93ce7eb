/// What a tensor does in its model.
///
/// The raw value is the name shown; the order is that of a forward pass.
public enum Role: String, CaseIterable, Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The embedding of tokens.
  case tokenEmbedding = "token_embd"
  /// Embeddings of positions and of token types.
  case positionEmbedding = "pos_embd"
  /// The projection to queries.
  case attentionQ = "attn_q"
  /// The projection to keys.
  case attentionK = "attn_k"
  /// The projection to values.
  case attentionV = "attn_v"
  /// A projection to several of queries, keys and values at once.
  case attentionQKV = "attn_qkv"
  /// The projection out of attention.
  case attentionOutput = "attn_output"
  /// What chooses the experts of a mixture.
  case router
  /// The gate of a feed-forward part.
  case ffnGate = "ffn_gate"
  /// The way up of a feed-forward part, or gate and way up in one.
  case ffnUp = "ffn_up"
  /// The way down of a feed-forward part.
  case ffnDown = "ffn_down"
  /// A normalisation.
  case norm
  /// A bias.
  case bias
  /// A convolution.
  case conv
  /// The last projection, to tokens or classes.
  case output
  /// Anything else.
  case other

  /// The name shown.
  public var description: String { rawValue }

  /// Whether a role comes before another in the order of the cases.
  public static func < (a: Role, b: Role) -> Bool { a.rank < b.rank }

  /// The place in the order of the cases, from 0.
  public var rank: Int { Self.ranks[self] ?? 0 }
  private static let ranks = Dictionary(
    uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}
