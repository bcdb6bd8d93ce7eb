import Foundation
import ModelFiles
import Quantization
import SampleSupport
import Testing

@testable import Measurement

/// Checkpoints whose weights are packed in several tensors, decoded by the libraries that made the forms
/// (packed_golden.py has them).
@Suite struct PackedModelTests {
  static let folders = [
    "awq", "float8_blocks", "float8_scales", "gptq_int2", "gptq_int3", "gptq_int4", "gptq_int8",
    "gptq_v2_int4", "int8", "mlx", "mxfp4", "nvfp4", "packed_int2", "packed_int3", "packed_int4",
    "packed_int8",
  ]

  static func folder(_ name: String) throws -> URL {
    let folder = try #require(Bundle.module.url(forResource: "Packed", withExtension: nil))
    return folder.appendingPathComponent(name)
  }

  static func open(_ name: String) throws -> Model {
    try Model.open(try folder(name).path)
  }

  @Test(arguments: folders)
  func weightsAreWhatTheLibrariesDecode(name: String) throws {
    let model = try Self.open(name)
    #expect(model.notes.isEmpty)
    let data = try Data(contentsOf: try Self.folder(name).appendingPathComponent("expected.f32"))
    let expected = data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map {
        let pattern = bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)
        return Float(bitPattern: UInt32(littleEndian: pattern))
      }
    }
    let packed = model.tensors.filter { $0.packing != nil }.sorted { $0.name < $1.name }
    #expect(packed.count >= 2)
    var start = 0
    for tensor in packed {
      #expect(WeightReader.canRead(tensor), "\(tensor.name)")
      let end = start + tensor.weightCount
      try #require(end <= expected.count)
      let found = weights(of: tensor, in: model)
      #expect(found == Array(expected[start..<end]), "\(tensor.name)")
      start = end
      // They can be quantized once more, from what they decode to.
      let isSmall = tensor.weightCount < Suitability.fewestWeights
      #expect(
        tensor.suitability == (isSmall ? .kept(.tiny(tensor.weightCount)) : .quantizable))
      #expect(tensor.source == .packed)
    }
    #expect(start == expected.count)
    // Sizes are true: nothing of the file is lost or counted twice.
    let file = try #require(model.files.first)
    let header = file.withBytes(in: 0..<8) { $0.unsafeLoad(as: UInt64.self) }
    #expect(model.byteCount == file.byteCount - 8 - Int(header))
    for tensor in model.tensors where tensor.packing == nil {
      let isOther =
        tensor.suitability == .kept(.norm)
        || tensor.suitability == .kept(.partOfPacked("part of packed weights"))
      #expect(isOther, "\(tensor.name): \(tensor.suitability)")
    }
  }

  @Test(
    arguments: [
      (
        "awq",
        ["down_proj.weight: AWQ int4 g32 [32, 96]", "up_proj.weight: AWQ int4 g32 [72, 64]"]
      ),
      (
        "float8_blocks",
        [
          "down_proj.weight: F8_E4M3 32x48 [70, 100]",
          "experts.gate_up_proj: F8_E4M3 32x48 [3, 34, 50]",
          "up_proj.weight: F8_E4M3 32x48 [64, 96]",
        ]
      ),
      (
        "float8_scales",
        [
          "down_proj.weight: F8_E4M3 tensor [24, 40]", "extra_proj.weight: F8_E4M3 tensor [24, 40]",
          "gate_proj.weight: F8_E4M3 channel [24, 40]", "up_proj.weight: F8_E4M3 channel [24, 40]",
          "wide_proj.weight: F8_E5M2 channel [24, 40]",
        ]
      ),
      (
        "gptq_int3",
        ["down_proj.weight: GPTQ int3 g32 [32, 96]", "up_proj.weight: GPTQ int3 g32 [96, 64]"]
      ),
      (
        "int8",
        [
          "down_proj.weight: int8 channel [24, 96]", "gate_proj.weight: int8 tensor [24, 96]",
          "up_proj.weight: int8 g32 [24, 96]",
        ]
      ),
      (
        "mxfp4",
        ["experts.down_proj: MXFP4 [3, 10, 128]", "experts.gate_up_proj: MXFP4 [3, 20, 64]"]
      ),
      (
        "nvfp4",
        [
          "down_proj.weight: NVFP4 [24, 64]", "gate_proj.weight: MXFP4 [24, 64]",
          "up_proj.weight: NVFP4 [24, 64]",
        ]
      ),
      (
        "packed_int4",
        [
          "down_proj.weight: int4 g32 [8, 64]", "gate_proj.weight: int4 channel [8, 64]",
          "odd_proj.weight: int4 channel [8, 59]", "up_proj.weight: int4 g32 [40, 64]",
          "wide_proj.weight: int4 channel [40, 64]",
        ]
      ),
      (
        "mlx",
        [
          "mxfp4.weight: MXFP4 [24, 96]", "mxfp8.weight: MXFP8 [24, 96]",
          "nvfp4.weight: NVFP4 [24, 96]",
        ] + [2, 3, 4, 5, 6, 8].map { "w\($0).weight: MLX int\($0) g32 [24, 96]" }
      ),
    ])
  func packedTensorsAreNamed(folder: String, lines: [String]) throws {
    let found = try Self.open(folder).tensors.filter { $0.packing != nil }.map { tensor in
      "\(tensor.name.dropFirst("model.layers.0.mlp.".count)): \(tensor.sourceName) \(tensor.shape)"
    }
    #expect(found.sorted() == lines)
  }

  /// Any rows, and any part of a row, are what they are in the whole.
  @Test(arguments: folders)
  func partsAreReadAlike(name: String) throws {
    let model = try Self.open(name)
    var generator = SeededGenerator(seed: 5)
    for tensor in model.tensors where tensor.packing != nil {
      let whole = weights(of: tensor, in: model)
      let reader = try #require(PackedReader(model: model, tensor: tensor))
      for _ in 0..<20 {
        let row = Int.random(in: 0..<tensor.rows, using: &generator)
        let isPart = Bool.random(using: &generator)
        var range = row * tensor.rowLength..<(row + 1) * tensor.rowLength
        if isPart {
          let length = Int.random(in: 1...tensor.rowLength, using: &generator)
          let start = Int.random(in: 0...tensor.rowLength - length, using: &generator)
          range = range.lowerBound + start..<range.lowerBound + start + length
        } else {
          let rows = Int.random(in: row + 1...tensor.rows, using: &generator)
          range = range.lowerBound..<rows * tensor.rowLength
        }
        var piece = [Float](repeating: -1, count: range.count)
        reader.read(range, into: &piece)
        #expect(piece == Array(whole[range]), "\(tensor.name) \(range)")
      }
    }
  }

  @Test func packedTensorsAreMeasured() throws {
    let model = try Self.open("gptq_int4")
    let tensor = try #require(model.tensors.first { $0.packing != nil })
    let values = weights(of: tensor, in: model)
    var measuring = Measuring(model: model)
    let work = Work.statistics(tensor: tensor.id)
    guard
      case .statistics(let found) =
        try measuring.perform(work, checkpoint: { () throws(Abandoned) in })
    else {
      Issue.record("not measured")
      return
    }
    #expect(found.count == values.count)
    #expect(found.maximum == Double(values.max() ?? 0))
  }

  /// The bytes of packed weights lie in several places: as one range there are none.
  @Test func packedTensorsHaveNoBytesOfTheirOwn() throws {
    let model = try Self.open("mxfp4")
    for tensor in model.tensors where tensor.packing != nil {
      let count = model.withBytes(of: tensor, elements: 0..<tensor.weightCount) { $0.byteCount }
      #expect(count == 0)
      #expect(model.isIntact(tensor))
      let parts = try #require(tensor.packing?.parts)
      #expect(parts.map(\.kind) == [.codes, .scales])
      #expect(parts.reduce(0) { $0 + $1.byteCount } == tensor.byteCount)
      for part in parts {
        #expect(model.withBytes(of: part) { $0.byteCount } == part.byteCount)
      }
    }
  }
}
