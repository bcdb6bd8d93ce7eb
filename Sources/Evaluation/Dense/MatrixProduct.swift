import CKernels
import Foundation

#if canImport(Accelerate)
  import Accelerate
#endif

/// Products of matrices in single precision: by a library where there is one, else by our own loops.
///
/// The library is looked for when the first product is asked for: Accelerate on a Mac, elsewhere OpenBLAS
/// (Debian: libopenblas0). It is opened, not linked: the program runs without. Each product is worked out by the
/// thread that asks; threads share the sequences of a forward pass instead.
public enum MatrixProduct: Sendable {
  /// Our own loops, which are always there.
  case own
  /// A library's.
  case library(BLAS)

  /// The best there is.
  public static let best: MatrixProduct = BLAS.found.map { .library($0) } ?? .own

  /// What multiplies, for people.
  public var description: String {
    switch self {
    case .own: "own loops"
    case .library(let library): library.name
    }
  }
}

/// A library of basic linear algebra subprograms, of which one is used: `cblas_sgemm`.
public struct BLAS: Sendable {
  /// What it calls itself.
  public let name: String

  typealias Product =
    @convention(c) (
      CInt, CInt, CInt, CInt, CInt, CInt, Float, UnsafePointer<Float>?, CInt,
      UnsafePointer<Float>?, CInt, Float, UnsafeMutablePointer<Float>?, CInt
    ) -> Void

  private let product: Product

  /// The numbers that all CBLAS libraries give to orders and transpositions.
  private enum Order: CInt { case rowMajor = 101 }
  private enum Transposition: CInt {
    case none = 111
    case transposed = 112
  }

  /// - Parameter turned: whether a is [depth x rows].
  func multiply(_ p: bl_product, turned: Bool = false) {
    product(
      Order.rowMajor.rawValue, (turned ? Transposition.transposed : .none).rawValue,
      (p.b_is_transposed ? Transposition.transposed : .none).rawValue, CInt(p.rows),
      CInt(p.columns), CInt(p.depth), 1, p.a, CInt(p.a_stride), p.b, CInt(p.b_stride),
      p.adds ? 1 : 0, p.out, CInt(p.out_stride))
  }

  /// The library of this machine; nil if there is none, or if the variable BITLADDER_BLAS says `own`.
  static let found: BLAS? =
    ProcessInfo.processInfo.environment["BITLADDER_BLAS"] == "own" ? nil : open()

  #if canImport(Accelerate)
    private static func open() -> BLAS? {
      BLAS(name: "Accelerate") { order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc in
        guard let order = CBLAS_ORDER(rawValue: UInt32(order)) as CBLAS_ORDER?,
          let ta = CBLAS_TRANSPOSE(rawValue: UInt32(ta)) as CBLAS_TRANSPOSE?,
          let tb = CBLAS_TRANSPOSE(rawValue: UInt32(tb)) as CBLAS_TRANSPOSE?
        else { return }
        cblas_sgemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
      }
    }
  #else
    private static func open() -> BLAS? {
      guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL),
        let product = dlsym(library, "cblas_sgemm"),
        let setThreads = dlsym(library, "openblas_set_num_threads")
      else { return nil }
      // Its types by the library's header: there is no other way to say them.
      unsafeBitCast(setThreads, to: (@convention(c) (CInt) -> Void).self)(1)
      var name = "OpenBLAS"
      if let tell = dlsym(library, "openblas_get_config") {
        let text = unsafeBitCast(
          tell, to: (@convention(c) () -> UnsafePointer<CChar>?).self)()
        let words = text.map { String(cString: $0).split(separator: " ").prefix(2) }
        name = words?.joined(separator: " ") ?? name
      }
      return BLAS(name: name, product: unsafeBitCast(product, to: Product.self))
    }
  #endif

  private init(name: String, product: @escaping Product) {
    self.name = name
    self.product = product
  }
}
