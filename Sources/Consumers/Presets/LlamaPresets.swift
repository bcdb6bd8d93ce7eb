import ModelFiles
import Planning
import Quantization

/// What llama-quantize's file types make of a model.
struct LlamaPresets: Sendable {
  /// The tensors of the GGUF, in the order in which llama-quantize goes through them.
  private let members: [GGUFTensors.Member]
  private let traits: LlamaTraits
  private let tensors: [Tensor]
  /// Whether there is anything that conversion to GGUF would take.
  private let isConvertible: Bool

  init(_ model: Model, importance: ModelImportance?) {
    let states = ImportanceStates(importance)
    self.init(model, hasImportance: importance != nil) { states[$0] }
  }

  /// - Parameters:
  ///   - hasImportance: whether there is an importance file.
  ///   - importance: what it has for a tensor.
  init(
    _ model: Model, hasImportance: Bool, importance: (Tensor) -> LlamaQuantizeRules.Importance
  ) {
    let converted = GGUFTensors(model, importance: importance)
    tensors = model.tensors
    traits = LlamaTraits(model, converted, hasImportance: hasImportance)
    members = converted.members.map { (LlamaMix.block($0.subject.name), $0) }
      // By blocks, those without one first; then by the bytes of names.
      .sorted { a, b in
        a.0 != b.0
          ? a.0 < b.0
          : a.1.subject.name.utf8.lexicographicallyPrecedes(b.1.subject.name.utf8)
      }.map(\.1)
    isConvertible =
      model.container == .gguf || members.contains { LlamaMix.block($0.subject.name) >= 0 }
  }

  /// What each tensor gets.
  func choices(_ fileType: LlamaFileType) throws(PresetError) -> [Choice] {
    guard isConvertible else {
      throw .unsuited(fileType.rawValue, reason: "its tensors have no names in GGUF that are known")
    }
    var formats = [Format?](repeating: nil, count: tensors.count)
    for (member, written) in zip(members, try written(fileType)) {
      guard let written else { continue }
      for tensor in member.tensors where tensor.suitability.isQuantizable {
        // Of a tensor that conversion splits, the larger part decides.
        if let other = formats[tensor.id], bits(other) >= bits(written) { continue }
        formats[tensor.id] = written
      }
    }
    return zip(tensors, formats).map { tensor, format in
      // What is stored in that type already is copied.
      guard let format, !tensor.isStored(in: format) else { return .source }
      return .format(format)
    }
  }

  /// What is written of each tensor of the GGUF; nil for those that stay as they are.
  func written(_ fileType: LlamaFileType) throws(PresetError) -> [Format?] {
    var mix = LlamaMix(fileType, for: traits)
    var formats: [Format?] = []
    formats.reserveCapacity(members.count)
    for member in members {
      guard LlamaQuantizeRules.keptReason(member.subject) == nil else {
        formats.append(nil)
        continue
      }
      let asked: Format
      do throws(LlamaMix.NoBlock) {
        asked = try mix.format(member.subject)
      } catch {
        throw unsuited(fileType, member, "it belongs to no block; llama-quantize stops there")
      }
      switch LlamaQuantizeRules.outcome(
        member.subject, asked: asked, importance: member.worstImportance,
        wanting: fileType.wanting)
      {
      case .fallback(let other, _): formats.append(other)
      case .refused(let reason), .needsImportance(let reason):
        throw unsuited(fileType, member, reason)
      case .asked, .kept, nil: formats.append(asked)
      }
    }
    return formats
  }

  /// The names of the GGUF's tensors, in the order of `written`.
  var names: [String] { members.map(\.subject.name) }

  private func unsuited(
    _ fileType: LlamaFileType, _ member: GGUFTensors.Member, _ reason: String
  ) -> PresetError {
    let label = member.tensors.first?.label ?? member.subject.name
    return .unsuited(fileType.rawValue, reason: "\(label): \(reason)")
  }

  private func bits(_ format: Format) -> Double { format.bitsPerWeight(rows: 1, rowLength: 256) }
}

extension Tensor {
  /// Whether its stored type is a format.
  fileprivate func isStored(in format: Format) -> Bool {
    packing == nil && source.rawValue.lowercased() == format.description.lowercased()
  }
}
