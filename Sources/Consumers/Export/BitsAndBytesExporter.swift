import ModelFiles
import Planning
import Quantization

/// A `BitsAndBytesConfig`: one 4-bit type for the whole model, and the modules that stay as they are.
struct BitsAndBytesExporter: Exporter {
  let offers: [Format] = [.codeBook(.nf4), .codeBook(.fp4)]

  func reasonToKeep(_ tensor: ExportedTensor) -> String? {
    reasonUnlessLinear(tensor, "bitsandbytes")
  }

  func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    switch choice {
    case .source, .format(.codeBook): nil
    case .format: "bitsandbytes has nf4 and fp4"
    }
  }

  /// Layers that are quantized at all have the same.
  func sharing(_ tensor: ExportedTensor) -> Sharing? {
    tensor.choice == .source
      ? nil : Sharing(key: "all", reason: "bitsandbytes has one type for a whole model")
  }

  func write(_ sheet: ExportSheet) -> ExportText {
    let type = sheet.modules.lazy.compactMap { $0.choice.format }.first
    let skipped = sheet.modules.filter { $0.choice == .source }.map { JSONValue.string($0.module) }
    let config: JSONObject = [
      "load_in_4bit": true,
      "bnb_4bit_quant_type": .string(type == .codeBook(.fp4) ? "fp4" : "nf4"),
      "bnb_4bit_use_double_quant": false, "llm_int8_skip_modules": .array(skipped),
    ]
    let name = sheet.fileName ?? "bitsandbytes.json"
    return ExportText(
      files: [Export.File(name: name, text: JSONWriter(.pretty).string(.object(config)))],
      usage: [
        "from transformers import AutoModelForCausalLM, BitsAndBytesConfig", "import json",
        "config = BitsAndBytesConfig(**json.load(open(\"\(name)\")))",
        "AutoModelForCausalLM.from_pretrained(MODEL, quantization_config=config)",
      ],
      notes: [
        "bitsandbytes skips a module whose name ends like an entry too: `fc1` would skip every fc1"
      ])
  }
}
