/// Integers of 2 to 8 bits on grids: real = scale x (code - zero point).
///
/// For b bits (DESIGN.md, 3), all in single precision as numpy computes it on float32 arrays:
/// - affine: scale = (max - min) / (2^b - 1) over a range widened to hold 0, zero point = round(-min / scale),
///   code = clamp(round(w / scale) + zero point, 0, 2^b - 1);
/// - symmetric: scale = max|w| / (2^(b-1) - 1), code = clamp(round(w / scale), -2^(b-1), 2^(b-1) - 1).
///
/// Ties round to even. The scale is rounded to its stored type first (to nearest, saturating at the type's
/// greatest value), and zero points and codes follow from the stored one. A group whose stored scale is zero
/// has codes and zero point 0, and decodes to zeros. NaN and infinities don't count for the range; NaN
/// encodes as zero, infinities as the end of the grid. With f32 and bf16 scales the ends of a grid may be beyond
/// the greatest value of single precision; they then come back infinite.
///
/// Stored bytes: each row's codes, b bits each without gaps, padded to a whole byte; then the scales, 2 bytes
/// (f16, bf16) or 4 (f32) each; then, where affine, the zero points, b bits each without gaps, padded once
/// (`hqq`: as scales are stored).
public struct IntegerFormat: Hashable, Sendable {
  /// Where zero is on the grid.
  public enum Scheme: String, CaseIterable, Hashable, Sendable {
    /// Zero is code 0; codes are signed.
    case symmetric = "sym"
    /// Zero is the zero point; codes are unsigned.
    case affine
  }

  /// What shares one scale.
  public enum Granularity: Hashable, Sendable {
    /// The whole tensor.
    case tensor
    /// A row: one output channel.
    case channel
    /// Consecutive weights of a row: 32, 64, 128 or 256. A row's last group may be shorter.
    case group(Int)

    /// The group lengths that names may have.
    public static let groupLengths = [32, 64, 128, 256]
  }

  /// How the range of a scale is chosen; Calibration.swift and (for `hqq`) HQQCodec.swift have the definitions. What
  /// `gptq`, `gptqAct` and `awq` choose follows from activations (Evaluation has them); what is stored is as for
  /// `minmax`. Codecs don't know activations: they take all input channels for equal, and round to the same grids.
  public enum Calibration: Hashable, Sendable {
    /// The least and the greatest weight.
    case minmax
    /// The percentile of |w| (symmetric), or those on either side of w (affine); over 50, at most 100.
    case percentile(Double)
    /// The clipping with the least squared error.
    case mse
    /// The clipping with the least Kullback-Leibler divergence over a histogram.
    case entropy
    /// The zero point that Half-Quadratic Quantization finds, not a whole number; affine channels and groups only.
    case hqq
    /// Codes that make up for each other's errors in the layer's output (GPTQ); channels and groups only.
    case gptq
    /// The same in the order in which input channels matter, on the grids of the weights as they are.
    case gptqAct
    /// Input channels scaled by what flows through them, and ranges clipped, for the least error of the output (AWQ);
    /// channels and groups only.
    case awq

    /// The parameter of `percentile` where none is given.
    public static let defaultPercentile = 99.9

    /// Whether codes are chosen by what flows through the model on some data.
    public var needsActivations: Bool {
      switch self {
      case .gptq, .gptqAct, .awq: true
      case .minmax, .percentile, .mse, .entropy, .hqq: false
      }
    }
  }

  /// How scales are stored.
  public enum ScaleType: String, CaseIterable, Hashable, Sendable {
    /// IEEE 754 binary16, saturating at 65,504.
    case f16
    /// bfloat16.
    case bf16
    /// IEEE 754 binary32.
    case f32

    /// The bytes of one scale.
    public var byteCount: Int { self == .f32 ? 4 : 2 }
  }

  /// Bits of a code, 2...8.
  public let bits: Int
  /// Symmetric or affine.
  public let scheme: Scheme
  /// What shares a scale.
  public let granularity: Granularity
  /// How ranges are chosen.
  public let calibration: Calibration
  /// How scales are stored.
  public let scaleType: ScaleType

  /// A format, or nil where a parameter is out of its range: 2 to 8 bits, groups of 32, 64, 128 or 256, a
  /// percentile over 50 and up to 100, `hqq` for affine channels and groups only, what needs activations for
  /// channels and groups only.
  public init?(
    bits: Int, scheme: Scheme = .symmetric, granularity: Granularity = .group(128),
    calibration: Calibration = .minmax, scaleType: ScaleType = .f16
  ) {
    guard (2...8).contains(bits) else { return nil }
    if case .group(let length) = granularity, !Granularity.groupLengths.contains(length) {
      return nil
    }
    if case .percentile(let value) = calibration, !(value > 50 && value <= 100) { return nil }
    if calibration == .hqq, scheme != .affine || granularity == .tensor { return nil }
    if calibration.needsActivations, granularity == .tensor { return nil }
    self.bits = bits
    self.scheme = scheme
    self.granularity = granularity
    self.calibration = calibration
    self.scaleType = scaleType
  }

  /// The least and the greatest code.
  public var codes: ClosedRange<Int> {
    scheme == .affine ? 0...(1 << bits) - 1 : -(1 << (bits - 1))...(1 << (bits - 1)) - 1
  }

  /// How many scales `rows` rows of `rowLength` weights have; none if there are no weights.
  public func scaleCount(rows: Int, rowLength: Int) -> Int {
    guard rows > 0, rowLength > 0 else { return 0 }
    switch granularity {
    case .tensor: return 1
    case .channel: return rows
    case .group(let length): return rows * ((rowLength + length - 1) / length)
    }
  }

  /// The bytes that a row's codes take.
  func codeByteCount(rowLength: Int) -> Int { (rowLength * bits + 7) / 8 }
}

extension IntegerFormat: FormatScheme {
  func storedByteCount(rows: Int, rowLength: Int) -> Int {
    let scales = scaleCount(rows: rows, rowLength: rowLength)
    let codesAndScales =
      rows * codeByteCount(rowLength: rowLength) + scales * scaleType.byteCount
    if calibration == .hqq { return codesAndScales + scales * scaleType.byteCount }
    return codesAndScales + (scheme == .affine ? (scales * bits + 7) / 8 : 0)
  }

  func makeCodec() -> any Codec {
    calibration == .hqq ? HQQCodec(integer: self) : IntegerCodec(self, range: nil)
  }

  func makeScan() -> (any TensorScan)? { granularity == .tensor ? IntegerScan(self) : nil }

  var needsActivations: Bool { calibration.needsActivations }

  var pieceAlignment: Int? {
    switch granularity {
    case .tensor: 1
    case .channel: nil
    case .group(let length): length
    }
  }
}
