import Quantization

/// The file types that llama-quantize knows, under its own names: each a type for most tensors, and rules for
/// those that get another (``LlamaMix``).
///
/// Source: `QUANT_OPTIONS` in llama.cpp's `tools/quantize/quantize.cpp` and `llama_ftype_get_default_type` in its
/// `src/llama-quant.cpp`, of the version that has ggml 0.25.3.
enum LlamaFileType: String, CaseIterable, Sendable {
  case f32 = "F32"
  case bf16 = "BF16"
  case f16 = "F16"
  case q80 = "Q8_0"
  case q6K = "Q6_K"
  case q51 = "Q5_1"
  case q5KM = "Q5_K_M"
  case q5KS = "Q5_K_S"
  case q50 = "Q5_0"
  case q41 = "Q4_1"
  case q4KM = "Q4_K_M"
  case q4KS = "Q4_K_S"
  case q40 = "Q4_0"
  case iq4NL = "IQ4_NL"
  case iq4XS = "IQ4_XS"
  case mxfp4MoE = "MXFP4_MOE"
  case q3KL = "Q3_K_L"
  case q3KM = "Q3_K_M"
  case q3KS = "Q3_K_S"
  case iq3M = "IQ3_M"
  case iq3S = "IQ3_S"
  case iq3XS = "IQ3_XS"
  case iq3XXS = "IQ3_XXS"
  case q2K = "Q2_K"
  case q2KS = "Q2_K_S"
  case iq2M = "IQ2_M"
  case iq2S = "IQ2_S"
  case iq2XS = "IQ2_XS"
  case iq2XXS = "IQ2_XXS"
  case q20 = "Q2_0"
  case tq20 = "TQ2_0"
  case tq10 = "TQ1_0"
  case iq1M = "IQ1_M"
  case iq1S = "IQ1_S"
  case q10 = "Q1_0"

  /// The name that stands for another, as llama-quantize has it.
  static let aliases: [String: LlamaFileType] = [
    "Q3_K": .q3KM, "Q4_K": .q4KM, "Q5_K": .q5KM,
  ]

  /// The type of a tensor for which there is no rule.
  var base: Format {
    switch self {
    case .f32: .float(.f32)
    case .bf16: .float(.bf16)
    case .f16: .float(.f16)
    default: .ggml(baseType)
    }
  }

  private var baseType: GGMLType {
    switch self {
    case .f32, .bf16, .f16, .q80: .q80
    case .q6K: .q6K
    case .q51: .q51
    case .q5KM, .q5KS: .q5K
    case .q50: .q50
    case .q41: .q41
    case .q4KM, .q4KS: .q4K
    case .q40: .q40
    case .iq4NL: .iq4NL
    case .iq4XS: .iq4XS
    case .mxfp4MoE: .mxfp4
    case .q3KL, .q3KM, .q3KS: .q3K
    case .iq3M, .iq3S, .iq3XS: .iq3S
    case .iq3XXS: .iq3XXS
    case .q2K, .q2KS: .q2K
    case .iq2M: .iq2S
    case .iq2S, .iq2XS: .iq2XS
    case .iq2XXS: .iq2XXS
    case .q20: .q20
    case .tq20: .tq20
    case .tq10: .tq10
    case .iq1M: .iq1M
    case .iq1S: .iq1S
    case .q10: .q10
    }
  }

  /// The types for which importance is wanted.
  var wanting: Set<GGMLType> {
    self == .q2KS ? LlamaQuantizeRules.wanting.union([.q2K]) : LlamaQuantizeRules.wanting
  }

  /// Whether it has the rules of its own that there are for the smallest.
  var isTiny: Bool {
    switch self {
    case .iq2XXS, .iq2XS, .iq2S, .iq2M, .iq1S, .iq1M: true
    default: false
    }
  }
}
