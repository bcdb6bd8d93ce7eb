import ModelFiles
import Quantization

/// What `quantization_config` says of packed integers: one group of exact names for each format.
///
/// Source: `QuantizationConfig` of the PyPI package compressed-tensors 0.20.0. Modules that no group names stay as
/// they are, but vLLM wants them under `ignore`.
struct CompressedGroups {
  private var formats: [IntegerFormat] = []
  private var targets: [IntegerFormat: [String]] = [:]
  private var ignored: [String] = []

  mutating func add(_ tensor: Tensor, _ format: IntegerFormat) {
    // What tells one group from another; how scales were found is of no matter.
    guard
      let kind = IntegerFormat(
        bits: format.bits, scheme: format.scheme, granularity: format.granularity)
    else { return }
    if targets[kind] == nil { formats.append(kind) }
    targets[kind, default: []].append(Self.module(tensor))
  }

  mutating func keep(_ tensor: Tensor) {
    if tensor.shape.count == 2, tensor.name.hasSuffix(".weight") {
      ignored.append(Self.module(tensor))
    }
  }

  private static func module(_ tensor: Tensor) -> String {
    String(tensor.name.dropLast(".weight".count))
  }

  var configuration: JSONValue {
    var groups = JSONObject()
    for (number, format) in formats.enumerated() {
      groups["group_\(number)"] = [
        "targets": .array((targets[format] ?? []).map { .string($0) }),
        "weights": weights(format), "input_activations": nil, "output_activations": nil,
        "format": "pack-quantized",
      ]
    }
    return [
      "quant_method": "compressed-tensors", "format": "pack-quantized",
      "quantization_status": "compressed", "config_groups": .object(groups),
      "ignore": .array(ignored.map { .string($0) }), "kv_cache_scheme": nil,
    ]
  }

  private func weights(_ format: IntegerFormat) -> JSONValue {
    var weights = CompressedTensors.weights(.integer(format)) ?? [:]
    if weights["group_size"] == nil { weights["group_size"] = .null }
    weights["dynamic"] = false
    return .object(weights)
  }
}
