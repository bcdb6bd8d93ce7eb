/// A floating-point type to which weights are cast as they are, without scales.
///
/// Rounding is to nearest, ties to even. NaN stays NaN.
/// - `f16` (IEEE 754 binary16) and `bf16` overflow to infinity, as numpy and every converter do; the error
///   figures of such a tensor are infinite.
/// - `f8_e4m3` and `f8_e5m2` (OCP 8-bit Floating Point Specification 1.0; the first is also called E4M3FN)
///   saturate at 448 and 57,344, infinities too: the specification's saturating conversion. The PyPI package
///   ml_dtypes and torch make NaN or infinity there; within range all agree.
public enum FloatFormat: String, CaseIterable, Hashable, Sendable {
  /// IEEE 754 binary32: 4 bytes.
  case f32
  /// IEEE 754 binary16: 2 bytes.
  case f16
  /// The upper half of a binary32: 2 bytes.
  case bf16
  /// OCP E4M3: 1 byte, 4 exponent bits, no infinity, greatest 448.
  case f8E4M3 = "f8_e4m3"
  /// OCP E5M2: 1 byte, 5 exponent bits, greatest 57,344.
  case f8E5M2 = "f8_e5m2"

  /// The bytes of one weight.
  public var byteCount: Int {
    switch self {
    case .f32: 4
    case .f16, .bf16: 2
    case .f8E4M3, .f8E5M2: 1
    }
  }
}

extension FloatFormat: FormatScheme {
  /// The name, which is canonical as it is.
  public var description: String { rawValue }

  func storedByteCount(rows: Int, rowLength: Int) -> Int { rows * rowLength * byteCount }

  func makeCodec() -> any Codec { FloatCodec(self) }

  var pieceAlignment: Int? { 1 }

  static let family = FormatFamily(knownNames: allCases.map(\.rawValue)) {
    name throws(FormatError) in
    if let format = FloatFormat(rawValue: name) { return .float(format) }
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count > 1, FloatFormat(rawValue: String(parts[0])) != nil else { return nil }
    throw FormatError(text: name, problem: .partNotTaken(String(parts[1])))
  }
}
