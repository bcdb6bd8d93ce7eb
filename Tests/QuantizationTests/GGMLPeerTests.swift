import Foundation
import Quantization
import Testing

/// Fresh random weights through ggml's own library, where it is at hand. That of the PyPI package xllamacpp needs
/// Python's library before it:
///
///     GGML_LIBRARY=$(python3 -c 'import sysconfig, xllamacpp; v = sysconfig.get_config_var
///     print(v("LIBDIR") + "/" + v("INSTSONAME") + ":" + xllamacpp.__path__[0] + "/xllamacpp.abi3.so")') \
///       swift test --filter GGMLPeerTests
@Suite(.enabled(if: GGMLLibrary.path != nil, "GGML_LIBRARY names no library of ggml"))
struct GGMLPeerTests {
  @Test(arguments: GGMLType.allCases) func bytesAreThoseOfTheLibrary(type: GGMLType) throws {
    let library = try GGMLLibrary()
    let format = Format.ggml(type)
    let codec = format.codec()
    let seed = UInt64(Date().timeIntervalSince1970 * 1000)
    var random = SplitMix(state: seed)
    for round in 0..<12 {
      let rowLength = [256, 512, 1024, 2048][round % 4]
      let rows = Int.random(in: 1...21, using: &random)
      let weights = Self.weights(rows * rowLength, kind: round % 6, &random)
      let importance = random.normal(rowLength).map { $0 * $0 * exp($0) }
      for used in format.usesImportance ? [[], importance] : [[]] {
        if used.isEmpty, format.needsImportance { continue }
        let ours = codec.encode(
          weights.span, rowLength: rowLength, importance: used.span
        ).bytes
        let theirs = library.encode(
          weights, type: type, rowLength: rowLength, importance: used, byteCount: ours.count)
        let different = ours.indices.first { ours[$0] != theirs[$0] }
        #expect(
          different == nil,
          "\(type)\(used.isEmpty ? "" : ", weighted"), seed \(seed), round \(round), byte \(different ?? 0)"
        )
      }
    }
  }

  /// Normal, heavy-tailed, rounded to bfloat16, of few values, with zeros, and of many sizes.
  private static func weights(_ count: Int, kind: Int, _ random: inout SplitMix) -> [Float] {
    var weights = random.normal(count, deviation: 0.03)
    for index in weights.indices {
      let w = weights[index]
      switch kind {
      case 1: weights[index] = w * w * w * 1000
      case 2: weights[index] = Float(bitPattern: w.bitPattern & 0xffff_0000)
      case 3: weights[index] = (w * 100).rounded() / 64
      case 4: weights[index] = index / 32 % 3 == 0 ? 0 : w
      case 5: weights[index] = w * exp2(Float(index / 16 % 12 - 6))
      default: break
      }
    }
    return weights
  }
}

/// ggml's library, loaded at run time: the last of some paths with colons between them, the others being what it
/// needs.
struct GGMLLibrary {
  struct Failure: Error, CustomStringConvertible {
    let description = dlerror().map { String(cString: $0) } ?? "no library is named"
  }

  typealias Encode =
    @convention(c) (
      Int32, UnsafePointer<Float>?, UnsafeMutableRawPointer?, Int64, Int64, Int64,
      UnsafePointer<Float>?
    ) -> Int

  static var path: String? { ProcessInfo.processInfo.environment["GGML_LIBRARY"] }

  private let encode: Encode

  init() throws {
    var library: UnsafeMutableRawPointer?
    for path in (Self.path ?? "").split(separator: ":") {
      library = dlopen(String(path), RTLD_LAZY | RTLD_GLOBAL)
      guard library != nil else { throw Failure() }
    }
    guard library != nil, let function = dlsym(library, "ggml_quantize_chunk") else {
      throw Failure()
    }
    encode = unsafeBitCast(function, to: Encode.self)
  }

  func encode(
    _ weights: [Float], type: GGMLType, rowLength: Int, importance: [Float], byteCount: Int
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xA5, count: byteCount)
    let used = importance.isEmpty ? nil : importance
    bytes.withUnsafeMutableBytes { out in
      weights.withUnsafeBufferPointer { weights in
        let rows = Int64(weights.count / rowLength)
        func call(_ importance: UnsafePointer<Float>?) {
          _ = encode(
            type.number, weights.baseAddress, out.baseAddress, 0, rows, Int64(rowLength),
            importance)
        }
        if let used { used.withUnsafeBufferPointer { call($0.baseAddress) } } else { call(nil) }
      }
    }
    return bytes
  }
}

extension GGMLType {
  /// The number of the type in ggml (`ggml_type`).
  fileprivate var number: Int32 {
    switch self {
    case .q40: 2
    case .q41: 3
    case .q50: 6
    case .q51: 7
    case .q80: 8
    case .q2K: 10
    case .q3K: 11
    case .q4K: 12
    case .q5K: 13
    case .q6K: 14
    case .iq2XXS: 16
    case .iq2XS: 17
    case .iq3XXS: 18
    case .iq1S: 19
    case .iq4NL: 20
    case .iq3S: 21
    case .iq2S: 22
    case .iq4XS: 23
    case .iq1M: 29
    case .tq10: 34
    case .tq20: 35
    case .mxfp4: 39
    case .nvfp4: 40
    case .q10: 41
    case .q20: 42
    }
  }
}
