/// Samples that are learnt from, and others that tell how well it went.
struct TrainingSamples: Sendable {
  let data: EvaluationData
  /// Those kept for validation, by their indices: spread evenly, never learnt from.
  let validation: [Int]
  private let training: [Int]
  private var deck: [Int] = []
  private var generator: SplitMix

  init(_ data: EvaluationData, _ task: Task, seed: UInt64) throws(EvaluationError) {
    var most = 32
    if case .classification = task { most = 256 }
    let count = data.samples.count
    let kept = max(1, min(most, count / 8))
    guard count > kept else {
      throw .data("\(data.name.sanitised): found \(count) samples, expected 2 at least to tune on")
    }
    validation = (0..<kept).map { ($0 * count + count / 2) / kept }
    training = Array(Set(0..<count).subtracting(validation)).sorted()
    self.data = data
    generator = SplitMix(state: seed)
  }

  /// The next samples: all in a random order, then all again in another.
  mutating func draw(_ count: Int) -> [Int] {
    (0..<count).map { _ in
      if deck.isEmpty { deck = training.shuffled(using: &generator) }
      return deck.removeLast()
    }
  }

  func samples(_ indices: ArraySlice<Int>) -> [Sample] { indices.map { data.samples[$0] } }

  /// What is right in each row of the outputs of some samples.
  func targets(_ indices: ArraySlice<Int>) -> [Int] {
    indices.flatMap { index in
      if case .tokens(let tokens) = data.samples[index] { return Array(tokens.dropFirst()) }
      return [data.labels[index]]
    }
  }

  /// The rows of outputs that there are of some samples.
  func rowCount(_ indices: ArraySlice<Int>) -> Int {
    indices.reduce(0) { sum, index in
      if case .tokens(let tokens) = data.samples[index] { return sum + max(0, tokens.count - 1) }
      return sum + 1
    }
  }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers for the same seed everywhere.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
