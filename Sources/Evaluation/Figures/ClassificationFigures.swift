import CKernels
import Foundation

/// What a classifier says under a plan, beside what its source says.
public struct ClassificationFigures: Sendable, Equatable {
  /// Samples that were run.
  public let samples: Int
  /// How many are right.
  public let right: Int
  /// How many the source has right.
  public let sourceRight: Int
  /// An interval that holds the true accuracy in 95 of 100 cases (Wilson's).
  public let accuracyInterval: ClosedRange<Double>
  /// The mean of -ln p of the right classes.
  public let loss: Estimate
  /// The same of the source.
  public let sourceLoss: Estimate
  /// The Kullback-Leibler divergence from the source's distribution over classes, in nats.
  public let divergence: Estimate
  /// An interval that holds the mean divergence in 95 of 100 cases; nil for a single sample.
  public let divergenceInterval: ClosedRange<Double>?
  /// Samples whose class isn't the source's.
  public let flips: Int
  /// Those of them that the source had right.
  public let lost: Int

  /// The share that is right.
  public var accuracy: Double { samples > 0 ? Double(right) / Double(samples) : 0 }
  /// The share that the source has right.
  public var sourceAccuracy: Double { samples > 0 ? Double(sourceRight) / Double(samples) : 0 }

  init(outputs: [[Float]], source: [[Float]], labels: [Int]) {
    var (right, sourceRight, flips, lost) = (0, 0, 0, 0)
    var (losses, sourceLosses, divergences): ([Double], [Double], [Double]) = ([], [], [])
    for (index, x) in outputs.enumerated() {
      let label = labels[index]
      let base = source[index]
      let mine = bl_log_sum_exp(x, x.count)
      let theirs = bl_log_sum_exp(base, base.count)
      right += mine.place == label ? 1 : 0
      sourceRight += theirs.place == label ? 1 : 0
      flips += mine.place == theirs.place ? 0 : 1
      lost += mine.place != label && theirs.place == label ? 1 : 0
      losses.append(mine.log_sum - Double(x[label]))
      sourceLosses.append(theirs.log_sum - Double(base[label]))
      divergences.append(bl_divergence(base, theirs.log_sum, x, mine.log_sum, x.count))
    }
    samples = outputs.count
    self.right = right
    self.sourceRight = sourceRight
    self.flips = flips
    self.lost = lost
    accuracyInterval = Interval.wilson(right, of: outputs.count)
    loss = Estimate(losses)
    sourceLoss = Estimate(sourceLosses)
    divergence = Estimate(divergences)
    divergenceInterval = Interval.mean(of: divergences)
  }
}

extension Estimate {
  init(_ values: [Double]) {
    self.init(
      sum: values.reduce(0, +), squares: values.reduce(0) { $0 + $1 * $1 }, count: values.count)
  }
}
