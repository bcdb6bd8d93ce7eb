import ModelFiles
import Planning
import Quantization
import SampleSupport
import Testing

@testable import Explorer

/// Formats that a tensor's rows may not fit: the block types of ggml.
struct BlockFormatTests {
  private let model: Model

  init() throws {
    var generator = SeededGenerator(seed: 1)
    model = try SampleModel([
      .random("a.q_proj.weight", [32, 64], from: &generator),
      .random("b.q_proj.weight", [32, 256], from: &generator),
      .random("c.q_proj.weight", [32, 100], from: &generator),
    ]).open()
  }

  private func formats(_ names: String...) throws -> [Format] {
    try names.map { try Format(parsing: $0) }
  }

  @Test(arguments: [
    (0, "source int8 q4_0 nvfp4 mxfp4"), (1, "source int8 q4_0 nvfp4 mxfp4 tq2_0"),
    (2, "source int8"),
  ])
  func ladderOffersWhatFits(tensor: Int, rungs: String) throws {
    let ladder = Ladder(
      tensor: model.tensors[tensor], choice: .source, family: .standard,
      formats: try formats("int8", "q4_0", "mxfp4", "nvfp4", "tq2_0"))
    #expect(ladder.rungs.map(\.description).joined(separator: " ") == rungs)
  }

  @Test func aChosenFormatStaysOnTheLadder() throws {
    let ladder = Ladder(
      tensor: model.tensors[2], choice: .format(.ggml(.q40)), family: .standard, formats: nil)
    #expect(ladder.rungs.contains(.format(.ggml(.q40))))
  }

  @Test func aFormatThatFitsIsTaken() throws {
    var player = Player(model, answers: .real)
    try player.press("tQ8_0<Enter>")
    #expect(player.state.choice(of: 0) == .format(.ggml(.q80)))
    #expect(player.state.measurement(of: 0, .ggml(.q80))?.figures.nmse.isFinite == true)
  }

  @Test func aFormatThatDoesNotFitSaysWhy() throws {
    var player = Player(model)
    try player.press("ttq2_0<Enter>")
    #expect(player.state.choice(of: 0) == .source)
    #expect(
      player.message == "tq2_0 doesn't fit: rows of 64 aren't a multiple of 256")
    try player.press("tiq2_xxs<Enter>")
    #expect(player.state.choice(of: 0) == .source)
  }

  @Test func marksThatDoNotFitAreLeft() throws {
    var player = Player(model)
    try player.press("<Space*3>tq4_0<Enter>")
    let choices = (0..<3).map { player.state.choice(of: $0).description }
    #expect(choices == ["q4_0", "q4_0", "source"])
    #expect(
      player.message
        == "1 tensor left: q4_0 doesn't fit: rows of 100 aren't a multiple of 32")
  }

  @Test func thePickerListsWhatFits() throws {
    for (keys, listed) in [("", [true, false]), ("j", [true, true]), ("jj", [false, false])] {
      var player = Player(model)
      try player.press(keys + "t")
      guard case .picker(let picker) = player.state.modal else {
        Issue.record("no picker")
        return
      }
      let items = player.state.items(of: picker)
      let names = Set(items.filter { !$0.isRefused }.map(\.name))
      let refused = items.filter(\.isRefused).map(\.name)
      #expect(names.contains("q4_K") == (keys == "j"))
      #expect(refused.contains("q4_K") == (keys != "j"))
      // What can't be had comes last.
      #expect(items.suffix(refused.count).allSatisfy { $0.isRefused })
      #expect([names.contains("q4_0"), names.contains("tq2_0")] == listed)
    }
  }
}
