import Foundation
import ModelFiles

extension Plan {
  /// Puts the totals right where they aren't those of the tensors: a file may say anything, and what
  /// it says of the tensors counts.
  ///
  /// Bytes and bits are summed again. The whole's NMSE is a mean of the tensors', weighted by what the
  /// file doesn't hold: one that no such mean can give is dropped.
  /// - Returns: what was said, for a note; nil if nothing was wrong.
  public mutating func correctTotals() -> String? {
    let sums = sumsOfTensors()
    var wrong: [String] = []
    if totals.bytes != sums.bytes { wrong.append("\(totals.bytes) bytes, not \(sums.bytes)") }
    if !Self.agree(totals.bitsPerWeight, sums.bitsPerWeight, within: 0.005) {
      wrong.append("\(totals.bitsPerWeight) bits a weight, not \(sums.bitsPerWeight)")
    }
    if totals.nmse != sums.nmse, let nmse = totals.nmse { wrong.append("an NMSE of \(nmse)") }
    if !Self.agree(totals.sqnr, sums.sqnr, within: 0.05), let sqnr = totals.sqnr {
      wrong.append("an SQNR of \(sqnr) dB")
    }
    guard !wrong.isEmpty else { return nil }
    totals = sums
    return wrong.joined(separator: ", ")
  }

  /// The sums of the tensors, with the errors of the whole only as far as the tensors allow for them.
  private func sumsOfTensors() -> Sums {
    var bytes = 0
    var weights = 0
    for tensor in tensors {
      // The reader makes sure that neither overflows.
      bytes &+= tensor.bytes
      weights &+= tensor.shape.reduce(1, &*)
    }
    let nmse = totals.nmse.flatMap { isPossible(nmse: $0) ? $0 : nil }
    return Sums(
      bytes: bytes, bitsPerWeight: weights == 0 ? 0 : 8 * Double(bytes) / Double(weights),
      nmse: nmse, sqnr: nmse.flatMap { $0 > 0 ? -10 * log10($0) : nil })
  }

  /// Whether a mean of the tensors' errors can be this.
  private func isPossible(nmse: Double) -> Bool {
    var least = Double.infinity
    var most = 0.0
    for tensor in tensors {
      // Of those without a figure nothing is known.
      guard let error = tensor.choice == .source ? 0 : tensor.nmse else { return true }
      least = min(least, error)
      most = max(most, error)
    }
    return nmse >= least * (1 - 1e-6) && nmse <= most * (1 + 1e-6)
  }

  private static func agree(_ a: Double?, _ b: Double?, within slack: Double) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return abs(a - b) <= slack
  }
}
