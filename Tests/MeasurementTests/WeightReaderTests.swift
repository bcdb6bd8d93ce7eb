import Foundation
import Measurement
import ModelFiles
import Quantization
import SampleSupport
import Testing

struct WeightReaderTests {
  @Test(arguments: [
    [1], [5], [32_768], [32_769], [100_000], [1, 1], [3, 7], [70_000, 1], [2, 40_000], [129, 255],
    [1_024, 32], [1_025, 32], [3, 4, 5, 6], [40, 50, 3, 3], [2, 3, 1_000, 16], [],
  ])
  func piecesCoverAllWeightsOnce(shape: [Int]) throws {
    let (model, values) = try ramp(shape)
    let tensor = try #require(model.tensors.first)
    let reader = try #require(WeightReader(model: model, tensor: tensor))
    var all: [Float] = []
    var piece: [Float] = []
    for index in 0..<reader.pieceCount {
      reader.read(piece: index, into: &piece)
      #expect(piece.count % tensor.rowLength == 0)
      #expect(piece.count <= max(WeightReader.pieceLength, tensor.rowLength))
      #expect(!piece.isEmpty)
      all += piece
    }
    #expect(all == values)
  }

  @Test(arguments: [[0], [0, 5], [5, 0], [3, 0, 3, 3]])
  func emptyTensorsHaveNoPieces(shape: [Int]) throws {
    let (model, _) = try ramp(shape)
    let reader = try #require(WeightReader(model: model, tensor: model.tensors[0]))
    #expect(reader.pieceCount == 0)
  }

  @Test func piecesCanBeReadInAnyOrder() throws {
    let (model, values) = try ramp([100, 1_000])
    let reader = try #require(WeightReader(model: model, tensor: model.tensors[0]))
    #expect(reader.pieceCount == 4)
    var piece: [Float] = []
    for index in [3, 0, 2, 1, 3] {
      reader.read(piece: index, into: &piece)
      let start = index * 32_000
      #expect(piece == Array(values[start..<min(start + 32_000, values.count)]))
    }
  }

  /// Each type, by the bytes of two numbers.
  @Test(
    arguments: [
      ("F64", [0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0], [1.5, -2]),
      ("F32", [0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0], [1.5, -2]),
      ("F16", [0, 0x3E, 0, 0xC0], [1.5, -2]), ("BF16", [0xC0, 0x3F, 0, 0xC0], [1.5, -2]),
      ("F8_E4M3", [0x3C, 0xC0], [1.5, -2]), ("F8_E5M2", [0x3E, 0xC0], [1.5, -2]),
      ("I64", [3, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8), [3, -1]),
      ("U64", [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], [3, 4_294_967_296]),
      ("I32", [3, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF], [3, -2]),
      ("U32", [3, 0, 0, 0, 0, 0, 0, 0x80], [3, 2_147_483_648]),
      ("I16", [3, 0, 0, 0x80], [3, -32_768]), ("U16", [3, 0, 0, 0x80], [3, 32_768]),
      ("I8", [3, 0x80], [3, -128]), ("U8", [3, 0x80], [3, 128]), ("BOOL", [0, 1], [0, 1]),
    ] as [(String, [UInt8], [Float])])
  func everyNumericTypeIsRead(type: String, data: [UInt8], values: [Float]) throws {
    let model = try SampleModel([SampleTensor("w", [2], type: type, data: data)]).open()
    #expect(WeightReader.canRead(model.tensors[0].source))
    #expect(weights(of: model.tensors[0], in: model) == values)
  }

  /// Data that begins at an odd byte.
  @Test func alignmentDoesNotMatter() throws {
    let model = try SampleModel([
      SampleTensor("odd", [3], type: "U8", data: [1, 2, 3]),
      SampleTensor("w", [2], values: [0.25, -8]),
    ]).open()
    #expect(weights(of: model.tensors[1], in: model) == [0.25, -8])
  }

  @Test func otherTypesAreRefused() throws {
    let model = try SampleModel.hostile().open()
    let packed = try #require(model.tensors.first { $0.source == .f8E8M0 })
    #expect(!WeightReader.canRead(packed.source))
    #expect(WeightReader(model: model, tensor: packed) == nil)
    let readable = SourceType.allCases.filter(WeightReader.canRead)
    #expect(readable.filter { !$0.isQuantized }.count == 15)
    #expect(readable.filter(\.isQuantized).count == GGMLType.allCases.count)
  }
}
