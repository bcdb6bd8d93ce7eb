import ModelFiles
import Planning
import Quantization

/// A `--tensor-type-file` for llama-quantize: `^NAME$=TYPE` for each tensor that it quantizes.
///
/// Source: llama.cpp's `tools/quantize/quantize.cpp` and `src/llama-quant.cpp`. Patterns are put into lower case,
/// searched for anywhere in the name, and end at the first `=`; the first that matches wins. So each is anchored,
/// and there is one for each tensor: what is left out would be up to the mix of the base type, which counts
/// only the tensors that it decides on. The base is Q8_0, which has no mix; overrides of a base that isn't
/// quantized are ignored.
struct LlamaQuantizeExporter: Exporter {
  let offers: [Format] =
    GGMLType.allCases.map { .ggml($0) } + [.float(.bf16), .float(.f16), .float(.f32)]

  func reasonToKeep(_ tensor: ExportedTensor) -> String? {
    guard !tensor.ggufNames.isEmpty else { return "its name in GGUF isn't known" }
    for subject in subjects(tensor) {
      if let reason = LlamaQuantizeRules.keptReason(subject) {
        return "llama-quantize keeps it: \(reason)"
      }
    }
    return nil
  }

  func objection(to choice: Choice, for tensor: ExportedTensor) -> String? {
    guard let format = choice.format else {
      return type(ofSource: tensor.source) == nil
        ? "GGUF has no \(tensor.source.sanitised); conversion makes bf16 of it" : nil
    }
    guard LlamaQuantizeRules.isKnown(format) else { return "llama.cpp has no such type" }
    for subject in subjects(tensor) {
      guard
        let outcome = LlamaQuantizeRules.outcome(subject, asked: format, importance: .fits),
        outcome != .asked
      else { continue }
      if case .fallback(let instead, let reason) = outcome {
        return "\(reason): llama-quantize would write \(instead)"
      }
      return outcome.reason
    }
    if let name = tensor.ggufNames.first(where: { $0.name != $0.name.lowercased() }) {
      return "llama-quantize's patterns can't match the capitals in \(name.name.sanitised)"
    }
    return nil
  }

  func sharing(_ tensor: ExportedTensor) -> Sharing? {
    guard let name = tensor.ggufNames.first, name.expert != nil else { return nil }
    return Sharing(key: name.name, reason: "the experts of a block are one tensor in GGUF")
  }

  func write(_ sheet: ExportSheet) -> ExportText {
    var lines: [String] = []
    var seen: Set<String> = []
    var wanting: Set<GGMLType> = []
    var isRequantized = false
    for (tensor, choice) in sheet.tensors where reasonToKeep(tensor) == nil {
      guard let type = choice.format?.description ?? type(ofSource: tensor.source) else {
        continue
      }
      if case .format(.ggml(let type)) = choice {
        if LlamaQuantizeRules.wanting.contains(type) { wanting.insert(type) }
        isRequantized = isRequantized || SourceType(rawValue: tensor.source)?.ggmlType != nil
      }
      for name in tensor.ggufNames where seen.insert(name.name).inserted {
        lines.append("^\(name.name.escapedForPattern)$=\(type.lowercased())")
      }
    }
    let file = sheet.fileName ?? "tensor-types.txt"
    let imatrix = wanting.isEmpty && sheet.plan.importance == nil ? "" : "--imatrix IMATRIX.gguf "
    let again = isRequantized ? "--allow-requantize " : ""
    var notes = ["the base type must be a quantized one, such as Q8_0, or the file is ignored"]
    if !wanting.isEmpty {
      let types = wanting.map(\.rawValue).sorted().joined(separator: ", ")
      notes.append("\(types) can't be made without an imatrix")
    } else if let importance = sheet.plan.importance {
      notes.append("the plan was made with the importance of \(importance.file.sanitised)")
    }
    if let note = sheet.noteOnTiedEmbedding { notes.append(note) }
    return ExportText(
      files: [Export.File(name: file, text: lines.map { $0 + "\n" }.joined())],
      usage: [
        "llama-quantize \(again)\(imatrix)--tensor-type-file \(file) IN.gguf OUT.gguf Q8_0"
      ],
      notes: notes)
  }

  private func subjects(_ tensor: ExportedTensor) -> [LlamaQuantizeRules.Subject] {
    tensor.ggufNames.map {
      LlamaQuantizeRules.Subject(shape: tensor.shape, as: $0, architecture: tensor.architecture)
    }
  }

  /// The type to ask for so that a tensor stays as it is.
  private func type(ofSource source: String) -> String? {
    guard let type = SourceType(rawValue: source) else { return nil }
    if let ggml = type.ggmlType { return ggml.rawValue }
    switch type {
    case .f32: return "f32"
    case .f16: return "f16"
    case .bf16: return "bf16"
    default: return nil
    }
  }
}

extension SourceType {
  /// The block type of ggml that this is; nil for other types.
  var ggmlType: GGMLType? { ggmlNumber == nil ? nil : GGMLType(name: rawValue) }
}
