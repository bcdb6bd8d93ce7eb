import CKernels

/// Rows of weights in their stored form; FloatFormat, IntegerFormat and GGMLType define the bytes.
public struct EncodedWeights: Sendable, Equatable {
  /// The format of the bytes.
  public let format: Format
  /// The number of rows.
  public let rows: Int
  /// The weights of a row.
  public let rowLength: Int
  /// The stored bytes, exactly `format.storedByteCount(rows:rowLength:)` of them.
  public let bytes: [UInt8]

  /// Stored bytes as they were read; nil if there aren't as many as the format needs for these rows.
  public init?(format: Format, rows: Int, rowLength: Int, bytes: [UInt8]) {
    guard rows >= 0, rowLength >= 0, !rows.multipliedReportingOverflow(by: rowLength).overflow,
      !(rows * rowLength).multipliedReportingOverflow(by: 16).overflow,
      format.objection(rowLength: rowLength) == nil,
      bytes.count == format.storedByteCount(rows: rows, rowLength: rowLength)
    else { return nil }
    self.init(unchecked: format, rows: rows, rowLength: rowLength, bytes: bytes)
  }

  init(unchecked format: Format, rows: Int, rowLength: Int, bytes: [UInt8]) {
    self.format = format
    self.rows = rows
    self.rowLength = rowLength
    self.bytes = bytes
  }

  /// One code for each weight: the integer on the grid (signed where symmetric), or the bits of a
  /// floating-point value. Empty for block types of ggml, whose codes mean little without their blocks.
  public var codes: [Int] {
    switch format {
    case .float(let float):
      let size = float.byteCount
      return (0..<rows * rowLength).map { index in
        (0..<size).reduce(0) { $0 | Int(bytes[index * size + $1]) << (8 * $1) }
      }
    case .integer(let integer):
      let layout = IntegerLayout(integer, rows: rows, rowLength: rowLength)
      return (0..<rows).flatMap { row in
        layout.codes(ofRow: row, in: bytes).map { integer.signed($0) }
      }
    case .ggml:
      return []
    case .codeBook(let book):
      let codes = bytes.prefix(book.geometry.blocks(in: self) * book.geometry.codeBytes)
      return codes.flatMap { [Int($0 >> 4), Int($0 & 15)] }
    case .scaledFloat(let scaled):
      let count = scaled.geometry.blocks(in: self) * scaled.geometry.length
      return Packing.unpack(bytes[...], count: count, bits: scaled.elementBits).map(Int.init)
    case .palette(let palette):
      return Packing.unpack(bytes[...], count: rows * rowLength, bits: palette.bits).map(Int.init)
    case .mlx(let mlx):
      let count = mlx.geometry.blocks(in: self) * mlx.geometry.length
      return Packing.unpack(bytes[...], count: count, bits: mlx.bits).map(Int.init)
    }
  }

  /// The scales, as they read back from their stored form, in the order of their groups; empty for formats
  /// without scales, and for block types of ggml.
  public var scales: [Float] {
    switch format {
    case .integer(let integer):
      return IntegerLayout(integer, rows: rows, rowLength: rowLength).scales(in: bytes)
    case .codeBook(let book):
      return book.geometry.scalePatterns(in: self).map(Float.init(bitPattern:))
    case .scaledFloat(let scaled):
      return scaled.scales(in: self)
    case .mlx: return lines.map(\.scale)
    case .float, .ggml, .palette: return []
    }
  }

  /// The zero points in the order of their groups; empty for formats without, and where they aren't whole.
  public var zeroPoints: [Int] {
    guard case .integer(let integer) = format, integer.scheme == .affine,
      integer.calibration != .hqq
    else { return [] }
    return IntegerLayout(integer, rows: rows, rowLength: rowLength).zeroPoints(in: bytes)
  }
}

extension EncodedWeights {
  /// The zero points that aren't whole numbers, in the order of their groups: those of the `hqq` calibration.
  public var realZeroPoints: [Float] {
    guard case .integer(let integer) = format, integer.calibration == .hqq else { return [] }
    return IntegerLayout(integer, rows: rows, rowLength: rowLength).realZeroPoints(in: bytes)
  }
}

extension IntegerFormat {
  /// A stored code as a number: two's complement where symmetric.
  func signed(_ code: UInt8) -> Int {
    let sign = scheme == .symmetric ? 1 << (bits - 1) : 0
    return (Int(code) ^ sign) - sign
  }
}

extension EncodedWeights {
  /// The codes of integers as they are packed, each in the low bits of a byte, row by row; empty for other formats.
  public var rowCodes: [UInt8] {
    guard case .integer(let integer) = format else { return [] }
    let layout = IntegerLayout(integer, rows: rows, rowLength: rowLength)
    return (0..<rows).flatMap { layout.codes(ofRow: $0, in: bytes) }
  }

  /// The stored bytes of the scales of integers, in the order of their groups; empty for other formats.
  public var scaleBytes: [UInt8] {
    guard case .integer(let integer) = format else { return [] }
    let layout = IntegerLayout(integer, rows: rows, rowLength: rowLength)
    return Array(bytes[layout.scaleOffset..<layout.zeroPointOffset])
  }
}
