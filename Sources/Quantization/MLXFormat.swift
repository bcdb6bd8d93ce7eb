import CKernels

/// The affine types of MLX (mlx 0.32's `mx.quantize`): codes of 2 to 8 bits with a scale and a bias for each
/// group: weight = scale x code + bias.
///
/// Weights are rounded to the type of scales and biases first, as mlx-lm casts a model before it quantizes it.
/// Of a group's ends the greater in magnitude is the edge (the upper one if both are equal). With n = 2^B - 1,
/// all in single precision: scale = max((max - min) / n, 10^-7), negative unless the edge is the lower end;
/// s = round(edge / scale). If s isn't 0, scale = edge / s and bias = edge, so that 0 is on the line; else bias = 0.
/// Codes are clamp(round((w - bias) / scale), 0, n), ties to even, with the scale before it is rounded to its
/// stored type. The bytes are those of MLX on the CPU.
///
/// What comes back is computed from the stored scale in single precision, as MLX's product of matrices does;
/// `mx.dequantize` rounds the product and the sum to the stored type once more. NaN encodes as 0, infinities as
/// the ends of the line; neither counts for it. What doesn't fit the stored type saturates.
///
/// Groups run along rows, whose length must be a multiple of theirs.
///
/// Stored bytes: the codes, B bits each, from the low bit of each byte up (MLX's words of 32 bits, little-endian,
/// are the same); then each group's scale and bias (MLX has all scales, and apart from them all biases).
public struct MLXFormat: Hashable, Sendable {
  /// How scales and biases are stored: as the model's weights were.
  public typealias ValueType = IntegerFormat.ScaleType

  /// The bits of a code that MLX has.
  public static let bits = [2, 3, 4, 5, 6, 8]
  /// The weights of a group that MLX has.
  public static let groupLengths = [32, 64, 128]

  /// Bits of a code.
  public let bits: Int
  /// Weights of a group.
  public let groupLength: Int
  /// How scales and biases are stored.
  public let valueType: ValueType

  /// A format; nil for bits or a group that MLX doesn't have.
  public init?(bits: Int, groupLength: Int = 64, valueType: ValueType = .bf16) {
    guard Self.bits.contains(bits), Self.groupLengths.contains(groupLength) else { return nil }
    self.bits = bits
    self.groupLength = groupLength
    self.valueType = valueType
  }

  /// Every format with values of a type, by falling bits per weight.
  public static func all(valueType: ValueType = .bf16) -> [MLXFormat] {
    bits.reversed().flatMap { bits in
      groupLengths.compactMap {
        MLXFormat(bits: bits, groupLength: $0, valueType: valueType)
      }
    }
  }
}

extension MLXFormat: FormatScheme {
  /// The canonical name: `mlxB[:gN][:VALUES]`, without the parts that are at their default (`g64`, `bf16`).
  public var description: String {
    "mlx\(bits)" + (groupLength == 64 ? "" : ":g\(groupLength)")
      + (valueType == .bf16 ? "" : ":\(valueType.rawValue)")
  }

  var geometry: BlockGeometry {
    BlockGeometry(
      length: groupLength, codeBytes: groupLength * bits / 8, scaleBytes: 2 * valueType.byteCount)
  }

  func storedByteCount(rows: Int, rowLength: Int) -> Int {
    geometry.storedByteCount(rows: rows, rowLength: rowLength)
  }

  func makeCodec() -> any Codec { MLXCodec(self) }

  var pieceAlignment: Int? { groupLength }

  func objection(rowLength: Int) -> String? { geometry.objection(rowLength: rowLength) }

  /// Parses names: parts after `mlxB` in any order, each kind at most once.
  static let family = FormatFamily(
    knownNames: bits.map { "mlx\($0)" } + ["mlx4:g32", "mlx4:g128"]
  ) { name throws(FormatError) in
    let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard let bits = bits.first(where: { parts[0] == "mlx\($0)" }) else { return nil }
    var group: Int?
    var type: ValueType?
    for part in parts.dropFirst() {
      if let length = groupLengths.first(where: { part == "g\($0)" }), group == nil {
        group = length
      } else if let value = ValueType(rawValue: part), type == nil {
        type = value
      } else {
        let known = groupLengths.map { "g\($0)" } + ValueType.allCases.map(\.rawValue)
        throw known.contains(part)
          ? FormatError(text: name, problem: .repeatedPart(part))
          : FormatError(text: name, problem: .unknownPart(part), nearest: known)
      }
    }
    return MLXFormat(bits: bits, groupLength: group ?? 64, valueType: type ?? .bf16).map {
      .mlx($0)
    }
  }
}

extension EncodedWeights {
  /// The biases of MLX's types in the order of their groups; empty for other formats.
  public var biases: [Float] { lines.map(\.bias) }

  /// Each group's scale and bias.
  var lines: [(scale: Float, bias: Float)] {
    guard case .mlx(let mlx) = format else { return [] }
    let size = mlx.valueType.byteCount
    let groups = mlx.geometry.blocks(in: self)
    return (0..<groups).map { group in
      let start = groups * mlx.geometry.codeBytes + 2 * size * group
      return (
        mlx.valueType.value(bytes[start..<start + size].littleEndian),
        mlx.valueType.value(bytes[start + size..<start + 2 * size].littleEndian)
      )
    }
  }
}

/// Encodes and decodes one of MLX's types; the loops are in CKernels.
struct MLXCodec: BlockCodec {
  let mlx: MLXFormat
  private let kernel: bl_mlx_format

  init(_ format: MLXFormat) {
    mlx = format
    kernel = bl_mlx_format(
      bits: Int32(format.bits), group: Int32(format.groupLength),
      value_type: format.valueType.kernelValue)
  }

  var format: Format { .mlx(mlx) }
  var geometry: BlockGeometry { mlx.geometry }

  func round(
    _ weights: UnsafePointer<Float>, blocks: Int, tensorScale: Float,
    into out: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: kernel) { bl_mlx_round($0, weights, blocks, out) }
  }

  func encode(
    _ weights: UnsafePointer<Float>, blocks: Int, tensorScale: Float,
    codes: UnsafeMutablePointer<UInt8>, scales: UnsafeMutablePointer<UInt8>
  ) {
    withUnsafePointer(to: kernel) { bl_mlx_encode($0, weights, blocks, codes, scales) }
  }

  func decode(
    codes: UnsafePointer<UInt8>, scales: UnsafePointer<UInt8>, blocks: Int, tensorScale: Float,
    into out: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: kernel) { bl_mlx_decode($0, codes, scales, blocks, out) }
  }
}
