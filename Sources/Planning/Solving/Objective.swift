import Foundation

/// What a solver makes as small as it can.
public enum Objective: String, Sendable, CaseIterable {
  /// Σ of all squared errors over Σ of all squares.
  case nmse
  /// The same, input channels weighted by their importance. Tensors without importance count as if each of
  /// their channels had the mean importance of the others: Σ of weighted squares over Σ of squares of the
  /// tensors that have some. Without any importance it is `nmse`.
  case weighted
  /// The sum of the logarithms of all tensors' NMSE, a tensor's NMSE taken as 1e-6 at least (60 dB): their
  /// geometric mean. All tensors count alike, small ones too, and each halving of an error is worth the same:
  /// small tensors get many bits, large ones few.
  case log
  /// The NMSE of the worst tensor; among plans that are equal in that, `nmse`.
  case worst
  /// The sum of what quantizing each tensor alone does to the model's outputs: the options must be those of
  /// ``Sensitivities/options(for:)``.
  case divergence = "kl"

  /// The least NMSE that `log` tells from none.
  public static let leastLogNmse = 1e-6

  /// What its figure is called.
  public var name: String {
    switch self {
    case .nmse: "NMSE"
    case .weighted: "weighted NMSE"
    case .log: "geometric mean of the tensors' NMSE"
    case .worst: "worst tensor's NMSE"
    case .divergence: "sum of the tensors' own divergences"
    }
  }
}

/// What each option costs under an objective, and what a sum of costs means as a relative error.
struct CostRule: Sendable {
  let objective: Objective
  /// Importance of a weight where a tensor has none of its own.
  private let meanImportance: Double
  /// By what the sum of costs is divided.
  private let scale: Double
  private let sensitivity: [Int: Double]

  /// - Parameters:
  ///   - keptSquares: Σw² of the tensors that aren't planned.
  ///   - sensitivity: how many times as much a tensor's error counts, by its id; 1 where it isn't named.
  init(
    _ objective: Objective, _ tensors: [TensorOptions], keptSquares: Double,
    sensitivity: [Int: Double]
  ) {
    self.objective = objective
    self.sensitivity = sensitivity
    var weighted = 0.0
    var squares = 0.0
    for tensor in tensors {
      if let own = tensor.weightedSquares {
        weighted += own
        squares += tensor.squares
      }
    }
    let mean = weighted > 0 && squares > 0 ? weighted / squares : 1
    meanImportance = mean
    switch objective {
    case .nmse, .worst, .divergence: scale = tensors.reduce(keptSquares) { $0 + $1.squares }
    case .weighted:
      scale = tensors.reduce(keptSquares * mean) {
        $0 + ($1.weightedSquares ?? $1.squares * mean)
      }
    case .log: scale = tensors.reduce(0) { $0 + (sensitivity[$1.tensor.id] ?? 1) }
    }
  }

  /// The cost of an option; sums over tensors are what is made small.
  func cost(_ tensor: TensorOptions, _ option: TensorOptions.Option) -> Double {
    let factor = factor(of: tensor)
    switch objective {
    case .nmse, .worst, .divergence: return factor * option.squaredError
    case .weighted:
      guard tensor.weightedSquares != nil, let error = option.weightedError else {
        return factor * option.squaredError * meanImportance
      }
      return factor * error
    case .log:
      return factor * Foundation.log(max(tensor.nmse(option), Objective.leastLogNmse))
    }
  }

  /// The figure of which `worst` takes the greatest.
  func peak(_ tensor: TensorOptions, _ option: TensorOptions.Option) -> Double {
    factor(of: tensor) * tensor.nmse(option)
  }

  private func factor(of tensor: TensorOptions) -> Double {
    sensitivity.isEmpty ? 1 : sensitivity[tensor.tensor.id] ?? 1
  }

  /// A sum of costs as a relative error.
  func error(ofCost cost: Double) -> Double {
    guard scale > 0 else { return objective == .log ? 1 : 0 }
    return objective == .log ? exp(cost / scale) : cost / scale
  }

  /// The greatest sum of costs that keeps a relative error.
  func cost(ofError error: Double) -> Double {
    objective == .log ? Foundation.log(error) * scale : error * scale
  }

  /// What a cost that is added does to the figure: in decibels under `log`, else as a relative error.
  func errorChange(ofCost cost: Double) -> Double {
    guard scale > 0 else { return 0 }
    return objective == .log ? 10 * cost / scale / Foundation.log(10) : cost / scale
  }
}
