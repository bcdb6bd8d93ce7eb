import ModelFiles
import Quantization

/// What llama-quantize really does when it is asked for a type for each tensor (`--tensor-type-file`).
///
/// It has rules of its own and mostly says so only in its log. Source: llama.cpp's
/// `src/llama-quant.cpp`, of the version that has ggml 0.25.3; the tests hold these rules to what the
/// program did. Only ggml's types and `f32`, `f16`, `bf16` are its business.
public enum LlamaQuantizeRules {
  /// What becomes of a tensor.
  public enum Outcome: Sendable, Hashable {
    /// What was asked for.
    case asked
    /// It stays as it is, silently; why.
    case kept(String)
    /// Another format, with no more than a line in the log; why.
    case fallback(to: Format, String)
    /// The run stops; why.
    case refused(String)
    /// The run stops for want of importance; why, and how to get it.
    case needsImportance(String)

    /// Whether the run stops, so that nothing is written.
    public var stops: Bool {
      switch self {
      case .refused, .needsImportance: true
      case .asked, .kept, .fallback: false
      }
    }

    /// A short phrase for people; nil where all is as asked.
    public var reason: String? {
      switch self {
      case .asked: nil
      case .kept(let reason), .fallback(_, let reason), .refused(let reason),
        .needsImportance(let reason):
        reason
      }
    }
  }

  /// What the importance file has for a tensor.
  public enum Importance: Sendable, Hashable {
    /// There is no file.
    case noFile
    /// The file has nothing for this tensor.
    case noEntry
    /// The entry has another number of values than the tensor has channels.
    case wrongSize
    /// An entry that fits.
    case fits
  }

  /// A tensor as GGUF has it.
  public struct Subject: Sendable, Hashable {
    /// The name in GGUF.
    public var name: String
    /// The dimensions as GGUF has them, but row-major: experts, rows, channels.
    public var shape: [Int]
    /// The family, by GGUF's name of it.
    public var architecture: String?

    /// A tensor by name and shape.
    public init(name: String, shape: [Int], architecture: String? = nil) {
      self.name = name
      self.shape = shape
      self.architecture = architecture
    }

    /// What conversion makes of a tensor under one of its names: experts stacked, rows and channels exchanged
    /// where it does so.
    init(shape: [Int], as name: GGUFName, architecture: String?) {
      var shape = shape
      if name.isTransposed, shape.count >= 2 { shape.swapAt(shape.count - 1, shape.count - 2) }
      self.init(
        name: name.name, shape: name.expert == nil ? shape : [2] + shape,
        architecture: architecture)
    }

    var rowLength: Int { shape.last ?? 1 }
    var isEmbedding: Bool {
      name == "token_embd.weight" || name == "per_layer_token_embd.weight"
    }
    var isOutput: Bool { name == "output.weight" }
  }

  /// Whether a format is one of llama-quantize's types.
  public static func isKnown(_ format: Format) -> Bool {
    switch format {
    case .ggml, .float(.f32), .float(.f16), .float(.bf16): true
    default: false
    }
  }

  /// Why llama-quantize never touches a tensor, in a few words; nil if it does.
  public static func keptReason(_ subject: Subject) -> String? {
    LlamaQuantizeKept.reason(
      name: subject.name, shape: subject.shape, architecture: subject.architecture)
  }

  /// What is written where a format is asked for; nil for formats that aren't llama-quantize's.
  public static func outcome(
    _ subject: Subject, asked format: Format, importance: Importance
  ) -> Outcome? {
    guard isKnown(format) else { return nil }
    if let reason = keptReason(subject) { return .kept(reason) }
    return outcome(ofTouched: subject, asked: format, importance: importance, wanting: wanting)
  }

  /// What is written of a tensor that isn't kept.
  /// - Parameter wanting: the types for which importance is wanted.
  static func outcome(
    ofTouched subject: Subject, asked format: Format, importance: Importance,
    wanting: Set<GGMLType>
  ) -> Outcome {
    guard let written = written(format, rowLength: subject.rowLength) else {
      return .refused(
        "rows of \(subject.rowLength) don't fill blocks of \(format), and llama-quantize has no"
          + " type to put in its place")
    }
    if subject.shape.dropLast(3).contains(where: { $0 > 1 }) {
      return .refused("llama-quantize crashes on tensors of four dimensions")
    }
    if let flaw = flaw(subject, written: written, importance, wanting) { return flaw }
    if written == format { return .asked }
    return .fallback(
      to: written, "rows of \(subject.rowLength) don't fill blocks of \(format)")
  }

  // MARK: - Rows that fill no blocks

  /// The type written for rows of a length; nil if the run stops.
  ///
  /// Source: `tensor_type_fallback`.
  static func written(_ format: Format, rowLength: Int) -> Format? {
    guard case .ggml(let type) = format, rowLength % type.blockLength != 0 else { return format }
    let next: GGMLType
    switch type {
    case .iq1S, .iq1M, .iq2XXS, .iq2XS, .iq2S, .iq3XXS, .iq3S, .iq4XS: next = .iq4NL
    case .q20, .q2K, .q3K, .tq10, .tq20: next = .q40
    case .q4K: next = .q50
    case .q5K: next = .q51
    case .q6K: next = .q80
    case .q40, .q41, .q50, .q51, .q80, .iq4NL, .mxfp4: return .float(.f16)
    case .nvfp4, .q10: return nil
    }
    return rowLength % next.blockLength == 0 ? .ggml(next) : .float(.f16)
  }

  // MARK: - Importance

  /// Types for which llama-quantize wants importance, except for embeddings and the output.
  ///
  /// Source: `tensor_requires_imatrix`. That q2_K needs it too holds for the file type Q2_K_S only.
  static let wanting: Set<GGMLType> = [.iq1S, .iq1M, .iq2XXS, .iq2XS, .iq2S, .iq3XXS]

  /// Types that ggml can't compute without importance, whatever the tensor.
  ///
  /// Source: `ggml_quantize_requires_imatrix`, an assertion: the program crashes.
  static let crashing: Set<GGMLType> = [.iq1S, .iq2XXS, .iq2XS]

  private static func flaw(
    _ subject: Subject, written: Format, _ importance: Importance, _ wanting: Set<GGMLType>
  ) -> Outcome? {
    if importance == .fits { return nil }
    if importance == .wrongSize, !subject.isEmbedding {
      return .refused("its importance is of another size; llama-quantize stops there")
    }
    guard case .ggml(let type) = written else { return nil }
    if subject.isEmbedding {
      guard crashing.contains(type) else { return nil }
      return .refused(
        "\(type.rawValue) can't be made without importance, and llama-imatrix collects none for"
          + " embeddings; llama-quantize crashes")
    }
    if subject.isOutput {
      guard crashing.contains(type) else { return nil }
      return .needsImportance(
        "\(type.rawValue) can't be made without importance and llama-quantize crashes; collect it"
          + " with llama-imatrix --process-output")
    }
    guard wanting.contains(type) else { return nil }
    return .needsImportance(
      importance == .noFile
        ? "llama-quantize makes \(type.rawValue) only with --imatrix; collect it with llama-imatrix"
        : "the importance file has nothing for it, and llama-quantize makes \(type.rawValue) only"
          + " with importance")
  }
}
