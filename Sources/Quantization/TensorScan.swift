/// Passes over a whole tensor, after which its pieces can be worked on one by one.
///
/// Give each piece to `observe`, in any order, then call `endPass`; while it returns nil, go over all pieces
/// again. How the weights are cut into pieces is of no matter. Several copies of a scan may share a pass, and be
/// joined at its end.
public protocol TensorScan: Sendable {
  /// Takes in one piece of the weights; does nothing once the scan has ended.
  mutating func observe(_ weights: Span<Float>)

  /// Takes in what another copy of this scan has observed in the same pass.
  mutating func merge(_ other: any TensorScan)

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

  mutating func merge(_ other: any TensorScan) {
    if let other = other as? Self { finder.merge(other.finder) }
  }

  mutating func endPass() -> (any Codec)? {
    finder.endPass().map { IntegerCodec(format, range: $0) }
  }
}

extension Array where Element: AdditiveArithmetic {
  /// Adds another array's elements to those at the same places.
  mutating func add(_ other: [Element]) {
    for index in indices.prefix(other.count) { self[index] += other[index] }
  }
}
