import ModelFiles
import Planning
import Quantization

/// AutoRound's `layer_config`: exact names of layers, which it looks for before anything else.
///
/// Source: auto-round 0.16. Keys that match nothing only cause a warning there, and names are searched for as parts of
/// longer ones: only bare, whole names are safe. Layers whose dimensions aren't multiples of 32 stay in 16 bits.
struct AutoRoundExporter: Exporter {
  private let ability = IntegerAbility(bits: [2, 3, 4, 8], groups: [32, 64, 128], multiple: 32)
  var offers: [Format] { ability.formats + [.scaledFloat(.mxfp4), .scaledFloat(.nvfp4)] }

  func reasonToKeep(_ tensor: ExportedTensor) -> String? {
    reasonUnlessLinear(tensor, "AutoRound")
  }

  func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    guard let format = choice.format else { return nil }
    if case .integer(let integer) = format { return ability.objection(to: integer, for: tensor) }
    guard settings(format) != nil else { return "AutoRound has no such type" }
    return format.objection(rowLength: tensor.rowLength)
  }

  func remark(on format: Format, for tensor: ExportedTensor) -> String? {
    remarkOnRanges(format, "AutoRound")
  }

  func write(_ sheet: ExportSheet) -> ExportText {
    var layers = JSONObject()
    for (module, choice) in sheet.modules {
      layers[module] = .object(choice.format.flatMap(settings) ?? ["bits": 16])
    }
    let name = sheet.fileName ?? "layer_config.json"
    let text = JSONWriter(.pretty).string(.object(layers))
    var notes: [String] = []
    if text.utf8.count > 120_000 {
      notes.append("it is too long for a command line: use layer_config=json.load(...) from Python")
    }
    return ExportText(
      files: [Export.File(name: name, text: text)],
      usage: [
        "auto-round --model MODEL --scheme W4A16 --layer_config \"$(cat \(name))\" --output_dir OUT"
      ], notes: notes)
  }

  private func settings(_ format: Format) -> JSONObject? {
    switch format {
    case .integer(let integer):
      [
        "bits": JSONValue(integer.bits), "group_size": JSONValue(integer.groupLength ?? -1),
        "sym": .bool(integer.scheme == .symmetric), "data_type": "int",
      ]
    case .scaledFloat(.mxfp4): ["bits": 4, "group_size": 32, "data_type": "mx_fp"]
    case .scaledFloat(.nvfp4): ["bits": 4, "group_size": 16, "data_type": "nv_fp"]
    default: nil
    }
  }
}
