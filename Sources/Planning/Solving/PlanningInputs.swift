import Measurement
import ModelFiles
import Quantization

/// What a solver is given of a model: the tensors with what they may get, and those that aren't planned.
public struct PlanningInputs: Sendable {
  /// The tensors that are planned, in the order of the candidates.
  public private(set) var options: [TensorOptions] = []
  /// The others.
  public private(set) var kept = KeptTensors()

  /// Inputs from what was measured; formats that weren't are left out.
  /// - Parameters:
  ///   - candidates: the tensors that are planned, with the formats that they may get.
  ///   - measurement: what is known of a tensor in a format.
  ///   - squares: Σw² of a tensor as its weights' statistics say, where they are known.
  ///   - keptBytes: what a tensor takes that isn't planned.
  public init(
    model: Model, candidates: [(tensor: Tensor, formats: [Format])],
    measurement: (Int, Format) -> Measurement?, squares: (Int) -> Double?,
    keptBytes: (Tensor) -> Int = \.byteCount
  ) {
    var isPlanned = [Bool](repeating: false, count: model.tensors.count)
    options.reserveCapacity(candidates.count)
    for (tensor, formats) in candidates {
      isPlanned[tensor.id] = true
      let measured = formats.compactMap { measurement(tensor.id, $0) }
      var options = TensorOptions(tensor: tensor, measurements: measured)
      if measured.isEmpty { options.squares = squares(tensor.id) ?? 0 }
      self.options.append(options)
    }
    for tensor in model.tensors where !isPlanned[tensor.id] {
      kept.bytes += keptBytes(tensor)
      kept.weights += tensor.weightCount
      if tensor.suitability.isWeights { kept.squares += squares(tensor.id) ?? 0 }
    }
  }
}

extension PlanningProblem {
  /// What a plan takes, and the objective's figure for it, whatever the constraints say.
  /// - Parameter options: what each of the problem's tensors has; what isn't among its options may be.
  public func figures(of options: [TensorOptions.Option]) -> (bytes: Int, error: Double) {
    var bytes = kept.bytes
    var cost = 0.0
    var peak = 0.0
    for (tensor, option) in zip(tensors, options) {
      bytes += option.bytes
      if objective == .worst {
        peak = max(peak, rule.peak(tensor, option))
      } else {
        cost += rule.cost(tensor, option)
      }
    }
    return (bytes, objective == .worst ? peak : rule.error(ofCost: cost))
  }

  /// What a cost that is added does to the objective's figure: under `log` in decibels, else as the relative
  /// error that is added (for `worst` to the sum that comes after the worst tensor).
  public func errorChange(ofCost cost: Double) -> Double { rule.errorChange(ofCost: cost) }
}
