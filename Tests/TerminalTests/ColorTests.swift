import Testing

@testable import Terminal

@Suite struct ColorTests {
  @Test func reduction() {
    for index in UInt8(0)...255 {
      let color = Color.indexed(index)
      #expect(color.reduced(to: .many) == color)
      #expect(color.reduced(to: .none) == .standard)
      guard case .indexed(let sixteen) = color.reduced(to: .sixteen) else {
        Issue.record("\(index)")
        continue
      }
      #expect(sixteen < 16)
      if index < 16 { #expect(sixteen == index) }
      if case .indexed(let eight) = color.reduced(to: .eight) { #expect(eight < 8) }
      // What is coarser can be had from what is finer.
      #expect(color.reduced(to: .sixteen).reduced(to: .eight) == color.reduced(to: .eight))
      #expect(Color.standard.reduced(to: .eight) == .standard)
    }
  }

  @Test(arguments: [
    (196, 9), (21, 4), (46, 10), (226, 11), (231, 15), (16, 0), (17, 4), (232, 0), (244, 8),
    (255, 7),
  ])
  func nearest(index: Int, expected: Int) {
    #expect(
      Color.indexed(UInt8(index)).reduced(to: .sixteen) == .indexed(UInt8(expected)))
  }

  @Test func differentColorsStayDifferent() {
    for depth in [ColorDepth.eight, .sixteen] {
      for front in UInt8(0)...255 {
        for back in UInt8(0)...255 where front != back {
          let style = Style(foreground: .indexed(front), background: .indexed(back))
            .reduced(to: depth)
          if style.foreground == style.background, style.background != .standard {
            Issue.record("\(front) on \(back)")
          }
        }
      }
    }
    let style = Style(foreground: .red, background: .blue, attributes: [.bold, .underline])
    #expect(style.reduced(to: .none) == Style(attributes: [.bold, .underline]))
  }

  @Test(arguments: ColorDepth.allCases)
  func textStays(depth: ColorDepth) {
    var canvas = Canvas(size: Size(columns: 20, rows: 13))
    for index in 0..<256 {
      canvas.write(
        "x", at: Point(column: index % 20, row: index / 20),
        style: Style(foreground: .indexed(UInt8(index)), background: .grey(index % 24)))
    }
    #expect(canvas.reduced(to: depth).text == canvas.text)
    let screen = MemoryScreen(size: canvas.size, depth: depth)
    screen.show(canvas)
    #expect(screen.canvas.text == canvas.text)
    #expect(
      screen.canvas.legend.count <= [.none: 0, .eight: 64, .sixteen: 256, .many: 256][depth] ?? 0)
  }

  @Test(
    arguments: [
      (ColorChoice.auto, nil, ColorDepth.many), (.auto, "", .many), (.auto, "1", .none),
      (.always, "1", .many), (.never, nil, .none), (.never, "1", .none),
    ] as [(ColorChoice, String?, ColorDepth)])
  func decision(choice: ColorChoice, noColor: String?, expected: ColorDepth) {
    let environment = noColor.map { ["NO_COLOR": $0] } ?? [:]
    #expect(choice.depth(terminalColors: 256, environment: environment) == expected)
    #expect(choice.depth(terminalColors: 0, environment: environment) == .none)
  }

  @Test func depths() {
    #expect(
      [-1, 0, 2, 8, 15, 16, 88, 256, 1 << 24].map(ColorDepth.init(colors:)) == [
        .none, .none, .none, .eight, .eight, .sixteen, .sixteen, .many, .many,
      ])
  }
}
