import Quantization
import Testing

@Suite struct RangeFinderTests {
  private func range(_ name: String, _ weights: [Float], slice: Int) throws -> ClippingRange? {
    guard case .integer(let format) = try Format(parsing: name) else { return nil }
    var finder = RangeFinder(format: format)
    for _ in 0..<3 {
      for start in stride(from: 0, to: weights.count, by: slice) {
        finder.observe(weights.span.extracting(start..<min(start + slice, weights.count)))
      }
      if let range = finder.endPass() { return range }
    }
    return nil
  }

  @Test(arguments: [
    "int4:tensor", "int4:tensor:percentile", "int4:affine:tensor:percentile=97.3",
    "int3:tensor:mse",
    "int4:affine:tensor:mse", "int5:tensor:entropy", "int8:affine:tensor:entropy",
  ])
  func slicesAreOfNoMatter(name: String) throws {
    var random = SplitMix(state: 21)
    var weights = random.normal(5003)
    weights[7] = .nan
    weights[8] = -.infinity
    let whole = try #require(try range(name, weights, slice: 10_000))
    for slice in [1, 16, 100, 999] { #expect(try range(name, weights, slice: slice) == whole) }
    #expect(whole.upper > 0.5 && whole.upper <= weights.filter(\.isFinite).max() ?? 0)
  }

  @Test func percentilesWorkedByHand() throws {
    let weights = (0...100).map { Float($0) }.shuffled()
    #expect(try range("int4:tensor:percentile=90", weights, slice: 7)?.upper == 90)
    let between = try range("int4:tensor:percentile=90.25", weights, slice: 7)
    #expect(between?.upper == 90.25)
    let both = try range("int4:affine:tensor:percentile=90", weights.map { $0 - 50 }, slice: 7)
    #expect(both == ClippingRange(lower: -40, upper: 40))
  }

  @Test func nothingHasNoRange() throws {
    for name in ["int4:tensor", "int4:tensor:percentile", "int4:tensor:mse", "int4:tensor:entropy"]
    {
      for weights: [Float] in [[], [.nan, .infinity], [0, 0, -0.0]] {
        #expect(try range(name, weights, slice: 2) == ClippingRange(lower: 0, upper: 0))
      }
    }
    #expect(ClippingRange(lower: 3, upper: .nan) == ClippingRange(lower: 0, upper: 0))
  }
}
