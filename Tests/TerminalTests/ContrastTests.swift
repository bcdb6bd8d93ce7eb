import Terminal
import Testing

@Suite struct ContrastTests {
  /// Pairs as WCAG's own examples and calculators give them.
  @Test(
    arguments: [
      ((0, 0, 0), (255, 255, 255), 21.0), ((255, 0, 0), (255, 255, 255), 3.998),
      ((118, 118, 118), (255, 255, 255), 4.542), ((0, 0, 255), (0, 0, 0), 2.444),
      ((255, 255, 0), (255, 255, 255), 1.074),
    ] as [((Int, Int, Int), (Int, Int, Int), Double)])
  func ratios(_ a: (Int, Int, Int), _ b: (Int, Int, Int), _ ratio: Double) {
    let first = ColorParts(red: a.0, green: a.1, blue: a.2)
    let second = ColorParts(red: b.0, green: b.1, blue: b.2)
    #expect(abs(first.contrast(with: second) - ratio) < 0.001)
    #expect(first.contrast(with: second) == second.contrast(with: first))
  }

  @Test func partsOfTheCubeAndTheGreys() {
    #expect(Color.indexed(16).parts == .black && Color.indexed(231).parts == .white)
    #expect(Color.indexed(244).parts == ColorParts(red: 128, green: 128, blue: 128))
    #expect(Color.standard.parts == nil && Color.red.parts == nil)
    #expect(ColorParts(red: -5, green: 300, blue: 7) == ColorParts(red: 0, green: 255, blue: 7))
    // There is always one of the two that can be read.
    for index in UInt8(16)...255 {
      guard let parts = Color.indexed(index).parts else { continue }
      #expect(parts.contrast(with: parts.textOnIt) >= 4.5)
    }
  }
}
