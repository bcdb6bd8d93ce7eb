import ModelFiles
import Quantization

/// What a sample of a tensor is made of: short runs of weights that a format treats alike wherever they
/// lie. A unit is a part of a row that holds whole groups, or some whole rows.
struct SamplingUnits: Hashable, Sendable {
  /// Weights of a unit, about. Many small units say more than few large ones; fewer weights than this
  /// cost as much, since a page of the file is read for each unit.
  static let length = 512

  /// The tensor's row length.
  let rowLength: Int
  /// Weights of a unit: a part of a row, or whole rows.
  let unitLength: Int
  /// The number of units.
  let count: Int
  private let unitsPerRow: Int
  private let rowsPerUnit: Int
  private let rowsPerMatrix: Int
  private let unitsPerMatrix: Int

  /// The units of a tensor.
  /// - Parameters:
  ///   - alignment: the weights of a row that must be kept together; nil: all of them.
  ///   - matrices: how many matrices are stacked in the tensor; a unit lies within one of them.
  init(_ tensor: Tensor, alignment: Int?, matrices: Int = 1) {
    let source = tensor.packing == nil ? tensor.source.blockLength : 64
    let step = alignment.map { Self.leastCommonMultiple(max(1, $0), source) }
    self.init(
      rows: tensor.rows, rowLength: tensor.rowLength, step: step, matrices: matrices)
  }

  init(rows: Int, rowLength: Int, step: Int?, matrices: Int = 1) {
    self.rowLength = max(1, rowLength)
    let isStacked = matrices > 1 && rows % matrices == 0
    rowsPerMatrix = max(1, isStacked ? rows / matrices : rows)
    let part = step.map { (Self.length + $0 - 1) / $0 * $0 } ?? self.rowLength
    if part < self.rowLength {
      unitLength = part
      rowsPerUnit = 1
      unitsPerRow = (self.rowLength + part - 1) / part
    } else {
      rowsPerUnit = min(rowsPerMatrix, max(1, Self.length / self.rowLength))
      unitLength = rowsPerUnit * self.rowLength
      unitsPerRow = 1
    }
    unitsPerMatrix = (rowsPerMatrix + rowsPerUnit - 1) / rowsPerUnit * unitsPerRow
    count = rowLength == 0 ? 0 : rows / rowsPerMatrix * unitsPerMatrix
  }

  /// The weights of a unit, by their place in the tensor.
  func elements(of unit: Int) -> Range<Int> {
    let (matrix, place) = unit.quotientAndRemainder(dividingBy: unitsPerMatrix)
    let firstRow = matrix * rowsPerMatrix + place / unitsPerRow * rowsPerUnit
    if unitsPerRow > 1 {
      let start = place % unitsPerRow * unitLength
      let row = firstRow * rowLength
      return row + start..<row + min(rowLength, start + unitLength)
    }
    let end = min(firstRow + rowsPerUnit, (matrix + 1) * rowsPerMatrix)
    return firstRow * rowLength..<end * rowLength
  }

  private static func leastCommonMultiple(_ a: Int, _ b: Int) -> Int {
    var (x, y) = (a, max(1, b))
    while y != 0 { (x, y) = (y, x % y) }
    return a / x * max(1, b)
  }
}
