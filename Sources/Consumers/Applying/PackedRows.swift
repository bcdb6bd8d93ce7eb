import Quantization

/// Where the parts of a tensor of integers go in the file.
struct PackedPlaces: Sendable, Hashable {
  /// The bytes of a row's codes, whole words.
  let bytesPerRow: Int
  /// Where the scales begin.
  let scales: Int
  let scaleBytesPerRow: Int
  /// Where the zero points begin; nil where there are none.
  let zeroPoints: Int?
  /// The bytes of a line of words with the zero points of up to 32 rows.
  let zeroPointBytesPerLine: Int
  /// Whether the whole tensor has one scale.
  let hasOneScale: Bool
}

/// Rows of integers as compressed-tensors packs them: codes without a sign, along rows from the lowest bit of the
/// first word on, zero points so down the columns. Source: `pack_to_int32` of the PyPI package compressed-tensors
/// 0.20.0.
struct PackedRows {
  private(set) var words: [UInt8] = []
  let scales: [UInt8]
  private(set) var zeroPoints: [UInt8] = []

  init(_ encoded: EncodedWeights, _ format: IntegerFormat, _ places: PackedPlaces) {
    let codes = encoded.rowCodes
    let sign: UInt8 = format.scheme == .symmetric ? 1 << (format.bits - 1) : 0
    words.reserveCapacity(encoded.rows * places.bytesPerRow)
    for row in 0..<encoded.rows {
      words += Self.words(
        codes[row * encoded.rowLength..<(row + 1) * encoded.rowLength].map { $0 ^ sign },
        bits: format.bits)
    }
    scales = encoded.scaleBytes
    guard places.zeroPoints != nil else { return }
    let points = encoded.zeroPoints.map { UInt8(truncatingIfNeeded: $0) }
    if places.hasOneScale {
      // Not packed, and with a sign as its codes are.
      zeroPoints = points.map { $0 &- (1 << (format.bits - 1)) }
      return
    }
    let columns = points.count / max(1, encoded.rows)
    let packed = (0..<columns).map { column in
      Self.words((0..<encoded.rows).map { points[$0 * columns + column] }, bits: format.bits)
    }
    let lines = (packed.first?.count ?? 0) / 4
    for line in 0..<lines {
      for column in packed { zeroPoints += column[line * 4..<line * 4 + 4] }
    }
  }

  private static func words(_ codes: [UInt8], bits: Int) -> [UInt8] {
    let packed = Packing.pack(codes, bits: bits)
    return packed + repeatElement(0, count: (4 - packed.count % 4) % 4)
  }
}
