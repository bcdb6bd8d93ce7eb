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
