import Foundation

/// A mean with its standard error.
public struct Estimate: Sendable, Equatable {
  /// The mean.
  public var value: Double
  /// Its standard error, from how much the single values differ; 0 for 10 values or fewer.
  public var error: Double

  /// A mean and its error.
  public init(value: Double, error: Double) {
    self.value = value
    self.error = error
  }

  /// From the sums of some values and of their squares, as llama-perplexity does it.
  init(sum: Double, squares: Double, count: Int) {
    guard count > 0 else {
      self.init(value: 0, error: 0)
      return
    }
    let mean = sum / Double(count)
    let variance = squares / Double(count) - mean * mean
    self.init(
      value: mean,
      error: variance > 0 && count > 10 ? (variance / Double(count - 1)).squareRoot() : 0)
  }

  /// A share of a count: the binomial error.
  init(share: Int, of count: Int) {
    let value = count > 0 ? Double(share) / Double(count) : 0
    self.init(
      value: value,
      error: count > 1 ? (value * (1 - value) / Double(count - 1)).squareRoot() : 0)
  }
}

/// The values of a distribution.
public struct Percentiles: Sendable, Equatable {
  private let sorted: [Double]

  init(_ values: [Double]) { sorted = values.sorted() }

  /// The value below which so great a share of the values lies, between two of them by a line.
  public subscript(share: Double) -> Double {
    guard let first = sorted.first, let last = sorted.last else { return .nan }
    if share <= 0 { return first }
    if share >= 1 { return last }
    let place = share * Double(sorted.count - 1)
    let index = Int(place)
    let rest = place - Double(index)
    return (1 - rest) * sorted[index] + rest * sorted[min(index + 1, sorted.count - 1)]
  }

  /// The least value.
  public var least: Double { self[0] }
  /// The value in the middle.
  public var median: Double { self[0.5] }
  /// The greatest value.
  public var greatest: Double { self[1] }
}

/// Intervals that hold the true value in 95 of 100 cases.
enum Interval {
  private static let normal = 1.959963984540054

  /// Of a share, by Wilson's score (1927): sensible near 0 and 1 too.
  static func wilson(_ hits: Int, of count: Int) -> ClosedRange<Double> {
    guard count > 0 else { return 0...1 }
    let n = Double(count)
    let share = Double(hits) / n
    let z = normal * normal
    let center = (share + z / (2 * n)) / (1 + z / n)
    let half =
      normal / (1 + z / n) * (share * (1 - share) / n + z / (4 * n * n)).squareRoot()
    return max(0, center - half)...min(1, center + half)
  }

  /// Of a mean of means, one for each sequence: positions in a sequence resemble each other, so these and not
  /// positions are what was drawn. Nil for a single one.
  static func mean(of means: [Double]) -> ClosedRange<Double>? {
    let n = Double(means.count)
    guard means.count > 1 else { return nil }
    let mean = means.reduce(0, +) / n
    let variance = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let half = student(means.count - 1) * (variance / n).squareRoot()
    guard half.isFinite, mean.isFinite else { return nil }
    return mean - half...mean + half
  }

  /// The quantile 0.975 of Student's distribution: tabled where it is far from the normal one, then by the
  /// expansion of Fisher and Cornish (1938).
  private static func student(_ freedom: Int) -> Double {
    let table = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]
    if freedom <= table.count { return table[max(0, freedom - 1)] }
    let z = normal
    let n = Double(freedom)
    let first = (z * z * z + z) / 4
    let second = (5 * pow(z, 5) + 16 * z * z * z + 3 * z) / 96
    return z + first / n + second / (n * n)
  }
}
