/// Passes over a whole tensor, after which its pieces can be worked on one by one.
///
/// Give each piece to `observe`, in any order, then call `endPass`; while it returns nil, go over all pieces
/// again. How the weights are cut into pieces is of no matter.
public protocol TensorScan: Sendable {
  /// Takes in one piece of the weights; does nothing once the scan has ended.
  mutating func observe(_ weights: Span<Float>)

  /// Ends a pass over all pieces: the codec for the tensor, or nil if another pass is needed.
  mutating func endPass() -> (any Codec)?
}

/// Finds the one range of an integer format with tensor granularity.
struct IntegerScan: TensorScan {
  private let format: IntegerFormat
  private var finder: RangeFinder

  init(_ format: IntegerFormat) {
    self.format = format
    finder = RangeFinder(format: format)
  }

  mutating func observe(_ weights: Span<Float>) { finder.observe(weights) }

  mutating func endPass() -> (any Codec)? {
    finder.endPass().map { IntegerCodec(format, range: $0) }
  }
}
