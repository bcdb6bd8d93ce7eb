/// K-means in one dimension, solved exactly.
///
/// D(k, j), the least cost of the first j points in k clusters, is the least of D(k - 1, i) + cost(i..<j) over i.
/// The best i never falls as j grows, so a layer takes n log n steps: its middle first, then each half within the
/// bounds that the middle gives (X. Wu 1991; A. Grønlund and others 2017 survey this and faster ways).
struct ClusterSearch {
  /// A value that several weights have.
  struct Point {
    var value: Double
    var weight: Double
  }

  private let points: [Point]
  /// Sums over the points before each: of weights, of values, of squares, about the mean of all.
  private var weights: [Double] = [0]
  private var values: [Double] = [0]
  private var squares: [Double] = [0]

  /// - Parameter points: distinct, in rising order; fewer than 65,536.
  init(_ points: [Point]) {
    precondition(points.count < 1 << 16, "starts of clusters are kept in 16 bits")
    self.points = points
    let total = points.reduce(0) { $0 + $1.weight }
    guard total > 0 else { return }
    let mean = points.reduce(0) { $0 + $1.value * ($1.weight / total) }
    for (index, point) in points.enumerated() {
      let value = point.value - mean
      weights.append(weights[index] + point.weight)
      values.append(values[index] + value * point.weight)
      squares.append(squares[index] + value * value * point.weight)
    }
  }

  private var count: Int { points.count }

  /// The means of the best `k` clusters, in rising order; as many as there are points, if they are fewer.
  func means(_ k: Int) -> [Double] {
    let k = min(k, count)
    guard k > 0 else { return [] }
    var starts = [UInt16](repeating: 0, count: k * (count + 1))
    weights.withUnsafeBufferPointer { weights in
      values.withUnsafeBufferPointer { values in
        squares.withUnsafeBufferPointer { squares in
          starts.withUnsafeMutableBufferPointer {
            let sums = Sums(weights: weights, values: values, squares: squares)
            Self.fill($0, clusters: k, count: count, sums)
          }
        }
      }
    }
    var means: [Double] = []
    var end = count
    for cluster in (0..<k).reversed() {
      let start = Int(starts[cluster * (count + 1) + end])
      means.append(Self.mean(points[start..<end]))
      end = start
    }
    return means.reversed()
  }

  /// From the values themselves: differences of sums lose small ones beside large ones.
  private static func mean(_ points: ArraySlice<Point>) -> Double {
    let total = points.reduce(0) { $0 + $1.weight }
    return points.reduce(0) { $0 + $1.value * ($1.weight / total) }
  }

  private struct Sums {
    let weights: UnsafeBufferPointer<Double>
    let values: UnsafeBufferPointer<Double>
    let squares: UnsafeBufferPointer<Double>

    /// The sum of squared distances of points `i..<j` from their mean.
    func cost(_ i: Int, _ j: Int) -> Double {
      let sum = values[j] - values[i]
      return squares[j] - squares[i] - sum * sum / (weights[j] - weights[i])
    }
  }

  /// The start of the last of 1...k clusters of the first j points, for each j; a row for each number of clusters.
  private static func fill(
    _ starts: UnsafeMutableBufferPointer<UInt16>, clusters: Int, count: Int, _ sums: Sums
  ) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * (count + 1)) { costs in
      var layer = Layer(
        sums: sums, before: UnsafeMutableBufferPointer(rebasing: costs[0...count]),
        after: UnsafeMutableBufferPointer(rebasing: costs[(count + 1)...]), starts: starts)
      layer.after.initialize(repeating: 0)
      layer.before[0] = 0
      for j in 1...count { layer.before[j] = sums.cost(0, j) }
      for cluster in 1..<max(1, clusters) {
        layer.starts = UnsafeMutableBufferPointer(
          rebasing: starts[cluster * (count + 1)..<(cluster + 1) * (count + 1)])
        layer.fill(cluster + 1...count, from: cluster, through: count - 1)
        swap(&layer.before, &layer.after)
      }
    }
  }

  private struct Layer {
    let sums: Sums
    var before: UnsafeMutableBufferPointer<Double>
    var after: UnsafeMutableBufferPointer<Double>
    var starts: UnsafeMutableBufferPointer<UInt16>

    /// The costs of the first j points for j in `range`, their last cluster starting within `first...last`.
    func fill(_ range: ClosedRange<Int>, from first: Int, through last: Int) {
      let j = (range.lowerBound + range.upperBound) / 2
      var best = Double.infinity
      var start = first
      for i in first...min(last, j - 1) {
        let cost = before[i] + sums.cost(i, j)
        if cost < best {
          best = cost
          start = i
        }
      }
      after[j] = best
      starts[j] = UInt16(start)
      if range.lowerBound < j { fill(range.lowerBound...j - 1, from: first, through: start) }
      if j < range.upperBound { fill(j + 1...range.upperBound, from: start, through: last) }
    }
  }
}
