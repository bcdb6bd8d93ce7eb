import CKernels

/// The 4-bit types of bitsandbytes (QLoRA; Dettmers and others 2023): 16 levels times the greatest magnitude of
/// 64 weights.
///
/// With a the greatest |w| of a block, w / a is rounded to the nearest of 16 levels in -1...1 (halfway: to the
/// lower), and comes back as level x a. All in single precision, w / a as w x (1 / max(a, 10^-38)), as
/// bitsandbytes 0.50 computes it on the CPU, whose bytes these are; its GPU kernels give the same levels. NaN
/// encodes as 0, infinities as -a or a, with a taken over the finite weights.
///
/// Blocks run over the flattened weights, so rows must be multiples of 64 (bitsandbytes lets blocks cross rows,
/// and the last be shorter).
///
/// Stored bytes: the codes, 4 bits each, the first of two weights in the upper half of a byte; then each
/// block's a, 4 bytes (f32): 4.5 bits per weight. bitsandbytes can quantize the a's once more ("double
/// quantization"); these formats don't.
public enum CodeBookFormat: String, CaseIterable, Hashable, Sendable {
  /// NormalFloat: levels at quantiles of the normal distribution.
  case nf4
  /// A sign, two bits of exponent, one of mantissa: 0, 0.0625, 2, 3, 4, 6, 8, 12 over 12.
  case fp4
}

extension CodeBookFormat: FormatScheme {
  /// The name, which is canonical as it is.
  public var description: String { rawValue }

  var geometry: BlockGeometry {
    BlockGeometry(length: Int(bl_code_book_block), codeBytes: 32, scaleBytes: 4)
  }

  func storedByteCount(rows: Int, rowLength: Int) -> Int {
    geometry.storedByteCount(rows: rows, rowLength: rowLength)
  }

  func makeCodec() -> any Codec { CodeBookCodec(book: self) }

  var pieceAlignment: Int? { geometry.length }

  func objection(rowLength: Int) -> String? { geometry.objection(rowLength: rowLength) }

  static let family = FormatFamily(knownNames: allCases.map(\.rawValue)) {
    name throws(FormatError) in
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    guard let format = CodeBookFormat(rawValue: String(parts[0])) else { return nil }
    guard parts.count == 1 else {
      throw FormatError(text: name, problem: .partNotTaken(String(parts[1])))
    }
    return .codeBook(format)
  }
}

/// Encodes and decodes one code book; the loops are in CKernels.
struct CodeBookCodec: BlockCodec {
  let book: CodeBookFormat

  var format: Format { .codeBook(book) }
  var geometry: BlockGeometry { book.geometry }

  private var kernel: Int32 { Int32(book == .nf4 ? bl_nf4 : bl_fp4) }

  func round(
    _ weights: UnsafePointer<Float>, blocks: Int, tensorScale: Float,
    into out: UnsafeMutablePointer<Float>
  ) {
    bl_code_book_round(kernel, weights, blocks, out)
  }

  func encode(
    _ weights: UnsafePointer<Float>, blocks: Int, tensorScale: Float,
    codes: UnsafeMutablePointer<UInt8>, scales: UnsafeMutablePointer<UInt8>
  ) {
    bl_code_book_encode(kernel, weights, blocks, codes, scales)
  }

  func decode(
    codes: UnsafePointer<UInt8>, scales: UnsafePointer<UInt8>, blocks: Int, tensorScale: Float,
    into out: UnsafeMutablePointer<Float>
  ) {
    bl_code_book_decode(kernel, codes, scales, blocks, out)
  }
}
