import Quantization

/// The formats that the Formats view explains, by family.
enum FormatGuide {
  struct Family: Sendable {
    let name: String
    let formats: [Format]
  }

  static let families: [Family] = [
    Family(name: "Floating point", formats: FloatFormat.allCases.map { .float($0) }),
    Family(name: "Integers", formats: integers),
    Family(
      name: "Microscaling, NVFP4", formats: ScaledFloatFormat.allCases.map { .scaledFloat($0) }),
    Family(name: "bitsandbytes", formats: CodeBookFormat.allCases.map { .codeBook($0) }),
    Family(name: "MLX", formats: MLXFormat.all().filter { $0.groupLength == 64 }.map { .mlx($0) }),
    Family(name: "Palettes", formats: PaletteFormat.all.map { .palette($0) }),
    Family(name: "llama.cpp, plain blocks", formats: ggml([.q80, .q51, .q50, .q41, .q40])),
    Family(name: "llama.cpp, K", formats: ggml([.q6K, .q5K, .q4K, .q3K, .q2K])),
    Family(
      name: "llama.cpp, IQ",
      formats: ggml([
        .iq4NL, .iq4XS, .iq3S, .iq3XXS, .iq2S, .iq2XS, .iq2XXS, .iq1M, .iq1S,
      ])),
    Family(name: "llama.cpp, floats", formats: ggml([.mxfp4, .nvfp4])),
    Family(name: "llama.cpp, few levels", formats: ggml([.q20, .tq20, .tq10, .q10])),
  ]

  private static func ggml(_ types: [GGMLType]) -> [Format] { types.map { .ggml($0) } }

  private static let integers: [Format] = {
    let plain = [8, 6, 5, 4, 3, 2].map { IntegerFormat.standard.with(bits: $0) }
    let others = [
      IntegerFormat(bits: 4, scheme: .affine),
      IntegerFormat(bits: 4, scheme: .affine, granularity: .group(32)),
      IntegerFormat(bits: 4, scheme: .affine, calibration: .hqq),
      IntegerFormat(bits: 8, granularity: .channel), IntegerFormat(bits: 8, granularity: .tensor),
    ]
    return (plain + others.compactMap { $0 }).map { .integer($0) }
  }()
}
