import CKernels

/// Exact percentiles of weights in two passes: the first counts the upper 16 bits of their sortable keys, the
/// second the lower 16 bits of those keys whose upper bits are the ones looked for.
struct PercentileFinder: Sendable {
  private let percentile: Double
  private let magnitudes: Bool
  private var total = 0
  private var upper = [UInt64](repeating: 0, count: 1 << 16)
  private var refining = false
  /// Upper key bits looked for, with the counts of the lower bits.
  private var lower: [UInt32: [UInt64]] = [:]

  init(_ percentile: Double, magnitudes: Bool) {
    self.percentile = percentile
    self.magnitudes = magnitudes
  }

  mutating func observe(_ weights: Span<Float>) {
    if refining { observeLower(weights) } else { observeUpper(weights) }
  }

  private mutating func observeUpper(_ weights: Span<Float>) {
    let magnitudes = magnitudes
    var count = 0
    upper.withUnsafeMutableBufferPointer { upper in
      for i in weights.indices where weights[i].isFinite {
        upper[Int(weights[i].sortableKey(magnitude: magnitudes) >> 16)] += 1
        count += 1
      }
    }
    total += count
  }

  private mutating func observeLower(_ weights: Span<Float>) {
    let magnitudes = magnitudes
    for (bin, counts) in lower {
      var counts = counts
      lower[bin] = []
      for i in weights.indices where weights[i].isFinite {
        let key = weights[i].sortableKey(magnitude: magnitudes)
        if key >> 16 == bin { counts[Int(key & 0xffff)] += 1 }
      }
      lower[bin] = counts
    }
  }

  /// Takes in what a copy of this finder has observed in the same pass.
  mutating func merge(_ other: PercentileFinder) {
    guard refining else {
      total += other.total
      upper.add(other.upper)
      return
    }
    for (bin, counts) in other.lower { lower[bin]?.add(counts) }
  }

  /// The range after the second pass (or when there are no weights), nil after the first.
  mutating func endPass() -> ClippingRange? {
    guard total > 0 else { return ClippingRange(lower: 0, upper: 0) }
    if !refining {
      refining = true
      for rank in shares.flatMap({ ranks($0) }) {
        lower[UInt32(bin(ofRank: rank).index)] = [UInt64](repeating: 0, count: 1 << 16)
      }
      return nil
    }
    let ends = shares.map { Float(quantile($0)) }
    if magnitudes { return ClippingRange(lower: 0, upper: ends[0]) }
    return ClippingRange(lower: ends[1], upper: ends[0])
  }

  private var shares: [Double] {
    magnitudes ? [percentile / 100] : [percentile / 100, (100 - percentile) / 100]
  }

  private func ranks(_ share: Double) -> [Int] {
    let rank = Int(Double(total - 1) * share)
    return [rank, min(rank + 1, total - 1)]
  }

  /// The upper bits of the key with this rank, and how many keys come before them.
  private func bin(ofRank rank: Int) -> (index: Int, before: Int) {
    Self.find(rank, in: upper)
  }

  private static func find(_ rank: Int, in counts: [UInt64]) -> (index: Int, before: Int) {
    var before = 0
    for (index, count) in counts.enumerated() where count > 0 {
      if before + Int(count) > rank { return (index, before) }
      before += Int(count)
    }
    return (0, 0)
  }

  private func value(ofRank rank: Int) -> Double {
    let (bin, before) = bin(ofRank: rank)
    let low = Self.find(rank - before, in: lower[UInt32(bin)] ?? []).index
    return Double(Float(sortableKey: UInt32(bin) << 16 | UInt32(low), magnitude: magnitudes))
  }

  private func quantile(_ share: Double) -> Double {
    let position = Double(total - 1) * share
    let ranks = ranks(share)
    return bl_interpolate(
      value(ofRank: ranks[0]), value(ofRank: ranks[1]), position - Double(ranks[0]))
  }
}

extension Float {
  /// Bits that sort as unsigned integers the way the values (or their magnitudes) do.
  func sortableKey(magnitude: Bool) -> UInt32 {
    let bits = bitPattern
    if magnitude { return bits & 0x7fff_ffff }
    return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
  }

  init(sortableKey key: UInt32, magnitude: Bool) {
    let bits = key & 0x8000_0000 == 0 ? ~key : key & 0x7fff_ffff
    self.init(bitPattern: magnitude ? key : bits)
  }
}
