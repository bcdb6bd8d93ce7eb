import Quantization

/// What a sample says about the whole tensor, and how surely.
///
/// A figure that is a function of sums (a ratio, a cosine) is taken of the sums that the sample stands for. Its
/// error is, to first order, the mean over the units of a linear combination of their sums, the residual. That
/// mean's variance has two parts: from encoding some of the scouted units (within the strata), and from
/// scouting some of all units (as if drawn without strata, which is on the safe side). Student's t widens the
/// interval by the degrees of freedom that the variance was estimated with, fewer where few units make up most
/// of it; and the side towards which the residuals are skewed is widened further (Johnson 1978).
struct SampleEstimator {
  private let sample: Sample
  /// The sums that the sample stands for, over the scouted units.
  private let total: ErrorSums

  /// nil if the sample says nothing that could be trusted.
  init?(_ sample: Sample) {
    guard sample.isComplete, sample.scouted > 1 else { return nil }
    self.sample = sample
    var total = ErrorSums()
    for stratum in sample.strata {
      guard !stratum.found.isEmpty else { continue }
      let weight = Double(stratum.members.count) / Double(stratum.found.count)
      for sums in stratum.found { total += sums.weighing(weight) }
    }
    self.total = total
    // An error that isn't finite, or none at all, says nothing about the weights that weren't looked at.
    guard total.notFiniteReconstructed == 0, total.squaredError > 0, total.squares > 0,
      total.squaredError.isFinite, total.squares.isFinite, total.squaresReconstructed.isFinite
    else { return nil }
  }

  /// The sums of the whole tensor, estimated; the greatest error is the sample's.
  func sums(weightCount: Int) -> ErrorSums {
    let seen = sample.source.count + sample.source.nan + sample.source.infinite
    let factor = Double(weightCount) / Double(max(1, seen))
    var sums = total
    sums.nan = Int(Double(sample.source.nan) * factor)
    sums.infinite = Int(Double(sample.source.infinite) * factor)
    sums.count = max(0, weightCount - sums.nan - sums.infinite)
    let scale = Double(sums.count) / Double(max(1, total.count))
    sums.squares *= scale
    sums.squaredError *= scale
    sums.squaresReconstructed *= scale
    sums.products *= scale
    sums.weighted?.squaredError *= scale
    sums.weighted?.squares *= scale
    return sums
  }

  /// The intervals of all figures.
  func intervals(of sums: ErrorSums) -> FigureIntervals {
    let figures = sums.figures
    let units = Double(sample.scouted)
    let (squares, back, products) = (total.squares, total.squaresReconstructed, total.products)
    let nmse = total.squaredError / squares
    let count = Double(max(1, total.count))
    let mse = total.squaredError / count
    let cosine = figures.cosine
    let weighted = total.weighted.flatMap { weighted -> Interval? in
      guard weighted.squares > 0 else { return nil }
      let ratio = weighted.nmse
      return interval(around: ratio) { sums in
        guard let own = sums.weighted else { return 0 }
        return units * (own.squaredError - ratio * own.squares) / weighted.squares
      }.clamped(to: 0...Double.infinity)
    }
    let positive = 0...Double.infinity
    return FigureIntervals(
      mse: interval(around: figures.mse) {
        units * ($0.squaredError - mse * Double($0.count)) / count
      }.clamped(to: positive),
      nmse: interval(around: nmse) {
        units * ($0.squaredError - nmse * $0.squares) / squares
      }.clamped(to: positive),
      cosine: interval(around: cosine) {
        guard back > 0, products != 0 else { return 0 }
        return cosine * units
          * ($0.products / products - $0.squares / (2 * squares)
            - $0.squaresReconstructed / (2 * back))
      }.clamped(to: -1...1),
      weightedNmse: weighted)
  }

  /// The interval of a figure whose error is the mean of residuals over all units.
  func interval(around value: Double, residual: (ErrorSums) -> Double) -> Interval {
    let spread = spread(residual)
    let error = spread.variance.squareRoot()
    let quantile = Student.quantile(degreesOfFreedom: spread.degreesOfFreedom)
    // Linearised variances are too small, by a share that falls with the size of the sample.
    let encoded = sample.strata.reduce(0) { $0 + $1.found.count }
    let half = quantile * error * (1 + 10 / Double(max(10, encoded)))
    // (2t² + 1) / 6 of the mean's skewness, on its side alone.
    let skew = min(1, abs(spread.skewness) * (2 * quantile * quantile + 1) / (6 * quantile)) * half
    // Sums over other pieces differ in the last bits.
    let rounding = abs(value) * 1e-9
    return Interval(
      low: value - half - rounding - (spread.skewness < 0 ? skew : 0),
      high: value + half + rounding + (spread.skewness > 0 ? skew : 0))
  }

  private struct Spread {
    var variance = 0.0
    var degreesOfFreedom = 0.0
    var skewness = 0.0
  }

  private func spread(_ residual: (ErrorSums) -> Double) -> Spread {
    let scouted = Double(sample.scouted)
    let unscouted = max(0, 1 - scouted / Double(sample.units.count))
    var within = 0.0
    var within4 = 0.0
    var within2 = 0.0
    var between = 0.0
    var between4 = 0.0
    var third = 0.0
    for stratum in sample.strata {
      let members = Double(stratum.members.count)
      let n = Double(stratum.found.count)
      guard n > 0 else { continue }
      let residuals = stratum.found.map(residual)
      // Scouting: each unit that was encoded stands for some that were scouted.
      for value in residuals {
        let part = value / scouted
        between += members / n * part * part * unscouted
        between4 += members / n * part * part * (members / n * part * part) * unscouted
        third += members / n * part * part * part * unscouted
      }
      guard n > 1, n < members else { continue }
      let mean = residuals.reduce(0, +) / n
      let factor = (1 - n / members) * (members / (scouted * n)) * (members / (scouted * n))
      var squares = 0.0
      for value in residuals {
        let deviation = value - mean
        squares += deviation * deviation
        within4 += factor * factor * deviation * deviation * deviation * deviation
        third += factor * (members / (scouted * n)) * deviation * deviation * deviation
      }
      let variance = factor * squares * n / (n - 1)
      within += variance
      within2 += variance * variance / (n - 1)
      within4 -= variance * variance / n
    }
    let variance = within + between
    guard variance > 0 else { return Spread(variance: 0, degreesOfFreedom: 1, skewness: 0) }
    let uncertainty = max(2 * within2, within4) + between4
    return Spread(
      variance: variance,
      degreesOfFreedom: uncertainty > 0 ? max(1, 2 * variance * variance / uncertainty) : 1e6,
      skewness: third / (variance * variance.squareRoot()))
  }
}

/// Student's distribution.
enum Student {
  private static let table: [(degrees: Double, quantile: Double)] = [
    (1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (8, 2.306),
    (10, 2.228), (15, 2.131), (20, 2.086), (30, 2.042), (60, 2.000), (120, 1.980),
    (.infinity, 1.960),
  ]

  /// What a variable exceeds in size with a probability of 5 %: tabulated, between the lines by 1/df.
  static func quantile(degreesOfFreedom: Double) -> Double {
    let inverse = 1 / max(1, degreesOfFreedom)
    for (upper, lower) in zip(table, table.dropFirst()) where inverse >= 1 / lower.degrees {
      let share = (inverse - 1 / lower.degrees) / (1 / upper.degrees - 1 / lower.degrees)
      return lower.quantile + share * (upper.quantile - lower.quantile)
    }
    return 1.96
  }
}

extension ErrorSums {
  /// The sums with each pair counted so many times; the counts are rounded.
  fileprivate func weighing(_ factor: Double) -> ErrorSums {
    var sums = self
    sums.count = Int((Double(count) * factor).rounded())
    sums.squaredError *= factor
    sums.squares *= factor
    sums.squaresReconstructed *= factor
    sums.products *= factor
    sums.weighted?.squaredError *= factor
    sums.weighted?.squares *= factor
    return sums
  }
}
