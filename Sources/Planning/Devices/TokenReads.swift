import ModelFiles

/// What of a model's weights is read to decode one token: the least there is to read, so that what follows
/// from it is a bound.
public struct TokenReads: Sendable {
  /// The share of each tensor that is read, by its id, from 0 to 1.
  public let shares: [Double]
  /// Why it isn't known, in a phrase for people; nil where it is.
  public let unknown: String?

  /// Whether two expert counts of a mixture are told.
  private struct Mixture {
    let experts: Int?
    let active: Int?
  }

  /// What is read of an open model.
  ///
  /// - All of a matrix, but of the embedding of tokens one row, unless it is the output matrix too (the
  ///   model has no other).
  /// - Of stacked or numbered experts as many as a token uses: on average, where their formats differ.
  /// - Nothing of encoders of pictures and sound, nor of the layers that guess tokens ahead.
  public init(_ model: Model) {
    let mixture = Self.mixture(model)
    let isTied = !model.tensors.contains { $0.role == .output && $0.block == nil }
    let layers = Self.layersWithoutGuessing(model)
    var unknown: String?
    shares = model.tensors.map { tensor in
      if Self.isOfOtherInput(tensor) { return 0 }
      if let layers, let block = tensor.block, block >= layers { return 0 }
      switch tensor.role {
      case .tokenEmbedding:
        let isOutput = isTied && tensor.block == nil && !tensor.name.contains("per_layer")
        return isOutput ? 1 : Self.row(of: tensor)
      case .positionEmbedding: return Self.row(of: tensor)
      default: break
      }
      guard let experts = Self.experts(of: tensor, mixture) else { return 1 }
      guard let active = mixture.active else {
        unknown = "it doesn't say how many experts a token uses"
        return 1
      }
      return min(1, Double(active) / Double(max(1, experts)))
    }
    self.unknown = unknown
  }

  /// The bytes read, given those of each tensor by its id.
  public func bytes(_ byteCount: (Int) -> Int) -> Double {
    var sum = 0.0
    for id in shares.indices where shares[id] > 0 { sum += shares[id] * Double(byteCount(id)) }
    return sum
  }

  private static func row(of tensor: Tensor) -> Double {
    tensor.shape.count >= 2 ? 1 / Double(max(1, tensor.rows)) : 1
  }

  private static func isOfOtherInput(_ tensor: Tensor) -> Bool {
    if let stack = tensor.stack, ["vision", "audio", "encoder"].contains(stack) { return true }
    let beginnings = [
      "multi_modal_projector", "model.multi_modal_projector", "mm.", "mm_projector",
    ]
    return beginnings.contains(where: tensor.name.hasPrefix)
  }

  private static func mixture(_ model: Model) -> Mixture {
    let numbered = model.tensors.lazy.compactMap(\.expert).max().map { $0 + 1 }
    let stacked = model.tensors.lazy.compactMap(\.stackedExperts).max()
    return Mixture(
      experts: numbered ?? stacked ?? model.hyperparameters.experts,
      active: model.hyperparameters.activeExperts)
  }

  /// The number of experts that a tensor holds or is one of; nil where it is none of theirs.
  private static func experts(of tensor: Tensor, _ mixture: Mixture) -> Int? {
    if let stacked = tensor.stackedExperts { return stacked }
    guard let experts = mixture.experts else { return nil }
    if tensor.expert != nil { return experts }
    // Stacked biases and scales.
    let isStacked = tensor.name.contains("experts.") || tensor.name.contains("_exps")
    return isStacked && tensor.shape.count >= 2 && tensor.shape.first == experts ? experts : nil
  }

  /// The number of layers where some come after them that only guess ahead.
  private static func layersWithoutGuessing(_ model: Model) -> Int? {
    guard let layers = model.hyperparameters.layers else { return nil }
    if let configuration = model.configuration {
      let ahead = configuration["num_nextn_predict_layers"]?.int ?? 0
      return ahead > 0 ? layers : nil
    }
    let name = model.metadata["general.architecture"]?.string ?? ""
    let ahead = model.metadata["\(name).nextn_predict_layers"]?.int ?? 0
    return ahead > 0 && ahead < layers ? layers - ahead : nil
  }
}
