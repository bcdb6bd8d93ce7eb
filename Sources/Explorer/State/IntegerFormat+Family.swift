import Quantization

extension IntegerFormat {
  /// Symmetric, groups of 128, minmax, F16 scales: what a bare `int4` means.
  static let standard: IntegerFormat = {
    guard let format = IntegerFormat(bits: 4) else {
      preconditionFailure("4 bits are within 2 to 8")
    }
    return format
  }()

  /// The same with some parts changed; unchanged where a part would be out of its range.
  func with(
    bits: Int? = nil, scheme: Scheme? = nil, granularity: Granularity? = nil,
    calibration: Calibration? = nil, scaleType: ScaleType? = nil
  ) -> IntegerFormat {
    IntegerFormat(
      bits: bits ?? self.bits, scheme: scheme ?? self.scheme,
      granularity: granularity ?? self.granularity, calibration: calibration ?? self.calibration,
      scaleType: scaleType ?? self.scaleType) ?? self
  }

  /// What the formats of a family share, in words: `sym, g128, minmax`.
  var familyDescription: String {
    var parts = [scheme.rawValue, granularity.name]
    switch calibration {
    case .minmax: parts.append("minmax")
    case .percentile(let percentile): parts.append("percentile \(percentile)")
    case .mse: parts.append("mse")
    case .entropy: parts.append("entropy")
    }
    if scaleType != .f16 { parts.append("\(scaleType.rawValue) scales") }
    return parts.joined(separator: ", ")
  }
}

extension IntegerFormat.Granularity {
  /// As in a format's name.
  var name: String {
    switch self {
    case .tensor: "tensor"
    case .channel: "channel"
    case .group(let length): "g\(length)"
    }
  }
}
