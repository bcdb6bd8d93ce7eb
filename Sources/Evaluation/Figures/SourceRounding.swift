import Foundation

/// How exactly the source's distribution is known.
public enum SourceRounding: Sendable {
  /// As it is worked out.
  case none
  /// Logarithms of probabilities in 16 bits, as in the file that `llama-perplexity --kl-divergence-base` writes:
  /// its figures then come out to the digit.
  case sixteenBits
}

/// The logarithms of the probabilities of one position, in so many even steps from the least to the greatest.
struct RoundedDistribution {
  private let scale: Float
  private let least: Float
  private let codes: [Float]

  /// No probability below e^-16 of the greatest one is told from it.
  private static let depth: Float = 16
  private static let steps: Float = 65_535

  init(_ logits: UnsafeBufferPointer<Float>) {
    let greatest = logits.max() ?? 0
    let lowest = max(logits.min() ?? 0, greatest - Self.depth)
    let sum = logits.reduce(0.0) { $0 + Double(exp($1 - greatest)) }
    let scale = (greatest - lowest) / Self.steps
    self.scale = scale
    least = lowest - greatest - Float(log(sum))
    codes = logits.map {
      $0 > lowest && scale > 0
        ? (1 / scale * ($0 - lowest)).rounded(.toNearestOrEven) : 0
    }
  }

  subscript(token: Int) -> Float { scale * codes[token] + least }

  /// The most likely token, the first of equal ones.
  var top: Int {
    codes.indices.max { codes[$0] < codes[$1] } ?? 0
  }

  /// The divergence of another distribution, probabilities below e^-16 left out.
  func divergence(_ logits: UnsafeBufferPointer<Float>, logSum: Float) -> Double {
    var sum = 0.0
    for token in codes.indices {
      let mine = self[token]
      if mine > -Self.depth { sum += Double(exp(mine) * (mine - logits[token] + logSum)) }
    }
    return sum
  }
}
