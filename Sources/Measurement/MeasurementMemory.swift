import ModelFiles
import Quantization

/// Where measurements outlive the process.
public protocol MeasurementMemory: Sendable {
  /// Hands all notes to `report`, those that were made before and each new one, on any thread.
  func watch(_ report: @escaping @Sendable (String) -> Void)
  /// What it knows of one model, and what it is told of it.
  func memory(of model: Model, importance: ModelImportance?) -> any ModelMemory
  /// Waits until all that was asked for before is done.
  func close()
}

/// What a memory knows of one model.
public protocol ModelMemory: Sendable {
  /// Recalls in the background: hands what is known over in parts, on any thread, and tells when that was all.
  func recall(
    inParts part: @escaping @Sendable ([(Work, Finding)]) -> Void,
    then done: @escaping @Sendable () -> Void)
  /// Ends recalling soon, if it is under way.
  func cancel()
  /// A report that records what it passes on.
  func recording(_ report: @escaping Measurer.Report) -> Measurer.Report
  /// Waits until all that was recorded is written.
  func finish()
}
