import ArgumentParser
import Evaluation
import Foundation
import ModelFiles
import Quantization

/// What formats that need activations choose their codes by.
struct CalibrationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What to run the model on for gptq, gptq-act and awq; by default its training data beside it.",
      valueName: "file"))
  var calibration: String?

  @Option(
    help: ArgumentHelp(
      "How many sequences of that, spread evenly; 128 by default, 1024 samples of a classifier.",
      valueName: "count"))
  var calibrationSequences: Int?

  func validate() throws {
    if let calibrationSequences, calibrationSequences < 1 {
      throw ValidationError("--calibration-sequences takes a number from 1")
    }
  }

  /// Runs the model on the calibration data if one of the formats needs that.
  func collect(
    for formats: [Format], _ model: Model, _ running: RunningOptions
  ) throws(EvaluationError) -> CollectedHessians? {
    guard formats.contains(where: \.needsActivations) else { return nil }
    return try collect(
      model, evaluated: running.read(for: model), context: running.context,
      threads: running.threadCount)
  }

  /// Whether it was said what to run the model on.
  var isGiven: Bool { calibration != nil || calibrationSequences != nil }

  /// Runs the model on the calibration data.
  /// - Parameter evaluated: what it must have nothing of.
  func collect(
    _ model: Model, evaluated: EvaluationData, context: Int? = nil,
    threads: Int = ProcessInfo.processInfo.activeProcessorCount
  ) throws(EvaluationError) -> CollectedHessians {
    let data = try DataReader(model).readCalibration(
      calibration, context: context, count: calibrationSequences)
    guard Set(data.samples).isDisjoint(with: evaluated.samples) else {
      throw .data(
        "\(data.name.sanitised): some of it is what the model is evaluated on; give other data to "
          + "--calibration")
    }
    let line = ProgressLine()
    defer { line.end() }
    return try CollectedHessians(
      WeightSource(model: model), data: data, threads: threads,
      progress: { share in line.show("calibrating, \(Int(share * 100)) %") })
  }
}
