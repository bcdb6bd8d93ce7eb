import ModelFiles
import Planning
import Quantization

extension Evaluator {
  /// What quantizing each tensor alone does: only its block and those behind it are run, from the source's own
  /// activations on.
  /// - Parameters:
  ///   - formats: the tensors by their indices, each with what it is to go through.
  ///   - sequences: how many of the samples are run; nil: all.
  ///   - progress: told how many of the formats are done.
  public func sensitivities(
    _ formats: [(tensor: Int, formats: [Format])], sequences: Int? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }, progress: ((Int) -> Void)? = nil
  ) throws(EvaluationError) -> [Sensitivities.Entry] {
    var entries: [Sensitivities.Entry] = []
    for (tensor, formats) in formats {
      for format in formats {
        var plan = [Format?](repeating: nil, count: model.tensors.count)
        plan[tensor] = format
        let figures = try evaluate(plan, sequences: sequences, isCancelled: isCancelled)
        entries.append(
          Sensitivities.Entry(
            tensor: model.tensors[tensor].name, format: format, distance: figures.distance,
            interval: figures.distanceInterval))
        progress?(entries.count)
      }
    }
    return entries
  }
}
