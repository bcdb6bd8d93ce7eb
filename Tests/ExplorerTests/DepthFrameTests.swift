import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// Each view as it looks at each depth of colour and in each theme: the text, a letter for the style of each cell under
/// it, and what the letters mean.
struct DepthFrameTests {
  /// What shows as much of a view as can be; a view that isn't named here is simply gone to.
  private static func keys(_ view: View) -> String {
    let plan = "b5bpw<Enter>"
    return switch view {
    case .layers: "jj3kk4"
    case .map: plan + "<F2>o"
    case .frontier: plan + "<F3><Right*5>"
    case .compare: plan + "<F4><Down>"
    default: "4<F\(view.rawValue)>"
    }
  }

  private func frame(_ keys: String, depth: ColorDepth, theme: ThemeName) throws -> Canvas {
    let screen = MemoryScreen(size: Size(columns: 80, rows: 24), depth: depth, glyphs: .unicode)
    var options = Options()
    options.theme = theme
    _ = Session.play(
      try KeyScript.parse(keys), try SampleModel.llama().open(), options: options, plan: nil,
      on: screen)
    return screen.canvas
  }

  private func check(_ canvas: Canvas, _ name: String) throws {
    try Golden.expect(
      canvas.text + [String(repeating: "=", count: 80)] + Golden.styles(canvas), name)
  }

  @Test(arguments: View.allCases, ColorDepth.allCases)
  func viewsAtEachDepth(view: View, depth: ColorDepth) throws {
    let canvas = try frame(Self.keys(view), depth: depth, theme: .dark)
    try check(canvas, "depth-\(view.title.lowercased())-\(depth)")
    // No style says what the terminal can't show.
    for style in canvas.usedStyles { #expect(style.reduced(to: depth) == style) }
  }

  @Test(arguments: View.allCases, [ThemeName.light, .highContrast])
  func viewsInOtherThemes(view: View, theme: ThemeName) throws {
    try check(
      frame(Self.keys(view), depth: .many, theme: theme),
      "theme-\(view.title.lowercased())-\(theme.rawValue)")
  }

  @Test(arguments: ColorDepth.allCases) func theLargeHistogram(depth: ColorDepth) throws {
    try check(frame("4H", depth: depth, theme: .dark), "depth-histogram-\(depth)")
  }

  /// Themes change colours and attributes, no text.
  @Test(arguments: View.allCases) func theTextIsTheSame(view: View) throws {
    let frames = try ThemeName.allCases.map {
      try frame(Self.keys(view), depth: .many, theme: $0).text
    }
    #expect(Set(frames).count == 1)
  }
}
