import Foundation
import ModelFiles
import Planning
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// A model, keys and a screen, with the name of the frame that they lead to.
struct Scene: Sendable, CustomTestStringConvertible {
  let name: String
  let columns: Int
  let rows: Int
  let keys: String
  var isASCII = false
  var hasStyles = false
  var model: @Sendable () -> SampleModel = { .llama() }

  init(
    _ name: String, _ columns: Int, _ rows: Int, _ keys: String, isASCII: Bool = false,
    hasStyles: Bool = false, model: @escaping @Sendable () -> SampleModel = { .llama() }
  ) {
    self.name = name
    self.columns = columns
    self.rows = rows
    self.keys = keys
    self.isASCII = isASCII
    self.hasStyles = hasStyles
    self.model = model
  }

  var testDescription: String { name }

  func screen(depth: ColorDepth = .many) -> MemoryScreen {
    MemoryScreen(
      size: Size(columns: columns, rows: rows), depth: depth,
      glyphs: isASCII ? .ascii : .unicode)
  }

  /// The keys of every scene of an edited model: three formats, one of them two steps down.
  static let edits = "4jj3j<Right*2>"

  static let all: [Scene] = [
    Scene("layers-80x24", 80, 24, edits, hasStyles: true),
    Scene("layers-120x36", 120, 36, edits),
    Scene("layers-200x60", 200, 60, edits),
    Scene("layers-60x16", 60, 16, edits),
    Scene("layers-40x10", 40, 10, edits),
    Scene("layers-39x9", 39, 9, edits),
    Scene("too-small-20x3", 20, 3, ""),
    Scene("layers-ascii-80x24", 80, 24, edits, isASCII: true),
    Scene("layers-ascii-120x36", 120, 36, edits, isASCII: true),
    Scene("layers-ascii-200x60", 200, 60, edits, isASCII: true),
    Scene("untouched-80x24", 80, 24, ""),
    Scene("folded-80x24", 80, 24, "4Z"),
    Scene("group-120x36", 120, 36, edits + "<Enter>"),
    Scene("group-200x60", 200, 60, edits + "<Enter>"),
    Scene("ladder-120x36", 120, 36, "4<Tab><Down>", hasStyles: true),
    Scene("ladder-ascii-80x24", 80, 24, "4<Tab><Down>", isASCII: true),
    Scene("kept-120x36", 120, 36, "G4"),
    Scene("logarithmic-120x36", 120, 36, "4L"),
    Scene("histogram-80x24", 80, 24, "4H", hasStyles: true),
    Scene("histogram-120x36", 120, 36, "3Hiii<Left*2>"),
    Scene("histogram-200x60", 200, 60, "4HE"),
    Scene("histogram-60x16", 60, 16, "4H"),
    Scene("histogram-40x10", 40, 10, "4H"),
    Scene("histogram-ascii-80x24", 80, 24, "4H", isASCII: true),
    Scene("histogram-ascii-120x36", 120, 36, "tnf4<Enter>HL", isASCII: true),
    Scene("histogram-source-80x24", 80, 24, "H"),
    Scene(
      "histogram-outliers-120x36", 120, 36, "/outl<Enter>t_16<Enter>Hoooo", model: { .hostile() }),
    Scene("histogram-hostile-80x24", 80, 24, "<Down*2>H", model: { .hostile() }),
    Scene("help-80x24", 80, 24, "?"),
    Scene("help-end-80x24", 80, 24, "?G"),
    Scene("help-ascii-120x50", 120, 50, "?", isASCII: true),
    Scene("formats-80x24", 80, 24, "t"),
    Scene("formats-typed-120x36", 120, 36, "t4aff<Down>"),
    Scene("formats-none-80x24", 80, 24, "txyzzy"),
    Scene("messages-80x24", 80, 24, "4*5xuG4!", hasStyles: true),
    Scene("messages-none-60x16", 60, 16, "!"),
    Scene("messages-ascii-60x16", 60, 16, "*4uG4!", isASCII: true),
    Scene("copied-80x24", 80, 24, "y"),
    Scene("copied-marked-80x24", 80, 24, "*y"),
    Scene("report-prompt-80x24", 80, 24, "4R"),
    Scene("palette-recent-80x24", 80, 24, "4:undo<Enter>:"),
    Scene("palette-80x24", 80, 24, ":"),
    Scene("palette-typed-80x24", 80, 24, ":undo"),
    Scene("form-80x24", 80, 24, "4c"),
    Scene("form-percentile-120x36", 120, 36, "4c<Down*2><Right><Down>"),
    Scene("form-ascii-60x16", 60, 16, "c", isASCII: true),
    Scene("solve-80x24", 80, 24, "b", hasStyles: true),
    Scene("solve-120x36", 120, 36, "b<lt>0.5%<Down*2><Space><Right><Space><Down*3><Space*3>"),
    Scene("solve-60x16", 60, 16, "b<Down*9><Space>"),
    Scene("solve-ascii-80x24", 80, 24, "b<Down*5>", isASCII: true),
    Scene("solve-formats-80x24", 80, 24, "b<Down*5><Tab*2><Space>j<Space>"),
    Scene("solve-impossible-80x24", 80, 24, "b1bpw<Enter>"),
    Scene("solve-mixture-80x24", 80, 24, "b", model: { .mixture() }),
    Scene("solved-80x24", 80, 24, "b4.5bpw<Enter>"),
    Scene("solved-fraction-80x24", 80, 24, "2pb40%<Enter>"),
    Scene("frontier-80x24", 80, 24, "b5bpw<Enter><F3><Right*5>", hasStyles: true),
    Scene("frontier-120x36", 120, 36, "b5bpw<Enter><F3><Right*5>", hasStyles: true),
    Scene("frontier-200x60", 200, 60, "b5bpw<Enter><F3><Right*5>"),
    Scene("frontier-60x16", 60, 16, "b5bpw<Enter><F3>"),
    Scene("frontier-40x10", 40, 10, "b5bpw<Enter><F3>"),
    Scene("frontier-ascii-80x24", 80, 24, "b5bpw<Enter><F3><Right*5>", isASCII: true),
    Scene("frontier-ascii-120x36", 120, 36, "b5bpw<Enter><F3><Tab>", isASCII: true),
    Scene("frontier-worst-80x24", 80, 24, "b<Down><Left><Enter><F3><Right>"),
    Scene("frontier-nothing-80x24", 80, 24, "<F3>", model: { SampleModel([]) }),
    Scene("savings-80x24", 80, 24, "b5bpw<Enter><lt><Down*2>", hasStyles: true),
    Scene("improvements-120x36", 120, 36, "b5bpw<Enter>><Right>"),
    Scene("improvements-ascii-60x16", 60, 16, "b5bpw<Enter>>", isASCII: true),
    Scene("compare-80x24", 80, 24, "b5bpw<Enter><F4><Down>", hasStyles: true),
    Scene("compare-120x36", 120, 36, "b6bpw<Enter>b4bpw<Enter><F4>oo"),
    Scene("compare-200x60", 200, 60, "b6bpw<Enter>b4bpw<Enter><F4>"),
    Scene("compare-60x16", 60, 16, "4j3<F4>"),
    Scene("compare-ascii-80x24", 80, 24, "4j3<F4>", isASCII: true),
    Scene("compare-same-80x24", 80, 24, "<F4>"),
    Scene("map-80x24", 80, 24, edits + "<F2>", hasStyles: true),
    Scene("map-120x36", 120, 36, "b5bpw<Enter><F2>"),
    Scene("map-200x60", 200, 60, "b5bpw<Enter><F2>o"),
    Scene("map-60x16", 60, 16, "b5bpw<Enter><F2>ooo"),
    Scene("map-40x10", 40, 10, "b5bpw<Enter><F2>"),
    Scene("map-ascii-80x24", 80, 24, "b5bpw<Enter><F2>o", isASCII: true),
    Scene("map-size-80x24", 80, 24, "b5bpw<Enter><F2>oo<End>"),
    Scene("map-gain-80x24", 80, 24, "b5bpw<Enter><F2>ooo*", hasStyles: true),
    Scene("map-mixture-80x24", 80, 24, "4<F2><Down>3", model: { .mixture() }),
    Scene("map-hostile-80x24", 80, 24, "<F2>4o", model: { .hostile() }),
    Scene("map-single-80x24", 80, 24, "2<F2>o", model: { .single() }),
    Scene("map-nothing-80x24", 80, 24, "<F2>", model: { SampleModel([]) }),
    Scene("channels-80x24", 80, 24, "4<F5>", hasStyles: true),
    Scene("channels-120x36", 120, 36, "/mlp.down<Enter>3<F5>o", hasStyles: true),
    Scene("channels-200x60", 200, 60, "4<F5><Tab>"),
    Scene("channels-60x16", 60, 16, "4<F5><Down*2>"),
    Scene("channels-40x10", 40, 10, "4<F5>"),
    Scene("channels-ascii-80x24", 80, 24, "4<F5><Tab>oo", isASCII: true),
    Scene("channels-ascii-120x36", 120, 36, "tq8_0<Enter><F5>", isASCII: true),
    Scene("channels-source-80x24", 80, 24, "<F5><Tab>"),
    Scene("channels-kept-80x24", 80, 24, "G<F5>"),
    Scene("channels-group-80x24", 80, 24, "k<F5>"),
    Scene(
      "channels-outliers-80x24", 80, 24, "/outl<Enter>tint4<Enter><F5>ooo",
      model: { .hostile() }),
    Scene("channels-nothing-80x24", 80, 24, "<F5>", model: { SampleModel([]) }),
    Scene("guide-80x24", 80, 24, "4<F6>", hasStyles: true),
    Scene("guide-120x36", 120, 36, "4c<Right><Enter><F6><End><Up*10>"),
    Scene("guide-200x60", 200, 60, "<F6><Tab*7><Down*2>"),
    Scene("guide-60x16", 60, 16, "4<F6><Right*2>"),
    Scene("guide-40x10", 40, 10, "4<F6>"),
    Scene("guide-ascii-80x24", 80, 24, "<F6><Tab*3>", isASCII: true),
    Scene("guide-refused-80x24", 80, 24, "<F6><Tab*8><Down*4><Right*3>"),
    Scene("guide-nothing-120x36", 120, 36, "<F6><Tab*2><Down*4>", model: { SampleModel([]) }),
    Scene("search-80x24", 80, 24, "/up_"),
    Scene("search-none-80x24", 80, 24, "/xyzzy"),
    Scene("filter-80x24", 80, 24, "f*.mlp.*"),
    Scene("filtered-80x24", 80, 24, "f/attn.*(q|k)/<Enter>"),
    Scene("filter-none-80x24", 80, 24, "fxyzzy<Enter>"),
    Scene("mark-prompt-80x24", 80, 24, "mmlp"),
    Scene("marked-80x24", 80, 24, "*<Down>4"),
    Scene("range-80x24", 80, 24, "vjj"),
    Scene("save-as-80x24", 80, 24, "S"),
    Scene("quit-80x24", 80, 24, "4q"),
    Scene("quit-40x10", 40, 10, "4q"),
    Scene("pinned-80x24", 80, 24, "4pj3"),
    Scene("refused-80x24", 80, 24, "G4"),
    Scene("unknown-key-80x24", 80, 24, "x"),
    Scene("mixture-80x24", 80, 24, "<Enter>", model: { .mixture() }),
    Scene("mixture-filtered-80x24", 80, 24, "fexperts.1.<Enter>", model: { .mixture() }),
    Scene("hostile-80x24", 80, 24, "<Down*3>4", model: { .hostile() }),
    Scene("hostile-values-120x36", 120, 36, "/outl<Enter>t_16<Enter>", model: { .hostile() }),
    Scene("hostile-ascii-80x24", 80, 24, "<Down*3>4", isASCII: true, model: { .hostile() }),
    Scene("nothing-80x24", 80, 24, "4", model: { SampleModel([]) }),
    Scene("single-120x36", 120, 36, "2", model: { .single() }),
  ]
}

struct FrameTests {
  @Test(arguments: Scene.all)
  func framesAreAsTheyWere(scene: Scene) throws {
    let screen = scene.screen()
    _ = Session.play(
      try KeyScript.parse(scene.keys), try scene.model().open(), options: Options(), plan: nil,
      on: screen)
    try Golden.expect(screen.canvas.text, scene.name)
    if scene.hasStyles {
      try Golden.expect(Golden.styles(screen.canvas), scene.name + ".styles")
    }
    for line in screen.canvas.text {
      #expect(line.columns <= scene.columns)
      if scene.isASCII { #expect(line.utf8.allSatisfy { (0x20...0x7E).contains($0) }) }
      #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
    }
  }

  /// Nothing is told by colour alone: the text is the same at every depth.
  @Test(arguments: Scene.all)
  func colourAddsNothingToTheText(scene: Scene) throws {
    let model = try scene.model().open()
    var frames: [[String]] = []
    for depth in [ColorDepth.none, .eight, .sixteen, .many] {
      let screen = scene.screen(depth: depth)
      _ = Session.play(
        try KeyScript.parse(scene.keys), model, options: Options(), plan: nil, on: screen)
      frames.append(screen.canvas.text)
    }
    #expect(Set(frames).count == 1)
  }

  /// What the screen says before anything was measured, and after.
  @Test func figuresToComeAreShownAsSuch() throws {
    let model = try SampleModel.llama().open()
    var player = Player(model, size: Size(columns: 120, rows: 36))
    try player.press("4j*3")
    try Golden.expect(player.lines, "waiting-120x36")
    #expect(player.lines.joined().contains("measuring 0/"))
    player.answers = .real
    player.take([.input(.wake)])
    #expect(!player.lines.joined().contains("measuring"))
  }

  @Test(arguments: [("overwrite", "the file is there"), ("changed", "changed")])
  func questionsAboutFiles(name: String, text: String) throws {
    let folder = try ScratchFolder()
    var player = Player(try SampleModel.llama(blocks: 1).open(), answers: .madeUp)
    try player.press("4S<C-u>")
    player.state.planPath = nil
    if name == "changed" {
      player.type(folder["p"])
      try player.press("<Enter>")
      try folder.write("p", text)
      try player.press("5s")
    } else {
      try folder.write("p", text)
      player.type(folder["p"])
      try player.press("<Enter>")
    }
    let lines = player.lines.map { $0.replacing(folder.path, with: "FOLDER") }
    let row = try #require(lines.firstIndex { $0.contains("FOLDER") })
    #expect(lines[row - 1].contains(name == "changed" ? "changed by somebody" : "there already"))
    #expect(lines[row...].joined().contains("[o] overwrite"))
    #expect(folder.text("p") == text)
  }

  /// The colours that there are, where there are fewer.
  @Test(arguments: [ColorDepth.eight, .sixteen, .none])
  func theMapInFewerColours(depth: ColorDepth) throws {
    let scene = Scene("map-\(depth)-80x24", 80, 24, "b5bpw<Enter><F2>oo")
    let screen = scene.screen(depth: depth)
    _ = Session.play(
      try KeyScript.parse(scene.keys), try scene.model().open(), options: Options(), plan: nil,
      on: screen)
    try Golden.expect(Golden.styles(screen.canvas), scene.name + ".styles")
  }

  @Test func theQuestionAboutAnotherModel() throws {
    let other = Player(try SampleModel.llama(blocks: 2, seed: 5).open(name: "other"))
    let player = Player(
      try SampleModel.llama(blocks: 1).open(), plan: (plan: other.state.makePlan(), stamp: nil))
    try Golden.expect(player.lines, "other-model-80x24")
  }
}
