import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Logarithms: the only place that needs the C library's mathematics.
enum Logarithms {
  static func decimal(_ x: Double) -> Double { log10(x) }

  /// ln(1 + x).
  static func ofOnePlus(_ x: Double) -> Double { log1p(x) }

  /// The natural logarithms of small counts, which the `entropy` calibration needs by the million.
  private static let table: [Double] = [0] + (1...Int(bl_logarithms)).map { log(Double($0)) }

  static func withTable<R>(_ body: (UnsafePointer<Double>?) -> R) -> R {
    table.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}
