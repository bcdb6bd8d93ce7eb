import ModelFiles
import Quantization

/// Reads the weights of one tensor as `Float`, in pieces of whole rows that fit a core's cache.
public struct WeightReader: Sendable {
  /// Weights in a piece, unless one row is longer: 128 KiB of `Float`, so that the source and its
  /// reconstruction share a core's second-level cache.
  public static let pieceLength = 32_768

  /// The tensor that is read.
  public let tensor: Tensor
  /// The number of pieces.
  public let pieceCount: Int
  private let model: Model
  private let rowsPerPiece: Int

  /// Whether weights of this type can be read as numbers.
  public static func canRead(_ source: SourceType) -> Bool {
    decoder(for: source) != nil
  }

  /// A reader of a tensor, or nil if its type can't be read as numbers.
  public init?(model: Model, tensor: Tensor) {
    guard Self.canRead(tensor.source) else { return nil }
    self.model = model
    self.tensor = tensor
    rowsPerPiece = max(1, Self.pieceLength / max(1, tensor.rowLength))
    pieceCount = tensor.weightCount == 0 ? 0 : (tensor.rows + rowsPerPiece - 1) / rowsPerPiece
  }

  /// Reads a piece: whole rows, `buffer.count` weights of them. The buffer keeps its storage.
  /// - Precondition: `0 <= piece < pieceCount`.
  /// - Returns: false if they aren't there any more: the file was cut short since it was opened. The
  ///   buffer holds nothing of use then.
  @discardableResult
  public func read(piece: Int, into buffer: inout [Float]) -> Bool {
    let firstRow = piece * rowsPerPiece
    let rows = min(rowsPerPiece, tensor.rows - firstRow)
    let range = firstRow * tensor.rowLength..<(firstRow + rows) * tensor.rowLength
    if buffer.count != range.count {
      buffer = [Float](repeating: 0, count: range.count)
    }
    guard let decode = Self.decoder(for: tensor.source) else { return false }
    return model.withBytes(of: tensor, elements: range) { bytes in
      guard bytes.byteCount == tensor.source.byteCount(elements: range.count) else { return false }
      var target = buffer.mutableSpan
      decode(bytes, &target)
      return true
    }
  }

  private typealias Decoder = (RawSpan, inout MutableSpan<Float>) -> Void

  private static func decoder(for source: SourceType) -> Decoder? {
    switch source {
    case .f64: Decode.f64
    case .f32: Decode.f32
    case .f16: Decode.f16
    case .bf16: Decode.bf16
    case .f8E4M3: Decode.f8E4M3
    case .f8E5M2: Decode.f8E5M2
    case .i64: Decode.i64
    case .i32: Decode.i32
    case .i16: Decode.i16
    case .i8: Decode.i8
    case .u64: Decode.u64
    case .u32: Decode.u32
    case .u16: Decode.u16
    case .u8: Decode.u8
    case .bool: Decode.bool
    default: nil
    }
  }
}
