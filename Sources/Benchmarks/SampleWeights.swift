import Foundation

/// Normal weights with a deviation of 0.02, the same in every run.
func sampleWeights(_ count: Int) -> [Float] {
  var state: UInt64 = 0x9e37_79b9_7f4a_7c15
  func uniform() -> Double {  // SplitMix64 (Steele, Lea, Flood 2014)
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
  }
  let distinct = min(count, 1 << 20)
  var weights: [Float] = []
  weights.reserveCapacity(count)
  for _ in 0..<distinct {  // Box and Muller (1958)
    let radius = (-2 * log(1 - uniform())).squareRoot()
    weights.append(Float(0.02 * radius * cos(2 * .pi * uniform())))
  }
  while weights.count < count {
    weights.append(contentsOf: weights[0..<min(distinct, count - weights.count)])
  }
  return weights
}

/// The upper halves of the weights' bits: the bytes of a BF16 tensor.
func bfloatBytes(_ weights: [Float]) -> [UInt8] {
  weights.flatMap { weight in
    let pattern = UInt16(weight.bitPattern >> 16).littleEndian
    return [UInt8(truncatingIfNeeded: pattern), UInt8(pattern >> 8)]
  }
}
