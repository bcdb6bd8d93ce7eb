import CKernels

/// The mean of what goes into matrices, times itself: half the second derivative of the squared error of what comes out
/// of each row.
struct Hessian: Sendable {
  /// How many numbers go in.
  let width: Int
  /// Mean products of each number with each other, row by row; symmetric.
  let values: [Float]
  /// The mean magnitude of each number.
  let magnitudes: [Float]

  subscript(row: Int, column: Int) -> Float { values[row * width + column] }

  /// Numbers by what flows through them, the greatest first.
  var order: [Int] {
    (0..<width).sorted { left, right in
      let (a, b) = (self[left, left], self[right, right])
      return a == b ? left < right : a > b
    }
  }

  /// For a matrix whose rows are looked up as well, as those of a tied embedding: there all errors are equal, and they
  /// count as much as those of what comes out.
  var withLookups: Hessian {
    let mean = (0..<width).reduce(0.0) { $0 + Double(self[$1, $1]) } / Double(max(1, width))
    var values = values
    for index in 0..<width { values[index * width + index] += Float(mean) }
    return Hessian(width: width, values: values, magnitudes: magnitudes)
  }

  /// The mean squared error of what comes out, summed over rows whose weights are off by `differences`.
  func error(of differences: [Float], _ room: Workspace) -> Double {
    var products = room.lend(.output, differences.count)
    room.multiply(differences, by: values, width: width, into: &products)
    var sum = 0.0
    for (product, difference) in zip(products, differences) {
      let part = Double(product) * Double(difference)
      if part.isFinite { sum += part }
    }
    room.take(products, .output)
    return sum
  }
}

/// The upper factor U of a Hessian's inverse, H⁻¹ = Uᵀ U, with the Hessian's numbers in some order.
struct InverseFactor: Sendable {
  let width: Int
  /// Which number each row and column stands for; nil: they stand in their own order.
  let order: [Int]?
  /// Row by row; what is below the diagonal is 0.
  let values: [Float]

  /// The share of the mean diagonal that is added to it, as by GPTQ.
  static let damping = 0.01
  /// How often ten times as much is tried where there is no factor.
  private static let attempts = 4

  /// - Returns: nil for a Hessian that has no factor whatever is added: one that isn't finite.
  init?(_ hessian: Hessian, order: [Int]? = nil) {
    width = hessian.width
    self.order = order
    let diagonal = (0..<hessian.width).map { Double(hessian[$0, $0]) }
    // Where nothing flows nothing can be made up for, and nothing needs to be.
    let mean = diagonal.reduce(0) { $0 + ($1 == 0 ? 1 : $1) } / Double(max(1, width))
    var damping = Self.damping * mean
    for _ in 0..<Self.attempts {
      if let values = Self.factor(hessian, order, damping) {
        self.values = values
        return
      }
      damping *= 10
    }
    return nil
  }

  /// The inverse of a lower triangular matrix, row by row, in its place.
  private static func invert(_ lower: inout UnsafeMutableBufferPointer<Double>, _ width: Int) {
    guard let start = lower.baseAddress else { return }
    for index in 0..<width {
      let row = start + index * width
      for above in 0..<index {
        let (factor, line) = (row[above], start + above * width)
        row[above] = 0
        for column in 0...above { row[column] -= factor * line[column] }
      }
      let scale = 1 / row[index]
      for column in 0..<index { row[column] *= scale }
      row[index] = scale
    }
  }

  /// With numbers in the opposite order H = L Lᵀ; the inverse of L, turned back, is U.
  private static func factor(_ hessian: Hessian, _ order: [Int]?, _ damping: Double) -> [Float]? {
    let width = hessian.width
    let reversed = Array((order ?? Array(0..<width)).reversed())
    var lower = [Double](repeating: 0, count: width * width)
    for row in 0..<width {
      for column in 0...row {
        lower[row * width + column] = Double(hessian[reversed[row], reversed[column]])
      }
      let place = row * width + row
      lower[place] = (lower[place] == 0 ? 1 : lower[place]) + damping
    }
    guard bl_cholesky(&lower, width) else { return nil }
    lower.withUnsafeMutableBufferPointer { invert(&$0, width) }
    var upper = [Float](repeating: 0, count: width * width)
    for row in 0..<width {
      for column in row..<width {
        upper[row * width + column] = Float(
          lower[(width - 1 - row) * width + width - 1 - column])
      }
    }
    return upper.allSatisfy(\.isFinite) ? upper : nil
  }
}
