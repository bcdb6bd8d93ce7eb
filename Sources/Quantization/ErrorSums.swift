import CKernels

/// Sums over pairs of weights (source and reconstructed), from which every error figure follows.
///
/// All sums are of doubles, in sixteen lanes added in a fixed order, so that the same pieces give the same
/// sums on every processor. Sums of pieces are added with `+`; other pieces of the same weights differ in the
/// last bits only.
public struct ErrorSums: Sendable, Equatable {
  /// Pairs with a finite source weight: the n of the figures.
  public var count = 0
  /// Source weights that are NaN; they count nowhere else.
  public var nan = 0
  /// Source weights that are infinite; they count nowhere else.
  public var infinite = 0
  /// Finite source weights whose reconstruction is infinite or NaN; they count, but aren't in the sums.
  public var notFiniteReconstructed = 0
  /// The sum of (w - ŵ)².
  public var squaredError = 0.0
  /// The sum of w².
  public var squares = 0.0
  /// The sum of ŵ².
  public var squaresReconstructed = 0.0
  /// The sum of w ŵ.
  public var products = 0.0
  /// The greatest |w - ŵ|.
  public var maxError = 0.0
  /// The sums in which each input channel counts by its importance; nil where none was given.
  public var weighted: WeightedSums?

  /// No pairs.
  public init() {}

  /// Adds pairs; the longer of the two is cut to the other's length.
  public mutating func add(_ weights: Span<Float>, _ reconstructed: Span<Float>) {
    var sums = bl_error_sums()
    let count = min(weights.count, reconstructed.count)
    weights.withUnsafeBufferPointer { weights in
      reconstructed.withUnsafeBufferPointer { reconstructed in
        bl_error_sums_add(weights.baseAddress, reconstructed.baseAddress, count, &sums)
      }
    }
    self += ErrorSums(sums)
  }

  /// Adds pairs, and weighs them by the importance of their columns.
  /// - Parameters:
  ///   - rowLength: the pairs of a row; a shorter rest is left out of the weighted sums.
  ///   - importance: of each column, finite and from 0 on; as many as a row has pairs.
  public mutating func add(
    _ weights: Span<Float>, _ reconstructed: Span<Float>, rowLength: Int, importance: Span<Float>
  ) {
    add(weights, reconstructed)
    guard rowLength > 0, importance.count == rowLength else { return }
    var sums = bl_weighted_sums()
    let rows = min(weights.count, reconstructed.count) / rowLength
    weights.withUnsafeBufferPointer { weights in
      reconstructed.withUnsafeBufferPointer { reconstructed in
        importance.withUnsafeBufferPointer { importance in
          bl_weighted_sums_add(
            weights.baseAddress, reconstructed.baseAddress, importance.baseAddress, rows, rowLength,
            &sums)
        }
      }
    }
    var weighted = weighted ?? WeightedSums()
    weighted.squaredError += sums.squared_error
    weighted.squares += sums.squares
    self.weighted = weighted
  }

  /// The sums of both.
  public static func + (a: ErrorSums, b: ErrorSums) -> ErrorSums {
    var sum = a
    sum.count += b.count
    sum.nan += b.nan
    sum.infinite += b.infinite
    sum.notFiniteReconstructed += b.notFiniteReconstructed
    sum.squaredError += b.squaredError
    sum.squares += b.squares
    sum.squaresReconstructed += b.squaresReconstructed
    sum.products += b.products
    sum.maxError = max(a.maxError, b.maxError)
    if let more = b.weighted {
      var weighted = a.weighted ?? WeightedSums()
      weighted.squaredError += more.squaredError
      weighted.squares += more.squares
      sum.weighted = weighted
    }
    return sum
  }

  /// Adds the sums of another piece.
  public static func += (a: inout ErrorSums, b: ErrorSums) { a = a + b }

  private init(_ sums: bl_error_sums) {
    count = Int(sums.count)
    nan = Int(sums.nan)
    infinite = Int(sums.infinite)
    notFiniteReconstructed = Int(sums.not_finite_reconstructed)
    squaredError = sums.squared_error
    squares = sums.squares
    squaresReconstructed = sums.squares_reconstructed
    products = sums.products
    maxError = sums.max_error
  }
}

/// Sums over pairs of weights in which column j of a row counts a_j times, its importance.
public struct WeightedSums: Sendable, Equatable {
  /// The sum of a (w - ŵ)².
  public var squaredError = 0.0
  /// The sum of a w².
  public var squares = 0.0

  /// No pairs.
  public init() {}

  /// Σ a (w - ŵ)² / Σ a w²: the relative error of the layer's output if its input channels are
  /// uncorrelated. 0 without error, infinite where an error meets weights that count for nothing.
  public var nmse: Double {
    squaredError == 0 ? 0 : squares > 0 ? squaredError / squares : .infinity
  }
}

/// The error figures: how far reconstructed weights are from their source (DESIGN.md, section 3).
///
/// None is ever NaN.
public struct ErrorFigures: Sendable, Equatable {
  /// The mean squared error, Σ(w - ŵ)² / n; 0 without weights.
  public let mse: Double
  /// The root of `mse`.
  public let rmse: Double
  /// Σ(w - ŵ)² / Σw²; 0 without error, infinite where an error meets weights that are all zero.
  public let nmse: Double
  /// -10 log10 of `nmse`, in dB; infinite without error.
  public let sqnr: Double
  /// The greatest |w - ŵ|.
  public let maxError: Double
  /// Σwŵ / (|w| |ŵ|), -1...1; 1 where both are all zero, 0 where one is.
  public let cosine: Double
  /// The importance-weighted NMSE; nil where no importance was given.
  public let weightedNmse: Double?
}

extension ErrorSums {
  /// The figures of all pairs added.
  ///
  /// One finite weight whose reconstruction isn't finite makes the errors infinite, and the cosine 0.
  public var figures: ErrorFigures {
    guard notFiniteReconstructed == 0 else {
      return ErrorFigures(
        mse: .infinity, rmse: .infinity, nmse: .infinity, sqnr: -.infinity, maxError: .infinity,
        cosine: 0, weightedNmse: weighted.map { _ in .infinity })
    }
    let mse = count > 0 ? squaredError / Double(count) : 0
    let nmse = squaredError == 0 ? 0 : squares > 0 ? squaredError / squares : .infinity
    let norms = (squares * squaresReconstructed).squareRoot()
    let cosine: Double
    if norms > 0 {
      cosine = max(-1, min(1, products / norms))
    } else {
      cosine = squares == squaresReconstructed ? 1 : 0
    }
    return ErrorFigures(
      mse: mse, rmse: mse.squareRoot(), nmse: nmse,
      sqnr: nmse == 0 ? .infinity : -10 * Logarithms.decimal(nmse),
      maxError: maxError, cosine: cosine, weightedNmse: weighted?.nmse)
  }
}
