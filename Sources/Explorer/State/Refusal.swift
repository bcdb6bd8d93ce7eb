import Consumers
import ModelFiles
import Quantization

extension State {
  /// Why a format can't be had for a tensor; nil if it can.
  func refusal(of format: Format, for tensor: Int) -> FormatRefusal? {
    rules.refusal(of: format, for: model.tensors[tensor])
  }
}
