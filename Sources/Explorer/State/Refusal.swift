import ModelFiles
import Quantization

/// Why a format isn't offered for a tensor.
struct Refusal: Sendable, Equatable {
  /// A few words: `rows of 96 aren't a multiple of 256`.
  let reason: String
  /// What llama-quantize would write in its place without being asked; nil where it would stop, and for formats
  /// that it doesn't know.
  var instead: Format?
  /// What the user can do about it.
  var remedy: String?
}

extension State {
  /// Why a format can't be had for a tensor; nil if it can.
  func refusal(of format: Format, for tensor: Tensor) -> Refusal? {
    if let reason = format.objection(rowLength: tensor.rowLength) {
      return Refusal(reason: reason)
    }
    if format.needsImportance, importance?[tensor] == nil {
      return Refusal(reason: "needs an imatrix")
    }
    return nil
  }

  func refusal(of format: Format, for tensor: Int) -> Refusal? {
    refusal(of: format, for: model.tensors[tensor])
  }
}
