import Consumers
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

struct GuideTests {
  private static let formats = FormatGuide.families.flatMap(\.formats)

  /// Every format that can be chosen has a page; integers those of each kind.
  @Test func everyFamilyIsThere() {
    #expect(Set(Self.formats).count == Self.formats.count)
    for format in FormatList.all {
      switch format {
      case .integer: continue
      case .mlx(let mlx) where mlx.groupLength != 64: continue
      default: #expect(Self.formats.contains(format), "\(format)")
      }
    }
  }

  /// The bits that are drawn are those that are stored.
  @Test(arguments: formats)
  func theBlockHasTheBitsThatAreStored(format: Format) {
    let block = BlockParts(format, rows: 3, rowLength: 512)
    let blocks = 3 * 512 / block.weights
    let stored = 8 * format.storedByteCount(rows: 3, rowLength: 512)
    // NVFP4 has one more scale, for the tensor; zero points are padded once.
    let more = format == .scaledFloat(.nvfp4) ? 32 : 0
    #expect(blocks * block.weights == 3 * 512)
    #expect((blocks * block.bits + more + 7) / 8 * 8 == stored)
    #expect(Set(block.parts.map(\.letter)).count == block.parts.count)
  }

  /// What comes back of weights lies on the levels that are drawn.
  @Test(arguments: formats)
  func weightsComeBackOnTheLevels(format: Format) throws {
    guard let levels = LevelGrid.levels(of: format) else { return }
    #expect(levels == levels.sorted())
    #expect(levels.allSatisfy { abs($0) <= 1 })
    #expect(levels.count >= 2)
    // Types whose groups have scales of their own, and those that round otherwise than to the nearest, don't
    // meet the grid of one scale.
    switch format {
    case .ggml(let type):
      guard [.q80, .tq10, .tq20, .mxfp4].contains(type) else { return }
    case .integer(let integer): guard integer.scheme == .symmetric else { return }
    case .scaledFloat(.nvfp4), .mlx: return
    default: break
    }
    // A power of two, so that scales are exact where they are floats.
    let most: Float = format == .ggml(.mxfp4) || format == .scaledFloat(.mxfp4) ? 6 : 1
    var weights = (0..<512).map { Float($0 * 37 % 512) / 256 - 1 }
    for index in stride(from: 0, to: weights.count, by: 16) {
      weights[index] = index % 32 == 0 ? 1 : -1
    }
    for index in weights.indices { weights[index] *= most }
    var back = [Float](repeating: 0, count: weights.count)
    var span = back.mutableSpan
    format.codec().reconstruct(weights.span, rowLength: 256, into: &span)
    let greatest = back.reduce(0) { max($0, abs($1)) }
    let isWhole =
      switch format {
      case .float, .scaledFloat, .ggml(.mxfp4): true
      default: false
      }
    // The greatest weight has the highest code; of symmetric integers there is one more below.
    let top = Double(levels.last ?? 1)
    let strays = Set(back).filter { value in
      let share = Double(value / greatest) * top
      return !levels.contains { abs($0 - share) < 1e-3 }
    }
    if !isWhole { #expect(strays.isEmpty, "\(format)") }
    if isWhole { #expect(Set(back).count <= levels.count) }
  }

  @Test func knownLevels() {
    #expect(LevelGrid.levels(of: .codeBook(.nf4))?.count == 16)
    #expect(LevelGrid.levels(of: .codeBook(.fp4))?.count == 15)
    #expect(LevelGrid.levels(of: .scaledFloat(.mxfp4))?.count == 15)
    #expect(LevelGrid.levels(of: .float(.f8E4M3))?.count == 253)
    #expect(LevelGrid.levels(of: .float(.f8E5M2))?.count == 247)
    #expect(LevelGrid.levels(of: .ggml(.q4K))?.count == 16)
  }

  @Test(arguments: formats)
  func everyPageCanBeRead(format: Format) throws {
    let words = FormatWords(format)
    #expect(!words.summary.isEmpty && words.text.hasSuffix("."))
    var player = Player(
      try SampleModel.llama().open(), size: Size(columns: 80, rows: 16), answers: .madeUp)
    try player.press("<F6>")
    player.state.guide.format = format
    var seen = player.lines
    for _ in 0..<12 {
      try player.press("<Right>")
      seen += player.lines
    }
    let text = seen.joined(separator: "\n")
    #expect(text.contains("bits per weight"))
    #expect(text.contains("Who takes it"))
    #expect(text.contains("Here"))
    for consumer in Consumer.taking(format) { #expect(text.contains(consumer.rawValue)) }
  }

  @Test func programsAreThoseThatOfferIt() throws {
    func names(_ format: String) throws -> [String] {
      Consumer.taking(try Format(parsing: format)).map(\.rawValue)
    }
    #expect(try names("q4_K") == ["llama-quantize"])
    #expect(try names("nf4") == ["bitsandbytes"])
    #expect(try names("pal4") == ["coremltools"])
    #expect(try names("mlx4:f16") == ["mlx-lm"])
    #expect(try names("int4:mse").contains("gptqmodel"))
    #expect(try names("int4:mse") == names("int4"))
    #expect(try names("fp4") == ["bitsandbytes"])
    #expect(try names("iq4_nl") == ["llama-quantize"])
    #expect(try names("mxfp6") == [])
    #expect(try names("int4:affine:hqq") == [])
  }

  // MARK: - Keys

  private func played(_ keys: String, size: Size = Size(columns: 100, rows: 30)) throws -> Player {
    var player = Player(try SampleModel.llama().open(), size: size, answers: .madeUp)
    try player.press(keys)
    return player
  }

  @Test func theCursorWalks() throws {
    var player = try played("<F6>")
    #expect(player.state.guide.format == .float(.f32))
    try player.press("<Down>j")
    #expect(player.state.guide.format == .float(.bf16))
    try player.press("<Tab>")
    #expect(player.state.guide.format.description == "int8")
    try player.press("<S-Tab>")
    #expect(player.state.guide.format == .float(.f32))
    try player.press("<End>")
    #expect(player.state.guide.format == .ggml(.q10))
    try player.press("<Tab><PgDn><Up>")
    #expect(player.state.guide.format == .ggml(.tq10))
    try player.press("<Home>")
    #expect(player.state.guide.format == .float(.f32))
  }

  /// The view opens on what the tensor has, though it be none of those in the list.
  @Test func theViewFollowsTheTensor() throws {
    var player = try played("4<F6>")
    #expect(player.state.guide.format.description == "int4")
    try player.press("<Down><F1><F6>")
    #expect(player.state.guide.format.description == "int3")
    try player.press("<F1>tint5:affine:channel<Enter><F6>")
    #expect(player.state.guide.format.description == "int5:affine:channel")
    #expect(player.lines.joined().contains("Chosen here"))
    try player.press("<Down>")
    #expect(player.state.guide.format == .float(.f32))
  }

  @Test func enterGivesIt() throws {
    var player = try played("<F6><Tab><Down*3><Enter>")
    #expect(player.changed.values.sorted() == ["int4"])
    try player.press("u<Esc>*<F6><Down><Enter>")
    #expect(player.changed.count == 3)
    #expect(Set(player.changed.values) == ["int3"])
    // Rows of 64 have no K types.
    try player.press("<Tab*6><Enter>")
    #expect(player.state.guide.format == .ggml(.q6K))
    #expect(player.message.contains("doesn't fit"))
    #expect(player.lines.joined().contains("not for this tensor"))
  }

  @Test func figuresAreMeasured() throws {
    let player = try played("<F6><Tab*3>")
    #expect(player.state.guide.format == .codeBook(.nf4))
    #expect(player.lines.contains { $0.contains("NMSE 1.58 % 18.0 dB") })
  }

  @Test func theMouseSelectsAndScrolls() throws {
    var player = try played("<F6>", size: Size(columns: 80, rows: 16))
    let layout = GuideLayout(ScreenLayout(size: player.state.size).body)
    func click(_ point: Point, _ action: MouseEvent.Action) {
      player.take([.input(.mouse(MouseEvent(action, at: point)))])
    }
    click(Point(column: 6, row: layout.list.row + 3), .press(.left))
    #expect(player.state.guide.format == .float(.bf16))
    // A heading is none of them.
    click(Point(column: 6, row: layout.list.row), .press(.left))
    #expect(player.state.guide.format == .float(.bf16))
    click(Point(column: 40, row: layout.page.row + 3), .wheelDown)
    #expect(player.state.guide.scroll == 3)
    click(Point(column: 6, row: layout.list.row + 3), .wheelDown)
    #expect(player.state.guide.format == .float(.f8E4M3))
    #expect(player.state.guide.scroll == 0)
    click(Point(column: 6, row: layout.list.row + 2), .doublePress(.left))
    #expect(player.changed.count == 1)
  }
}
