import ModelFiles
import Planning
import Quantization

/// OptimizationConfigs for coremltools: one file for palettes, one for linear quantization, applied in turn.
///
/// Source: coremltools 9. Weights are found by the names that they have in the converted package, which only who
/// converted it knows: a map from the plan's names to those must be given. Weights of fewer than 2,048 elements are
/// skipped there.
struct CoreMLToolsExporter: Exporter {
  private let ability = IntegerAbility(bits: [4, 8], groups: [32, 64, 128, 256], tensors: true)
  var offers: [Format] { ability.formats + PaletteFormat.all.map { .palette($0) } }

  func reasonToKeep(_ tensor: ExportedTensor) -> String? {
    if tensor.weightCount < 2048 { return "coremltools skips weights of fewer than 2,048 elements" }
    switch tensor.role {
    case .norm, .bias: return "coremltools leaves it as it is"
    default: return nil
    }
  }

  func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    switch choice {
    case .source, .format(.palette): nil
    case .format(.integer(let integer)): ability.objection(to: integer, for: tensor)
    case .format: "coremltools has no such type"
    }
  }

  func remark(on format: Format, for tensor: ExportedTensor) -> String? {
    remarkOnRanges(format, "coremltools")
  }

  func write(_ sheet: ExportSheet) -> ExportText {
    var palettes = JSONObject()
    var linear = JSONObject()
    var unnamed = 0
    for (tensor, choice) in sheet.tensors {
      guard let settings = choice.format.flatMap(settings) else { continue }
      if sheet.names[tensor.name] == nil { unnamed += 1 }
      let name = sheet.names[tensor.name] ?? usualName(tensor.name)
      if case .format(.palette) = choice {
        palettes[name] = .object(settings)
      } else {
        linear[name] = .object(settings)
      }
    }
    let name = sheet.fileName ?? "coreml.yaml"
    let base = name.hasSuffix(".yaml") ? String(name.dropLast(5)) : name
    var files: [Export.File] = []
    var usage = ["import coremltools.optimize.coreml as cto"]
    func add(_ file: String, _ type: String, _ function: String, _ ops: JSONObject) {
      let config: JSONObject = [
        "config_type": .string(type), "global_config": .null, "op_name_configs": .object(ops),
      ]
      files.append(Export.File(name: file, text: YAMLText.of(.object(config))))
      usage.append(
        "model = cto.\(function)(model, cto.OptimizationConfig.from_yaml(\"\(file)\"))")
    }
    let isMixed = !palettes.members.isEmpty && !linear.members.isEmpty
    if !palettes.members.isEmpty || linear.members.isEmpty {
      add(
        isMixed ? base + "-palettes.yaml" : name, "OpPalettizerConfig", "palettize_weights",
        palettes)
    }
    if !linear.members.isEmpty {
      add(
        isMixed ? base + "-linear.yaml" : name, "OpLinearQuantizerConfig",
        "linear_quantize_weights", linear)
    }
    return ExportText(
      files: files, usage: usage,
      notes: unnamed == 0
        ? []
        : [
          "\(unnamed) names are guessed: coremltools' get_weights_metadata(model) tells the package's own, to be"
            + " given with --names"
        ])
  }

  private func settings(_ format: Format) -> JSONObject? {
    switch format {
    case .palette(let palette):
      return ["nbits": JSONValue(palette.bits), "mode": "kmeans", "granularity": "per_tensor"]
    case .integer(let integer):
      var object: JSONObject = [
        "mode": integer.scheme == .symmetric ? "linear_symmetric" : "linear",
        "dtype": .string(
          integer.scheme == .symmetric ? "int\(integer.bits)" : "uint\(integer.bits)"),
      ]
      switch integer.granularity {
      case .tensor: object["granularity"] = "per_tensor"
      case .channel: object["granularity"] = "per_channel"
      case .group(let length):
        object["granularity"] = "per_block"
        object["block_size"] = JSONValue(length)
      }
      return object
    default: return nil
    }
  }

  private func usualName(_ name: String) -> String {
    String(name.map { $0.isLetter || $0.isNumber ? $0 : "_" })
  }
}
