import ModelFiles
import Planning
import Quantization

/// mlx-lm: a table of layers, and the driver that hands it to `mlx_lm.convert`, which has no option for one.
///
/// Source: mlx-lm 0.32. The check of row lengths there uses the default group size: a layer that fails it would stay
/// as it is in silence, so the default is the smallest of the plan's.
struct MLXExporter: Exporter {
  var offers: [Format] {
    MLXFormat.all(valueType: .bf16).map { .mlx($0) } + [
      .scaledFloat(.mxfp4), .scaledFloat(.mxfp8), .scaledFloat(.nvfp4),
    ]
  }

  func reasonToKeep(_ tensor: ExportedTensor) -> String? {
    // Embeddings are quantized, too.
    if tensor.role == .tokenEmbedding, tensor.shape.count == 2, !tensor.modules.isEmpty {
      return nil
    }
    return reasonUnlessLinear(tensor, "MLX")
  }

  func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    guard let format = choice.format else { return nil }
    if case .integer(let integer) = format, integer.scheme == .affine {
      return "MLX stores a bias for each group, not a zero point"
    }
    guard settings(format) != nil else { return "MLX has no such type" }
    return format.objection(rowLength: tensor.rowLength)
  }

  func write(_ sheet: ExportSheet) -> ExportText {
    var layers = JSONObject()
    var groups: [Int] = []
    for (tensor, choice) in sheet.tensors where reasonToKeep(tensor) == nil {
      for module in tensor.modules {
        guard let settings = choice.format.flatMap(settings) else {
          layers[Self.path(module)] = false
          continue
        }
        if let group = settings["group_size"]?.int { groups.append(group) }
        layers[Self.path(module)] = .object(settings)
      }
    }
    let table: JSONObject = [
      "default": ["group_size": JSONValue(groups.min() ?? 64), "bits": 4, "mode": "affine"],
      "layers": .object(layers),
    ]
    let name = sheet.fileName ?? "mlx-plan.json"
    let driver = (name.hasSuffix(".json") ? String(name.dropLast(5)) : name) + "-convert.py"
    return ExportText(
      files: [
        Export.File(name: name, text: JSONWriter(.pretty).string(.object(table))),
        Export.File(name: driver, text: Self.driver(name)),
      ],
      usage: ["python \(driver) MODEL OUT"],
      notes: [sheet.noteOnTiedEmbedding].compactMap { $0 })
  }

  private func settings(_ format: Format) -> JSONObject? {
    switch format {
    case .mlx(let mlx):
      ["group_size": JSONValue(mlx.groupLength), "bits": JSONValue(mlx.bits), "mode": "affine"]
    case .scaledFloat(.mxfp4): ["group_size": 32, "bits": 4, "mode": "mxfp4"]
    case .scaledFloat(.mxfp8): ["group_size": 32, "bits": 8, "mode": "mxfp8"]
    case .scaledFloat(.nvfp4): ["group_size": 16, "bits": 4, "mode": "nvfp4"]
    default: nil
    }
  }

  /// MLX stacks the experts of a layer.
  static func path(_ module: String) -> String {
    var parts = module.split(separator: ".").map(String.init)
    if let place = parts.firstIndex(of: "experts"), place + 1 < parts.count,
      Int(parts[place + 1]) != nil
    {
      parts.replaceSubrange(place...place + 1, with: ["switch_mlp"])
    }
    return parts.joined(separator: ".")
  }

  func sharing(_ tensor: ExportedTensor) -> Sharing? {
    guard let module = tensor.modules.first, Self.path(module) != module else { return nil }
    return Sharing(key: Self.path(module), reason: "MLX stacks the experts of a layer")
  }

  private static func driver(_ table: String) -> String {
    """
    # Converts a model for MLX by the table beside this file: python THIS MODEL OUT
    import json
    import os
    import sys

    from mlx_lm.convert import convert

    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "\(table)")) as file:
        plan = json.load(file)
    layers, default = plan["layers"], plan["default"]
    seen = set()


    def choose(path, module, *_):
        if path in layers:
            seen.add(path)
        return layers.get(path, False)


    convert(
        sys.argv[1], sys.argv[2], quantize=True, q_group_size=default["group_size"],
        q_bits=default["bits"], q_mode=default["mode"], quant_predicate=choose)
    for path in layers:
        if path not in seen:
            print("not in the model:", path, file=sys.stderr)

    """
  }
}
