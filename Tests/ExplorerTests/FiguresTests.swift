import Testing

@testable import Explorer

struct FiguresTests {
  @Test(arguments: [
    (0, "0 B"), (1, "1 B"), (999, "999 B"), (1_000, "0.977 KiB"), (1_023, "0.999 KiB"),
    (1_024, "1.00 KiB"), (10_230, "9.99 KiB"), (10_240, "10.0 KiB"), (102_400, "100 KiB"),
    (1 << 20, "1.00 MiB"), (8_400_000, "8.01 MiB"), (1 << 30, "1.00 GiB"), (1 << 50, "1.00 PiB"),
    (.max, "8192 PiB"), (-2_048, "-2.00 KiB"),
  ])
  func bytes(count: Int, text: String) { #expect(Figures.bytes(count) == text) }

  @Test(arguments: [
    (0, "0"), (999, "999"), (1_000, "1.00 K"), (576, "576"), (331_776, "332 K"),
    (999_499, "999 K"), (999_500, "1.00 M"), (22_700_000, "22.7 M"), (70_600_000_000, "70.6 B"),
    (.max, "9223372 T"),
  ])
  func counts(count: Int, text: String) { #expect(Figures.count(count) == text) }

  @Test(arguments: [
    (0, "0 %"), (1, "100 %"), (0.006_13, "0.613 %"), (0.000_034, "0.0034 %"),
    (0.000_009_4, "9.4e-4 %"), (0.000_009_51, "0.0010 %"), (1e-12, "1.0e-10 %"),
    (.leastNonzeroMagnitude, "4.9e-322 %"),
    (0.5, "50.0 %"), (1.234, "123 %"), (99.99, "9999 %"), (100, "1.0e4 %"), (1e300, "1.0e302 %"),
    (.infinity, "inf"), (.nan, "?"), (-0.5, "-50.0 %"), (.greatestFiniteMagnitude, "inf"),
  ])
  func percentages(share: Double, text: String) { #expect(Figures.percent(share) == text) }

  @Test(arguments: [
    (0, "0 %"), (0.719, "−71.9 %"), (-1, "+100.0 %"), (1, "−100.0 %"), (-0.0, "0 %"),
  ])
  func savings(share: Double, text: String) {
    #expect(Figures.saving(share, minus: "−") == text)
  }

  @Test(arguments: [
    (1, "1"), (0.999_999_9, "0.999999"), (0.5, "0.500000"), (0, "0.000000"), (-1, "-1.000000"),
    (.nan, "undefined"), (1.000_1, "1"),
  ])
  func cosines(cosine: Double, text: String) { #expect(Figures.cosine(cosine) == text) }

  @Test(arguments: [
    (19.46, "19.5 dB"), (.infinity, "lossless"), (-.infinity, "-inf dB"), (0, "0.0 dB"),
    (-3.21, "-3.2 dB"),
  ])
  func decibels(value: Double, text: String) { #expect(Figures.decibels(value) == text) }

  @Test(arguments: [
    (0, "0"), (0.05, "0.0500"), (-0.309, "-0.309"), (0.001, "0.00100"), (0.000_999, "9.99e-4"),
    (9_999, "9999"), (10_000, "1.00e4"), (1e30, "1.00e30"), (-70_000, "-7.00e4"),
    (1e-38, "1.00e-38"),
    (.infinity, "inf"), (1.5, "1.50"), (12.34, "12.3"), (123.4, "123"),
  ])
  func weights(value: Double, text: String) { #expect(Figures.weight(value) == text) }

  /// Three digits at every size, and no more than eight columns in a table.
  @Test func figuresFitTheirColumns() {
    var value = 1e-30
    while value < 1e30 {
      #expect(Figures.percent(value).count <= 10)
      if value > 1e-10, value < 99 { #expect(Figures.percent(value).count <= 9) }
      value *= 1.37
    }
    var count = 1
    while count < Int.max / 8 {
      #expect(Figures.bytes(count).count <= 9)
      #expect(Figures.count(count).count <= 9)
      count = count * 5 / 3 + 1
    }
  }
}
