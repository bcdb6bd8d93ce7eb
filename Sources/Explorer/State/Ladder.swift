import Consumers
import ModelFiles
import Planning
import Quantization

/// Which formats a ladder has, unless the user asked for certain ones.
enum LadderKind: Sendable, Equatable {
  /// Integers of 8 to 2 bits in one family, and the 8-bit floating-point types.
  case integers
  /// The block types of llama.cpp.
  case ggml

  /// The kind that a choice belongs to, if it belongs to one.
  init?(_ choice: Choice) {
    switch choice {
    case .format(.integer): self = .integers
    case .format(.ggml): self = .ggml
    default: return nil
    }
  }

  /// The kind for tensors that have no format yet.
  init(for model: Model) { self = model.container == .gguf ? .ggml : .integers }

  /// Integers of the usual widths.
  static func integers(of family: IntegerFormat) -> [Format] {
    [8, 6, 5, 4, 3, 2].map { .integer(family.with(bits: $0)) }
  }

  /// The formats of such a ladder for rows of a length.
  func formats(family: IntegerFormat, rowLength: Int) -> [Format] {
    switch self {
    case .integers:
      return [.float(.f16), .float(.bf16)] + Self.integers(of: family) + [
        .float(.f8E4M3), .float(.f8E5M2),
      ]
    case .ggml:
      let types = Self.superBlockTypes + (rowLength % 256 == 0 ? [] : Self.blockTypes)
      return [.float(.f16), .float(.bf16)] + types.map { .ggml($0) }
    }
  }

  private static let superBlockTypes: [GGMLType] = [
    .q80, .q6K, .q5K, .q4K, .iq4XS, .q3K, .iq3S, .iq3XXS, .q2K, .iq2S, .iq2XS, .iq2XXS, .iq1M,
    .iq1S,
  ]

  /// What is left where rows aren't multiples of 256: there these beat nothing else.
  private static let blockTypes: [GGMLType] = [.q51, .q50, .q41, .iq4NL]

  /// The first of llama.cpp's types with so many bits that a tensor can have.
  static func type(bits: Int, isFit: (Format) -> Bool) -> Format? {
    let types: [GGMLType] =
      switch bits {
      case 2: [.q2K]
      case 3: [.q3K]
      case 4: [.q4K, .iq4NL]
      case 5: [.q5K, .q50]
      case 6: [.q6K]
      case 8: [.q80]
      default: []
      }
    return types.lazy.map { Format.ggml($0) }.first(where: isFit)
  }
}

/// The choices for one tensor, from the most bits to the fewest; the first is the source itself.
struct Ladder: Sendable, Equatable {
  let rungs: [Choice]
  /// The formats that were to stand on it and can't, and why.
  let refused: [Refused]

  struct Refused: Sendable, Equatable {
    let format: Format
    let refusal: FormatRefusal
  }

  /// The ladder of a tensor.
  /// - Parameters:
  ///   - choice: the tensor's present choice: it always stands on the ladder.
  ///   - formats: what is to stand on it.
  ///   - refusal: why a format can't be had for this tensor.
  init(
    tensor: Tensor, choice: Choice, formats: [Format], refusal: (Format) -> FormatRefusal?
  ) {
    var candidates: [Format] = []
    for format in formats where !candidates.contains(format) { candidates.append(format) }
    if let format = choice.format, !candidates.contains(format) { candidates.append(format) }
    // What doesn't fit isn't offered, nor what saves nothing: the source is at least as good.
    var useful: [(format: Format, bytes: Int)] = []
    var refused: [Refused] = []
    for format in candidates {
      let bytes = format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
      if choice == .format(format) {
        useful.append((format, bytes))
      } else if let refusal = refusal(format) {
        refused.append(Refused(format: format, refusal: refusal))
      } else if bytes < tensor.byteCount {
        useful.append((format, bytes))
      }
    }
    let sorted = useful.enumerated().sorted { left, right in
      left.element.bytes == right.element.bytes
        ? left.offset < right.offset : left.element.bytes > right.element.bytes
    }
    rungs = [.source] + sorted.map { .format($0.element.format) }
    self.refused = refused
  }

  /// The rung `steps` below a choice (above it, if negative), staying on the ladder.
  func step(from choice: Choice, by steps: Int) -> Choice {
    let index = rungs.firstIndex(of: choice) ?? 0
    return rungs[min(max(index + steps, 0), rungs.count - 1)]
  }

  /// Scheme, granularity and calibration that go with a choice.
  static func family(of choice: Choice, default family: IntegerFormat) -> IntegerFormat {
    if case .format(.integer(let format)) = choice { format } else { family }
  }
}
