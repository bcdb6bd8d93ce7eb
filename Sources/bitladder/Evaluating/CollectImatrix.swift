import ArgumentParser
import Evaluation
import Foundation
import ModelFiles

struct CollectImatrix: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "imatrix",
    abstract: "Collect the importance of input channels: mean squared activations on some data.",
    discussion: """
      What llama-imatrix collects, without llama.cpp: the file is an imatrix in GGUF, which llama-quantize and the \
      commands here take as --imatrix. It is collected on the training data beside the model where there is some; give --data \
      other text than what you evaluate on.
      """)

  @OptionGroup var model: ModelArgument

  @OptionGroup var running: RunningOptions

  @Option(name: .shortAndLong, help: "The file to write: imatrix.gguf.")
  var output: String

  @Flag(help: "Overwrite the file if there is one.")
  var force = false

  /// What the model was trained on rather than what it is evaluated on.
  private func data(for model: Model) throws(EvaluationError) -> EvaluationData {
    if running.data == nil,
      let own = try? DataReader(model).readCalibration(
        nil, context: running.context, count: running.sequences)
    {
      return own
    }
    return try running.read(for: model)
  }

  func run() throws {
    if !force, FileStamp(path: output) != nil { throw Failure.exists(output) }
    let model = try model.open()
    for note in model.notes { tell("bitladder: note: \(note)") }
    let line = ProgressLine()
    defer { line.end() }
    let collected: CollectedImportance
    do throws(EvaluationError) {
      let data = try data(for: model)
      collected = try CollectedImportance(
        WeightSource(model: model), data: data,
        sequences: min(data.samples.count, running.sequences ?? 128),
        threads: running.threadCount,
        progress: { share in line.show("running \(Int(share * 100)) %") })
    } catch {
      throw Failure(error.description)
    }
    do throws(SaveFailure) {
      try AtomicFile.write(
        collected.imatrix, to: output, expecting: force ? .anything : .absent)
    } catch {
      throw error == .exists
        ? Failure.exists(output) : Failure("\(output.sanitised): \(error.description)")
    }
  }
}
