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
      format, rows: rows, width: width, order: factor.order)
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
    private var kernel: bl_integer_format
    private let codes: ClosedRange<Int>
    let width: Int
    let rows: Int
    let group: Int
    let order: [Int]?
    /// The group of each column, where all grids are known from the beginning.
    private var places: [Int] = []
    private var grids: [bl_grid] = []
    private var gridsPerRow: Int
    private var weights: [Float]
    private var out: [Float]
    private var errors: [Float]

    init(_ format: IntegerFormat, rows: Int, width: Int, order: [Int]?) {
      kernel = format.kernelFormat
      codes = format.codes
      group = format.groupLength(rowLength: width)
      self.width = width
      self.rows = rows
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
      places = order.map { $0 / group }
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

    /// Rounds columns, those behind them in the block taking up the errors.
    private mutating func run(
      _ row: Int, _ columns: Range<Int>, of block: Range<Int>, _ factor: UnsafePointer<Float>
    ) {
      let (width, gridsPerRow) = (width, gridsPerRow)
      let lowest = Float(codes.lowerBound)
      let highest = Float(codes.upperBound)
      let errorStart = row * GPTQ.block - block.lowerBound
      weights.withUnsafeMutableBufferPointer { weights in
        for column in columns {
          let place = order == nil ? 0 : places[column]
          let grid = grids[row * gridsPerRow + place]
          let weight = weights[row * width + column]
          var value: Float = 0
          if grid.scale > 0, weight == weight {
            let zero = Float(grid.zero_point)
            let steps = max(lowest - zero, min(highest - zero, weight / grid.scale))
            value = steps.rounded(.toNearestOrEven) * grid.scale
          }
          let line = factor + column * width
          let error = (value - weight) / line[column]
          out[row * width + column] = value
          errors[errorStart + column] = error.isFinite ? error : 0
          // With nothing to take up nothing changes, not even a zero's sign.
          guard error.isFinite, error != 0 else { continue }
          guard let rest = weights.baseAddress.map({ $0 + row * width }) else { return }
          for behind in column + 1..<max(column + 1, block.upperBound) {
            rest[behind] += error * line[behind]
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
