import Quantization

/// A sample of a tensor in two phases, and what was found of it in one format.
///
/// Rare large weights decide about errors, and a small sample rarely holds them. So the first phase looks at
/// many units, spread evenly over the rows, but only at their weights, which costs little; the second encodes
/// few of these, the more surely the more error they promise (by their squares and their greatest weight):
/// those that promise most all of them, the others from strata that promise as much each.
struct Sample: Sendable {
  /// Scouted units that promise alike.
  struct Stratum: Sendable {
    /// Its units, in random order: those that are encoded come first.
    var members: [Int]
    /// What was found of the first of them.
    var found: [ErrorSums] = []
    /// Whether all of them are encoded, however small the sample.
    var isCertain = false
  }

  /// What scouting a unit tells.
  struct Scouted: Sendable {
    let unit: Int
    let squares: Double
    /// The square of the greatest weight, for each weight.
    let peak: Double
  }

  let units: SamplingUnits
  private(set) var strata: [Stratum]
  /// How many units were scouted.
  let scouted: Int
  /// The sums over all units that were scouted: count, squares, NaN, infinite.
  let source: ErrorSums

  /// How many units are scouted at most, and how many weights.
  static let scoutedUnits = 8192
  static let scoutedWeights = 1 << 22

  /// How many units are scouted of so many.
  static func scoutCount(_ units: SamplingUnits) -> Int {
    min(units.count, max(64, min(scoutedUnits, scoutedWeights / max(1, units.unitLength))))
  }

  /// The units to scout: one at random from each of equal stretches of the tensor, in order.
  static func scouts(
    _ units: SamplingUnits, count: Int, generator: inout SplitMix
  ) -> [Int] {
    guard count < units.count else { return Array(0..<units.count) }
    return (0..<count).map { index in
      let start = units.count / count * index + units.count % count * index / count
      let end =
        units.count / count * (index + 1) + units.count % count * (index + 1) / count
      return start + Int(generator.next(below: UInt64(max(1, end - start))))
    }
  }

  /// Divides scouted units into strata for a first sample of `size` units.
  init(
    _ units: SamplingUnits, scouted: [Scouted], source: ErrorSums, size: Int,
    generator: inout SplitMix
  ) {
    self.units = units
    self.scouted = scouted.count
    self.source = source
    strata = Self.strata(of: scouted, size: size, generator: &generator)
  }

  private static func strata(
    of scouted: [Scouted], size: Int, generator: inout SplitMix
  ) -> [Stratum] {
    let squares = scouted.reduce(0) { $0 + $1.squares } / Double(max(1, scouted.count))
    let peak = scouted.reduce(0) { $0 + $1.peak } / Double(max(1, scouted.count))
    func promise(_ unit: Scouted) -> Double {
      // What promises nothing may hold a surprise.
      0.2 + (squares > 0 ? unit.squares / squares : 0) + (peak > 0 ? unit.peak / peak : 0)
    }
    let sorted = scouted.map { (unit: $0.unit, promise: promise($0)) }.sorted {
      $0.promise == $1.promise ? $0.unit < $1.unit : $0.promise > $1.promise
    }
    var left = sorted.reduce(0) { $0 + $1.promise }
    // Certain is what would be drawn more than once, were units drawn by what they promise.
    var certain = 0
    while certain < min(size / 3, sorted.count),
      sorted[certain].promise * Double(size - certain) >= left
    {
      left -= sorted[certain].promise
      certain += 1
    }
    var strata: [Stratum] = []
    if certain > 0 {
      strata.append(Stratum(members: sorted[..<certain].map(\.unit), isCertain: true))
    }
    var rest = sorted[certain...].map(\.unit)[...]
    let count = max(1, min(48, (size - certain) / 4, rest.count / 2))
    var promised = 0.0
    var end = certain
    for index in 0..<count where !rest.isEmpty {
      var members: [Int] = []
      let isLast = index == count - 1
      while !rest.isEmpty,
        isLast || members.count < 2 || promised < left * Double(index + 1) / Double(count)
      {
        members.append(rest.removeFirst())
        promised += sorted[end].promise
        end += 1
      }
      members.shuffle(using: &generator)
      strata.append(Stratum(members: members))
    }
    if let last = strata.last, last.members.count < 2, strata.count > 1, !last.isCertain,
      !strata[strata.count - 2].isCertain
    {
      strata.removeLast()
      strata[strata.count - 1].members += last.members
    }
    return strata
  }

  /// The units to be encoded before the sample has `size` of them, by stratum.
  func missing(size: Int) -> [(stratum: Int, unit: Int)] {
    let certain = strata.reduce(0) { $0 + ($1.isCertain ? $1.members.count : 0) }
    let drawn = strata.count { !$0.isCertain }
    let each = max(2, (size - certain) / max(1, drawn))
    var missing: [(stratum: Int, unit: Int)] = []
    for (index, stratum) in strata.enumerated() {
      let wanted = stratum.isCertain ? stratum.members.count : min(stratum.members.count, each)
      for unit in stratum.members.dropFirst(stratum.found.count).prefix(
        max(0, wanted - stratum.found.count))
      {
        missing.append((index, unit))
      }
    }
    return missing
  }

  /// Takes what was found of the next unit of a stratum.
  mutating func add(_ sums: ErrorSums, to stratum: Int) { strata[stratum].found.append(sums) }

  /// Whether each stratum says something.
  var isComplete: Bool { strata.allSatisfy { $0.found.count >= min(2, $0.members.count) } }
}

/// Random numbers that are the same on every machine (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// A number below a bound.
  mutating func next(below bound: UInt64) -> UInt64 { next().multipliedFullWidth(by: bound).high }
}
