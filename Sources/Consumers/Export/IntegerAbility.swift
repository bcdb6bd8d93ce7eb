import Quantization

/// Which integer formats a program can express for a linear layer.
struct IntegerAbility: Sendable {
  var bits: Set<Int>
  var schemes: Set<IntegerFormat.Scheme> = [.symmetric, .affine]
  var groups: Set<Int>
  /// Whether an output row may share a scale.
  var channels = true
  /// Whether the whole tensor may share a scale.
  var tensors = false
  /// Both dimensions must be multiples of this.
  var multiple = 1

  /// Why a format can't be expressed, in a few words; nil if it can.
  func objection(to format: IntegerFormat, for tensor: ExportedTensor) -> String? {
    guard bits.contains(format.bits) else { return "no \(format.bits) bits" }
    guard schemes.contains(format.scheme) else { return "no \(format.scheme.rawValue) scheme" }
    if format.calibration == .hqq { return "no zero points of floating point" }
    if tensor.rows % multiple != 0 || tensor.rowLength % multiple != 0 {
      return "\(tensor.rows)x\(tensor.rowLength) aren't multiples of \(multiple)"
    }
    switch format.granularity {
    case .tensor: return tensors ? nil : "no scale for a whole tensor"
    case .channel: return channels ? nil : "no scale for a channel"
    case .group(let length):
      guard groups.contains(length) else { return "no groups of \(length)" }
      guard tensor.rowLength % length == 0 else {
        return "rows of \(tensor.rowLength) aren't multiples of \(length)"
      }
      return nil
    }
  }

  /// All that can be expressed.
  var formats: [Format] {
    var granularities = groups.sorted(by: >).map { IntegerFormat.Granularity.group($0) }
    if channels { granularities.append(.channel) }
    if tensors { granularities.append(.tensor) }
    return bits.sorted().flatMap { bits in
      IntegerFormat.Scheme.allCases.filter(schemes.contains).flatMap { scheme in
        granularities.compactMap { granularity in
          IntegerFormat(bits: bits, scheme: scheme, granularity: granularity).map { .integer($0) }
        }
      }
    }
  }
}

extension IntegerFormat {
  /// The length of its groups; nil for other granularities.
  var groupLength: Int? { if case .group(let length) = granularity { length } else { nil } }
}

extension Exporter {
  /// What is said where a program finds ranges by a rule of its own.
  func remarkOnRanges(_ format: Format, _ program: String) -> String? {
    guard case .integer(let integer) = format, integer.calibration != .minmax else { return nil }
    return "\(program) chooses ranges by its own rule, not by \(integer.calibration.name)"
  }

  /// What is said of a tensor that isn't a linear layer.
  func reasonUnlessLinear(_ tensor: ExportedTensor, _ program: String) -> String? {
    guard !tensor.isLinear else { return nil }
    switch tensor.role {
    case .tokenEmbedding, .positionEmbedding: return "\(program) quantizes no embeddings"
    case .norm, .bias: return "\(program) quantizes no \(tensor.role)"
    case .conv: return "\(program) quantizes linear layers alone"
    default:
      return tensor.shape.count > 2
        ? "stacked experts aren't modules of their own for \(program)"
        : "its module isn't known"
    }
  }
}
