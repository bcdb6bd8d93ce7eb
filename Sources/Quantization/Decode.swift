import CKernels

/// Elements of a model file to single precision.
///
/// Sources are bytes at any alignment, in little-endian order. As many elements are decoded as both the bytes
/// and the room hold; the rest of the room is left alone. Types wider than 24 bits round to nearest, ties to
/// even; values over the range of single precision become infinite.
public enum Decode {
  /// IEEE 754 binary32.
  public static func f32(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    integers(bytes, &out) { (pattern: UInt32) in Float(bitPattern: pattern) }
  }

  /// IEEE 754 binary64.
  public static func f64(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    kernel(bytes, &out, size: 8) { bl_decode_f64($0, $1, $2) }
  }

  /// IEEE 754 binary16.
  public static func f16(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    kernel(bytes, &out, size: 2) { bl_decode_f16($0, $1, $2) }
  }

  /// bfloat16, the upper half of a binary32.
  public static func bf16(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    kernel(bytes, &out, size: 2) { bl_decode_bf16($0, $1, $2) }
  }

  /// OCP E4M3 (also E4M3FN): no infinity, NaN is 0x7F and 0xFF.
  public static func f8E4M3(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    table(bytes, &out, f8E4M3Values)
  }

  /// OCP E5M2: infinities and NaN as in IEEE 754.
  public static func f8E5M2(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    table(bytes, &out, f8E5M2Values)
  }

  /// Signed bytes.
  public static func i8(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    integers(bytes, &out) { (value: Int8) in Float(value) }
  }

  /// Signed 16-bit integers.
  public static func i16(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    integers(bytes, &out) { (value: Int16) in Float(value) }
  }

  /// Signed 32-bit integers.
  public static func i32(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    integers(bytes, &out) { (value: Int32) in Float(value) }
  }

  /// Signed 64-bit integers.
  public static func i64(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    integers(bytes, &out) { (value: Int64) in Float(value) }
  }

  /// Unsigned bytes.
  public static func u8(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    integers(bytes, &out) { (value: UInt8) in Float(value) }
  }

  /// Unsigned 16-bit integers.
  public static func u16(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    integers(bytes, &out) { (value: UInt16) in Float(value) }
  }

  /// Unsigned 32-bit integers.
  public static func u32(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    integers(bytes, &out) { (value: UInt32) in Float(value) }
  }

  /// Unsigned 64-bit integers.
  public static func u64(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    integers(bytes, &out) { (value: UInt64) in Float(value) }
  }

  /// Bytes of truth values: 0 is 0, anything else 1.
  public static func bool(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    integers(bytes, &out) { (value: UInt8) in value == 0 ? 0 : 1 }
  }
}

extension Decode {
  /// One binary16 value.
  static func half(_ pattern: UInt16) -> Float {
    var value: Float = 0
    withUnsafeBytes(of: pattern.littleEndian) { bl_decode_f16($0.baseAddress, 1, &value) }
    return value
  }

  /// The nearest binary16 pattern.
  static func halfPattern(_ value: Float) -> UInt16 {
    var pattern: UInt16 = 0
    withUnsafePointer(to: value) { bl_encode_f16($0, 1, &pattern) }
    return pattern
  }

  /// The 256 values of E4M3.
  static let f8E4M3Values = f8Values(exponentBits: 4, mantissaBits: 3) { exponent, mantissa in
    exponent == 15 && mantissa == 7 ? .nan : nil
  }

  /// The 256 values of E5M2.
  static let f8E5M2Values = f8Values(exponentBits: 5, mantissaBits: 2) { exponent, mantissa in
    exponent == 31 ? (mantissa == 0 ? .infinity : .nan) : nil
  }

  private static func f8Values(
    exponentBits: Int, mantissaBits: Int, special: (Int, Int) -> Float?
  ) -> [Float] {
    let bias = (1 << (exponentBits - 1)) - 1
    return (0..<256).map { code in
      let exponent = (code >> mantissaBits) & ((1 << exponentBits) - 1)
      let mantissa = code & ((1 << mantissaBits) - 1)
      let significand = exponent == 0 ? mantissa : mantissa + (1 << mantissaBits)
      let power = max(exponent, 1) - bias - mantissaBits
      let magnitude =
        special(exponent, mantissa)
        ?? Float(sign: .plus, exponent: power, significand: Float(significand))
      return code & 0x80 == 0 ? magnitude : -magnitude
    }
  }

  private static func integers<Element: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: RawSpan, _ out: inout MutableSpan<Float>, _ convert: (Element) -> Float
  ) {
    let size = MemoryLayout<Element>.size
    let count = min(out.count, bytes.byteCount / size)
    bytes.withUnsafeBytes { source in
      out.withUnsafeMutableBufferPointer { out in
        for i in 0..<count {
          let value = source.loadUnaligned(fromByteOffset: i * size, as: Element.self)
          out[i] = convert(Element(littleEndian: value))
        }
      }
    }
  }

  private static func kernel(
    _ bytes: RawSpan, _ out: inout MutableSpan<Float>, size: Int,
    _ body: (UnsafeRawPointer?, Int, UnsafeMutablePointer<Float>?) -> Void
  ) {
    let count = min(out.count, bytes.byteCount / size)
    bytes.withUnsafeBytes { source in
      out.withUnsafeMutableBufferPointer { body(source.baseAddress, count, $0.baseAddress) }
    }
  }

  private static func table(
    _ bytes: RawSpan, _ out: inout MutableSpan<Float>, _ values: [Float]
  ) {
    kernel(bytes, &out, size: 1) { source, count, out in
      values.withUnsafeBufferPointer { bl_decode_table(source, count, $0.baseAddress, out) }
    }
  }
}
