import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

extension Canvas {
  /// The styles of its cells.
  var usedStyles: Set<Style> {
    Set(
      (0..<size.rows).flatMap { row in
        (0..<size.columns).map { self[row: row, column: $0].style }
      })
  }
}

struct ThemeTests {
  /// Text on the cells of the scale can be read, in every theme, and the steps stay in order.
  @Test(arguments: ThemeName.allCases) func theScaleIsReadable(name: ThemeName) throws {
    try Theme.$current.withValue(Theme(name, depth: .many)) {
      let styles = (1...HeatScale.steps).map { HeatScale.style(step: $0, depth: .many) }
      #expect(Set(styles.map(\.background)).count == HeatScale.steps)
      var luminance: [Double] = []
      for style in styles {
        let back = try #require(style.background.parts)
        let front = try #require(style.foreground.parts)
        #expect(front.contrast(with: back) >= 4.5)
        luminance.append(back.luminance)
      }
      #expect(luminance == (name == .light ? luminance.sorted(by: >) : luminance.sorted()))
    }
  }

  /// Where there are 256 colours, text of every role has a contrast of 4.5 with the background that it is made for.
  @Test(arguments: [ThemeName.light, .highContrast]) func textIsReadable(name: ThemeName) throws {
    let theme = Theme(name, depth: .many)
    let back = name == .light ? ColorParts.white : .black
    for role in Theme.Role.allCases {
      guard let parts = theme[role].foreground.parts else { continue }
      #expect(parts.contrast(with: back) >= (name == .light ? 4.5 : 7), "\(role)")
    }
  }

  /// Dark leaves the terminal its colours; only high contrast has a background of its own.
  @Test(arguments: ThemeName.allCases, ColorDepth.allCases)
  func backgrounds(name: ThemeName, depth: ColorDepth) throws {
    var options = Options()
    options.theme = name
    options.colors = depth
    let canvas = Player(try SampleModel.llama().open(), options: options).state.draw()
    let backgrounds = Set(canvas.usedStyles.map(\.background))
    let own = name == .highContrast && depth != .none
    #expect(backgrounds == [own ? (depth == .many ? .indexed(16) : .black) : .standard])
    if name == .highContrast {
      #expect(!canvas.usedStyles.contains { $0.attributes.contains(.dim) })
    }
  }

  /// Blue and yellow, light and dark: no two inks of the histogram differ in red and green alone.
  @Test(arguments: ThemeName.allCases, ColorDepth.allCases)
  func rolesThatMeetLookDifferent(name: ThemeName, depth: ColorDepth) {
    let theme = Theme(name, depth: depth)
    guard depth != .none else {
      #expect(theme[.title] != .standard && theme[.failure] != theme[.faint])
      return
    }
    #expect(Set([Theme.Role.source, .reconstructed, .both].map { theme[$0] }).count == 3)
    #expect(Set([Theme.Role.good, .caution, .grave].map { theme[$0] }).count == 3)
  }

  @Test(
    arguments: [
      (nil, ThemeName.dark), ("", .dark), ("15;0", .dark), ("0;15", .light),
      ("0;default;7", .light),
      ("7;8", .dark), ("0;11", .light), ("0;default", .dark), (";", .dark), ("0;16", .dark),
      ("0;-1", .dark),
    ] as [(String?, ThemeName)]) func auto(value: String?, expected: ThemeName)
  {
    let environment = value.map { ["COLORFGBG": $0] } ?? [:]
    #expect(ThemeChoice.auto.theme(environment: environment) == expected)
    for name in ThemeName.allCases {
      #expect(ThemeChoice(rawValue: name.rawValue)?.theme(environment: environment) == name)
    }
  }

  @Test func theThemeChangesWhileItRuns() throws {
    var player = Player(try SampleModel.llama().open())
    var seen: [ThemeName] = []
    for _ in 0..<3 {
      try player.press("T")
      seen.append(player.state.theme)
      #expect(player.message.contains(player.state.theme.rawValue))
    }
    #expect(seen == [.light, .highContrast, .dark])
    try player.press(":theme<Enter>")
    #expect(player.state.theme == .light)
  }

  @Test func theReportHasTheColoursOfTheMap() {
    for (step, color) in Viridis.steps(8).enumerated() {
      let report = Viridis.color(Double(step) / 7)
      #expect(color.parts.map { $0.distance(to: report) < 10_000 } == true, "\(step)")
    }
  }
}
