import Foundation
import ModelFiles

import struct Measurement.Interval

/// What one tensor adds to the totals of a plan.
public struct Contribution: Sendable, Equatable {
  /// The tensor's number of weights.
  public var weights: Int
  /// Bytes as stored in the model.
  public var sourceBytes: Int
  /// Bytes under the plan.
  public var bytes: Int
  /// Σ(w-ŵ)², nil while it isn't known.
  public var squaredError: Double?
  /// Σw², nil while it isn't known.
  public var squares: Double?
  /// Half of the 95 % interval of Σ(w-ŵ)² where it is an estimate; nil where it is exact.
  public var uncertainty: Double?
  /// Whether the weights can be read at all; if not, they stay out of the error figures.
  public var isReadable: Bool
  /// Whether its numbers are weights: others stay out of the error figures, too.
  let isWeights: Bool

  /// The contribution of a tensor under a choice whose error isn't known yet.
  public init(tensor: Tensor, choice: Choice, isReadable: Bool) {
    weights = tensor.weightCount
    sourceBytes = tensor.byteCount
    bytes = choice.byteCount(of: tensor)
    squaredError = choice == .source ? 0 : nil
    squares = nil
    self.isReadable = isReadable
    isWeights = tensor.suitability.isWeights
  }

  /// Σ(w-ŵ)²/Σw²: 0 where nothing is lost, nil while it isn't known.
  public var nmse: Double? {
    guard isReadable else { return nil }
    if squaredError == 0 { return 0 }
    guard let squaredError, let squares else { return nil }
    return squaredError / squares
  }
}

extension Contribution {
  /// The 95 % interval of `nmse` where it is an estimate.
  public var interval: Interval? {
    guard let uncertainty, let nmse, let squares, squares > 0 else { return nil }
    let half = uncertainty / squares
    return Interval(low: max(0, nmse - half), high: nmse + half)
  }
}

/// The sums of a plan, or of a part of one.
public struct Totals: Sendable, Equatable {
  /// Number of weights.
  public private(set) var weights = 0
  /// Bytes as stored in the model.
  public private(set) var sourceBytes = 0
  /// Bytes under the plan.
  public private(set) var bytes = 0
  /// Σ(w-ŵ)² over the tensors that are known.
  public private(set) var squaredError = 0.0
  /// Σw² over the tensors that are known.
  public private(set) var squares = 0.0
  /// How many of them are estimates.
  public private(set) var estimated = 0
  /// The sum of the squares of the estimates' uncertainties: they are independent of one another.
  private var uncertainties = 0.0
  /// Readable tensors whose error or power isn't known yet.
  public private(set) var unmeasured = 0

  /// Totals of nothing.
  public init() {}

  /// The totals of some contributions.
  public init(_ contributions: some Sequence<Contribution>) {
    for contribution in contributions { add(contribution) }
  }

  /// Adds one tensor.
  public mutating func add(_ part: Contribution) {
    weights += part.weights
    sourceBytes += part.sourceBytes
    bytes += part.bytes
    guard part.isReadable, part.isWeights else { return }
    if let error = part.squaredError, let power = part.squares {
      squaredError += error
      squares += power
      if let uncertainty = part.uncertainty {
        estimated += 1
        uncertainties += uncertainty * uncertainty
      }
    } else {
      unmeasured += 1
    }
  }

  /// Stored bits for each weight; 0 without weights.
  public var bitsPerWeight: Double { weights == 0 ? 0 : 8 * Double(bytes) / Double(weights) }

  /// The share of the source's bytes that the plan saves; negative when it grows.
  public var saving: Double {
    sourceBytes == 0 ? 0 : 1 - Double(bytes) / Double(sourceBytes)
  }

  /// The share saved against the same weights stored as F16.
  public var savingAgainstHalf: Double {
    weights == 0 ? 0 : 1 - Double(bytes) / (2 * Double(weights))
  }

  /// Σ of squared errors / Σ of squares over the tensors that are known; 0 where nothing is lost.
  public var nmse: Double { squaredError == 0 ? 0 : squaredError / squares }

  /// The 95 % interval of `nmse` where some of the errors are estimates.
  public var interval: Interval? {
    guard estimated > 0, squares > 0 else { return nil }
    let half = uncertainties.squareRoot() / squares
    return Interval(low: max(0, nmse - half), high: nmse + half)
  }

  /// -10 log10 NMSE in dB; infinite where nothing is lost.
  public var sqnr: Double { -10 * log10(nmse) }

  /// Whether every error is known.
  public var isComplete: Bool { unmeasured == 0 }
}
