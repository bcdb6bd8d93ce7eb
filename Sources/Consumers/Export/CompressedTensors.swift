import ModelFiles
import Planning
import Quantization

/// What compressed-tensors and llm-compressor can express, and their groups of layers with equal settings.
///
/// Source: compressed-tensors' `QuantizationArgs` and its presets (0.20). A module is found by its exact name
/// before regular expressions and classes; vLLM takes the first group that matches: there is no overlap here.
enum CompressedTensors {
  static let ability = IntegerAbility(
    bits: Set(2...8), groups: [32, 64, 128, 256], tensors: true)
  static let offers: [Format] =
    ability.formats
    + [.scaledFloat(.nvfp4), .scaledFloat(.mxfp4), .scaledFloat(.mxfp8), .float(.f8E4M3)]

  static func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    guard let format = choice.format else { return nil }
    switch format {
    case .integer(let integer): return ability.objection(to: integer, for: tensor)
    case .scaledFloat, .float(.f8E4M3):
      guard weights(format) != nil else { return "compressed-tensors has no such type" }
      return format.objection(rowLength: tensor.rowLength)
    default: return "compressed-tensors has no such type"
    }
  }

  static func remark(on format: Format) -> String? {
    switch format {
    case .float(.f8E4M3): "with a scale for each channel, which the plan's plain cast lacks"
    case .integer(let integer):
      switch integer.calibration {
      case .minmax, .mse: nil
      case .gptq, .gptqAct, .awq:
        "\(integer.calibration.name) is the affair of what packs the checkpoint: here are its grids"
      default: "ranges by minmax, not by \(integer.calibration.name)"
      }
    default: nil
    }
  }

  /// The `weights` of a group; nil for what it hasn't.
  static func weights(_ format: Format) -> JSONObject? {
    func floats(_ bits: Int, _ group: Int, _ strategy: String, _ scale: String) -> JSONObject {
      [
        "num_bits": JSONValue(bits), "type": "float", "symmetric": true,
        "strategy": .string(strategy),
        "group_size": JSONValue(group), "scale_dtype": .string(scale),
      ]
    }
    switch format {
    case .scaledFloat(.nvfp4): return floats(4, 16, "tensor_group", "torch.float8_e4m3fn")
    case .scaledFloat(.mxfp4): return floats(4, 32, "group", "torch.uint8")
    case .scaledFloat(.mxfp8): return floats(8, 32, "group", "torch.uint8")
    case .float(.f8E4M3):
      return ["num_bits": 8, "type": "float", "symmetric": true, "strategy": "channel"]
    case .integer(let integer):
      var object: JSONObject = [
        "num_bits": JSONValue(integer.bits), "type": "int",
        "symmetric": .bool(integer.scheme == .symmetric),
      ]
      switch integer.granularity {
      case .tensor: object["strategy"] = "tensor"
      case .channel: object["strategy"] = "channel"
      case .group(let length):
        object["strategy"] = "group"
        object["group_size"] = JSONValue(length)
      }
      if integer.calibration == .mse { object["observer"] = "mse" }
      if integer.calibration == .gptqAct { object["actorder"] = "static" }
      return object
    default: return nil
    }
  }

  /// The form in which such weights are packed.
  static func packing(_ format: Format) -> String {
    switch format {
    case .scaledFloat(.nvfp4): "nvfp4-pack-quantized"
    case .scaledFloat(.mxfp4): "mxfp4-pack-quantized"
    case .scaledFloat(.mxfp8): "mxfp8-quantized"
    case .float: "float-quantized"
    default: "pack-quantized"
    }
  }

  /// The groups of layers with equal settings, and the layers that stay as they are.
  /// - Parameter isTaken: whether a format is among those that are asked for.
  static func groups(
    _ sheet: ExportSheet, withPacking: Bool, isTaken: (Format) -> Bool = { _ in true }
  ) -> (groups: JSONObject, ignore: JSONValue, packings: [String]) {
    var found: [(weights: JSONObject, packing: String, targets: [JSONValue])] = []
    var places: [String: Int] = [:]
    var ignored: [JSONValue] = []
    for (module, choice) in sheet.modules {
      guard let format = choice.format, let weights = weights(format) else {
        ignored.append(.string(module))
        continue
      }
      guard isTaken(format) else { continue }
      let key = JSONWriter(.compact).string(.object(weights))
      let place = places[key, default: found.count]
      if place == found.count {
        places[key] = place
        found.append((weights, packing(format), []))
      }
      found[place].targets.append(.string(module))
    }
    var groups = JSONObject()
    var packings: [String] = []
    for (index, (weights, packing, targets)) in found.enumerated() {
      var group: JSONObject = ["targets": .array(targets), "weights": .object(weights)]
      if !packings.contains(packing) { packings.append(packing) }
      if withPacking { group["format"] = .string(packing) }
      groups["group_\(index)"] = .object(group)
    }
    return (groups, .array(ignored), packings)
  }

  static let note =
    "errors will differ a little from the plan's: compressed-tensors divides by half the grid's span where"
    + " bitladder divides by its greatest code"
}

/// A program that reads compressed-tensors' settings.
protocol CompressedTensorsReader: Exporter {}

extension CompressedTensorsReader {
  var offers: [Format] { CompressedTensors.offers }

  func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    CompressedTensors.objection(to: choice, for: tensor)
  }

  func remark(on format: Format, for tensor: ExportedTensor) -> String? {
    CompressedTensors.remark(on: format)
  }
}

/// The `quantization_config` of a checkpoint in compressed-tensors' form.
struct CompressedTensorsExporter: CompressedTensorsReader {
  func reasonToKeep(_ tensor: ExportedTensor) -> String? {
    reasonUnlessLinear(tensor, "compressed-tensors")
  }

  func write(_ sheet: ExportSheet) -> ExportText {
    let (groups, ignore, packings) = CompressedTensors.groups(sheet, withPacking: true)
    let packing = packings.count == 1 ? packings[0] : "mixed-precision"
    let config: JSONObject = [
      "quant_method": "compressed-tensors", "format": .string(packing),
      "quantization_status": "compressed", "config_groups": .object(groups), "ignore": ignore,
    ]
    return ExportText(
      files: [
        Export.File(
          name: sheet.fileName ?? "quantization_config.json",
          text: JSONWriter(.pretty).string(.object(config)))
      ],
      usage: [
        "from compressed_tensors.quantization import QuantizationConfig",
        "QuantizationConfig.model_validate_json(open(\"\(sheet.fileName ?? "quantization_config.json")\").read())",
      ],
      notes: [
        "it describes a checkpoint whose weights are packed: `bitladder apply` writes one with it",
        CompressedTensors.note,
      ])
  }
}

/// A recipe for llm-compressor: layers whose codes are chosen by activations have a modifier of their own.
struct LLMCompressorExporter: CompressedTensorsReader {
  func reasonToKeep(_ tensor: ExportedTensor) -> String? {
    reasonUnlessLinear(tensor, "llm-compressor")
  }

  func remark(on format: Format, for tensor: ExportedTensor) -> String? {
    format.needsActivations ? nil : CompressedTensors.remark(on: format)
  }

  func write(_ sheet: ExportSheet) -> ExportText {
    let formats = sheet.modules.compactMap(\.choice.format)
    let used = Modifier.allCases.filter { modifier in
      formats.contains { Modifier($0) == modifier }
    }
    var modifiers = JSONObject()
    for modifier in used.isEmpty ? [.plain] : used {
      let (groups, ignore, _) = CompressedTensors.groups(
        sheet, withPacking: false, isTaken: { Modifier($0) == modifier })
      modifiers[modifier.rawValue] = ["ignore": ignore, "config_groups": .object(groups)]
    }
    let recipe: JSONObject = ["quant_stage": ["quant_modifiers": .object(modifiers)]]
    let name = sheet.fileName ?? "recipe.yaml"
    let needsData = used.contains { $0 != .plain }
    return ExportText(
      files: [Export.File(name: name, text: YAMLText.of(.object(recipe)))],
      usage: [
        "from llmcompressor import oneshot",
        "oneshot(model=model, recipe=\"\(name)\", "
          + (needsData ? "dataset=DATA, num_calibration_samples=128)" : "pipeline=\"datafree\")"),
        "model.save_pretrained(OUT, save_compressed=True)",
      ],
      notes: (needsData
        ? []
        : [
          "GPTQModifier and AWQModifier take the same groups in the place of QuantizationModifier, with data"
        ]) + [CompressedTensors.note])
  }

  /// What quantizes layers.
  private enum Modifier: String, CaseIterable {
    case plain = "QuantizationModifier"
    case gptq = "GPTQModifier"
    case awq = "AWQModifier"

    init(_ format: Format) {
      guard case .integer(let integer) = format else {
        self = .plain
        return
      }
      switch integer.calibration {
      case .gptq, .gptqAct: self = .gptq
      case .awq: self = .awq
      case .minmax, .percentile, .mse, .entropy, .hqq: self = .plain
      }
    }
  }
}

/// A recipe whose checkpoint vLLM can load: what it fuses agrees, with the bits that its kernels have.
///
/// Source: vLLM's compressed-tensors support. Queries, keys and values of a layer are one matrix there, gate and way
/// up another, and all experts of a layer share their settings; its W*A16 kernels take 4 and 8 bits.
struct VLLMExporter: CompressedTensorsReader {
  private let recipe = LLMCompressorExporter()
  private static let ability = IntegerAbility(bits: [4, 8], groups: [32, 64, 128])
  let offers: [Format] =
    Self.ability.formats + [.scaledFloat(.nvfp4), .scaledFloat(.mxfp4), .float(.f8E4M3)]

  func reasonToKeep(_ tensor: ExportedTensor) -> String? {
    if tensor.isLinear, tensor.role == .output { return "vLLM keeps the output projection" }
    return reasonUnlessLinear(tensor, "vLLM")
  }

  func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    if case .format(.integer(let integer)) = choice {
      return Self.ability.objection(to: integer, for: tensor).map { "vLLM's kernels have \($0)" }
    }
    if choice == .format(.scaledFloat(.mxfp8)) { return "vLLM's kernels have no such weights" }
    return CompressedTensors.objection(to: choice, for: tensor)
  }

  func sharing(_ tensor: ExportedTensor) -> Sharing? {
    guard let block = tensor.block, let module = tensor.modules.first else { return nil }
    if module.contains(".experts.") {
      return Sharing(key: "\(block).experts", reason: "vLLM runs the experts of a layer as one")
    }
    let parent = module.split(separator: ".").dropLast().joined(separator: ".")
    switch tensor.role {
    case .attentionQ, .attentionK, .attentionV:
      return Sharing(key: parent + ".qkv", reason: "vLLM fuses queries, keys and values of a layer")
    case .ffnGate, .ffnUp:
      return Sharing(key: parent + ".gate_up", reason: "vLLM fuses gate and way up of a layer")
    default: return nil
    }
  }

  func write(_ sheet: ExportSheet) -> ExportText { recipe.write(sheet) }
}
