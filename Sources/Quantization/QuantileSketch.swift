import CKernels

/// Counts of weights by the upper 16 bits of their sortable bits: sign, exponent, 7 bits of mantissa.
///
/// Quantiles of BF16 sources are exact; of others they are within 2^-8 of the true one, relatively (the middle
/// of its bin). While weights are added the counters take 512 KiB; `compact` keeps only those that are used.
public struct QuantileSketch: Sendable {
  /// All 65,536 counters; empty while compact.
  private var dense: [UInt64] = []
  /// The counters that aren't zero, with their keys in order; empty while dense.
  private var sparse: [(key: Int, count: UInt64)] = []
  /// The lower 16 bits seen in any weight: none in BF16 sources.
  private var lowBits: UInt32 = 0

  /// No weights.
  public init() {}

  /// Counts the finite weights.
  public mutating func add(_ weights: Span<Float>) {
    expand()
    weights.withUnsafeBufferPointer { weights in
      dense.withUnsafeMutableBufferPointer {
        lowBits |= bl_sketch_add(weights.baseAddress, weights.count, $0.baseAddress)
      }
    }
  }

  /// Adds the counts of another sketch.
  public mutating func merge(_ other: QuantileSketch) {
    expand()
    for (key, count) in other.filled { dense[key] += count }
    lowBits |= other.lowBits
  }

  /// Gives back the memory of unused counters.
  public mutating func compact() {
    guard !dense.isEmpty else { return }
    sparse = filled
    dense = []
  }

  private mutating func expand() {
    guard dense.isEmpty else { return }
    dense = [UInt64](repeating: 0, count: 1 << 16)
    for (key, count) in sparse { dense[key] = count }
    sparse = []
  }

  private var filled: [(key: Int, count: UInt64)] {
    guard !dense.isEmpty else { return sparse }
    return dense.enumerated().compactMap { $1 > 0 ? (key: $0, count: $1) : nil }
  }

  /// The weight that stands for a bin.
  private func value(_ key: Int) -> Float {
    let negative = key < 0x8000
    let upper = UInt32(negative ? ~key & 0xffff : key ^ 0x8000)
    return Float(bitPattern: upper << 16 | (lowBits == 0 ? 0 : 0x8000))
  }

  /// The value with rank p (n - 1), rounded, of n finite weights, p in 0...1; 0 if there are none.
  public func quantile(_ p: Double) -> Float {
    let filled = filled
    let total = filled.reduce(0) { $0 + $1.count }
    guard total > 0, let last = filled.last else { return 0 }
    let share = p.isNaN ? 0 : max(0, min(1, p))
    let rank = min(Double(total - 1), (share * Double(total - 1)).rounded())
    var under: UInt64 = 0
    for (key, count) in filled {
      under += count
      if Double(under) > rank { return value(key) }
    }
    return value(last.key)
  }

  /// How many weights are under `lower` or over `upper`, bins taken by the value that stands for them.
  public func count(under lower: Double, over upper: Double) -> Int {
    filled.reduce(0) { sum, bin in
      let value = Double(value(bin.key))
      return value < lower || value > upper ? sum + Int(bin.count) : sum
    }
  }
}

extension QuantileSketch: Equatable {
  /// True if both have counted the same weights, as far as they tell them apart.
  public static func == (a: QuantileSketch, b: QuantileSketch) -> Bool {
    a.lowBits == b.lowBits && a.filled.elementsEqual(b.filled, by: ==)
  }
}
