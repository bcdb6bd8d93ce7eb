import Foundation
import ModelFiles
import Quantization
import SampleSupport
import Testing

@testable import Evaluation

/// What gptq_golden.py worked out.
private struct GPTQGolden {
  let model: Model
  let weights: [Float]
  let hessian: Hessian
  let rows = 24

  init() throws {
    model = try Model.open(Expected.folder("gptq") + "/golden.safetensors")
    weights = try Self.values("weights", model)
    hessian = Hessian(
      width: 160, values: try Self.values("hessian", model),
      magnitudes: try Self.values("magnitudes", model))
  }

  private static func values(_ name: String, _ model: Model) throws -> [Float] {
    let tensor = try #require(model.tensors.first { $0.name == name })
    return try WeightSource(model: model).values(of: tensor, in: nil)
  }

  func values(_ name: String) throws -> [Float] { try Self.values(name, model) }

  /// The error of what comes out.
  func error(_ reconstructed: [Float]) -> Double {
    hessian.error(of: zip(reconstructed, weights).map { $0 - $1 }, Workspace())
  }
}

@Suite("GPTQ and AWQ")
struct GPTQTests {
  private static let names = [
    "int4:g64:gptq", "int3:affine:g64:gptq", "int3:g32:gptq", "int2:affine:gptq",
    "int4:channel:gptq", "int4:g64:gptq-act", "int3:affine:g32:gptq-act", "int3:channel:gptq-act",
  ]

  private func integer(_ name: String) throws -> IntegerFormat {
    guard case .integer(let format) = try Format(parsing: name) else {
      throw FormatError.notInteger
    }
    return format
  }

  private enum FormatError: Error { case notInteger }

  private func compensated(
    _ weights: [Float], _ hessian: Hessian, _ format: IntegerFormat
  ) throws -> [Float] {
    let order = format.calibration == .gptqAct ? hessian.order : nil
    let method = GPTQ(
      format: format, factor: try #require(InverseFactor(hessian, order: order)))
    var out = [Float](repeating: 0, count: weights.count)
    weights.withUnsafeBufferPointer { weights in
      out.withUnsafeMutableBufferPointer { out in
        method.reconstruct(
          weights, rows: weights.count / hessian.width, into: out, Workspace())
      }
    }
    return out
  }

  private func plain(_ weights: [Float], _ format: IntegerFormat, width: Int) -> [Float] {
    var out = [Float](repeating: 0, count: weights.count)
    var span = out.mutableSpan
    Format.integer(format).codec().reconstruct(weights.span, rowLength: width, into: &span)
    return out
  }

  @Test(arguments: names) func codesAreThoseOfThePaper(_ name: String) throws {
    let golden = try GPTQGolden()
    let format = try integer(name)
    let found = try compensated(golden.weights, golden.hessian, format)
    let wanted = try golden.values(name)
    // Where a weight lies in the middle of two steps, the last bits decide, and what follows differs too.
    let same = zip(found, wanted).count { abs($0 - $1) < 1e-6 }
    #expect(Double(same) > 0.97 * Double(wanted.count))
    let (error, expected) = (golden.error(found), golden.error(wanted))
    #expect(abs(error - expected) < 0.02 * expected)
    #expect(error < golden.error(plain(golden.weights, format, width: 160)))
  }

  @Test(arguments: names) func withoutCorrelationIsPlainRounding(_ name: String) throws {
    let golden = try GPTQGolden()
    let format = try integer(name)
    var identity = [Float](repeating: 0, count: 160 * 160)
    for index in 0..<160 { identity[index * 161] = Float(1 + index % 7) }
    let hessian = Hessian(width: 160, values: identity, magnitudes: [])
    #expect(
      try compensated(golden.weights, hessian, format)
        == plain(golden.weights, format, width: 160))
    // Nothing flows at all.
    let nothing = Hessian(
      width: 160, values: identity.map { _ in 0 }, magnitudes: golden.hessian.magnitudes)
    #expect(
      try compensated(golden.weights, nothing, format) == plain(golden.weights, format, width: 160))
  }

  @Test func factorIsThatOfTheInverse() throws {
    let golden = try GPTQGolden()
    for order in [nil, golden.hessian.order] {
      let factor = try #require(InverseFactor(golden.hessian, order: order))
      let width = golden.hessian.width
      let mean =
        (0..<width).reduce(0.0) {
          let value = golden.hessian[$1, $1]
          return $0 + (value == 0 ? 1 : Double(value))
        } / Double(width)
      // H (Uᵀ U) changes nothing but for rounding.
      let vector = (0..<width).map { Double($0 * 31 % 17) - 8 }
      let upper = factor.values.map(Double.init)
      let once = (0..<width).map { row in
        (0..<width).reduce(0) { $0 + upper[row * width + $1] * vector[$1] }
      }
      let twice = (0..<width).map { column in
        (0..<width).reduce(0) { $0 + upper[$1 * width + column] * once[$1] }
      }
      for row in 0..<width {
        var sum = 0.0
        for column in 0..<width {
          let (a, b) = (order?[row] ?? row, order?[column] ?? column)
          var h = Double(golden.hessian[a, b])
          if a == b { h = (h == 0 ? 1 : h) + 0.01 * mean }
          sum += h * twice[column]
        }
        #expect(abs(sum - vector[row]) < 1e-2)
      }
    }
    let broken = Hessian(width: 2, values: [.nan, 0, 0, 1], magnitudes: [1, 1])
    #expect(InverseFactor(broken) == nil)
  }

  @Test func scalesAreThoseOfThePaper() throws {
    let golden = try GPTQGolden()
    let format = try integer("int3:affine:g64:awq")
    let method = try #require(AWQ(format, golden.hessian))
    let room = Workspace()
    let channels = Array(0..<160)
    let errors = method.errors(golden.weights, channels: channels, room)
    let best = try #require(errors.indices.min { errors[$0] < errors[$1] })
    let scales = AWQ.scales(
      golden.hessian.magnitudes, channels: channels, exponent: Double(best) / 20)
    for (found, wanted) in zip(scales, try golden.values("awq.scales")) {
      #expect(abs(found - wanted) < 1e-5 * wanted)
    }
    let found = method.reconstruct(golden.weights, scales: scales)
    let wanted = try golden.values("awq")
    #expect(zip(found, wanted).count { abs($0 - $1) < 1e-5 } > wanted.count * 99 / 100)
    #expect(best > 0 && golden.error(found) < errors[0])
    // Without scales it is plain rounding, and cut ranges are better group by group.
    let ones = [Float](repeating: 1, count: 160)
    #expect(
      method.reconstruct(golden.weights, scales: ones)
        == plain(golden.weights, try integer("int3:affine:g64:mse"), width: 160))
    #expect(
      golden.error(method.clipped(golden.weights, scales: scales, room))
        < 1.05 * golden.error(found))
  }

  @Test func channelsShareTheMean() {
    let scales = AWQ.scales([1, 4, 3, 16], channels: [0, 1, 0, 1], exponent: 0.5)
    // The roots of 2 and 10, divided by the root of their product.
    #expect(scales[0] == scales[2] && scales[1] == scales[3])
    #expect(abs(scales[1] / scales[0] - 5.0.squareRoot().float) < 1e-5)
    #expect(abs(scales[0] * scales[1] - 1) < 1e-5)
    #expect(AWQ.scales([0, 0], channels: [0, 1], exponent: 0.5) == [1, 1])
  }
}

extension Double {
  fileprivate var float: Float { Float(self) }
}
