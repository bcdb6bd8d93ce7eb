import CKernels
import Foundation
import Quantization

/// Scales the input channels of matrices as AWQ does (Lin, Tang et al., "AWQ: Activation-aware weight quantization",
/// 2023), so that ŵ = Q(w s) / s.
///
/// - s = m^a / sqrt(max m^a x min m^a), with m the mean magnitude of what flows in, at least 10^-4; of a = 0, 1/20, ...
///   19/20 the one with the least squared error of what comes out of all matrices that read the input. Numbers that
///   can't be scaled apart (of heads that share values, of a picture's channel) share the mean of their m; where
///   nothing before can take the opposite of a scale, s = 1.
/// - Then each group's range is cut: of 1, 0.95, ... 0.55 of it, the share with the least squared error of what comes out
///   of the group alone; all of it where that makes the matrix worse as a whole.
struct AWQ {
  /// What is rounded to, without the calibration.
  private let plain: IntegerFormat
  private let hessian: Hessian

  /// Nil for granularities without rows.
  init?(_ format: IntegerFormat, _ hessian: Hessian) {
    guard
      let plain = IntegerFormat(
        bits: format.bits, scheme: format.scheme, granularity: format.granularity,
        calibration: .mse, scaleType: format.scaleType), format.granularity != .tensor
    else { return nil }
    self.plain = plain
    self.hessian = hessian
  }

  static let steps = 20
  static let rowsAtOnce = 64
  /// How many shares of a range are tried, in steps of a twentieth.
  private static let shares = 16

  /// The scales for an exponent a.
  static func scales(_ magnitudes: [Float], channels: [Int], exponent: Double) -> [Float] {
    let count = (channels.max() ?? -1) + 1
    var sums = [Double](repeating: 0, count: count)
    var sizes = [Double](repeating: 0, count: count)
    for (channel, magnitude) in zip(channels, magnitudes) {
      sums[channel] += Double(magnitude)
      sizes[channel] += 1
    }
    let powers = zip(sums, sizes).map { max(pow($0 / max(1, $1), exponent), 1e-4) }
    let used = zip(powers, sizes).filter { $1 > 0 }.map(\.0)
    let middle = ((used.max() ?? 1) * (used.min() ?? 1)).squareRoot()
    return channels.map { channel in
      let scale = Float(powers[channel] / middle)
      return scale.isFinite && scale > 0 ? scale : 1
    }
  }

  /// What comes back of rows whose columns are scaled.
  func reconstruct(_ weights: [Float], scales: [Float]) -> [Float] {
    let width = hessian.width
    var scaled = weights
    for start in stride(from: 0, to: weights.count, by: width) {
      for column in 0..<width { scaled[start + column] *= scales[column] }
    }
    var out = [Float](repeating: 0, count: weights.count)
    var span = out.mutableSpan
    Format.integer(plain).codec().reconstruct(scaled.span, rowLength: width, into: &span)
    for start in stride(from: 0, to: weights.count, by: width) {
      for column in 0..<width { out[start + column] /= scales[column] }
    }
    return out
  }

  /// The error of what comes out of rows, for each exponent.
  func errors(_ weights: [Float], channels: [Int], _ room: Workspace) -> [Double] {
    (0..<Self.steps).map { step in
      let scales = Self.scales(
        hessian.magnitudes, channels: channels, exponent: Double(step) / Double(Self.steps))
      return error(reconstruct(weights, scales: scales), of: weights, room)
    }
  }

  func error(_ reconstructed: [Float], of weights: [Float], _ room: Workspace) -> Double {
    hessian.error(of: zip(reconstructed, weights).map { $0 - $1 }, room)
  }

  /// What comes back of rows whose columns are scaled, groups' ranges cut.
  func clipped(_ weights: [Float], scales: [Float], _ room: Workspace) -> [Float] {
    let width = hessian.width
    let group = plain.groupLength(rowLength: width)
    var out = [Float](repeating: 0, count: weights.count)
    for start in stride(from: 0, to: width, by: group) {
      let columns = start..<min(width, start + group)
      clip(weights, columns, scales, part(columns, scales), room, &out)
    }
    return out
  }

  /// A group's part of the Hessian, for weights that are scaled.
  private func part(_ columns: Range<Int>, _ scales: [Float]) -> [Float] {
    columns.flatMap { row in
      columns.map { hessian[row, $0] / (scales[row] * scales[$0]) }
    }
  }

  /// Rounds one group of all rows to the best of its cut ranges.
  private func clip(
    _ weights: [Float], _ columns: Range<Int>, _ scales: [Float], _ hessian: [Float],
    _ room: Workspace, _ out: inout [Float]
  ) {
    let width = self.hessian.width
    let (count, rows) = (columns.count, weights.count / width)
    var kernel = plain.kernelFormat
    var scaled = [Float](repeating: 0, count: rows * count)
    for row in 0..<rows {
      for (place, column) in columns.enumerated() {
        scaled[row * count + place] = weights[row * width + column] * scales[column]
      }
    }
    let ranges = (0..<rows).map { row in
      scaled.withUnsafeBufferPointer {
        bl_finite_range($0.baseAddress.map { $0 + row * count }, count)
      }
    }
    var best = [Double](repeating: .infinity, count: rows)
    var rounded = [Float](repeating: 0, count: rows * count)
    var products = rounded
    for index in 0..<Self.shares {
      let share = 1 - Float(index) / 20
      for row in 0..<rows {
        let range = bl_range(lower: ranges[row].lower * share, upper: ranges[row].upper * share)
        scaled.withUnsafeBufferPointer { source in
          rounded.withUnsafeMutableBufferPointer { target in
            bl_integer_apply(
              &kernel, bl_integer_grid(&kernel, range), source.baseAddress.map { $0 + row * count },
              count, target.baseAddress.map { $0 + row * count })
          }
        }
      }
      let differences = zip(rounded, scaled).map { $0 - $1 }
      room.multiply(differences, by: hessian, width: count, into: &products)
      for row in 0..<rows {
        var error = 0.0
        for index in row * count..<(row + 1) * count {
          error += Double(products[index]) * Double(differences[index])
        }
        guard error < best[row] || index == 0 else { continue }
        best[row] = error
        for (place, column) in columns.enumerated() {
          out[row * width + column] = rounded[row * count + place] / scales[column]
        }
      }
    }
  }
}
