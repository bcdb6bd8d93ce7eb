import CKernels

/// Small floating-point elements in blocks that share a scale: the microscaling types of OCP (OCP Microscaling
/// Formats (MX) Specification 1.0) and NVIDIA's NVFP4.
///
/// MX: 32 weights share X = 2^(floor(log2 max|w|) - emax), with emax the exponent of the element type's
/// greatest value; X's exponent is kept within -127...127. An element is w / X, rounded to nearest, ties to
/// even, and saturated (the specification's 6.3). torchao's `ScaleCalculationMode.FLOOR` is the same.
/// - `mxfp8`: E4M3 (emax 8, greatest 448); `mxfp8:e5m2`: E5M2 (15; 57,344).
/// - `mxfp6`: E2M3 (2; 7.5); `mxfp6:e3m2`: E3M2 (4; 28).
/// - `mxfp4:ocp`: E2M1 (2; 6). llama.cpp's `mxfp4` decodes alike, but places its bits and rounds otherwise.
///
/// `nvfp4:tensor`: 16 weights of E2M1 share a scale of E4M3, and the tensor has one more, g = 448 x 6 /
/// max|w| (1 where that isn't finite): s = E4M3(g x (max of the group's |w| / 6)), rounded to nearest and
/// saturated, 0.125 instead of 0; an element is w / (s / g) and comes back as element x (s / g): the arithmetic
/// of compressed-tensors 0.20, in single precision. llama.cpp's `nvfp4` has no g.
///
/// NaN encodes as 0, infinities as the greatest element; only finite weights count for scales. (In NVFP4 a weight
/// at the very end of single precision may come back infinite.)
///
/// Stored bytes: the elements, without gaps from the low bit of each byte up; then a byte for each block's scale
/// (E8M0, a power's exponent + 127; E4M3 for NVFP4); then, for NVFP4, g (f32).
public enum ScaledFloatFormat: String, CaseIterable, Hashable, Sendable {
  /// OCP MXFP8 with elements of E4M3.
  case mxfp8
  /// OCP MXFP8 with elements of E5M2.
  case mxfp8E5M2 = "mxfp8:e5m2"
  /// OCP MXFP6 with elements of E2M3.
  case mxfp6
  /// OCP MXFP6 with elements of E3M2.
  case mxfp6E3M2 = "mxfp6:e3m2"
  /// OCP MXFP4 by the specification's rules.
  case mxfp4 = "mxfp4:ocp"
  /// NVIDIA's NVFP4 with its scale for the tensor.
  case nvfp4 = "nvfp4:tensor"
}

extension ScaledFloatFormat: FormatScheme {
  /// The name, which is canonical as it is.
  public var description: String { rawValue }

  var geometry: BlockGeometry {
    guard let mx else {
      return BlockGeometry(
        length: Int(bl_nvfp4_block), codeBytes: 8, scaleBytes: 1, tensorBytes: 4)
    }
    return BlockGeometry(length: Int(bl_mx_block), codeBytes: 4 * Int(mx.bits), scaleBytes: 1)
  }

  /// The elements of a microscaling type; nil for NVFP4.
  var mx: bl_mx_format? {
    switch self {
    case .mxfp8: bl_mx_format(element: .e4m3, bits: 8, greatest_exponent: 8)
    case .mxfp8E5M2: bl_mx_format(element: .e5m2, bits: 8, greatest_exponent: 15)
    case .mxfp6: bl_mx_format(element: .e2m3, bits: 6, greatest_exponent: 2)
    case .mxfp6E3M2: bl_mx_format(element: .e3m2, bits: 6, greatest_exponent: 4)
    case .mxfp4: bl_mx_format(element: .e2m1, bits: 4, greatest_exponent: 2)
    case .nvfp4: nil
    }
  }

  /// Bits of an element.
  var elementBits: Int { mx.map { Int($0.bits) } ?? 4 }

  /// The factors of the blocks' elements.
  func scales(in encoded: EncodedWeights) -> [Float] {
    let patterns = geometry.scalePatterns(in: encoded)
    guard let tensorScale = geometry.tensorScale(in: encoded) else {
      return patterns.map {
        $0 == 255 ? .nan : Float(sign: .plus, exponent: Int($0) - 127, significand: 1)
      }
    }
    return patterns.map { Decode.f8E4M3Values[Int($0)] / tensorScale }
  }

  func storedByteCount(rows: Int, rowLength: Int) -> Int {
    geometry.storedByteCount(rows: rows, rowLength: rowLength)
  }

  func makeCodec() -> any Codec {
    guard let mx else { return NVFP4Codec(scale: nil) }
    return MicroscalingCodec(scheme: self, kernel: mx)
  }

  func makeScan() -> (any TensorScan)? { self == .nvfp4 ? NVFP4Scan() : nil }

  var pieceAlignment: Int? { geometry.length }

  func objection(rowLength: Int) -> String? { geometry.objection(rowLength: rowLength) }

  /// The part that names the elements of a type with a choice of them, and its default.
  private static let parts = [
    "mxfp8": ["e4m3", "e5m2"], "mxfp6": ["e2m3", "e3m2"], "mxfp4": ["ocp"], "nvfp4": ["tensor"],
  ]

  /// Names without a part are ggml's where ggml has such a type.
  static let family = FormatFamily(knownNames: allCases.map(\.rawValue)) {
    name throws(FormatError) in
    if let format = ScaledFloatFormat(rawValue: name) { return .scaledFloat(format) }
    let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard let known = Self.parts[parts[0]], parts.count > 1 else { return nil }
    if parts.count == 2, parts[1] == known[0],
      let format = ScaledFloatFormat(rawValue: parts[0])
    {
      return .scaledFloat(format)
    }
    guard known.contains(parts[1]) else {
      throw FormatError(text: name, problem: .unknownPart(parts[1]), nearest: known)
    }
    throw FormatError(text: name, problem: .repeatedPart(parts[2]))
  }
}

extension bl_f8_format {
  /// OCP E2M1: bias 1, greatest 7 = 6; no NaN, no infinity.
  static let e2m1 = bl_f8_format(mantissa_bits: 1, bias: 1, maximum_code: 7, nan_code: 0)
  /// OCP E2M3: bias 1, greatest 0x1F = 7.5; no NaN, no infinity.
  static let e2m3 = bl_f8_format(mantissa_bits: 3, bias: 1, maximum_code: 0x1f, nan_code: 0)
  /// OCP E3M2: bias 3, greatest 0x1F = 28; no NaN, no infinity.
  static let e3m2 = bl_f8_format(mantissa_bits: 2, bias: 3, maximum_code: 0x1f, nan_code: 0)
}

/// Encodes and decodes a microscaling type; the loops are in CKernels.
struct MicroscalingCodec: BlockCodec {
  let scheme: ScaledFloatFormat
  let kernel: bl_mx_format

  var format: Format { .scaledFloat(scheme) }
  var geometry: BlockGeometry { scheme.geometry }

  func round(
    _ weights: UnsafePointer<Float>, blocks: Int, tensorScale: Float,
    into out: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: kernel) { bl_mx_round($0, weights, blocks, out) }
  }

  func encode(
    _ weights: UnsafePointer<Float>, blocks: Int, tensorScale: Float,
    codes: UnsafeMutablePointer<UInt8>, scales: UnsafeMutablePointer<UInt8>
  ) {
    withUnsafePointer(to: kernel) { bl_mx_encode($0, weights, blocks, codes, scales) }
  }

  func decode(
    codes: UnsafePointer<UInt8>, scales: UnsafePointer<UInt8>, blocks: Int, tensorScale: Float,
    into out: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: kernel) { bl_mx_decode($0, codes, scales, blocks, out) }
  }
}

/// Encodes and decodes NVFP4; the loops are in CKernels.
struct NVFP4Codec: BlockCodec {
  /// The tensor's scale; without one that of the weights at hand is taken.
  let scale: Float?

  var format: Format { .scaledFloat(.nvfp4) }
  var geometry: BlockGeometry { ScaledFloatFormat.nvfp4.geometry }

  /// 448 x 6 / max|w|, or 1.
  static func scale(reach: Float) -> Float {
    // As torch divides a number by a tensor.
    let scale = 1 / max(reach, .leastNormalMagnitude) * 2688
    return scale.isFinite ? scale : 1
  }

  func tensorScale(of weights: Span<Float>) -> Float {
    if let scale { return scale }
    let range = weights.withUnsafeBufferPointer { bl_finite_range($0.baseAddress, $0.count) }
    return Self.scale(reach: ClippingRange(range).reach)
  }

  func round(
    _ weights: UnsafePointer<Float>, blocks: Int, tensorScale: Float,
    into out: UnsafeMutablePointer<Float>
  ) {
    bl_nvfp4_round(tensorScale, weights, blocks, out)
  }

  func encode(
    _ weights: UnsafePointer<Float>, blocks: Int, tensorScale: Float,
    codes: UnsafeMutablePointer<UInt8>, scales: UnsafeMutablePointer<UInt8>
  ) {
    bl_nvfp4_encode(tensorScale, weights, blocks, codes, scales)
  }

  func decode(
    codes: UnsafePointer<UInt8>, scales: UnsafePointer<UInt8>, blocks: Int, tensorScale: Float,
    into out: UnsafeMutablePointer<Float>
  ) {
    bl_nvfp4_decode(tensorScale, codes, scales, blocks, out)
  }
}

/// Finds the greatest magnitude of a tensor.
private struct NVFP4Scan: TensorScan {
  private var reach: Float = 0

  mutating func observe(_ weights: Span<Float>) {
    guard weights.count > 0 else { return }
    let range = weights.withUnsafeBufferPointer { bl_finite_range($0.baseAddress, $0.count) }
    reach = max(reach, ClippingRange(range).reach)
  }

  mutating func merge(_ other: any TensorScan) {
    if let other = other as? Self { reach = max(reach, other.reach) }
  }

  mutating func endPass() -> (any Codec)? { NVFP4Codec(scale: NVFP4Codec.scale(reach: reach)) }
}
