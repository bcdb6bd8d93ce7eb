import Foundation
import ModelFiles
import Quantization
import Testing

@testable import Measurement

/// A GGUF file with tensors in the block types of ggml: rows of a model that llama-quantize wrote, decoded by
/// the PyPI package gguf (ggml_golden.py has both).
@Suite struct QuantizedModelTests {
  static func file(_ name: String) throws -> URL {
    let folder = try #require(Bundle.module.url(forResource: "Quantized", withExtension: nil))
    return folder.appendingPathComponent(name)
  }

  @Test func quantizedTensorsReadAsNumbers() throws {
    let model = try Model.open(try Self.file("mixed.gguf").path)
    let expected = try Data(contentsOf: try Self.file("expected.f32")).withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map {
        Float(
          bitPattern: UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
    #expect(Set(model.tensors.map(\.source)).count == 14)
    var start = 0
    for tensor in model.tensors {
      #expect(WeightReader.canRead(tensor.source), "\(tensor.source)")
      let found = weights(of: tensor, in: model)
      #expect(
        found == Array(expected[start..<start + tensor.weightCount]),
        "\(tensor.name) in \(tensor.source)")
      start += tensor.weightCount
      #expect(tensor.suitability == .kept(.alreadyQuantized(tensor.sourceName)))
    }
    #expect(start == expected.count)
  }

  /// Every type that has blocks in ggml and can be in a file has a decoder of the same geometry.
  @Test func everyTypeOfGGMLCanBeRead() {
    for source in SourceType.allCases where source.ggmlNumber != nil && source.isQuantized {
      let type = GGMLType(name: source.rawValue)
      #expect(WeightReader.canRead(source) == (type != nil), "\(source)")
      #expect((type == nil) == [.q81, .q8K].contains(source), "\(source)")
      if let type {
        #expect(type.blockLength == source.blockLength)
        #expect(type.bytesPerBlock == source.bytesPerBlock)
      }
    }
    #expect(!WeightReader.canRead(.f4))
  }

  /// Statistics, histograms and errors of tensors that are quantized already.
  @Test func quantizedTensorsAreMeasured() throws {
    let model = try Model.open(try Self.file("mixed.gguf").path)
    let format = Format.ggml(.q80)
    for tensor in model.tensors {
      let values = weights(of: tensor, in: model)
      var back = [Float](repeating: 0, count: values.count)
      var room = back.mutableSpan
      format.codec().reconstruct(values.span, rowLength: tensor.rowLength, into: &room)
      var sums = ErrorSums()
      sums.add(values.span, back.span)

      var measuring = Measuring(model: model)
      let works: [Work] = [
        .measurement(tensor: tensor.id, format: format), .statistics(tensor: tensor.id),
        .histogram(tensor: tensor.id, format: nil, bins: 16),
      ]
      for work in works {
        switch try measuring.perform(work, checkpoint: { () throws(Abandoned) in }) {
        case .measurement(let measurement): #expect(measurement.sums == sums, "\(tensor.name)")
        case .statistics(let statistics): #expect(statistics.count == values.count)
        case .histogram(let histogram): #expect(histogram.counts.contains { $0 > 0 })
        default: Issue.record("\(tensor.name) wasn't measured")
        }
      }
    }
  }
}
