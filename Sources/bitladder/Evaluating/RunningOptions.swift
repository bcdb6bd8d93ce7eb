import ArgumentParser
import Evaluation
import Foundation
import ModelFiles

/// What a model is run on, and by how many threads.
struct RunningOptions: ParsableArguments {
  @Option(help: "What to run it on: a text, tokens, or test data.")
  var data: String?

  @Option(help: "How many sequences or samples; by default all samples, but few sequences.")
  var sequences: Int?

  @Option(help: "Tokens in a sequence; by default the model's context, 512 at most.")
  var context: Int?

  @Option(help: "How many threads work; all processors by default.")
  var threads: Int?

  func validate() throws {
    if let sequences, sequences < 1 { throw ValidationError("--sequences takes a number from 1") }
    if let context, context < 4 { throw ValidationError("--context takes a number from 4") }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads: expected a number from 1 to 1024")
    }
  }

  /// The data for a model.
  func read(for model: Model) throws(EvaluationError) -> EvaluationData {
    try DataReader(model).read(data, context: context)
  }

  var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

  /// How many samples are run.
  /// - Parameter usual: sequences of a language model, where nothing was asked for.
  func count(_ evaluator: Evaluator, usual: Int) -> Int {
    let all = evaluator.data.samples.count
    if case .language = evaluator.task { return min(all, sequences ?? usual) }
    return min(all, sequences ?? all)
  }
}

/// One line on standard error that says how far the work is; nothing unless that is a terminal.
struct ProgressLine: Sendable {
  private let isShown = isatty(2) == 1

  func show(_ text: String) {
    if isShown { FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8)) }
  }

  func end() { show("") }
}
