import Quantization
import Testing

@Suite struct HistogramTileTests {
  private let weights: [Float] = {
    var random = SplitMix(state: 31)
    return random.normal(40_000, deviation: 0.2) + [3, -2.5, .nan, .infinity]
  }()

  private func counted(_ range: HistogramRange) -> Histogram {
    var histogram = Histogram(range: range)
    histogram.add(weights.span)
    return histogram
  }

  /// Every panel lies in its tile, and its columns are what counting them one by one gives.
  @Test(arguments: [1, 2, 7, 78, 81, 200]) func columnsAreWholeBins(columns: Int) {
    let whole = HistogramRange(lower: -1, upper: 1, bins: columns)
    for zoom in -6...14 {
      for start in [-3 * columns, -columns / 3, 0, 1, columns / 2, columns << max(0, zoom - 1)] {
        let place = HistogramTile.place(zoom: zoom, start: start, columns: columns)
        let range = place.tile.range(in: whole)
        #expect(place.firstBin >= 0)
        #expect(place.firstBin + columns * place.binsPerColumn <= range.bins)
        guard columns < 100, zoom % 3 == 0 else { continue }
        let joined = counted(range).joined(
          first: place.firstBin, perColumn: place.binsPerColumn, columns: columns)
        #expect(joined.counts.count == columns)
        #expect(joined.total == UInt64(weights.count))
        // Where a panel of that zoom begins and ends on the axis.
        let width = 2 / Double(columns) * (zoom >= 0 ? 1 / Double(1 << zoom) : Double(1 << -zoom))
        let lower = -1 + Double(start) * width
        let tolerance = 1e-6 * max(1, abs(lower) + width * Double(columns))
        #expect(abs(Double(joined.range.lower) - lower) < tolerance)
        #expect(abs(Double(joined.range.upper) - lower - width * Double(columns)) < tolerance)
      }
    }
  }

  /// Zoomed in by two, each two columns hold what one held.
  @Test func zoomingLosesNothing() {
    let whole = HistogramRange(lower: -1, upper: 1, bins: 64)
    func panel(zoom: Int, start: Int) -> Histogram {
      let place = HistogramTile.place(zoom: zoom, start: start, columns: 64)
      return counted(place.tile.range(in: whole)).joined(
        first: place.firstBin, perColumn: place.binsPerColumn, columns: 64)
    }
    #expect(panel(zoom: 0, start: 0).counts == counted(whole).counts)
    for zoom in 0..<8 {
      let start = 31 << zoom
      let coarse = panel(zoom: zoom, start: start)
      let fine = panel(zoom: zoom + 1, start: 2 * start)
      for column in 0..<32 {
        #expect(coarse.counts[column] == fine.counts[2 * column] + fine.counts[2 * column + 1])
      }
    }
  }

  @Test func errorsGoToTheBinOfTheSource() {
    let range = HistogramRange(lower: -1, upper: 1, bins: 4)
    let source: [Float] = [-0.9, -0.9, 0.1, 0.6, 2, -3, .nan, 0.2]
    let back: [Float] = [-0.4, -0.9, 0.6, 3, 1, -1, 0, .infinity]
    var histogram = Histogram(range: range, hasErrors: true)
    for slice in [0..<3, 3..<8] {
      histogram.add(back.span.extracting(slice), source: source.span.extracting(slice))
    }
    #expect(histogram.counts == [2, 1, 1, 2] && histogram.above == 1)
    let expected = [0.25, 0, 0.25, 5.76]
    for (found, wanted) in zip(histogram.squaredErrors, expected) {
      #expect(abs(found - wanted) < 1e-6)
    }
    #expect(abs(histogram.squaredErrorOutside - 5) < 1e-6)
    var twice = histogram
    let merged = twice.merge(histogram)
    #expect(merged)
    #expect(abs(twice.squaredErrors[3] - 11.52) < 1e-5 && twice.squaredErrorOutside == 10)
    let joined = histogram.joined(first: 2, perColumn: 1, columns: 2)
    #expect(abs(joined.squaredErrorOutside - 5.25) < 1e-6)
    #expect(joined.squaredErrors.count == 2)
    let others = twice.merge(Histogram(range: range))
    #expect(!others, "errors of some and not of others")
  }

  /// The sum over all bins is that of the error sums.
  @Test(arguments: [1, 17, 4096]) func errorsAddUp(bins: Int) throws {
    let finite = Array(weights.prefix(40_000))
    var back = [Float](repeating: 0, count: finite.count)
    var target = back.mutableSpan
    try Format(parsing: "int3:g64").codec().reconstruct(
      finite.span, rowLength: 64, into: &target)
    var sums = ErrorSums()
    sums.add(finite.span, back.span)
    var histogram = Histogram(
      range: HistogramRange(lower: -0.5, upper: 0.5, bins: bins), hasErrors: true)
    histogram.add(back.span, source: finite.span)
    let total = histogram.squaredErrors.reduce(histogram.squaredErrorOutside, +)
    #expect(abs(total - sums.squaredError) < 1e-9 * sums.squaredError)
  }
}
