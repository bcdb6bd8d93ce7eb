/// How a tensor's elements are stored in its file: every dtype of safetensors and every type of
/// ggml.
///
/// The raw value is the name shown. Elements come in blocks: `blockLength` of them take
/// `bytesPerBlock`. Sources: the `Dtype` table of the safetensors format, and `ggml_type` with its
/// block structs.
public enum SourceType: String, CaseIterable, Sendable, Hashable, CustomStringConvertible {
  case f64 = "F64"
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case f8E4M3 = "F8_E4M3"
  case f8E5M2 = "F8_E5M2"
  case f8E4M3FNUZ = "F8_E4M3FNUZ"
  case f8E5M2FNUZ = "F8_E5M2FNUZ"
  case f8E8M0 = "F8_E8M0"
  case f6E2M3 = "F6_E2M3"
  case f6E3M2 = "F6_E3M2"
  case f4 = "F4"
  case c64 = "C64"
  case i64 = "I64"
  case i32 = "I32"
  case i16 = "I16"
  case i8 = "I8"
  case u64 = "U64"
  case u32 = "U32"
  case u16 = "U16"
  case u8 = "U8"
  case bool = "BOOL"
  case q40 = "Q4_0"
  case q41 = "Q4_1"
  case q50 = "Q5_0"
  case q51 = "Q5_1"
  case q80 = "Q8_0"
  case q81 = "Q8_1"
  case q2K = "Q2_K"
  case q3K = "Q3_K"
  case q4K = "Q4_K"
  case q5K = "Q5_K"
  case q6K = "Q6_K"
  case q8K = "Q8_K"
  case iq2XXS = "IQ2_XXS"
  case iq2XS = "IQ2_XS"
  case iq3XXS = "IQ3_XXS"
  case iq1S = "IQ1_S"
  case iq4NL = "IQ4_NL"
  case iq3S = "IQ3_S"
  case iq2S = "IQ2_S"
  case iq4XS = "IQ4_XS"
  case iq1M = "IQ1_M"
  case tq10 = "TQ1_0"
  case tq20 = "TQ2_0"
  case mxfp4 = "MXFP4"
  case nvfp4 = "NVFP4"
  case q10 = "Q1_0"
  case q20 = "Q2_0"
  /// Several tensors of the file: `TensorPacking` says which.
  case packed = "packed"

  /// The name shown.
  public var description: String { rawValue }

  /// The number of elements that are stored together; 1 for plain numbers.
  public var blockLength: Int { geometry.elements }

  /// The bytes that one block takes.
  public var bytesPerBlock: Int { geometry.bytes }

  private var geometry: (elements: Int, bytes: Int) {
    switch self {
    case .f64, .i64, .u64, .c64: (1, 8)
    case .f32, .i32, .u32: (1, 4)
    case .f16, .bf16, .i16, .u16: (1, 2)
    case .f8E4M3, .f8E5M2, .f8E4M3FNUZ, .f8E5M2FNUZ, .f8E8M0, .i8, .u8, .bool: (1, 1)
    case .f6E2M3, .f6E3M2: (4, 3)
    case .f4: (2, 1)
    case .q40, .iq4NL: (32, 18)
    case .q41: (32, 20)
    case .q50: (32, 22)
    case .q51: (32, 24)
    case .q80: (32, 34)
    case .q81: (32, 36)
    case .mxfp4: (32, 17)
    case .q20: (64, 18)
    case .nvfp4: (64, 36)
    case .q10: (128, 18)
    case .q2K: (256, 84)
    case .q3K, .iq3S: (256, 110)
    case .q4K: (256, 144)
    case .q5K: (256, 176)
    case .q6K: (256, 210)
    case .q8K: (256, 292)
    case .iq1S: (256, 50)
    case .iq1M: (256, 56)
    case .iq2XXS: (256, 66)
    case .iq2XS: (256, 74)
    case .iq2S: (256, 82)
    case .iq3XXS: (256, 98)
    case .iq4XS: (256, 136)
    case .tq10: (256, 54)
    case .tq20: (256, 66)
    case .packed: (1, 0)
    }
  }

  /// Whether elements share scales or take less than a byte: the block types of ggml, packed
  /// weights, and F6 and F4.
  public var isQuantized: Bool { blockLength > 1 || self == .packed }

  /// Whether it is a block type of ggml that weights are stored in: those can be quantized once more, from
  /// what they decode to. (Q8_1 and Q8_K hold activations.)
  public var isRequantizable: Bool {
    isQuantized && ggmlNumber != nil && self != .q81 && self != .q8K
  }

  /// Whether an element is one floating-point weight of 8 to 64 bits.
  public var isFloatingPoint: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16, .f8E4M3, .f8E5M2, .f8E4M3FNUZ, .f8E5M2FNUZ: true
    default: false
    }
  }

  /// The bytes that so many elements take; nil on overflow, and when they don't fill whole blocks.
  public func byteCount(elements: Int) -> Int? {
    let (length, bytes) = geometry
    guard elements >= 0, elements % length == 0 else { return nil }
    let (count, overflow) = (elements / length).multipliedReportingOverflow(by: bytes)
    return overflow ? nil : count
  }
}

// MARK: - Names and numbers in files

extension SourceType {
  /// The type that a safetensors file calls by this dtype.
  public init?(safetensorsName name: String) {
    guard let type = Self.safetensors[name] else { return nil }
    self = type
  }

  private static let safetensors = Dictionary(
    uniqueKeysWithValues: allCases.prefix { $0 != .q40 }.map { ($0.rawValue, $0) })

  /// The type that a GGUF file calls by this number; nil for unknown ones and those ggml has
  /// removed.
  public init?(ggmlNumber number: UInt32) {
    guard number < Self.ggml.count, let type = Self.ggml[Int(number)] else { return nil }
    self = type
  }

  /// The number of the type in GGUF files; nil if ggml has no such type.
  public var ggmlNumber: UInt32? { Self.ggml.firstIndex(of: self).map(UInt32.init) }

  /// The types of ggml by number.
  private static let ggml: [SourceType?] = [
    .f32, .f16, .q40, .q41, nil, nil, .q50, .q51,  // 0-7
    .q80, .q81, .q2K, .q3K, .q4K, .q5K, .q6K, .q8K,  // 8-15
    .iq2XXS, .iq2XS, .iq3XXS, .iq1S, .iq4NL, .iq3S, .iq2S, .iq4XS,  // 16-23
    .i8, .i16, .i32, .i64, .f64, .iq1M, .bf16, nil,  // 24-31
    nil, nil, .tq10, .tq20, nil, nil, nil, .mxfp4,  // 32-39
    .nvfp4, .q10, .q20,  // 40-42
  ]

  /// The names of types that ggml once had, by number.
  static let removedFromGGML: [UInt32: String] = [
    4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8",
    36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
  ]
}

/// The product of a shape's dimensions (1 for none); nil on overflow or a negative dimension.
func elementCount(_ shape: [Int]) -> Int? {
  var count = 1
  for dimension in shape {
    let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
    if overflow || dimension < 0 { return nil }
    count = product
  }
  return count
}
