import Consumers
import ModelFiles
import Planning
import Quantization
import Testing

@testable import Explorer

struct LadderTests {
  private func tensor(_ source: SourceType, _ shape: [Int] = [128, 256]) -> Tensor {
    Tensor(id: 0, name: "blk.0.attn_q.weight", shape: shape, source: source)
  }

  private func choice(_ name: String) throws -> Choice {
    name == "source" ? .source : .format(try Format(parsing: name))
  }

  @Test(arguments: [
    (
      SourceType.f32,
      "source f16 bf16 int8 f8_e4m3 f8_e5m2 int6 int5 int4 int3 int2"
    ),
    (.bf16, "source int8 f8_e4m3 f8_e5m2 int6 int5 int4 int3 int2"),
    (.f16, "source int8 f8_e4m3 f8_e5m2 int6 int5 int4 int3 int2"),
    (.f8E4M3, "source int6 int5 int4 int3 int2"),
  ])
  func theUsualLadderSavesAtEachRung(source: SourceType, rungs: String) {
    let ladder = Ladder(
      tensor: tensor(source), choice: .source, family: .standard, formats: nil)
    #expect(ladder.rungs.map(\.description).joined(separator: " ") == rungs)
  }

  @Test(arguments: ["int4:affine:g32", "int7", "f32", "int8:channel:mse", "source", "bf16"])
  func theChoiceAlwaysStandsOnIt(name: String) throws {
    let choice = try choice(name)
    for formats: [Format]? in [nil, [], [.float(.f8E4M3)], [.float(.f16), .float(.f16)]] {
      let ladder = Ladder(
        tensor: tensor(.bf16), choice: choice, family: .standard, formats: formats)
      #expect(ladder.rungs.contains(choice))
      #expect(ladder.rungs.first == .source)
      #expect(Set(ladder.rungs).count == ladder.rungs.count)
      let bytes = ladder.rungs.dropFirst().map { $0.byteCount(of: tensor(.bf16)) }
      #expect(bytes == bytes.sorted(by: >))
    }
  }

  /// The family of an integer choice is the family of its ladder.
  @Test func stepsKeepTheFamily() throws {
    let ladder = Ladder(
      tensor: tensor(.bf16), choice: try choice("int4:affine:g32:mse"), family: .standard,
      formats: nil)
    #expect(
      ladder.step(from: try choice("int4:affine:g32:mse"), by: 1).description
        == "int3:affine:g32:mse")
    #expect(
      ladder.step(from: try choice("int4:affine:g32:mse"), by: -1).description
        == "int5:affine:g32:mse")
  }

  @Test(arguments: [1, 2, 5, 100, 1_000_000_000, -1, -3, -1_000_000_000, 0])
  func stepsStayOnTheLadder(steps: Int) {
    let ladder = Ladder(tensor: tensor(.f32), choice: .source, family: .standard, formats: nil)
    for (index, rung) in ladder.rungs.enumerated() {
      let expected = ladder.rungs[min(max(index + steps, 0), ladder.rungs.count - 1)]
      #expect(ladder.step(from: rung, by: steps) == expected)
    }
  }

  @Test func aCustomLadderIsOrderedAndWithoutWhatSavesNothing() throws {
    let formats = try ["int2", "f32", "int6", "int2", "f16", "int4:g32"].map {
      try Format(parsing: $0)
    }
    let ladder = Ladder(
      tensor: tensor(.f16), choice: .source, family: .standard, formats: formats)
    #expect(ladder.rungs.map(\.description) == ["source", "int6", "int4:g32", "int2"])
  }

  /// The list that `t` opens: every format once, and each can be read back from its name.
  @Test func theWholeListHoldsEachFormatOnce() throws {
    #expect(Set(FormatList.all).count == FormatList.all.count)
    for format in FormatList.all { #expect(try Format(parsing: format.description) == format) }
  }

  @Test(arguments: [
    ("int4", "int4:affine", 0), ("affine", "int4:affine", 1), ("i4a", "int4:affine", 5),
    ("INT4", "int4", 0), ("4int", "int4", nil), ("", "int4", 0), ("zz", "int4", nil),
    ("in t4", "int4", 2),
  ])
  func typingFindsFormats(text: String, name: String, score: Int?) {
    #expect(fuzzyScore(text, in: name) == score)
  }
}

extension Ladder {
  /// The ladder of a tensor, which can have every format that its rows fit.
  init(tensor: Tensor, choice: Choice, family: IntegerFormat, formats: [Format]?) {
    let kind = LadderKind(choice) ?? .integers
    let family = Self.family(of: choice, default: family)
    let usual = kind.formats(family: family, rowLength: tensor.rowLength)
    self.init(tensor: tensor, choice: choice, formats: formats ?? usual) {
      $0.objection(rowLength: tensor.rowLength).map { FormatRefusal(reason: $0) }
    }
  }
}
