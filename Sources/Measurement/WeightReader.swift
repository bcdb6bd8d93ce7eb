import ModelFiles
import Quantization

/// Reads the weights of one tensor as `Float`, in pieces that fit a core's cache: whole rows, or parts
/// of a row where rows are very long.
public struct WeightReader: Sendable {
  /// Weights in a piece, about: 128 KiB of `Float`, so that the source and its reconstruction share a
  /// core's second-level cache. A multiple of every group and block length.
  public static let pieceLength = 32_768
  /// Longer rows are cut into pieces, unless they are needed whole.
  public static let longestWholeRow = 16 * pieceLength

  /// The tensor that is read.
  public let tensor: Tensor
  /// The number of pieces.
  public let pieceCount: Int
  private let model: Model
  private let packed: PackedReader?
  private let rowsPerPiece: Int
  private let piecesPerRow: Int
  /// The rows of each stacked matrix, none of whose pieces has rows of another.
  private let rowsPerMatrix: Int
  private let piecesPerMatrix: Int

  /// Whether weights of this type can be read as numbers.
  public static func canRead(_ source: SourceType) -> Bool {
    decoder(for: source) != nil
  }

  /// Whether the weights of this tensor can be read as numbers.
  public static func canRead(_ tensor: Tensor) -> Bool {
    tensor.packing == nil ? canRead(tensor.source) : PackedReader.form(of: tensor) != nil
  }

  /// A reader of a tensor, or nil if its type can't be read as numbers.
  /// - Parameters:
  ///   - wholeRows: whether rows must never be cut, however long they are.
  ///   - matrices: how many matrices are stacked in the tensor; a piece lies within one of them.
  public init?(model: Model, tensor: Tensor, wholeRows: Bool = false, matrices: Int = 1) {
    packed = PackedReader(model: model, tensor: tensor)
    guard packed != nil || Self.canRead(tensor.source) else { return nil }
    self.model = model
    self.tensor = tensor
    let length = max(1, tensor.rowLength)
    let isCut = !wholeRows && length > Self.longestWholeRow
    let isStacked = matrices > 1 && tensor.rows % matrices == 0
    rowsPerMatrix = max(1, isStacked ? tensor.rows / matrices : tensor.rows)
    let rows = max(packed?.leastRows ?? 1, Self.pieceLength / length)
    rowsPerPiece = isCut ? 1 : min(rows, rowsPerMatrix)
    piecesPerRow = isCut ? (length + Self.pieceLength - 1) / Self.pieceLength : 1
    piecesPerMatrix = (rowsPerMatrix + rowsPerPiece - 1) / rowsPerPiece * piecesPerRow
    pieceCount = tensor.weightCount == 0 ? 0 : tensor.rows / rowsPerMatrix * piecesPerMatrix
  }

  /// Reads a piece. The buffer keeps its storage where it can.
  /// - Precondition: `0 <= piece < pieceCount`.
  /// - Returns: the length of the rows, or of the part of a row, in the buffer.
  @discardableResult
  public func read(piece: Int, into buffer: inout [Float]) -> Int {
    read(elements: elements(of: piece), into: &buffer)
  }

  /// Reads some weights by their place in the tensor: whole rows, or a part of one; whole blocks of the
  /// tensor's type.
  @discardableResult
  public func read(elements range: Range<Int>, into buffer: inout [Float]) -> Int {
    if buffer.count != range.count {
      buffer = [Float](repeating: 0, count: range.count)
    }
    if let packed {
      packed.read(range, into: &buffer)
      return min(tensor.rowLength, range.count)
    }
    guard let decode = Self.decoder(for: tensor.source) else { return range.count }
    model.withBytes(of: tensor, elements: range) { bytes in
      var target = buffer.mutableSpan
      decode(bytes, &target)
    }
    return min(tensor.rowLength, range.count)
  }

  /// Bytes that are read from the disk before they are needed.
  private static let readAhead = 8 << 20
  /// How many pieces the kernel is told of at a time.
  private static let advised = 16
  /// How far behind the pieces are that are given back: farther than any thread can lag (`Job.lookahead`
  /// times `Pass.longestRun`).
  private static let behind = 132 * advised

  /// Tells the kernel what is read from here on, and what won't be needed again.
  ///
  /// Not by MADV_SEQUENTIAL, which would hold for samples of the same pages as well.
  /// - Parameters:
  ///   - piece: the next to be read; pieces are read about in their order.
  ///   - givesBack: whether what was read may be forgotten: not only by this process, also by the system.
  public func prepare(_ piece: Int, givesBack: Bool) {
    guard packed == nil, piece % Self.advised == 0 else { return }
    let bytes = max(
      1,
      Int(Double(elements(of: piece).count) * Double(tensor.byteCount) / Double(tensor.weightCount))
    )
    let ahead = max(1, Self.readAhead / bytes)
    if piece == 0 {
      advise(.willNeed, 0..<ahead + Self.advised)
    } else {
      advise(.willNeed, piece + ahead..<piece + ahead + Self.advised)
    }
    if givesBack, piece >= Self.behind {
      advise(.giveBack, piece - Self.behind..<piece - Self.behind + Self.advised)
    }
  }

  /// Tells the kernel of weights, by their places in the tensor, that are read soon, far apart from each other.
  ///
  /// A disk answers a hundred questions at once as soon as one. Where the pages are in memory already, which a few
  /// of them tell, nothing is asked.
  func expect(
    _ places: [Range<Int>], _ checkpoint: () throws(Abandoned) -> Void
  ) throws(Abandoned) {
    guard packed == nil, tensor.weightCount > 0 else { return }
    let stride = max(1, places.count / 16)
    let isResident = Swift.stride(from: 0, to: places.count, by: stride).allSatisfy {
      model.isResident(tensor, byte: bytes(of: places[$0]).lowerBound)
    }
    guard !isResident else { return }
    for (index, place) in places.enumerated() {
      if index % 64 == 0 { try checkpoint() }
      model.advise(.willNeed, tensor, bytes: bytes(of: place))
    }
  }

  /// About where some weights lie. Multiplied as floating-point numbers: a hint needn't be exact, and this can't
  /// overflow.
  private func bytes(of elements: Range<Int>) -> Range<Int> {
    let size = Double(tensor.byteCount) / Double(max(1, tensor.weightCount))
    let start = Int(Double(elements.lowerBound) * size)
    return start..<max(start, min(tensor.byteCount, Int(Double(elements.upperBound) * size)))
  }

  /// Tells the kernel that nothing of the tensor is needed for now.
  func giveBack() {
    for part in packed == nil ? [] : tensor.packing?.parts ?? [] {
      model.advise(.giveBack, part, bytes: 0..<part.byteCount)
    }
    if packed == nil { model.advise(.giveBack, tensor, bytes: 0..<tensor.byteCount) }
  }

  private func advise(_ advice: MappedFile.Advice, _ pieces: Range<Int>) {
    let pieces = pieces.clamped(to: 0..<pieceCount)
    guard let last = pieces.last, let first = pieces.first, tensor.weightCount > 0 else { return }
    let elements = elements(of: first).lowerBound..<elements(of: last).upperBound
    model.advise(advice, tensor, bytes: bytes(of: elements))
  }

  /// The weights of a piece, by their place in the tensor.
  public func elements(of piece: Int) -> Range<Int> {
    let (matrix, place) = piece.quotientAndRemainder(dividingBy: piecesPerMatrix)
    let firstRow = matrix * rowsPerMatrix + place / piecesPerRow * rowsPerPiece
    let start = firstRow * tensor.rowLength + piece % piecesPerRow * Self.pieceLength
    let matrixEnd = (matrix + 1) * rowsPerMatrix
    let end =
      piecesPerRow > 1
      ? min(start + Self.pieceLength, (firstRow + 1) * tensor.rowLength)
      : min(firstRow + rowsPerPiece, matrixEnd) * tensor.rowLength
    return start..<end
  }

  /// Where a piece's columns stand among the importances of the tensor's input channels, those of its
  /// matrices one after another.
  public func channels(of piece: Int) -> Range<Int> {
    channels(of: elements(of: piece))
  }

  /// Where the columns of some weights stand among the importances.
  func channels(of elements: Range<Int>) -> Range<Int> {
    let length = min(tensor.rowLength, elements.count)
    let (row, column) = elements.lowerBound.quotientAndRemainder(
      dividingBy: max(1, tensor.rowLength))
    let start = row / rowsPerMatrix * tensor.rowLength + column
    return start..<start + length
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
    default: ggmlTypes[source].map { $0.decode }
    }
  }

  /// The block types of ggml, which both tables call by the same names. Pieces start and end at block
  /// boundaries: `pieceLength` is a multiple of every block length, and so are rows in these types.
  private static let ggmlTypes: [SourceType: GGMLType] = Dictionary(
    uniqueKeysWithValues: SourceType.allCases.compactMap { source in
      guard source.ggmlNumber != nil else { return nil }
      return GGMLType(name: source.rawValue).map { (source, $0) }
    })
}
