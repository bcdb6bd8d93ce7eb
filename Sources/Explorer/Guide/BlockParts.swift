import Quantization

/// What the bits of a block are, for drawing it.
struct BlockParts: Equatable {
  struct Part: Equatable {
    /// What it is drawn with.
    let letter: String
    let name: String
    let bits: Int
  }

  /// The weights that share a block: of a group, a row, or a tensor.
  let weights: Int
  let parts: [Part]

  var bits: Int { parts.reduce(0) { $0 + $1.bits } }

  private init(_ weights: Int, _ parts: [(String, String, Int)]) {
    self.weights = weights
    self.parts = parts.filter { $0.2 > 0 }.map { Part(letter: $0.0, name: $0.1, bits: $0.2) }
  }

  /// The block of a format.
  /// - Parameters: rows and their length, for what is shared by more than a group.
  init(_ format: Format, rows: Int, rowLength: Int) {
    switch format {
    case .float(let float): self.init(1, Self.parts(of: float))
    case .integer(let integer):
      let weights =
        switch integer.granularity {
        case .group(let length): min(length, max(1, rowLength))
        case .channel: rowLength
        case .tensor: rows * rowLength
        }
      let scale = 8 * integer.scaleType.byteCount
      let zero =
        integer.scheme == .symmetric ? 0 : integer.calibration == .hqq ? scale : integer.bits
      self.init(
        weights,
        [
          ("q", "codes", weights * integer.bits), ("s", "scale", scale), ("z", "zero point", zero),
        ])
    case .scaledFloat(.nvfp4): self.init(16, [("q", "E2M1", 64), ("s", "scale, E4M3", 8)])
    case .scaledFloat(let float):
      let bits = float == .mxfp8 || float == .mxfp8E5M2 ? 8 : float == .mxfp4 ? 4 : 6
      self.init(32, [("q", "small floats", 32 * bits), ("x", "exponent, E8M0", 8)])
    case .codeBook: self.init(64, [("q", "codes", 256), ("a", "greatest magnitude, f32", 32)])
    case .palette(let palette):
      let weights = rows * rowLength
      self.init(
        weights,
        [("q", "codes", weights * palette.bits), ("t", "table of levels, f16", 16 << palette.bits)])
    case .mlx(let mlx):
      let value = 8 * mlx.valueType.byteCount
      self.init(
        mlx.groupLength,
        [("q", "codes", mlx.groupLength * mlx.bits), ("s", "scale", value), ("b", "bias", value)])
    case .ggml(let type): self.init(type.blockLength, Self.parts(of: type))
    }
  }

  private static func parts(of float: FloatFormat) -> [(String, String, Int)] {
    let (exponent, mantissa) =
      switch float {
      case .f32: (8, 23)
      case .f16: (5, 10)
      case .bf16: (8, 7)
      case .f8E4M3: (4, 3)
      case .f8E5M2: (5, 2)
      }
    return [("s", "sign", 1), ("e", "exponent", exponent), ("m", "mantissa", mantissa)]
  }

  private static func parts(of type: GGMLType) -> [(String, String, Int)] {
    let d = ("d", "scale, f16", 16)
    let m = ("m", "minimum, f16", 16)
    let common = ("d", "scale of the scales, f16", 16)
    let least = ("m", "scale of the minimums, f16", 16)
    func codes(_ bits: Int) -> (String, String, Int) { ("q", "codes", bits) }
    func grid(_ bits: Int) -> (String, String, Int) { ("g", "points of the grid", bits) }
    func signs(_ bits: Int) -> (String, String, Int) { ("-", "signs", bits) }
    func scales(_ bits: Int) -> (String, String, Int) { ("s", "scales", bits) }
    switch type {
    case .q40: return [d, codes(128)]
    case .q41: return [d, m, codes(128)]
    case .q50: return [d, ("h", "fifth bits", 32), ("q", "four bits each", 128)]
    case .q51: return [d, m, ("h", "fifth bits", 32), ("q", "four bits each", 128)]
    case .q80: return [d, codes(256)]
    case .q2K: return [("s", "scales and minimums", 128), codes(512), common, least]
    case .q3K: return [("h", "third bits", 256), ("q", "two bits each", 512), scales(96), common]
    case .q4K: return [common, least, ("s", "scales and minimums", 96), codes(1_024)]
    case .q5K:
      return [
        common, least, ("s", "scales and minimums", 96), ("h", "fifth bits", 256),
        ("q", "four bits each", 1_024),
      ]
    case .q6K:
      return [
        ("q", "four bits each", 1_024), ("h", "upper two bits", 512), scales(128), common,
      ]
    case .iq1S: return [common, grid(352), scales(24), ("v", "shifts", 8)]
    case .iq1M: return [grid(352), ("v", "shifts", 32), scales(48), common]
    case .iq2XXS: return [common, grid(256), signs(224), scales(32)]
    case .iq2XS: return [common, grid(288), signs(224), scales(64)]
    case .iq2S: return [common, grid(320), signs(256), scales(64)]
    case .iq3XXS: return [common, grid(512), signs(224), scales(32)]
    case .iq3S: return [common, grid(576), signs(256), scales(32)]
    case .iq4NL: return [d, codes(128)]
    case .iq4XS: return [common, scales(48), codes(1_024)]
    case .tq10: return [("q", "five in a byte", 416), d]
    case .tq20: return [("q", "four in a byte", 512), d]
    case .mxfp4: return [("x", "exponent, E8M0", 8), ("q", "E2M1", 128)]
    case .nvfp4: return [("s", "scales, E4M3", 32), ("q", "E2M1", 256)]
    case .q10: return [d, ("q", "signs", 128)]
    case .q20: return [d, codes(128)]
    }
  }
}
