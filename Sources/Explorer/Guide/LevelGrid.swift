import Foundation
import Quantization

/// The levels that the weights of one scale can have, between -1 and 1 of the greatest.
enum LevelGrid {
  /// Rising; nil where there are too many to be drawn, or where they differ from tensor to tensor.
  static func levels(of format: Format) -> [Double]? {
    switch format {
    case .float(.f8E4M3): small(exponent: 4, mantissa: 3, bias: 7, most: 448)
    case .float(.f8E5M2): small(exponent: 5, mantissa: 2, bias: 15, most: 57_344)
    case .float, .palette: nil
    case .integer(let integer):
      integer.scheme == .symmetric ? codes(integer.codes) : even(integer.codes.count)
    case .scaledFloat(let float):
      switch float {
      case .mxfp8: small(exponent: 4, mantissa: 3, bias: 7, most: 448)
      case .mxfp8E5M2: small(exponent: 5, mantissa: 2, bias: 15, most: 57_344)
      case .mxfp6: small(exponent: 2, mantissa: 3, bias: 1, most: 7.5)
      case .mxfp6E3M2: small(exponent: 3, mantissa: 2, bias: 3, most: 28)
      case .mxfp4, .nvfp4: e2m1
      }
    case .codeBook(let book): book == .nf4 ? normalFloat : mirrored([0, 0.0625, 2, 3, 4, 6, 8, 12])
    case .mlx(let mlx): even(1 << mlx.bits)
    case .ggml(let type): levels(of: type)
    }
  }

  private static func levels(of type: GGMLType) -> [Double] {
    switch type {
    case .q40: codes(-8...7)
    case .q50: codes(-16...15)
    case .q80: codes(-127...127)
    case .q41, .q4K: even(16)
    case .q51, .q5K: even(32)
    case .q2K: even(4)
    case .q3K: codes(-4...3)
    case .q6K: codes(-32...31)
    case .iq1S, .iq1M: mirrored([1, 7, 9])
    case .iq2XXS, .iq2XS, .iq2S: mirrored([8, 25, 43])
    case .iq3XXS, .iq3S: mirrored([4, 12, 20, 28, 36, 44, 52, 62])
    case .iq4NL, .iq4XS:
      scaled([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113])
    case .tq10, .tq20: codes(-1...1)
    case .mxfp4, .nvfp4: e2m1
    case .q10: mirrored([1])
    case .q20: codes(-1...2)
    }
  }

  private static let e2m1 = mirrored([0, 0.5, 1, 1.5, 2, 3, 4, 6])

  /// What comes back of weights all over the range, each 63 of them with the greatest.
  private static let normalFloat: [Double] = {
    var weights: [Float] = []
    for place in 0..<63 * 32 {
      if place % 63 == 0 { weights.append(1) }
      weights.append(Float(place) / (63 * 16) - 1)
    }
    var back = [Float](repeating: 0, count: weights.count)
    var span = back.mutableSpan
    Format.codeBook(.nf4).codec().reconstruct(
      weights.span, rowLength: weights.count, into: &span)
    return Set(back).sorted().map { Double($0) }
  }()

  private static func even(_ count: Int) -> [Double] {
    (0..<count).map { -1 + 2 * Double($0) / Double(count - 1) }
  }

  private static func codes(_ codes: ClosedRange<Int>) -> [Double] {
    scaled(codes.map { Double($0) })
  }

  private static func mirrored(_ magnitudes: [Double]) -> [Double] {
    scaled(Set(magnitudes + magnitudes.map { 0 - $0 }).sorted())
  }

  private static func scaled(_ values: [Double]) -> [Double] {
    let most = values.reduce(0) { max($0, abs($1)) }
    return values.map { $0 / most }
  }

  /// All values of a small floating-point type.
  private static func small(exponent: Int, mantissa: Int, bias: Int, most: Double) -> [Double] {
    let steps = 1 << mantissa
    let values = (0..<1 << (exponent + mantissa)).map { code -> Double in
      let power = code / steps
      let part = Double(code % steps) / Double(steps)
      return power == 0
        ? part * pow(2, Double(1 - bias)) : (1 + part) * pow(2, Double(power - bias))
    }
    return mirrored(values.filter { $0 <= most })
  }
}
