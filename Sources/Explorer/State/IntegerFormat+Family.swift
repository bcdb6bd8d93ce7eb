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
    var parts = [scheme.rawValue, granularity.name, calibration.name]
    if scaleType != .f16 { parts.append("\(scaleType.rawValue) scales") }
    return parts.joined(separator: ", ")
  }
}
