import ModelFiles
import Planning
import Quantization

/// An `FqnToConfig` for torchao's `quantize_` and transformers' `TorchAoConfig`.
///
/// Source: torchao 0.18. Modules that aren't listed stay as they are, and names that match nothing are ignored.
struct TorchAOExporter: Exporter {
  private let ability = IntegerAbility(bits: Set(2...8), groups: [32, 64, 128, 256])
  var offers: [Format] { ability.formats + [.float(.f8E4M3)] }

  func reasonToKeep(_ tensor: ExportedTensor) -> String? { reasonUnlessLinear(tensor, "torchao") }

  func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    switch choice {
    case .source, .format(.float(.f8E4M3)): nil
    case .format(.integer(let integer)): ability.objection(to: integer, for: tensor)
    case .format: "torchao has no such weights that are loaded by name"
    }
  }

  func remark(on format: Format, for tensor: ExportedTensor) -> String? {
    if case .float = format {
      return "with a scale for each row, which the plan's plain cast lacks"
    }
    return remarkOnRanges(format, "torchao")
  }

  func write(_ sheet: ExportSheet) -> ExportText {
    var configs = JSONObject()
    for (module, choice) in sheet.modules {
      configs[module] = choice.format.flatMap(config) ?? .null
    }
    let object: JSONObject = [
      "_type": "FqnToConfig", "_version": 1,
      "_data": ["fqn_to_config": .object(configs)],
    ]
    let name = sheet.fileName ?? "torchao.json"
    return ExportText(
      files: [Export.File(name: name, text: JSONWriter(.pretty).string(.object(object)))],
      usage: [
        "from torchao.core.config import config_from_dict", "import json",
        "config = config_from_dict(json.load(open(\"\(name)\")))",
        "quantize_(model, config, filter_fn=None)",
      ],
      notes: [
        "torchao keeps a byte for each code unless another packing is chosen: the size in memory isn't the plan's"
      ])
  }

  private func config(_ format: Format) -> JSONValue? {
    switch format {
    case .integer(let integer):
      let granularity: JSONValue =
        integer.groupLength.map {
          ["_type": "PerGroup", "_version": 1, "_data": ["group_size": JSONValue($0)]]
        } ?? ["_type": "PerAxis", "_version": 1, "_data": ["axis": 0]]
      return [
        "_type": "IntxWeightOnlyConfig", "_version": 2,
        "_data": [
          "weight_dtype": ["_type": "torch.dtype", "_data": .string("int\(integer.bits)")],
          "granularity": granularity,
          "mapping_type": [
            "_type": "MappingType",
            "_data": integer.scheme == .symmetric ? "SYMMETRIC" : "ASYMMETRIC",
          ],
        ],
      ]
    case .float(.f8E4M3):
      return [
        "_type": "Float8WeightOnlyConfig", "_version": 2,
        "_data": ["weight_dtype": ["_type": "torch.dtype", "_data": "float8_e4m3fn"]],
      ]
    default: return nil
    }
  }
}
