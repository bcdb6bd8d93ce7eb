import Quantization

/// What the Formats view says of a format, for people who don't know its name.
struct FormatWords {
  /// What it is, in a line.
  let summary: String
  /// How it stores weights, and what is particular to it.
  let text: String

  init(_ format: Format) {
    switch format {
    case .float(let float): self = Self.words(of: float)
    case .integer(let integer): self = Self.words(of: integer)
    case .scaledFloat(let float): self = Self.words(of: float)
    case .codeBook(let book): self = Self.words(of: book)
    case .mlx(let mlx): self = Self.words(of: mlx)
    case .palette(let palette): self = Self.words(of: palette)
    case .ggml(let type): (summary, text) = Self.words(of: type)
    }
  }

  private init(_ summary: String, _ text: String) {
    self.summary = summary
    self.text = text
  }

  private static func words(of float: FloatFormat) -> FormatWords {
    switch float {
    case .f32:
      FormatWords(
        "single precision, IEEE 754 binary32",
        "Every weight by itself, without scales. What models are trained in at times; 24 "
          + "significant bits are more than weights need.")
    case .f16:
      FormatWords(
        "half precision, IEEE 754 binary16",
        "Every weight by itself, without scales. 11 significant bits, but nothing beyond 65,504: "
          + "greater weights become infinite.")
    case .bf16:
      FormatWords(
        "the upper half of an f32",
        "Every weight by itself, without scales. The range of single precision with 8 significant "
          + "bits; what most models are published in.")
    case .f8E4M3:
      FormatWords(
        "OCP 8-bit float, four bits of exponent",
        "A plain cast, without scales: 4 significant bits from 1/64 to 448, and what is beyond "
          + "saturates. The steps grow with the weights, so that small ones keep their precision.")
    case .f8E5M2:
      FormatWords(
        "OCP 8-bit float, five bits of exponent",
        "A plain cast, without scales: 3 significant bits up to 57,344. More range than f8_e4m3, "
          + "which weights seldom need, and twice the error.")
    }
  }

  private static func words(of integer: IntegerFormat) -> FormatWords {
    let range =
      switch integer.granularity {
      case .tensor: "the whole tensor"
      case .channel: "a channel (a row: one output)"
      case .group(let length): "a group of \(length) weights in a row"
      }
    let levels = 1 << integer.bits
    var text =
      integer.scheme == .symmetric
      ? "\(levels) even steps on both sides of 0: weight = scale x code. The scale is the greatest "
        + "magnitude over \(levels / 2 - 1), for \(range). "
      : "\(levels) even steps from the least weight to the greatest: weight = scale x (code - zero point), for "
        + "\(range). The grid needn't be centred, which helps where weights lie to one side. "
    switch integer.granularity {
    case .tensor: text += "One outlier makes the steps coarse for all weights."
    case .channel: text += "One outlier makes the steps coarse for its row."
    case .group: text += "An outlier spoils its own group alone; smaller groups cost more scales."
    }
    switch integer.calibration {
    case .minmax: break
    case .percentile(let value):
      text +=
        " The range ends at the \(value)th percentile; what is beyond is clipped."
    case .mse:
      text +=
        " The range is the one with the least squared error, what is beyond is clipped."
    case .entropy: text += " The range is the one that changes the distribution least."
    case .hqq:
      text +=
        " The zero point is a number that Half-Quadratic Quantization searches, stored as scales "
        + "are."
    case .gptq:
      text +=
        " Codes are chosen by what flows through the model on some data, column by column: those behind make up for "
        + "the error of those before in what comes out (GPTQ)."
    case .gptqAct:
      text +=
        " Codes are chosen by what flows through the model on some data, columns that matter most first; those behind "
        + "make up for the error of those before in what comes out (GPTQ with act-order)."
    case .awq:
      text +=
        " Input channels are scaled by how much flows through them on some data, the opposite goes into the layer "
        + "before; then ranges are cut (AWQ)."
    }
    return FormatWords(
      "\(integer.bits)-bit integers, \(integer.scheme == .symmetric ? "symmetric" : "affine")", text
    )
  }

  private static func words(of float: ScaledFloatFormat) -> FormatWords {
    let micro =
      "32 weights share a scale that is a power of two, a byte (E8M0); each is a small float times "
      + "that, by the rules of OCP's microscaling specification. "
    switch float {
    case .mxfp8:
      return FormatWords(
        "OCP microscaling, E4M3", micro + "With 8 bits the elements have 4 significant bits.")
    case .mxfp8E5M2:
      return FormatWords(
        "OCP microscaling, E5M2",
        micro + "With 8 bits, of which 5 are exponents: range that a block has little use for.")
    case .mxfp6:
      return FormatWords(
        "OCP microscaling, E2M3", micro + "6 bits: magnitudes from 0.125 to 7.5 in 31 steps.")
    case .mxfp6E3M2:
      return FormatWords(
        "OCP microscaling, E3M2",
        micro + "6 bits: magnitudes from 0.0625 to 28, coarser than mxfp6's.")
    case .mxfp4:
      return FormatWords(
        "OCP microscaling, E2M1",
        micro + "4 bits: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives. Newer graphics cards "
          + "multiply it as it is.")
    case .nvfp4:
      return FormatWords(
        "NVIDIA's 4-bit float",
        "16 weights of E2M1 (0 to 6 in eight levels, with a sign) share a scale of E4M3, and the "
          + "tensor has one more, an f32. Scales aren't powers of two and blocks are half as long "
          + "as MXFP4's: less error for a quarter of a bit.")
    }
  }

  private static func words(of book: CodeBookFormat) -> FormatWords {
    let rest =
      "64 weights share their greatest magnitude, an f32 (bitsandbytes may quantize these once "
      + "more; this is without)."
    return book == .nf4
      ? FormatWords(
        "NormalFloat, of QLoRA",
        "16 levels where normally distributed weights are: close together near 0, far apart at the "
          + "ends. " + rest)
      : FormatWords(
        "bitsandbytes' 4-bit float",
        "A sign and eight magnitudes, from 1/192 to 1 of the greatest. " + rest)
  }

  private static func words(of mlx: MLXFormat) -> FormatWords {
    FormatWords(
      "MLX's affine type, \(mlx.bits) bits",
      "\(1 << mlx.bits) even steps: weight = scale x code + bias, for \(mlx.groupLength) weights of "
        + "a row. The end of the range that is greater in magnitude is met exactly, and so is 0. "
        + "Scale and bias are stored as the model's weights were.")
  }

  private static func words(of palette: PaletteFormat) -> FormatWords {
    FormatWords(
      "a palette of \(1 << palette.bits) levels",
      "The tensor has a table of its own with \(1 << palette.bits) levels, found by k-means where "
        + "its weights lie, and each weight is an index into it. One table for the whole tensor: "
        + "rows of different sizes share it.")
  }
}
