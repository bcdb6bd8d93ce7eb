import Quantization

/// A sample of a tensor in two phases, and what was found of it in one format.
///
/// Rare large weights decide about errors, and a small sample rarely holds them. So the first phase looks at
/// many units, spread evenly over the rows, but only at their weights, which costs little; the second encodes
/// few of these, the more surely the more error they promise (by the greatest weights of their groups): those that promise most all of them, the others from strata that promise as much each.
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

  /// What scouting tells.
  struct Scouting: Sendable {
    var units: [Int] = []
    /// Of the blocks of all units, one unit after another.
    var peaks = WeightPeaks()
    /// Where each unit's blocks end.
    var ends: [Int] = []
    /// Count, squares, NaN, infinite.
    var source = ErrorSums()
  }

  let units: SamplingUnits
  private(set) var strata: [Stratum]
  /// How many units were scouted.
  let scouted: Int
  /// The sums over all units that were scouted: count, squares, NaN, infinite.
  let source: ErrorSums

  /// How many units are scouted for a sample of `size` of them: that many times as many, so that both parts of
  /// the error shrink alike; for small samples as many as a disk finds within some hundredths of a second.
  static func scoutCount(_ units: SamplingUnits, size: Int) -> Int {
    let wanted = max(1_536, min(units.count, size) * 12)
    // Whole rows may be long.
    let affordable = max(64, wanted * SamplingUnits.length * 4 / max(1, units.unitLength))
    return min(units.count, wanted, affordable)
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
    _ units: SamplingUnits, _ format: Format, scouting: Scouting, size: Int,
    generator: inout SplitMix
  ) {
    self.units = units
    scouted = scouting.units.count
    source = scouting.source
    let promises = scouting.promises(of: format, units)
    strata = Self.strata(
      of: zip(scouting.units, promises).map { ($0, $1) }, size: size, generator: &generator)
  }

  private static func strata(
    of scouted: [(unit: Int, promise: Double)], size: Int, generator: inout SplitMix
  ) -> [Stratum] {
    let sorted = scouted.sorted {
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
    let rest = sorted[certain...]
    let count = max(1, min(48, (size - certain) / 6, rest.count / 2))
    var start = certain
    var promised = 0.0
    for (index, unit) in zip(rest.indices, rest) {
      // A stratum of unlike units, of which a few are drawn, is what fools samples.
      let isUnlike = unit.promise * 3 < sorted[start].promise
      if index > start, isUnlike || promised >= left / Double(count) {
        strata.append(Stratum(members: sorted[start..<index].map(\.unit)))
        start = index
        promised = 0
      }
      promised += unit.promise
    }
    if start < sorted.count {
      strata.append(Stratum(members: sorted[start...].map(\.unit)))
    }
    for index in strata.indices where !strata[index].isCertain {
      strata[index].members.shuffle(using: &generator)
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

extension Sample.Scouting {
  /// How much error each unit promises, relative to the mean.
  func promises(of format: Format, _ units: SamplingUnits) -> [Double] {
    let group = max(1, groupBlocks(of: format, units))
    // A grid over ±peak of as many levels as the bits allow: its step squared / 12.
    let bits = max(1, format.bitsPerWeight(rows: 1, rowLength: units.rowLength).rounded(.down))
    let levels = Double(sign: .plus, exponent: Int(bits), significand: 1)
    let share = 4 / (levels * levels * 12)
    var errors: [Double] = []
    var powers: [Double] = []
    var start = 0
    for end in ends {
      var error = 0.0
      var power = 0.0
      for first in stride(from: start, to: end, by: group) {
        var (peak, squares) = (0.0, 0.0)
        for block in first..<min(end, first + group) {
          peak = max(peak, Double(peaks.peaks[block]))
          squares += Double(peaks.squares[block])
        }
        let weights = Double((min(end, first + group) - first) * WeightPeaks.blockLength)
        // Beside a very large weight all others become zeros.
        error += min(weights * peak * peak * share, max(0, squares - peak * peak))
        power += squares
      }
      errors.append(error)
      powers.append(power)
      start = end
    }
    let count = Double(max(1, ends.count))
    let error = errors.reduce(0, +) / count
    let power = powers.reduce(0, +) / count
    return zip(errors, powers).map {
      // What promises nothing may hold a surprise.
      0.1 + (error > 0 ? $0 / error : 0) + (power > 0 ? 0.4 * $1 / power : 0)
    }
  }

  /// How many blocks share a scale, about.
  private func groupBlocks(of format: Format, _ units: SamplingUnits) -> Int {
    let group: Int
    switch format {
    case .float, .codeBook, .scaledFloat, .ggml, .palette: group = WeightPeaks.blockLength
    case .integer, .mlx: group = min(units.rowLength, format.pieceAlignment ?? units.rowLength)
    }
    return group / WeightPeaks.blockLength
  }
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
