import ModelFiles
import Quantization

/// How much is looked at for an estimate, and whether there is to be one.
public enum SamplingSchedule {
  /// What is exact this soon needs no estimate, in seconds on one core.
  private static let soon = 0.04
  /// Weights in the samples: the first stands on the screen within 50 ms, whatever the format and wherever the
  /// tensor is.
  private static let sizes = [1 << 16, 1 << 18, 1 << 20]

  /// The numbers of weights to look at, one sample after another; none where the exact figure is there as
  /// soon, and where a sample can't say anything (`canEstimate`).
  public static func rounds(of tensor: Tensor, format: Format) -> [Int] {
    guard canEstimate(tensor, format) else { return [] }
    guard Double(tensor.weightCount) > format.encodingRate * soon else { return [] }
    return sizes.filter { $0 <= tensor.weightCount / 4 }
  }

  /// Whether a sample says something about a tensor in a format. It doesn't where the codes of each weight
  /// depend on all others: on a range or a palette of the whole tensor, or through activations.
  public static func canEstimate(_ tensor: Tensor, _ format: Format) -> Bool {
    format.scan() == nil && !format.needsActivations
      && format.objection(rowLength: tensor.rowLength) == nil
      && tensor.weightCount > 0
  }
}

extension Format {
  /// Weights encoded and decoded in a second by one core, about and rather too few.
  var encodingRate: Double {
    switch self {
    case .float, .codeBook, .scaledFloat, .palette, .mlx: 400e6
    case .integer(let format):
      switch format.calibration {
      case .minmax, .gptq, .gptqAct, .awq: 600e6
      case .percentile, .hqq: 50e6
      case .mse: 30e6
      case .entropy: 7e6
      }
    case .ggml(let type): type.encodingRate
    }
  }
}

extension GGMLType {
  fileprivate var encodingRate: Double {
    let name = rawValue.lowercased()
    if name.hasPrefix("iq1") || name.hasPrefix("iq2") || name.hasPrefix("iq3") { return 15e6 }
    if name.hasPrefix("iq4") || name.hasSuffix("_k") { return 60e6 }
    return 200e6
  }
}
