import ModelFiles
import Quantization

/// Why a tensor can't have a format, or wouldn't get it.
public struct FormatRefusal: Sendable, Hashable {
  /// A few words: `rows of 96 aren't a multiple of 256`.
  public let reason: String
  /// What llama-quantize would silently write in its place; nil where it wouldn't write another format.
  public var instead: Format?
  /// What can be done about it, in a few words.
  public var remedy: String?

  /// A refusal from its parts.
  public init(reason: String, instead: Format? = nil, remedy: String? = nil) {
    self.reason = reason
    self.instead = instead
    self.remedy = remedy
  }
}

extension FormatRefusal {
  /// What it costs to ask for the format all the same: the bytes of what llama-quantize would write less
  /// those that the format's bits per weight come to. Nil where it wouldn't write another format.
  public func extraBytes(asked format: Format, for tensor: Tensor) -> Int? {
    guard let instead else { return nil }
    let bits = format.bitsPerWeight(rows: 1, rowLength: 256)
    return instead.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
      - Int((Double(tensor.weightCount) * bits / 8).rounded())
  }
}

/// Which formats the tensors of a model can really have.
public struct FormatRules: Sendable {
  private let names: GGUFNames
  private let importance: ModelImportance?
  private let activations: Set<Int>

  /// The rules for a model, and for what is at hand.
  /// - Parameter activations: the tensors, by their indices, of which it is known what flows into them.
  public init(model: Model, importance: ModelImportance?, activations: Set<Int> = []) {
    names = GGUFNames(model)
    self.importance = importance
    self.activations = activations
  }

  /// Why a tensor can't have a format; nil if it can. For several formats, ask for its rules first.
  public func refusal(of format: Format, for tensor: Tensor) -> FormatRefusal? {
    // Other formats depend on the rows alone: the tensor's name needn't be looked up.
    if case .ggml = format { return self[tensor].refusal(of: format) }
    return format.objection(rowLength: tensor.rowLength) == nil && !format.needsActivations
      ? nil : self[tensor].refusal(of: format)
  }

  /// The rules for one tensor: ask once, then for all its formats.
  public subscript(tensor: Tensor) -> TensorRules {
    let matrices = tensor.shape.count == 3 ? tensor.shape[0] : 1
    let subjects = names.names(of: tensor.name, matrices: matrices).map {
      LlamaQuantizeRules.Subject(shape: tensor.shape, as: $0, architecture: names.architecture)
    }
    return TensorRules(
      rowLength: tensor.rowLength, subjects: subjects,
      hasImportance: importance?.covers(tensor) == true, hasFile: importance != nil,
      hasActivations: activations.contains(tensor.id), wereCollected: !activations.isEmpty)
  }
}

/// Which formats one tensor can really have.
public struct TensorRules: Sendable {
  let rowLength: Int
  /// What conversion to GGUF makes of it; nothing where that isn't known.
  let subjects: [LlamaQuantizeRules.Subject]
  let hasImportance: Bool
  let hasFile: Bool
  let hasActivations: Bool
  let wereCollected: Bool

  /// Why the tensor can't have a format; nil if it can.
  public func refusal(of format: Format) -> FormatRefusal? {
    if let reason = format.objection(rowLength: rowLength) {
      return FormatRefusal(reason: reason, instead: fallback(for: format))
    }
    if format.needsActivations, !hasActivations { return wantsActivations }
    guard case .ggml = format else { return nil }
    let importance: LlamaQuantizeRules.Importance =
      hasImportance ? .fits : hasFile ? .noEntry : .noFile
    for subject in subjects {
      switch LlamaQuantizeRules.outcome(subject, asked: format, importance: importance) {
      case .kept(let reason): return FormatRefusal(reason: "llama-quantize keeps it: \(reason)")
      case .fallback(let instead, let reason):
        return FormatRefusal(reason: reason, instead: instead)
      case .needsImportance: return wantsImportance
      case .refused(let reason) where !format.needsImportance || hasImportance:
        return FormatRefusal(reason: reason)
      case .refused, .asked, nil: break
      }
    }
    return format.needsImportance && !hasImportance ? wantsImportance : nil
  }

  /// What would be written of rows that don't fit; nil where llama-quantize has no business.
  private func fallback(for format: Format) -> Format? {
    guard !subjects.isEmpty, LlamaQuantizeRules.isKnown(format) else { return nil }
    return LlamaQuantizeRules.written(format, rowLength: rowLength)
  }

  private var wantsActivations: FormatRefusal {
    wereCollected
      ? FormatRefusal(reason: "nothing is known to flow into it")
      : FormatRefusal(
        reason: "needs what flows through the model",
        remedy: "evaluate, sensitivity and the explorer with --calibrate run it on data")
  }

  private var wantsImportance: FormatRefusal {
    hasFile
      ? FormatRefusal(reason: "the imatrix has nothing for it")
      : FormatRefusal(
        reason: "needs an imatrix", remedy: "collect it with llama-imatrix, give it with --imatrix")
  }
}
