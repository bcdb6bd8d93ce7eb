import CKernels
import Foundation

/// What a language model says under a plan, beside what its source says: as `llama-perplexity --kl-divergence`
/// defines it.
public struct LanguageFigures: Sendable, Equatable {
  /// Sequences that were run.
  public let sequences: Int
  /// Positions that were scored: those of each sequence's second half.
  public let positions: Int
  /// e to the mean of -ln p of the tokens that follow.
  public let perplexity: Estimate
  /// The same of the source.
  public let sourcePerplexity: Estimate
  /// ln(perplexity / the source's).
  public let logRatio: Estimate
  /// perplexity / the source's.
  public let ratio: Estimate
  /// The Kullback-Leibler divergence of the distribution of the next token from the source's, in nats.
  public let divergence: Estimate
  /// An interval that holds the mean divergence in 95 of 100 cases; nil for a single sequence.
  public let divergenceInterval: ClosedRange<Double>?
  /// How the divergence is distributed over the positions.
  public let divergences: Percentiles
  /// How often the most likely token is the source's.
  public let sameTop: Estimate
  /// The root of the mean squared change of the probability of the token that follows.
  public let probabilityChange: Estimate
  /// The mean change of that probability.
  public let meanProbabilityChange: Estimate

  init(_ scores: [LanguageScore]) {
    var sums = Sums()
    for score in scores { sums.add(score) }
    sequences = scores.count
    let count = sums.count
    positions = count
    let mine = Estimate(sum: sums.loss, squares: sums.lossSquares, count: count)
    let source = Estimate(sum: sums.sourceLoss, squares: sums.sourceLossSquares, count: count)
    perplexity = Estimate(value: exp(mine.value), error: exp(mine.value) * mine.error)
    sourcePerplexity = Estimate(value: exp(source.value), error: exp(source.value) * source.error)
    var covariance = 0.0
    if count >= 10 {
      let n = Double(count)
      covariance = (sums.lossProducts / n - sums.loss / n * (sums.sourceLoss / n)) / (n - 1)
    }
    let variance = mine.error * mine.error + source.error * source.error - 2 * covariance
    logRatio = Estimate(
      value: mine.value - source.value, error: max(0, variance).squareRoot())
    ratio = Estimate(value: exp(logRatio.value), error: exp(logRatio.value) * logRatio.error)
    divergence = Estimate(sum: sums.divergence, squares: sums.divergenceSquares, count: count)
    divergenceInterval = Interval.mean(
      of: scores.map { $0.divergences.reduce(0, +) / Double(max(1, $0.divergences.count)) })
    divergences = Percentiles(scores.flatMap(\.divergences))
    sameTop = Estimate(share: sums.sameTop, of: count)
    let change = Estimate(sum: sums.changeSquares, squares: sums.changeFourths, count: count)
    let root = change.value.squareRoot()
    probabilityChange = Estimate(value: root, error: root > 0 ? 0.5 / root * change.error : 0)
    meanProbabilityChange = Estimate(
      sum: sums.change, squares: sums.changeSquares, count: count)
  }

  private struct Sums {
    var count = 0
    var loss = 0.0
    var lossSquares = 0.0
    var sourceLoss = 0.0
    var sourceLossSquares = 0.0
    var lossProducts = 0.0
    var divergence = 0.0
    var divergenceSquares = 0.0
    var change = 0.0
    var changeSquares = 0.0
    var changeFourths = 0.0
    var sameTop = 0

    mutating func add(_ score: LanguageScore) {
      count += score.losses.count
      sameTop += score.sameTop
      for index in score.losses.indices {
        let (mine, source) = (score.losses[index], score.sourceLosses[index])
        loss += mine
        lossSquares += mine * mine
        sourceLoss += source
        sourceLossSquares += source * source
        lossProducts += mine * source
        let value = score.divergences[index]
        divergence += value
        divergenceSquares += value * value
        let changed = exp(-mine) - exp(-source)
        let square = changed * changed
        change += changed
        changeSquares += square
        changeFourths += square * square
      }
    }
  }
}

/// The scored positions of one sequence.
struct LanguageScore: Sendable {
  /// -ln p of the tokens that follow.
  var losses: [Double] = []
  var sourceLosses: [Double] = []
  var divergences: [Double] = []
  var sameTop = 0

  /// Takes in some positions.
  /// - Parameters:
  ///   - logits: a row for each position; the source's have the same shape.
  ///   - targets: the tokens that follow.
  mutating func add(
    logits: [Float], source: ArraySlice<Float>, targets: ArraySlice<Int>, vocabulary: Int,
    rounding: SourceRounding
  ) {
    precondition(
      logits.count == source.count && logits.count == targets.count * vocabulary && vocabulary > 0)
    logits.withUnsafeBufferPointer { logits in
      source.withUnsafeBufferPointer { source in
        guard let mine = logits.baseAddress, let theirs = source.baseAddress else { return }
        for (row, target) in targets.enumerated() {
          let x = mine + row * vocabulary
          let base = theirs + row * vocabulary
          let sum = bl_log_sum_exp(x, vocabulary)
          losses.append(sum.log_sum - Double(x[target]))
          if rounding == .sixteenBits {
            addRounded(
              UnsafeBufferPointer(start: x, count: vocabulary), sum,
              RoundedDistribution(UnsafeBufferPointer(start: base, count: vocabulary)), target)
            continue
          }
          let baseSum = bl_log_sum_exp(base, vocabulary)
          sourceLosses.append(baseSum.log_sum - Double(base[target]))
          divergences.append(
            bl_divergence(base, baseSum.log_sum, x, sum.log_sum, vocabulary))
          if sum.place == baseSum.place { sameTop += 1 }
        }
      }
    }
  }

  private mutating func addRounded(
    _ logits: UnsafeBufferPointer<Float>, _ sum: bl_log_sum, _ source: RoundedDistribution,
    _ target: Int
  ) {
    sourceLosses.append(-Double(source[target]))
    divergences.append(source.divergence(logits, logSum: Float(sum.log_sum)))
    if Int(sum.place) == source.top { sameTop += 1 }
  }
}
