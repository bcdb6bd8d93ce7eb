import ModelFiles
import Quantization

/// What a plan gives a tensor: a format, or to be left as it is stored.
public enum Choice: Hashable, Sendable, CustomStringConvertible {
  /// The tensor keeps its stored type and bytes.
  case source
  /// The tensor is quantized.
  case format(Format)

  /// A choice from its description.
  public init(parsing text: String) throws(FormatError) {
    self = text == "source" ? .source : .format(try Format(parsing: text))
  }

  /// The canonical name of the format, or `source`.
  public var description: String {
    switch self {
    case .source: "source"
    case .format(let format): format.description
    }
  }

  /// The format, if there is one.
  public var format: Format? {
    if case .format(let format) = self { format } else { nil }
  }

  /// The bytes that a tensor takes under this choice.
  public func byteCount(of tensor: Tensor) -> Int {
    switch self {
    case .source: tensor.byteCount
    case .format(let format):
      format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
    }
  }

  /// Stored bits for each weight of a tensor under this choice; 0 for an empty tensor.
  public func bitsPerWeight(of tensor: Tensor) -> Double {
    tensor.weightCount == 0
      ? 0 : 8 * Double(byteCount(of: tensor)) / Double(tensor.weightCount)
  }
}
