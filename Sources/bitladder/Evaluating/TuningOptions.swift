import ArgumentParser
import Evaluation
import Foundation

/// How a model is fine-tuned.
struct TuningOptions: ParsableArguments {
  @Option(help: "The training data; without it train.txt or train.safetensors beside the model.")
  var data: String?

  @Option(help: "Steps of the optimizer; without it 200 for texts, 300 for pictures.")
  var steps: Int?

  @Option(help: "Samples in a step; without it 8 texts, or 64 pictures.")
  var batch: Int?

  @Option(help: "The greatest learning rate; without it a thirtieth of the plan's RMS error.")
  var rate: Double?

  @Option(
    help:
      "What is made small: kl (without), the divergence from the source; ce, the loss on the data.")
  var loss: TuningLoss?

  @Option(help: "What the order of the samples follows from.")
  var seed: UInt64 = 1

  @Option(help: "How many threads work; all processors by default. The result is the same.")
  var threads: Int?

  func validate() throws {
    if let steps, !(1...10_000_000).contains(steps) {
      throw ValidationError("--steps takes a number from 1")
    }
    if let batch, !(1...65_536).contains(batch) {
      throw ValidationError("--batch takes a number from 1 to 65536")
    }
    if let rate, !(rate > 0 && rate <= 1) {
      throw ValidationError("--rate takes a number over 0, 1 at most")
    }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads: expected a number from 1 to 1024")
    }
  }

  var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

  /// The settings for a task.
  func settings(for task: Task) -> TuningSettings {
    var settings = TuningSettings.usual(for: task, threads: threadCount)
    settings.seed = seed
    if let steps { settings.steps = steps }
    if let batch { settings.batch = batch }
    if let rate { settings.rate = rate }
    if let loss { settings.loss = loss }
    return settings
  }
}

extension TuningLoss: ExpressibleByArgument {}
