import ModelFiles
import Planning
import Quantization

/// What mlx-lm's `convert` makes of a model: its default, and the recipes of `--quant-predicate`.
///
/// Source: `mixed_quant_predicate_builder` in mlx-lm 0.32's `convert.py`, `quantize_model` in its `utils.py`. Routers
/// of experts stay as they are stored; mlx-lm has rules of each family for them.
enum MLXRecipe: String, CaseIterable, Sendable {
  case fourBit = "mlx_4bit"
  case mixed4To6 = "mixed_4_6"
  case mixed3To6 = "mixed_3_6"
  case mixed3To4 = "mixed_3_4"
  case mixed2To6 = "mixed_2_6"

  /// The bits of most tensors, and of those that get more.
  private var bits: (low: Int, high: Int) {
    switch self {
    case .fourBit: (4, 4)
    case .mixed4To6: (4, 6)
    case .mixed3To6: (3, 6)
    case .mixed3To4: (3, 4)
    case .mixed2To6: (2, 6)
    }
  }

  /// What each tensor gets.
  func choices(for model: Model) throws(PresetError) -> [Choice] {
    guard model.container == .safetensors else {
      throw .unsuited(rawValue, reason: "mlx-lm converts safetensors only")
    }
    guard model.tensors.contains(where: { $0.role == .tokenEmbedding }) else {
      throw .unsuited(rawValue, reason: "mlx-lm converts language models, and it embeds no tokens")
    }
    guard self == .fourBit || model.tensors.contains(where: Self.isWayDown) else {
      throw .unsuited(
        rawValue, reason: "its recipe is made for blocks with a down_proj, and there is none")
    }
    let layers =
      model.hyperparameters.layers ?? 1 + (model.tensors.lazy.compactMap(\.block).max() ?? -1)
    let type = Self.valueType(model)
    return model.tensors.map { tensor in
      let bits = getsMore(tensor, of: layers) ? bits.high : bits.low
      guard tensor.suitability.isQuantizable, Self.isLinear(tensor),
        let format = MLXFormat(bits: bits, valueType: type ?? Self.valueType(tensor)),
        tensor.rowLength % format.groupLength == 0
      else { return .source }
      return .format(.mlx(format))
    }
  }

  /// The head, and in some blocks values and the way down.
  private func getsMore(_ tensor: Tensor, of layers: Int) -> Bool {
    if tensor.name.contains("lm_head") { return true }
    let block = tensor.block ?? 0
    let isAmongMore =
      block < layers / 8 || block >= 7 * layers / 8 || (block - layers / 8) % 3 == 2
    return isAmongMore
      && (Self.isWayDown(tensor)
        || ["v_proj", "v_a_proj", "v_b_proj"].contains { tensor.name.contains($0) })
  }

  /// What mlx-lm calls a down_proj; experts get that name whatever the checkpoint calls them.
  private static func isWayDown(_ tensor: Tensor) -> Bool {
    tensor.name.contains("down_proj") || tensor.expert != nil && tensor.role == .ffnDown
  }

  /// Layers and embeddings, experts stacked or not; no convolutions.
  private static func isLinear(_ tensor: Tensor) -> Bool {
    tensor.shape.count == 2
      || tensor.shape.count == 3 && [.ffnGate, .ffnUp, .ffnDown].contains(tensor.role)
  }

  /// What the model is cast to first, if its configuration says so.
  private static func valueType(_ model: Model) -> MLXFormat.ValueType? {
    let named =
      model.configuration?["torch_dtype"]?.string
      ?? model.configuration?["text_config"]?["dtype"]?.string
    switch named {
    case "float16": return .f16
    case "bfloat16": return .bf16
    case "float32": return .f32
    default: return nil
    }
  }

  /// The type of a tensor's own weights.
  private static func valueType(_ tensor: Tensor) -> MLXFormat.ValueType {
    switch tensor.source {
    case .f16: .f16
    case .f32: .f32
    default: .bf16
    }
  }
}
