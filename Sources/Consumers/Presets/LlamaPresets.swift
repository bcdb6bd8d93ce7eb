import ModelFiles
import Planning
import Quantization

/// What llama-quantize's file types make of a model.
struct LlamaPresets: Sendable {
  /// A tensor of the GGUF, with what doesn't depend on the file type.
  private struct Step {
    let member: GGUFTensors.Member
    let block: Int
    let part: LlamaMix.Part
    let isKept: Bool
    let importance: LlamaQuantizeRules.Importance

    init(_ member: GGUFTensors.Member) {
      self.member = member
      block = LlamaMix.block(member.subject.name)
      part = LlamaMix.Part(member.subject.name)
      isKept = LlamaQuantizeRules.keptReason(member.subject) != nil
      importance = member.worstImportance
    }

    /// By blocks, those without one first; then by the bytes of names.
    static func isBefore(_ a: Step, _ b: Step) -> Bool {
      a.block != b.block
        ? a.block < b.block
        : a.member.subject.name.utf8.lexicographicallyPrecedes(b.member.subject.name.utf8)
    }
  }

  /// In the order in which llama-quantize goes through them.
  private let steps: [Step]
  private let traits: LlamaTraits
  private let tensors: [Tensor]
  /// What the model's tensors are stored in, where that is one of llama-quantize's types.
  private let stored: [Format?]
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
    stored = Self.storedFormats(model.tensors)
    traits = LlamaTraits(model, converted, hasImportance: hasImportance)
    steps = converted.members.map(Step.init).sorted(by: Step.isBefore)
    isConvertible = model.container == .gguf || steps.contains { $0.block >= 0 }
  }

  /// What each tensor gets.
  func choices(_ fileType: LlamaFileType) throws(PresetError) -> [Choice] {
    guard isConvertible else {
      throw .unsuited(fileType.rawValue, reason: "its tensors have no names in GGUF that are known")
    }
    var formats = [Format?](repeating: nil, count: tensors.count)
    for (step, written) in zip(steps, try written(fileType)) {
      guard let written else { continue }
      for tensor in step.member.tensors where tensor.suitability.isQuantizable {
        // Of a tensor that conversion splits, the larger part decides.
        if let other = formats[tensor.id], bits(other) >= bits(written) { continue }
        formats[tensor.id] = written
      }
    }
    return zip(formats, stored).map { format, stored in
      // What is stored in that type already is copied.
      format == stored ? .source : format.map { .format($0) } ?? .source
    }
  }

  private static func storedFormats(_ tensors: [Tensor]) -> [Format?] {
    var known: [SourceType: Format?] = [:]
    return tensors.map { tensor in
      guard tensor.packing == nil else { return nil }
      if let format = known[tensor.source] { return format }
      let format = try? Format(parsing: tensor.source.rawValue)
      let own = format.flatMap { LlamaQuantizeRules.isKnown($0) ? $0 : nil }
      known[tensor.source] = own
      return own
    }
  }

  /// What is written of each tensor of the GGUF; nil for those that stay as they are.
  func written(_ fileType: LlamaFileType) throws(PresetError) -> [Format?] {
    var mix = LlamaMix(fileType, for: traits)
    var formats: [Format?] = []
    formats.reserveCapacity(steps.count)
    for step in steps {
      formats.append(step.isKept ? nil : try written(step, &mix))
    }
    return formats
  }

  private func written(_ step: Step, _ mix: inout LlamaMix) throws(PresetError) -> Format {
    let subject = step.member.subject
    func unsuited(_ reason: String) -> PresetError {
      let label = step.member.tensors.first?.label ?? subject.name
      return .unsuited(mix.fileType.rawValue, reason: "\(label): \(reason)")
    }
    let asked: Format
    do throws(LlamaMix.NoBlock) {
      asked = try mix.format(subject, step.part)
    } catch {
      throw unsuited("it belongs to no block, and llama-quantize stops there")
    }
    switch LlamaQuantizeRules.outcome(
      ofTouched: subject, asked: asked, importance: step.importance,
      wanting: mix.fileType.wanting)
    {
    case .asked, .kept: return asked
    case .fallback(let other, _): return other
    case .needsImportance where step.importance == .noFile:
      throw .unsuited(
        mix.fileType.rawValue,
        reason: "needs an imatrix; collect it with llama-imatrix, give it with --imatrix")
    case .refused(let reason), .needsImportance(let reason): throw unsuited(reason)
    }
  }

  /// The names of the GGUF's tensors, in the order of `written`.
  var names: [String] { steps.map(\.member.subject.name) }

  private func bits(_ format: Format) -> Double { format.bitsPerWeight(rows: 1, rowLength: 256) }
}
