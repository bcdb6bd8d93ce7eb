import ModelFiles
import Planning
import Quantization

/// A `quantize_config.json` for GPTQModel, with a rule of its own for each layer.
///
/// Source: GPTQModel's `QuantizeConfig` (7.7). Rules are regular expressions from the name's beginning, with an
/// open end; those that skip (`-:`) come first, then the first that matches. Escaped names with an end take an exact
/// path there. Keys that it doesn't know are accepted in silence, so only known ones are written.
struct GPTQModelExporter: Exporter {
  private let ability = IntegerAbility(bits: Set(2...8), groups: [32, 64, 128, 256])
  var offers: [Format] { ability.formats }

  func reasonToKeep(_ tensor: ExportedTensor) -> String? {
    reasonUnlessLinear(tensor, "GPTQModel")
  }

  func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    switch choice {
    case .source: nil
    case .format(.integer(let integer)): ability.objection(to: integer, for: tensor)
    case .format: "GPTQModel has no such type"
    }
  }

  func remark(on format: Format, for tensor: ExportedTensor) -> String? {
    guard case .integer(let integer) = format else { return nil }
    return switch integer.calibration {
    case .gptq, .gptqAct: nil
    case .awq: "GPTQModel chooses codes by gptq, not by awq"
    default: remarkOnRanges(format, "GPTQModel")
    }
  }

  func write(_ sheet: ExportSheet) -> ExportText {
    let modules = sheet.modules
    var counts: [IntegerFormat: Int] = [:]
    for case .format(.integer(let format)) in modules.map(\.choice) {
      counts[format, default: 0] += 1
    }
    // What most have is said at the top; each layer says it again, so that nothing is left open.
    let common = counts.max { ($0.value, $1.key.bits) < ($1.value, $0.key.bits) }?.key
    var rules = JSONObject()
    for (module, choice) in modules where choice == .source {
      rules["-:^\(module.escapedForPattern)$"] = [:]
    }
    let hasOrders = counts.keys.contains { $0.calibration == .gptqAct }
    for case (let module, .format(.integer(let format))) in modules {
      var rule: JSONObject = [
        "bits": JSONValue(format.bits), "group_size": JSONValue(format.groupLength ?? -1),
        "sym": .bool(format.scheme == .symmetric),
      ]
      if hasOrders { rule["desc_act"] = .bool(format.calibration == .gptqAct) }
      rules["+:^\(module.escapedForPattern)$"] = .object(rule)
    }
    var config: JSONObject = [
      "bits": JSONValue(common?.bits ?? 4), "group_size": JSONValue(common?.groupLength ?? 128),
      "sym": .bool((common?.scheme ?? .symmetric) == .symmetric),
      "desc_act": .bool(common?.calibration == .gptqAct),
      "lm_head": .bool(modules.contains { $0.module == "lm_head" && $0.choice != .source }),
      "quant_method": "gptq", "checkpoint_format": "gptq", "pack_dtype": "int32",
      "dynamic": .object(rules),
    ]
    if hasOrders {
      // Groups stay contiguous: layers in their own order and others share the file.
      config["static_groups"] = true
      config["act_group_aware"] = false
    }
    let name = sheet.fileName ?? "quantize_config.json"
    var notes = [
      "GPTQModel needs calibration data of its own; its errors are then smaller than the plan's"
    ]
    if counts.keys.contains(where: { [5, 6, 7].contains($0.bits) }) {
      notes.append("layers of 5, 6 or 7 bits make a checkpoint that GPTQModel alone can load")
    }
    return ExportText(
      files: [Export.File(name: name, text: JSONWriter(.pretty).string(.object(config)))],
      usage: [
        "from gptqmodel import GPTQModel, QuantizeConfig", "import json",
        "config = QuantizeConfig.from_quant_config(json.load(open(\"\(name)\")))",
        "model = GPTQModel.load(MODEL, config)",
      ],
      notes: notes)
  }
}
