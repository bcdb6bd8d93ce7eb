import ModelFiles
import Quantization

/// What llama-quantize would make of a plan for a whole model.
///
/// A tensor that has no format, or one that isn't llama-quantize's, counts as it is stored: the plan
/// file must then ask for its stored type, or the base type is taken.
public struct LlamaQuantizeReport: Sendable {
  /// A tensor of the GGUF that doesn't become what was asked for.
  public struct Finding: Sendable, Equatable {
    /// The name in GGUF.
    public let name: String
    /// The model's tensors that it is made of, by index: one, or the experts.
    public let tensors: [Int]
    /// What was asked for.
    public let asked: Format
    /// What becomes of it.
    public let outcome: LlamaQuantizeRules.Outcome
    /// The bytes of what was asked for.
    public let bytesAsked: Int
    /// The bytes of what is written; where the run stops, of what was asked for.
    public let bytesWritten: Int
  }

  /// What differs, in the model's order.
  public let findings: [Finding]
  /// Stacked tensors whose experts were asked for in several formats: llama-quantize takes one.
  public let mixedExperts: [String]
  /// Tensors that have no name in GGUF that is known, by index: nothing can be said of them.
  public let unnamed: [Int]
  /// The weights of all tensors.
  public let weights: Int
  /// The bytes of all tensors as asked for.
  public let bytesAsked: Int
  /// The bytes of all tensors as they would be written.
  public let bytesWritten: Int

  /// The bits per weight as asked for; 0 for no weights.
  public var bitsPerWeightAsked: Double { Self.bitsPerWeight(bytesAsked, weights) }
  /// The bits per weight as they would be written; 0 for no weights.
  public var bitsPerWeightWritten: Double { Self.bitsPerWeight(bytesWritten, weights) }
  /// Whether the run stops, so that nothing is written.
  public var stops: Bool { findings.contains { $0.outcome.stops } }

  private static func bitsPerWeight(_ bytes: Int, _ weights: Int) -> Double {
    weights == 0 ? 0 : 8 * Double(bytes) / Double(weights)
  }

  /// Goes through a plan.
  /// - Parameters:
  ///   - importance: what llama-quantize would be given with `--imatrix`; nil for nothing.
  ///   - format: the format asked for a tensor; nil where it stays as it is stored.
  public init(
    model: Model, importance: ModelImportance?, format: (Tensor) -> Format?
  ) {
    var builder = Builder(model: model, importance: importance)
    for tensor in model.tensors { builder.add(tensor, format(tensor)) }
    (findings, mixedExperts) = builder.judged()
    unnamed = builder.unnamed
    weights = model.weightCount
    bytesAsked = builder.bytesAsked
    bytesWritten = findings.reduce(builder.bytesAsked) { $0 - $1.bytesAsked + $1.bytesWritten }
  }
}

/// Gathers a model's tensors as those of a GGUF.
private struct Builder {
  /// A tensor of the GGUF, or a part of one that conversion splits.
  struct Group {
    var subject: LlamaQuantizeRules.Subject
    var tensors: [Tensor] = []
    var formats: [Format] = []
    var importance = LlamaQuantizeRules.Importance.fits
    /// The share of each tensor's rows that goes here: 1 over this number.
    var share = 1
  }

  let names: GGUFNames
  let importance: ModelImportance?
  let problems: [Int: ImportanceNote.Problem]
  var groups: [String: Group] = [:]
  var order: [String] = []
  var unnamed: [Int] = []
  var bytesAsked = 0

  init(model: Model, importance: ModelImportance?) {
    names = GGUFNames(model)
    self.importance = importance
    problems = Dictionary(
      (importance?.notes ?? []).map { ($0.tensor, $0.problem) },
      uniquingKeysWith: { first, _ in first })
  }

  mutating func add(_ tensor: Tensor, _ format: Format?) {
    let format = format.flatMap { LlamaQuantizeRules.isKnown($0) ? $0 : nil }
    bytesAsked += bytes(tensor, format)
    guard let format else { return }
    let found = names.names(of: tensor.name)
    if found.isEmpty { unnamed.append(tensor.id) }
    for name in found {
      var group =
        groups[name.name]
        ?? Group(
          subject: LlamaQuantizeRules.Subject(
            tensor, as: name, architecture: names.architecture))
      if group.tensors.isEmpty { order.append(name.name) }
      group.tensors.append(tensor)
      group.formats.append(format)
      group.share = found.count
      group.importance = worse(group.importance, state(tensor))
      groups[name.name] = group
    }
  }

  /// The findings, and the stacked tensors whose experts disagree.
  func judged() -> ([LlamaQuantizeReport.Finding], [String]) {
    var findings: [LlamaQuantizeReport.Finding] = []
    var mixed: [String] = []
    for name in order {
      guard let group = groups[name], let format = group.formats.first else { continue }
      if Set(group.formats).count > 1 { mixed.append(name) }
      guard
        let outcome = LlamaQuantizeRules.outcome(
          group.subject, asked: format, importance: group.importance), outcome != .asked
      else { continue }
      let asked = zip(group.tensors, group.formats).reduce(0) { $0 + bytes($1.0, $1.1) }
      let written: Int
      switch outcome {
      case .kept: written = group.tensors.reduce(0) { $0 + $1.byteCount }
      case .fallback(let to, _): written = group.tensors.reduce(0) { $0 + bytes($1, to) }
      default: written = asked
      }
      findings.append(
        LlamaQuantizeReport.Finding(
          name: name, tensors: group.tensors.map(\.id), asked: format, outcome: outcome,
          bytesAsked: asked / group.share, bytesWritten: written / group.share))
    }
    return (findings, mixed)
  }

  private func bytes(_ tensor: Tensor, _ format: Format?) -> Int {
    format?.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength) ?? tensor.byteCount
  }

  private func state(_ tensor: Tensor) -> LlamaQuantizeRules.Importance {
    guard let importance else { return .noFile }
    if importance.covers(tensor) { return .fits }
    switch problems[tensor.id] {
    case .transposed: return .fits
    case .size, .expert: return .wrongSize
    case .unseen, nil: return .noEntry
    }
  }

  private func worse(
    _ a: LlamaQuantizeRules.Importance, _ b: LlamaQuantizeRules.Importance
  ) -> LlamaQuantizeRules.Importance {
    a == .fits ? b : a
  }
}
