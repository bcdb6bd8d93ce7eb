import CKernels

/// The block types of ggml, llama.cpp's library, under llama.cpp's own names.
///
/// Each is what ggml 0.25.3 makes of it on x86-64, bit for bit: the layouts are the block structs of its
/// `ggml-common.h`, the arithmetic that of the reference functions in its `ggml-quants.c` (both under the MIT
/// licence). The files of CKernels say each layout in words.
///
/// A row is cut into blocks of `blockLength` weights, so its length must be a multiple of that. NaN and
/// infinities are treated as the reference treats them: there is no promise of a useful block.
///
/// Q8_1 and Q8_K aren't here: ggml uses them for activations while it multiplies, never in files.
public enum GGMLType: String, CaseIterable, Hashable, Sendable {
  /// 32 weights of 4 bits: d x (q - 8).
  case q40 = "q4_0"
  /// 32 weights of 4 bits: d x q + m.
  case q41 = "q4_1"
  /// 32 weights of 5 bits: d x (q - 16).
  case q50 = "q5_0"
  /// 32 weights of 5 bits: d x q + m.
  case q51 = "q5_1"
  /// 32 weights of 8 bits: d x q.
  case q80 = "q8_0"
  /// 256 weights of 2 bits, groups of 16 with 4-bit scales and minimums.
  case q2K = "q2_K"
  /// 256 weights of 3 bits, groups of 16 with 6-bit scales.
  case q3K = "q3_K"
  /// 256 weights of 4 bits, groups of 32 with 6-bit scales and minimums.
  case q4K = "q4_K"
  /// 256 weights of 5 bits, groups of 32 with 6-bit scales and minimums.
  case q5K = "q5_K"
  /// 256 weights of 6 bits, groups of 16 with 8-bit scales.
  case q6K = "q6_K"
  /// 256 weights, eight of them a point of a grid of 2,048 ternary ones; groups of 32.
  case iq1S = "iq1_s"
  /// As `iq1S`, with groups of 16.
  case iq1M = "iq1_m"
  /// 256 weights, eight of them a point of a grid of 256 magnitudes, and signs; groups of 32.
  case iq2XXS = "iq2_xxs"
  /// As `iq2XXS`, with a grid of 512 and groups of 16.
  case iq2XS = "iq2_xs"
  /// As `iq2XS`, with a grid of 1,024 and all signs free.
  case iq2S = "iq2_s"
  /// 256 weights, four of them a point of a grid of 256 magnitudes, and signs; groups of 32.
  case iq3XXS = "iq3_xxs"
  /// As `iq3XXS`, with a grid of 512 and all signs free.
  case iq3S = "iq3_s"
  /// 32 weights on sixteen levels that lie closer together near zero.
  case iq4NL = "iq4_nl"
  /// 256 weights on the levels of `iq4NL`, groups of 32 with 6-bit scales.
  case iq4XS = "iq4_xs"
  /// 256 weights that are -d, 0 or d, five in a byte.
  case tq10 = "tq1_0"
  /// 256 weights that are -d, 0 or d, four in a byte.
  case tq20 = "tq2_0"
  /// 32 weights of E2M1 with a power of two (E8M0): llama.cpp's form of the OCP microscaling type.
  case mxfp4
  /// Four times 16 weights of E2M1 with a scale of E4M3: llama.cpp's form of NVIDIA's type, without a scale
  /// for the tensor.
  case nvfp4
  /// 128 weights that are -d or d.
  case q10 = "q1_0"
  /// 64 weights of 2 bits: d x (q - 1).
  case q20 = "q2_0"

  /// The weights of a block.
  public var blockLength: Int { traits.blockLength }

  /// The bytes of a block.
  public var bytesPerBlock: Int { traits.bytesPerBlock }

  /// The type of a name, in any letter case; nil if there is none.
  public init?(name: String) {
    guard let type = Self.byName[name.lowercased()] else { return nil }
    self = type
  }

  /// The weights of blocks at any alignment.
  ///
  /// As many whole blocks are decoded as both the bytes and the room hold; the rest of the room is left alone.
  public func decode(_ bytes: RawSpan, into out: inout MutableSpan<Float>) {
    let traits = traits
    let count = min(out.count / traits.blockLength, bytes.byteCount / traits.bytesPerBlock)
    guard count > 0 else { return }
    bytes.withUnsafeBytes { source in
      out.withUnsafeMutableBufferPointer { out in
        traits.decode(
          source.baseAddress?.assumingMemoryBound(to: UInt8.self), count, out.baseAddress)
      }
    }
  }

  private static let byName = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0.rawValue.lowercased(), $0) })
}

extension GGMLType {
  /// What tells one type from another: its geometry (ggml's `type_traits`) and its kernels.
  struct Traits {
    typealias Decoder = (UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<Float>?) -> Void
    /// Weights and the number of blocks.
    typealias PlainEncoder = (UnsafePointer<Float>?, Int, UnsafeMutablePointer<UInt8>?) -> Void
    /// Weights, the importance of each column or nil, rows and their length.
    typealias WeightedEncoder = (
      UnsafePointer<Float>?, UnsafePointer<Float>?, Int, Int, UnsafeMutablePointer<UInt8>?
    ) -> Void

    enum Encoder {
      /// Passes importance over.
      case plain(PlainEncoder)
      /// Uses importance where there is some; block by block.
      case weighted(WeightedEncoder)
      /// The same, but what a block becomes depends on its whole row.
      case weightedByRow(WeightedEncoder)
      /// Cannot do without.
      case weightedOnly(WeightedEncoder)
    }

    let blockLength: Int
    let bytesPerBlock: Int
    let decode: Decoder
    let encode: Encoder

    init(_ blockLength: Int, _ bytes: Int, _ decode: @escaping Decoder, _ encode: Encoder) {
      self.blockLength = blockLength
      bytesPerBlock = bytes
      self.decode = decode
      self.encode = encode
    }
  }

  /// A type is a line here, a case above, and its kernels.
  var traits: Traits {
    switch self {
    case .q40: Traits(32, 18, bl_decode_q4_0, .weightedByRow(bl_encode_q4_0))
    case .q41: Traits(32, 20, bl_decode_q4_1, .weightedByRow(bl_encode_q4_1))
    case .q50: Traits(32, 22, bl_decode_q5_0, .weightedByRow(bl_encode_q5_0))
    case .q51: Traits(32, 24, bl_decode_q5_1, .weightedByRow(bl_encode_q5_1))
    case .q80: Traits(32, 34, bl_decode_q8_0, .plain(bl_encode_q8_0))
    case .q2K: Traits(256, 84, bl_decode_q2_K, .weighted(bl_encode_q2_K))
    case .q3K: Traits(256, 110, bl_decode_q3_K, .weighted(bl_encode_q3_K))
    case .q4K: Traits(256, 144, bl_decode_q4_K, .weighted(bl_encode_q4_K))
    case .q5K: Traits(256, 176, bl_decode_q5_K, .weighted(bl_encode_q5_K))
    case .q6K: Traits(256, 210, bl_decode_q6_K, .weighted(bl_encode_q6_K))
    case .iq1S: Traits(256, 50, bl_decode_iq1_s, .weightedOnly(bl_encode_iq1_s))
    case .iq1M: Traits(256, 56, bl_decode_iq1_m, .weighted(bl_encode_iq1_m))
    case .iq2XXS: Traits(256, 66, bl_decode_iq2_xxs, .weightedOnly(bl_encode_iq2_xxs))
    case .iq2XS: Traits(256, 74, bl_decode_iq2_xs, .weightedOnly(bl_encode_iq2_xs))
    case .iq2S: Traits(256, 82, bl_decode_iq2_s, .weighted(bl_encode_iq2_s))
    case .iq3XXS: Traits(256, 98, bl_decode_iq3_xxs, .weighted(bl_encode_iq3_xxs))
    case .iq3S: Traits(256, 110, bl_decode_iq3_s, .weighted(bl_encode_iq3_s))
    case .iq4NL: Traits(32, 18, bl_decode_iq4_nl, .weighted(bl_encode_iq4_nl))
    case .iq4XS: Traits(256, 136, bl_decode_iq4_xs, .weighted(bl_encode_iq4_xs))
    case .tq10: Traits(256, 54, bl_decode_tq1_0, .plain(bl_encode_tq1_0))
    case .tq20: Traits(256, 66, bl_decode_tq2_0, .plain(bl_encode_tq2_0))
    case .mxfp4: Traits(32, 17, bl_decode_mxfp4, .plain(bl_encode_mxfp4))
    case .nvfp4: Traits(64, 36, bl_decode_nvfp4, .plain(bl_encode_nvfp4))
    case .q10: Traits(128, 18, bl_decode_q1_0, .plain(bl_encode_q1_0))
    case .q20: Traits(64, 18, bl_decode_q2_0, .plain(bl_encode_q2_0))
    }
  }
}
