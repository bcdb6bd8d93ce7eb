import Quantization
import Testing

@Suite struct DistributionTests {
  private func statistics(_ weights: [Float], slice: Int = 1000) -> WeightStatistics {
    var statistics = WeightStatistics()
    for start in stride(from: 0, to: weights.count, by: slice) {
      statistics.add(weights.span.extracting(start..<min(start + slice, weights.count)))
    }
    return statistics
  }

  @Test func momentsWorkedByHand() {
    let found = statistics([1, 2, 3, 4, 0, -0.0, .nan, .infinity, -.infinity], slice: 2)
    #expect((found.count, found.nan, found.infinite, found.zeros) == (6, 1, 2, 2))
    #expect(found.minimum == 0 && found.maximum == 4)
    #expect(abs(found.mean - 10.0 / 6) < 1e-15)
    #expect(abs(found.variance - (30.0 / 6 - 100.0 / 36)) < 1e-14)
    let fourth = [1, 2, 3, 4, 0, 0].reduce(0.0) { sum, w in
      let d = w - 10.0 / 6
      return sum + d * d * d * d
    }
    #expect(abs(found.kurtosis - (fourth / 6 / (found.variance * found.variance) - 3)) < 1e-13)
  }

  /// However the weights are sliced, and where the mean is large against the deviation.
  @Test(arguments: [0.0, 1000.0]) func momentsMerge(mean: Double) {
    var random = SplitMix(state: 11)
    let weights = random.normal(20_011, deviation: 0.5, mean: mean)
    let whole = statistics(weights, slice: 100_000)
    let exact = weights.map(Double.init)
    let average = exact.reduce(0, +) / Double(exact.count)
    let variance = exact.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(exact.count)
    #expect(abs(whole.mean - average) <= 1e-12 * max(1, abs(average)))
    #expect(abs(whole.variance - variance) <= 1e-10 * variance)
    #expect(abs(whole.kurtosis) < 0.15 && abs(whole.skewness) < 0.1)
    for slice in [1, 7, 512, 513, 4099] {
      let sliced = statistics(weights, slice: slice)
      #expect(sliced.count == whole.count && sliced.minimum == whole.minimum)
      #expect(abs(sliced.variance - whole.variance) <= 1e-10 * variance)
      #expect(abs(sliced.kurtosis - whole.kurtosis) <= 1e-8)
      #expect(abs(sliced.skewness - whole.skewness) <= 1e-8)
      #expect(sliced.sketch == whole.sketch)
    }
    var merged = statistics(Array(weights[..<9000]))
    merged.merge(statistics(Array(weights[9000...])))
    #expect(merged.sketch == whole.sketch && abs(merged.mean - whole.mean) < 1e-12)
    merged.compact()
    #expect(merged.sketch == whole.sketch && merged.quantile(0.5) == whole.quantile(0.5))
  }

  @Test func quantiles() {
    var random = SplitMix(state: 12)
    let weights = random.normal(10_001)
    let sorted = weights.sorted()
    let found = statistics(weights)
    for p in [0.0, 0.001, 0.1, 0.5, 0.75, 0.999, 1.0] {
      let exact = sorted[Int(p * 10_000)]
      #expect(abs(found.quantile(p) - exact) <= abs(exact) * 0x1p-7)
    }
    #expect(found.quantile(0) == sorted.first && found.quantile(1) == sorted.last)
    let bfloat = weights.map { Float(bitPattern: $0.bitPattern & 0xffff_0000) }
    let ordered = bfloat.sorted()
    let exact = statistics(bfloat)
    for p in [0.001, 0.3, 0.5, 0.999] { #expect(exact.quantile(p) == ordered[Int(p * 10_000)]) }
  }

  @Test func hostileStatisticsAreSane() {
    #expect(WeightStatistics().quantile(0.5) == 0 && WeightStatistics().kurtosis == 0)
    let none = statistics([.nan, .infinity])
    #expect(none.count == 0 && none.mean == 0 && none.minimum == 0 && none.outliers() == 0)
    let constant = statistics([Float](repeating: 0.37, count: 1001), slice: 64)
    #expect(constant.deviation < 1e-12 && constant.kurtosis.isFinite)
    let extreme = statistics([3.4e38, -3.4e38, 0x1p-149, 0])
    #expect(extreme.deviation.isFinite && extreme.kurtosis.isFinite)
    var weights = [Float](repeating: 0, count: 10_000)
    weights[77] = 100
    #expect(statistics(weights).outliers() == 1)
    #expect(statistics([-2, -1, 1, 2]).outliers() == 0)
  }

  @Test func histogramCountsEverything() {
    let range = HistogramRange(lower: -1, upper: 1, bins: 4)
    var histogram = Histogram(range: range)
    let weights: [Float] = [
      -1, -0.75, -0.5, -0.0, 0, 0.4999, 0.5, 1, 1.0001, -1.5, .nan, .infinity, -.infinity, 3e38,
    ]
    histogram.add(weights.span)
    #expect(histogram.counts == [2, 1, 3, 2])
    #expect((histogram.below, histogram.above, histogram.notFinite) == (1, 2, 3))
    #expect(histogram.total == UInt64(weights.count))
    var other = Histogram(range: range)
    other.add(weights.span)
    let merged = histogram.merge(other)
    #expect(merged && histogram.counts == [4, 2, 6, 4])
    let refused = !histogram.merge(Histogram(range: HistogramRange(lower: 0, upper: 1, bins: 4)))
    #expect(refused)
    let heights: [Double] = [2.0 / 3, 1.0 / 3, 1, 2.0 / 3]
    #expect(histogram.heights(.linear) == heights)
    #expect(histogram.heights(.logarithmic).max() == 1)
    #expect(range.edge(0) == -1 && range.edge(4) == 1 && range.edge(1) == -0.5)
  }

  @Test func robustRangesIgnoreOutliers() {
    var random = SplitMix(state: 13)
    var weights = random.normal(100_000)
    weights[5] = 1e30
    let range = HistogramRange.robust(for: statistics(weights), bins: 64)
    #expect(range.upper > 3 && range.upper < 6 && range.lower == -range.upper && range.bins == 64)
    let positive = HistogramRange.robust(for: statistics(weights.map(abs)), bins: 64)
    #expect(positive.lower == 0 && positive.upper < 6)
    for odd: [Float] in [
      [], [0, 0], [5, 5, 5], [.nan], [3.4e38, -3.4e38], [0x1p-149], [-0x1p-149],
    ] {
      let range = HistogramRange.robust(for: statistics(odd), bins: 10)
      #expect(range.lower < range.upper && range.lower <= 0 && range.upper >= 0)
      var histogram = Histogram(range: range)
      histogram.add(odd.span)
      #expect(histogram.total == UInt64(odd.count) && histogram.below + histogram.above == 0)
    }
  }
}
