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
    let asked = model.tensors.map { tensor in
      format(tensor).flatMap { LlamaQuantizeRules.isKnown($0) ? $0 : nil }
    }
    let states = ImportanceStates(importance)
    let converted = GGUFTensors(model, importance: { states[$0] }) { asked[$0.id] != nil }
    var findings: [Finding] = []
    var mixed: [String] = []
    for member in converted.members {
      let formats = member.tensors.compactMap { asked[$0.id] }
      if Set(formats).count > 1 { mixed.append(member.subject.name) }
      if let finding = Finding(member, formats) { findings.append(finding) }
    }
    self.findings = findings
    mixedExperts = mixed
    unnamed = converted.unnamed
    weights = model.weightCount
    let total = model.tensors.reduce(0) { $0 + $1.byteCount(in: asked[$1.id]) }
    bytesAsked = total
    bytesWritten = findings.reduce(total) { $0 - $1.bytesAsked + $1.bytesWritten }
  }
}

extension LlamaQuantizeReport.Finding {
  /// What becomes of a tensor of the GGUF whose parts were asked for in some formats; nil if it is what was asked.
  fileprivate init?(_ member: GGUFTensors.Member, _ formats: [Format]) {
    guard let format = formats.first,
      let outcome = LlamaQuantizeRules.outcome(
        member.subject, asked: format, importance: member.worstImportance), outcome != .asked
    else { return nil }
    let bytes = zip(member.tensors, formats).reduce(0) { $0 + $1.0.byteCount(in: $1.1) }
    let written =
      switch outcome {
      case .kept: member.tensors.reduce(0) { $0 + $1.byteCount }
      case .fallback(let to, _): member.tensors.reduce(0) { $0 + $1.byteCount(in: to) }
      default: bytes
      }
    name = member.subject.name
    tensors = member.tensors.map(\.id)
    asked = format
    self.outcome = outcome
    bytesAsked = bytes / member.share
    bytesWritten = written / member.share
  }
}

extension Tensor {
  /// The bytes in a format; as stored without one.
  fileprivate func byteCount(in format: Format?) -> Int {
    format?.storedByteCount(rows: rows, rowLength: rowLength) ?? byteCount
  }
}
