import ModelFiles
import Planning
import Quantization

/// A PTQ recipe for NVIDIA ModelOpt.
///
/// Source: nvidia-modelopt 0.47. Entries are globs, applied in their order, the later ones win: the first turns
/// everything off. In YAML, since a key of `block_sizes` is the number -1, which JSON can't say.
struct ModelOptExporter: Exporter {
  private let ability = IntegerAbility(
    bits: Set(2...8), schemes: [.symmetric], groups: [32, 64, 128, 256], tensors: true)
  var offers: [Format] {
    ability.formats
      + [.scaledFloat(.nvfp4), .scaledFloat(.mxfp4), .scaledFloat(.mxfp8), .float(.f8E4M3)]
  }

  func reasonToKeep(_ tensor: ExportedTensor) -> String? { reasonUnlessLinear(tensor, "ModelOpt") }

  func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    guard let format = choice.format else { return nil }
    if case .integer(let integer) = format { return ability.objection(to: integer, for: tensor) }
    guard settings(format) != nil else { return "ModelOpt has no such type" }
    return format.objection(rowLength: tensor.rowLength)
  }

  func remark(on format: Format, for tensor: ExportedTensor) -> String? {
    if case .float = format {
      return "with a scale for the tensor, which the plan's plain cast lacks"
    }
    return remarkOnRanges(format, "ModelOpt")
  }

  func write(_ sheet: ExportSheet) -> ExportText {
    var entries: [JSONValue] = [["quantizer_name": "*", "enable": false]]
    var isDeployable = true
    for (module, choice) in sheet.modules {
      guard let format = choice.format, let settings = settings(format) else { continue }
      if case .integer(let integer) = format, ![4, 8].contains(integer.bits) {
        isDeployable = false
      }
      entries.append([
        "quantizer_name": .string(glob(module) + ".weight_quantizer"), "cfg": .object(settings),
      ])
    }
    let recipe: JSONObject = [
      "metadata": [
        "recipe_type": "ptq",
        "description": .string("mixed precision for \(sheet.plan.model.name.sanitised)"),
      ],
      "quantize": ["algorithm": "max", "quant_cfg": .array(entries)],
    ]
    let name = sheet.fileName ?? "recipe.yaml"
    return ExportText(
      files: [Export.File(name: name, text: YAMLText.of(.object(recipe)))],
      usage: [
        "from modelopt.recipe import load_recipe", "recipe = load_recipe(\"\(name)\")",
      ],
      notes: isDeployable
        ? [] : ["only 4 and 8 bits have kernels: other widths can be simulated, not deployed"])
  }

  private func settings(_ format: Format) -> JSONObject? {
    func blocks(_ length: Int, _ more: JSONObject) -> JSONValue {
      var object: JSONObject = ["-1": JSONValue(length)]
      for member in more.members { object[member.key] = member.value }
      return .object(object)
    }
    switch format {
    case .integer(let integer):
      var object: JSONObject = ["num_bits": JSONValue(integer.bits)]
      switch integer.granularity {
      case .tensor: object["axis"] = .null
      case .channel: object["axis"] = 0
      case .group(let length): object["block_sizes"] = blocks(length, ["type": "static"])
      }
      return object
    case .scaledFloat(.nvfp4):
      return [
        "num_bits": "e2m1", "block_sizes": blocks(16, ["type": "dynamic", "scale_bits": "e4m3"]),
      ]
    case .scaledFloat(.mxfp4):
      return [
        "num_bits": "e2m1", "block_sizes": blocks(32, ["type": "dynamic", "scale_bits": "e8m0"]),
      ]
    case .scaledFloat(.mxfp8):
      return [
        "num_bits": "e4m3", "block_sizes": blocks(32, ["type": "dynamic", "scale_bits": "e8m0"]),
      ]
    case .float(.f8E4M3): return ["num_bits": "e4m3"]
    default: return nil
    }
  }

  /// A name in which nothing is special to fnmatch.
  private func glob(_ name: String) -> String {
    name.map { "*?[".contains($0) ? "[\($0)]" : String($0) }.joined()
  }
}
