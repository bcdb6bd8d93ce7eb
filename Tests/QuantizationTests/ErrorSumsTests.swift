import Quantization
import Testing

@Suite struct ErrorSumsTests {
  @Test func figuresWorkedByHand() {
    let figures = errorSums([3, -4, 0, 12], [3, -3, 1, 12]).figures
    #expect(figures.mse == 0.5)
    #expect(figures.rmse == 0.5.squareRoot())
    #expect(figures.nmse == 2.0 / 169)
    #expect(abs(figures.sqnr - 19.26856708949692) < 1e-12)
    #expect(figures.maxError == 1)
    #expect(figures.cosine == 165 / (169.0 * 163).squareRoot())
  }

  @Test func whatIsNotFiniteIsCountedAndKeptOut() {
    let sums = errorSums([1, .nan, .infinity, -.infinity, 2], [1, 5, 5, .nan, 1])
    #expect((sums.count, sums.nan, sums.infinite) == (2, 1, 2))
    #expect(sums.squaredError == 1 && sums.squares == 5 && sums.maxError == 1)
    let lost = errorSums([1, 70_000], [1, .infinity])
    #expect(lost.notFiniteReconstructed == 1 && lost.count == 2)
    #expect(lost.figures.mse == .infinity && lost.figures.sqnr == -.infinity)
  }

  @Test func degenerateFigures() {
    #expect(ErrorSums().figures.mse == 0 && ErrorSums().figures.cosine == 1)
    let exact = errorSums([0, 0], [0, 0]).figures
    #expect(exact.nmse == 0 && exact.sqnr == .infinity && exact.cosine == 1)
    let invented = errorSums([0, 0], [1, 0]).figures
    #expect(invented.nmse == .infinity && invented.sqnr == -.infinity && invented.cosine == 0)
    let huge = errorSums([3e38, -3e38], [-3e38, 3e38]).figures
    #expect(huge.maxError > 5.9e38 && huge.cosine == -1 && huge.nmse == 4)
    let denormal = errorSums([0x1p-149, 0x1p-148], [0, 0]).figures
    #expect(denormal.nmse == 1 && denormal.maxError > 0 && denormal.cosine == 0)
  }

  /// Against plain sums, at lengths around those at which the kernel changes its way.
  @Test func sumsEqualPlainOnes() {
    var random = SplitMix(state: 8)
    for count in [1, 15, 16, 17, 511, 512, 513, 1024, 1031, 4096] {
      var w = random.normal(count)
      let r = random.normal(count)
      if count > 20 { w[count / 2] = .nan }
      let sums = errorSums(w, r)
      let pairs = zip(w, r).filter { $0.0.isFinite }.map { (Double($0), Double($1)) }
      #expect(sums.count == pairs.count)
      let plain = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      #expect(abs(sums.squaredError - plain) <= 1e-12 * plain)
      let products = pairs.reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(sums.products - products) <= 1e-10)
      #expect(sums.maxError == pairs.map { abs($0.0 - $0.1) }.max())
      let half = count / 2
      let parts =
        errorSums(Array(w[..<half]), Array(r[..<half]))
        + errorSums(Array(w[half...]), Array(r[half...]))
      #expect(parts.count == sums.count && parts.maxError == sums.maxError)
      #expect(abs(parts.squares - sums.squares) <= 1e-12 * sums.squares)
    }
  }
}

@Suite struct WeightedSumsTests {
  /// Against the definition, in rows of any length and pieces of any size.
  @Test(arguments: [1, 7, 8, 9, 33, 256]) func sumsFollowTheDefinition(rowLength: Int) {
    var random = SplitMix(state: 3)
    let weights = random.normal(12 * rowLength)
    let reconstructed = random.normal(12 * rowLength)
    let importance = random.normal(rowLength).map { $0 * $0 }
    var expected = (error: 0.0, squares: 0.0)
    for index in weights.indices {
      let a = Double(importance[index % rowLength])
      let (w, r) = (Double(weights[index]), Double(reconstructed[index]))
      expected.error += a * (w - r) * (w - r)
      expected.squares += a * w * w
    }
    for rows in [12, 4, 1] {
      var sums = ErrorSums()
      for start in stride(from: 0, to: weights.count, by: rows * rowLength) {
        let piece = start..<start + rows * rowLength
        var part = ErrorSums()
        part.add(
          weights.span.extracting(piece), reconstructed.span.extracting(piece),
          rowLength: rowLength, importance: importance.span)
        sums += part
      }
      let weighted = sums.weighted ?? WeightedSums()
      #expect(abs(weighted.squaredError - expected.error) <= 1e-12 * expected.error)
      #expect(abs(weighted.squares - expected.squares) <= 1e-12 * expected.squares)
      #expect(sums.figures.weightedNmse == weighted.nmse)
      #expect(sums.count == weights.count)
    }
  }

  @Test func equalImportanceIsNone() {
    var random = SplitMix(state: 4)
    let (weights, reconstructed) = (random.normal(960), random.normal(960))
    let ones = [Float](repeating: 0.5, count: 96)
    var sums = ErrorSums()
    sums.add(weights.span, reconstructed.span, rowLength: 96, importance: ones.span)
    let figures = sums.figures
    #expect(abs((figures.weightedNmse ?? 0) - figures.nmse) <= 1e-13 * figures.nmse)
  }

  @Test func withoutImportanceThereIsNoFigure() {
    let weights: [Float] = [1, 2, 3]
    var sums = ErrorSums()
    sums.add(weights.span, weights.span, rowLength: 3, importance: [Float]().span)
    #expect(sums.weighted == nil)
    #expect(sums.figures.weightedNmse == nil)
    #expect((sums + sums).weighted == nil)
  }

  @Test func whatIsNotFiniteStaysOut() {
    let weights: [Float] = [1, .nan, .infinity, 2]
    let reconstructed: [Float] = [2, 1, 1, 2]
    let importance: [Float] = [3, 5, 7, 11]
    var sums = ErrorSums()
    sums.add(weights.span, reconstructed.span, rowLength: 4, importance: importance.span)
    #expect(sums.weighted?.squaredError == 3)
    #expect(sums.weighted?.squares == 47)
  }
}
