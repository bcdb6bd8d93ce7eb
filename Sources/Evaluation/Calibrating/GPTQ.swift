import CKernels
import Quantization

/// Chooses the codes of a matrix as GPTQ does (Frantar, Ashkboos, Hoefler and Alistarh, "GPTQ: Accurate post-training
/// quantization for generative pre-trained transformers", 2022).
///
/// Columns are rounded from left to right, and the columns behind take up each one's error, as far as what flows into
/// them goes together: w -= error / U_jj x U_j, with H⁻¹ = Uᵀ U. 1 % of the Hessian's mean diagonal is added to it; a
/// column into which nothing flows is rounded as it is.
/// - `gptq`: a group's grid is that of its weights when it is reached, errors of those before taken up.
/// - `gptq-act`: columns in falling order of the Hessian's diagonal, on the grids of the weights as they were: groups
///   stay contiguous, and what is stored is laid out as ever.
/// Rows don't depend on each other.
struct GPTQ {
  let format: IntegerFormat
  let factor: InverseFactor

  /// Columns whose errors are taken up by those behind in one product.
  private static let block = 128
  /// Rows that are worked on at a time.
  static let rowsAtOnce = 64

  /// What comes back of some rows.
  func reconstruct(
    _ weights: UnsafeBufferPointer<Float>, rows: Int, into out: UnsafeMutableBufferPointer<Float>,
    _ room: Workspace
  ) {
    let width = factor.width
    precondition(weights.count >= rows * width && out.count >= rows * width)
    var work = Work(
      kernel: format.kernelFormat, width: width, rows: rows,
      group: format.groupLength(rowLength: width), order: factor.order)
    work.take(weights)
    factor.values.withUnsafeBufferPointer { factor in
      guard let factor = factor.baseAddress else { return }
      for start in stride(from: 0, to: width, by: Self.block) {
        let columns = start..<min(width, start + Self.block)
        for row in 0..<rows { work.round(row, columns, factor) }
        work.compensate(behind: columns, factor, room)
      }
    }
    work.give(to: out)
  }

  /// The rows at hand, columns in the order in which they are rounded.
  private struct Work {
    var kernel: bl_integer_format
    let width: Int
    let rows: Int
    let group: Int
    let order: [Int]?
    /// The group of each column, where all grids are known from the beginning.
    private var places: [UInt32] = []
    private var grids: [bl_grid] = []
    private var gridsPerRow: Int
    private var weights: [Float]
    private var out: [Float]
    private var errors: [Float]

    init(kernel: bl_integer_format, width: Int, rows: Int, group: Int, order: [Int]?) {
      self.kernel = kernel
      self.width = width
      self.rows = rows
      self.group = group
      self.order = order
      gridsPerRow = order == nil ? 1 : (width + group - 1) / group
      weights = [Float](repeating: 0, count: rows * width)
      out = weights
      errors = [Float](repeating: 0, count: rows * GPTQ.block)
      grids = Array(repeating: bl_grid(), count: rows * gridsPerRow)
    }

    mutating func take(_ source: UnsafeBufferPointer<Float>) {
      guard let order else {
        for index in weights.indices { weights[index] = source[index] }
        return
      }
      places = order.map { UInt32($0 / group) }
      for row in 0..<rows {
        for (column, place) in order.enumerated() {
          weights[row * width + column] = source[row * width + place]
        }
        for index in 0..<gridsPerRow {
          let columns = index * group..<min(width, (index + 1) * group)
          grids[row * gridsPerRow + index] = Self.grid(
            &kernel, UnsafeBufferPointer(rebasing: source[row * width..<(row + 1) * width]), columns
          )
        }
      }
    }

    func give(to target: UnsafeMutableBufferPointer<Float>) {
      for row in 0..<rows {
        for column in 0..<width {
          target[row * width + (order?[column] ?? column)] = out[row * width + column]
        }
      }
    }

    /// Rounds a row's columns.
    mutating func round(_ row: Int, _ columns: Range<Int>, _ factor: UnsafePointer<Float>) {
      var column = columns.lowerBound
      while column < columns.upperBound {
        var end = columns.upperBound
        if order == nil {
          let next = (column / group + 1) * group
          if column % group == 0 { grids[row] = grid(row, column..<min(width, next)) }
          end = min(end, next)
        }
        run(row, column..<end, of: columns, factor)
        column = end
      }
    }

    private mutating func run(
      _ row: Int, _ columns: Range<Int>, of block: Range<Int>, _ factor: UnsafePointer<Float>
    ) {
      let start = row * width + columns.lowerBound
      let error = row * GPTQ.block + columns.lowerBound - block.lowerBound
      weights.withUnsafeMutableBufferPointer { weights in
        out.withUnsafeMutableBufferPointer { out in
          errors.withUnsafeMutableBufferPointer { errors in
            grids.withUnsafeBufferPointer { grids in
              places.withUnsafeBufferPointer { places in
                var part = bl_compensation(
                  count: columns.count, tail: block.upperBound - columns.upperBound,
                  weights: weights.baseAddress.map { $0 + start },
                  factor: factor + columns.lowerBound * width + columns.lowerBound, stride: width,
                  grids: grids.baseAddress.map { $0 + row * gridsPerRow },
                  places: order == nil ? nil : places.baseAddress.map { $0 + columns.lowerBound },
                  out: out.baseAddress.map { $0 + start },
                  errors: errors.baseAddress.map { $0 + error })
                bl_compensate(&kernel, &part)
              }
            }
          }
        }
      }
    }

    /// All columns behind some take up their errors.
    mutating func compensate(
      behind columns: Range<Int>, _ factor: UnsafePointer<Float>, _ room: Workspace
    ) {
      let end = columns.upperBound
      guard end < width else { return }
      weights.withUnsafeMutableBufferPointer { weights in
        errors.withUnsafeBufferPointer { errors in
          room.multiply(
            bl_product(
              rows: rows, columns: width - end, depth: columns.count, a: errors.baseAddress,
              a_stride: GPTQ.block, b: factor + columns.lowerBound * width + end, b_stride: width,
              b_is_transposed: false, adds: true, out: weights.baseAddress.map { $0 + end },
              out_stride: width))
        }
      }
    }

    private mutating func grid(_ row: Int, _ columns: Range<Int>) -> bl_grid {
      weights.withUnsafeBufferPointer { weights in
        Self.grid(
          &kernel, UnsafeBufferPointer(rebasing: weights[row * width..<(row + 1) * width]), columns)
      }
    }

    private static func grid(
      _ kernel: inout bl_integer_format, _ row: UnsafeBufferPointer<Float>, _ columns: Range<Int>
    ) -> bl_grid {
      guard let start = row.baseAddress else { return bl_grid() }
      let range = bl_integer_range(&kernel, start + columns.lowerBound, columns.count, nil)
      return bl_integer_grid(&kernel, range)
    }
  }
}
