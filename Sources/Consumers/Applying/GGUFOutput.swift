import ModelFiles
import Planning
import Quantization

/// Lays out the GGUF file that llama-quantize would make by the same plan: the same metadata, tensors in its order,
/// in the same types and bytes.
///
/// Source of the order and the metadata: `llama_model_quantize_impl` in llama.cpp's `src/llama-quant.cpp`, of the
/// version that has ggml 0.25.3.
public struct GGUFOutput {
  private let model: Model
  private let importance: ModelImportance?
  private let names: GGUFNames
  private let rules: FormatRules
  private var tensors: [String: Stacked] = [:]

  /// A tensor of the GGUF, made of one of the model's or, where experts are stacked, of several.
  private struct Stacked {
    var parts: [(name: GGUFName, tensor: Tensor)] = []
    var format: Format?
  }

  /// What the base type Q8_0 of llama-quantize is called in `general.file_type`: what is taken with a plan.
  private static let fileType: UInt32 = 7
  private static let quantizationVersion: UInt32 = 2

  /// Lays out a file.
  /// - Parameter choices: what each tensor gets, by its index; those without keep what they have.
  public static func layout(
    model: Model, choices: [Int: Choice], importance: ModelImportance?
  ) throws(ApplyFailure) -> OutputFile {
    var output = Self(model: model, importance: importance)
    var pairs: [GGUFPair]
    var extra: [GGUFConversion.ExtraTensor] = []
    do throws(ModelFileError) {
      if model.container == .gguf {
        pairs = try model.storedPairs()
      } else {
        let conversion = try GGUFConversion(model)
        pairs = conversion.pairs
        extra = conversion.tensors
      }
    } catch {
      throw ApplyFailure(error.description)
    }
    for tensor in model.tensors { try output.add(tensor, choices[tensor.id] ?? .source) }
    return try output.file(output.marked(pairs), extra)
  }

  private init(model: Model, importance: ModelImportance?) {
    self.model = model
    self.importance = importance
    names = GGUFNames(model)
    rules = FormatRules(model: model, importance: importance)
  }

  // MARK: - Tensors

  private mutating func add(_ tensor: Tensor, _ choice: Choice) throws(ApplyFailure) {
    if model.container != .gguf, GGUFConversion.leavesOut(tensor.name) { return }
    let found = names.names(of: tensor.name)
    guard found.count == 1, let name = found.first, !name.isTransposed else {
      throw ApplyFailure(
        "\(tensor.label): found no tensor of GGUF that it becomes; -o OUT.safetensors takes all")
    }
    if let format = choice.format { try check(format, for: tensor) }
    var stacked = tensors[name.name] ?? Stacked(format: choice.format)
    if let first = stacked.parts.first {
      guard name.expert != nil, first.name.expert != nil, first.tensor.shape == tensor.shape else {
        throw ApplyFailure(
          "\(tensor.label): \(first.tensor.label) becomes \(name.name.sanitised) as well")
      }
      guard stacked.format == choice.format else {
        throw ApplyFailure(
          "\(tensor.label) is \(choice), but \(first.tensor.label) is "
            + "\(stacked.format?.description ?? "source"), and GGUF stacks experts in one tensor of "
            + "one type; give all experts of a block the same (bitladder plan --together experts)")
      }
    }
    stacked.parts.append((name, tensor))
    tensors[name.name] = stacked
  }

  private func check(_ format: Format, for tensor: Tensor) throws(ApplyFailure) {
    guard LlamaQuantizeRules.isKnown(format) else {
      throw ApplyFailure(
        "\(tensor.label): \(format) is no type of GGUF; expected one of llama.cpp's, f16, bf16 or "
          + "f32 (integers go to -o OUT.safetensors)")
    }
    guard let refusal = rules.refusal(of: format, for: tensor) else { return }
    let instead = refusal.instead.map { "; llama-quantize would write \($0) instead" } ?? ""
    let remedy = refusal.remedy.map { "; \($0)" } ?? ""
    throw ApplyFailure("\(tensor.label) can't be \(format): \(refusal.reason)\(instead)\(remedy)")
  }

  /// The type that a tensor gets; nil if GGUF has none for it.
  private func type(of stacked: Stacked, name: String) -> SourceType? {
    if let format = stacked.format {
      return SourceType(rawValue: format.description.uppercased())
    }
    guard let tensor = stacked.parts.first?.tensor else { return nil }
    if model.container == .gguf { return tensor.source }
    let isSmall =
      tensor.shape.count < 2 || !name.hasSuffix(".weight")
      || name.hasSuffix(".ffn_gate_inp.weight")
    if isSmall || tensor.source == .f64 { return tensor.source.isFloatingPoint ? .f32 : nil }
    return [.f32, .f16, .bf16].contains(tensor.source) ? tensor.source : nil
  }

  // MARK: - The file

  private func file(
    _ pairs: [GGUFPair], _ extra: [GGUFConversion.ExtraTensor]
  ) throws(ApplyFailure) -> OutputFile {
    var header: [GGUFHeader.Tensor] = []
    let order = (Array(tensors.keys) + extra.map(\.name)).sorted(by: Self.isBefore)
    for name in order {
      guard let stacked = tensors[name] else {
        let values = extra.first { $0.name == name }?.values ?? []
        if let entry = GGUFHeader.Tensor(name: name, shape: [values.count], type: .f32) {
          header.append(entry)
        }
        continue
      }
      header.append(try entry(name, stacked))
    }
    let head = GGUFHeader(pairs: pairs, tensors: header)
    var fixed = [(offset: 0, bytes: head.bytes)]
    var jobs: [TensorJob] = []
    for (tensor, offset) in zip(header, head.offsets) {
      guard let stacked = tensors[tensor.name] else {
        let values = extra.first { $0.name == tensor.name }?.values ?? []
        let bytes = Format.float(.f32).codec().encode(values.span, rowLength: values.count).bytes
        fixed.append((offset, bytes))
        continue
      }
      let parts = stacked.parts.sorted { ($0.name.expert ?? 0) < ($1.name.expert ?? 0) }
      let length = tensor.byteCount / max(1, parts.count)
      for (index, part) in parts.enumerated() {
        jobs.append(try job(part.name, part.tensor, tensor.type, at: offset + index * length))
      }
    }
    return OutputFile(fixed: fixed, jobs: jobs, byteCount: head.byteCount)
  }

  private func entry(_ name: String, _ stacked: Stacked) throws(ApplyFailure) -> GGUFHeader.Tensor {
    guard let first = stacked.parts.first else { throw ApplyFailure("\(name.sanitised): no parts") }
    let experts = stacked.parts.compactMap(\.name.expert).sorted()
    guard experts == Array(0..<experts.count) else {
      throw ApplyFailure(
        "\(name.sanitised): found \(experts.count) experts, expected all up to "
          + "\(experts.last ?? 0)")
    }
    let shape = (experts.isEmpty ? [] : [experts.count]) + first.tensor.shape
    guard let type = type(of: stacked, name: name) else {
      throw ApplyFailure(
        "\(first.tensor.label) keeps its source, \(first.tensor.sourceName), which GGUF doesn't "
          + "hold; give it a format")
    }
    guard let entry = GGUFHeader.Tensor(name: name, shape: shape, type: type) else {
      throw ApplyFailure("\(first.tensor.label) can't be \(type) in a GGUF of its shape")
    }
    return entry
  }

  private func job(
    _ name: GGUFName, _ tensor: Tensor, _ type: SourceType, at offset: Int
  ) throws(ApplyFailure) -> TensorJob {
    if let order = name.permutation {
      let rows = tensor.orderedRows
      guard order.source(of: rows - 1, sourceRows: rows) != nil else {
        throw ApplyFailure(
          "\(tensor.label): \(rows) rows can't be reordered (\(order)) as its config.json says")
      }
    }
    if tensor.source == type {
      return try TensorJob(tensor, .copy, at: offset, model: model, order: name.permutation)
    }
    guard let format = try? Format(parsing: type.rawValue.lowercased()) else {
      throw ApplyFailure("\(tensor.label): \(type) can't be made")
    }
    return try TensorJob(
      tensor, .encode(format), at: offset, model: model, order: name.permutation,
      importance: importance?[tensor])
  }

  /// By the block, then by the bytes of the name; what is in no block comes first.
  private static func isBefore(_ a: String, _ b: String) -> Bool {
    let (first, second) = (block(of: a), block(of: b))
    return first == second ? a.utf8.lexicographicallyPrecedes(b.utf8) : first < second
  }

  private static func block(of name: String) -> Int {
    guard name.hasPrefix("blk.") else { return -1 }
    return Int(name.dropFirst(4).prefix { $0.isASCII && $0.isNumber }) ?? -1
  }

  // MARK: - Metadata

  /// The metadata with what llama-quantize sets anew and at the end, without what splits a model.
  private func marked(_ pairs: [GGUFPair]) -> [GGUFPair] {
    var added: [GGUFPair] = [
      GGUFPair("general.quantization_version", Self.quantizationVersion),
      GGUFPair("general.file_type", Self.fileType),
    ]
    if let importance {
      // It keeps 127 bytes of a text.
      func cut(_ text: String) -> String {
        String(decoding: Array(text.utf8.prefix(127)), as: UTF8.self)
      }
      added.append(GGUFPair("quantize.imatrix.file", cut(importance.file)))
      if let dataset = importance.datasets.first {
        added.append(GGUFPair("quantize.imatrix.dataset", cut(dataset)))
      }
      added.append(
        GGUFPair(
          "quantize.imatrix.entries_count", UInt32(truncatingIfNeeded: importance.entryCount)))
      if let chunks = importance.chunks, chunks > 0 {
        added.append(
          GGUFPair("quantize.imatrix.chunks_count", UInt32(truncatingIfNeeded: chunks)))
      }
    }
    let replaced = Set(added.map(\.key) + ["split.no", "split.count", "split.tensors.count"])
    return pairs.filter { !replaced.contains($0.key) } + added
  }
}
