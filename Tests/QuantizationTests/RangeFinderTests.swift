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

  /// Threads share a pass, each with a copy of the scan.
  @Test(
    arguments: [
      "int4:tensor", "int4:tensor:percentile", "int4:affine:tensor:percentile=97.3",
      "int3:tensor:mse", "int4:tensor:entropy", "nvfp4:tensor", "pal4", "pal8",
    ], [300, 40_000])
  func copiesOfAScanAreJoined(name: String, count: Int) throws {
    var random = SplitMix(state: 22)
    var weights = random.normal(count / 64 * 64)
    weights[7] = .nan
    weights[9] = 11
    func codec(slice: Int) throws -> any Codec {
      var scan = try #require(try Format(parsing: name).scan())
      for _ in 0..<3 {
        let fresh = scan
        for start in stride(from: 0, to: weights.count, by: slice) {
          var copy = fresh
          copy.observe(weights.span.extracting(start..<min(start + slice, weights.count)))
          if start == 0 { scan = copy } else { scan.merge(copy) }
        }
        if let codec = scan.endPass() { return codec }
      }
      throw Unending()
    }
    let whole = try codec(slice: weights.count).encode(weights.span, rowLength: 64)
    for slice in [64, 1_024, 17_000] {
      #expect(try codec(slice: slice).encode(weights.span, rowLength: 64).bytes == whole.bytes)
    }
  }

  private struct Unending: Error {}

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
