/// Encodes weights in one format and decodes them.
///
/// Weights come as whole rows: `weights.count` is a multiple of `rowLength` (`reconstruct` takes what is left
/// over as a shorter row, `encode` leaves it out). Rows that can be cut (`Format.pieceAlignment`) may be given in parts, with `rowLength` the
/// length of the part. What holds for the whole tensor (its range) is given where the codec is made, so that
/// pieces can be worked on in any order and on any thread with the same result.
///
/// Importance is that of the columns at hand: `rowLength` values, finite and from 0 on, the mean squares of the
/// activations that these weights meet; none (an empty span, or another number) where it isn't known. Formats
/// that don't use it (`Format.usesImportance`) pass it over.
///
/// No weights, and a row length below 1, give nothing and touch nothing.
public protocol Codec: Sendable {
  /// The format that is encoded.
  var format: Format { get }

  /// What comes back after encoding and decoding, without making the bytes in between.
  ///
  /// `reconstructed` has room for `weights.count` values.
  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, into reconstructed: inout MutableSpan<Float>)

  /// The stored bytes of these rows.
  func encode(_ weights: Span<Float>, rowLength: Int) -> EncodedWeights

  /// As `reconstruct(_:rowLength:into:)`, spending the error where it matters least.
  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, importance: Span<Float>,
    into reconstructed: inout MutableSpan<Float>)

  /// As `encode(_:rowLength:)`, spending the error where it matters least.
  func encode(_ weights: Span<Float>, rowLength: Int, importance: Span<Float>) -> EncodedWeights

  /// The weights of encoded rows, the same values as `reconstruct` gives; `weights` has room for them.
  ///
  /// `encoded` must be of this codec's format; weights of another format are left alone.
  func decode(_ encoded: EncodedWeights, into weights: inout MutableSpan<Float>)
}

extension Codec {
  /// Passes importance over.
  public func reconstruct(
    _ weights: Span<Float>, rowLength: Int, importance: Span<Float>,
    into reconstructed: inout MutableSpan<Float>
  ) {
    reconstruct(weights, rowLength: rowLength, into: &reconstructed)
  }

  /// Passes importance over.
  public func encode(
    _ weights: Span<Float>, rowLength: Int, importance: Span<Float>
  ) -> EncodedWeights {
    encode(weights, rowLength: rowLength)
  }
}

/// A range of weights that a grid is laid over: lower <= 0 <= upper, both finite.
public struct ClippingRange: Hashable, Sendable {
  /// The lower end, at most 0.
  public let lower: Float
  /// The upper end, at least 0.
  public let upper: Float

  /// The range from `lower` to `upper`, widened to hold 0; ends that aren't finite count as 0.
  public init(lower: Float, upper: Float) {
    self.lower = lower.isFinite ? min(lower, 0) : 0
    self.upper = upper.isFinite ? max(upper, 0) : 0
  }
}
