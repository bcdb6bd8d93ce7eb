import Foundation

/// What fine-tuning makes small.
public enum TuningLoss: String, CaseIterable, Sendable {
  /// The Kullback-Leibler divergence from what the source says: the model stays the same.
  case kl
  /// -ln p of the right tokens or classes: the model becomes better, or learns its data by heart.
  case ce
}

/// How a model is fine-tuned.
public struct TuningSettings: Sendable {
  /// Steps of the optimizer.
  public var steps: Int
  /// Samples in each.
  public var batch: Int
  /// The greatest learning rate: about how far a step moves a weight. Nil: a thirtieth of the root mean square of
  /// the errors that the plan makes, so that few errors are mended carefully and many boldly.
  public var rate: Double?
  /// What is made small.
  public var loss: TuningLoss
  /// What the order of the samples follows from.
  public var seed: UInt64
  /// How many threads work; the result doesn't depend on it.
  public var threads: Int
  /// How much of the weights a step takes away, times the learning rate.
  public var decay = 0.0
  /// Gradients longer than this are shortened to it.
  public var longestGradient = 1.0

  /// Settings from their parts.
  public init(
    steps: Int, batch: Int, rate: Double? = nil, loss: TuningLoss = .kl, seed: UInt64 = 1,
    threads: Int
  ) {
    self.steps = steps
    self.batch = batch
    self.rate = rate
    self.loss = loss
    self.seed = seed
    self.threads = threads
  }

  /// What does well on the sample models.
  public static func usual(for task: Task, threads: Int) -> TuningSettings {
    if case .classification = task {
      return TuningSettings(steps: 300, batch: 64, threads: threads)
    }
    return TuningSettings(steps: 200, batch: 8, threads: threads)
  }

  /// The learning rate of a step as a share of the greatest: a linear warm-up, then half a cosine down to a hundredth.
  func share(at step: Int) -> Double {
    let warmUp = max(1, min(100, steps / 10))
    guard step >= warmUp else { return Double(step + 1) / Double(warmUp) }
    let done = Double(step - warmUp) / Double(max(1, steps - warmUp))
    return 0.01 + 0.99 * 0.5 * (1 + cos(Double.pi * done))
  }
}

/// How far fine-tuning is.
public struct TuningProgress: Sendable {
  /// Steps that are done.
  public let step: Int
  /// Steps in all.
  public let steps: Int
  /// The loss on the samples of the last steps, about.
  public let loss: Double
  /// The loss on the samples kept for validation: before the first step, and the least since.
  public let validation: (first: Double, best: Double)
}

/// What fine-tuning made of a model.
public struct TunedWeights: Sendable {
  /// The numbers of each trained tensor by its index in the model, before they are quantized; exact in the type
  /// that the tensor is stored in.
  public let values: [Int: [Float]]
  /// The loss on the samples kept for validation, of the plan as it was and of these weights.
  public let validation: (first: Double, best: Double)
  /// After how many steps these weights were there; 0 if none made the model better.
  public let step: Int
}
