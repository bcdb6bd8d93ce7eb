import Quantization

extension Consumer {
  /// The programs that a format can be exported to, for tensors whose shapes and names allow it.
  ///
  /// How an integer format's ranges are chosen, and in which type MLX keeps its scales, is the program's affair.
  public static func taking(_ format: Format) -> [Consumer] {
    var asked = format
    if case .integer(let integer) = format, integer.calibration != .hqq,
      let plain = IntegerFormat(
        bits: integer.bits, scheme: integer.scheme, granularity: integer.granularity)
    {
      asked = .integer(plain)
    } else if case .mlx(let mlx) = format,
      let plain = MLXFormat(bits: mlx.bits, groupLength: mlx.groupLength, valueType: .bf16)
    {
      asked = .mlx(plain)
    }
    return allCases.filter { $0.exporter.offers.contains(asked) }
  }
}
