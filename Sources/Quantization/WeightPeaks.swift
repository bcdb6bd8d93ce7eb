import CKernels

/// Of each 32 weights that lie side by side: the greatest size, and the sum of their squares.
///
/// A look at the weights that is far cheaper than encoding them, and tells where errors will be.
public struct WeightPeaks: Sendable {
  /// Weights in a block.
  public static let blockLength = Int(BL_PEAK_LENGTH)

  /// The greatest size in each block; weights that aren't finite count as 0.
  public private(set) var peaks: [Float] = []
  /// Σw² of each block.
  public private(set) var squares: [Float] = []

  /// No weights.
  public init() {}

  /// Adds the blocks of some weights; the last may be shorter.
  public mutating func add(_ weights: Span<Float>) {
    guard weights.count > 0 else { return }
    let start = peaks.count
    let count = (weights.count + Self.blockLength - 1) / Self.blockLength
    peaks.append(contentsOf: repeatElement(0, count: count))
    squares.append(contentsOf: repeatElement(0, count: count))
    weights.withUnsafeBufferPointer { weights in
      peaks.withUnsafeMutableBufferPointer { peaks in
        squares.withUnsafeMutableBufferPointer { squares in
          guard let peak = peaks.baseAddress, let square = squares.baseAddress else { return }
          bl_peaks(weights.baseAddress, weights.count, peak + start, square + start)
        }
      }
    }
  }
}
