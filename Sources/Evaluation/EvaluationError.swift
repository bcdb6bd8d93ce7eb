/// Why a model can't be evaluated, in a sentence for people.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No forward pass is known for the architecture.
  case architecture(String)
  /// A setting of the model that isn't supported.
  case setting(String)
  /// A tensor that isn't there, or has another shape than it must have.
  case tensor(String)
  /// The tokenizer is of a kind that isn't supported, or is missing.
  case tokenizer(String)
  /// The data can't be used.
  case data(String)
  /// It would take more memory than it may.
  case memory(String)
  /// The work was abandoned.
  case cancelled

  /// One line, safe for a terminal.
  public var description: String {
    switch self {
    case .architecture(let text), .setting(let text), .tensor(let text), .tokenizer(let text),
      .data(let text), .memory(let text):
      text
    case .cancelled: "the evaluation was abandoned"
    }
  }
}
