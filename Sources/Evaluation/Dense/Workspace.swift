import CKernels

/// What one thread needs for a forward pass besides weights: room that is used again and again.
final class Workspace {
  private let product: MatrixProduct
  private var room: [Float] = []
  /// Room for the parts of a block; each grows to what it is asked for.
  private var buffers: [Buffer: [Float]] = [:]

  /// What is kept in which room.
  enum Buffer: Hashable {
    case normalised, queries, keys, values, scores, mixed, gate, up, output
    case slopes, turned
  }

  /// Who wants to see what goes into matrices.
  private let observer: (any ActivationObserver)?

  init(_ product: MatrixProduct = .best, observer: (any ActivationObserver)? = nil) {
    self.product = product
    self.observer = observer
  }

  /// Shows what goes into a tensor's matrix.
  func observe(_ x: UnsafeBufferPointer<Float>, rows: Int, inputs: Int, of tensor: Int?) {
    guard let tensor, let observer, rows > 0, inputs > 0, x.count >= rows * inputs else { return }
    observer.observe(x, rows: rows, inputs: inputs, of: tensor, self)
  }

  /// Lends a room of exactly so many numbers, whatever is in them.
  func lend(_ buffer: Buffer, _ count: Int) -> [Float] {
    var values = buffers.removeValue(forKey: buffer) ?? []
    if values.count > count {
      values.removeLast(values.count - count)
    } else if values.count < count {
      values = [Float](repeating: 0, count: count)
    }
    return values
  }

  /// Takes back what was lent.
  func take(_ values: consuming [Float], _ buffer: Buffer) { buffers[buffer] = values }

  /// Works out a product.
  func multiply(_ p: bl_product) {
    guard p.rows > 0, p.columns > 0, p.depth > 0 else { return }
    switch product {
    case .library(let library): library.multiply(p)
    case .own:
      if room.isEmpty { room = [Float](repeating: 0, count: Int(BL_PRODUCT_ROOM)) }
      var p = p
      bl_multiply(&p, &room)
    }
  }
}

extension Workspace {
  /// Works out a product whose first operand is stored the other way round: [depth x rows].
  func multiply(turned p: bl_product) {
    guard p.rows > 0, p.columns > 0, p.depth > 0 else { return }
    if case .library(let library) = product {
      library.multiply(p, turned: true)
      return
    }
    var upright = lend(.turned, p.rows * p.depth)
    bl_transpose(p.a, p.a_stride, p.depth, p.rows, &upright)
    upright.withUnsafeBufferPointer { upright in
      var p = p
      p.a = upright.baseAddress
      p.a_stride = p.depth
      multiply(p)
    }
    take(upright, .turned)
  }

  /// Works out rows times a square matrix.
  func multiply(_ rows: [Float], by matrix: [Float], width: Int, into out: inout [Float]) {
    precondition(matrix.count >= width * width && out.count >= rows.count)
    guard width > 0 else { return }
    out.withUnsafeMutableBufferPointer { out in
      rows.withUnsafeBufferPointer { rows in
        matrix.withUnsafeBufferPointer { matrix in
          multiply(
            bl_product(
              rows: rows.count / width, columns: width, depth: width, a: rows.baseAddress,
              a_stride: width, b: matrix.baseAddress, b_stride: width, b_is_transposed: false,
              adds: false, out: out.baseAddress, out_stride: width))
        }
      }
    }
  }
}

/// Sees what goes into the matrices of a network, on one thread.
protocol ActivationObserver: AnyObject {
  /// - Parameter x: row by row; there may be more than these rows.
  func observe(
    _ x: UnsafeBufferPointer<Float>, rows: Int, inputs: Int, of tensor: Int, _ room: Workspace)
}

/// A layer that multiplies by a matrix and adds a bias.
struct Linear: Sendable {
  let inputs: Int
  let outputs: Int
  /// A row for each output.
  let weights: [Float]
  let bias: [Float]?
  /// The tensor of the weights, by its index in the model.
  var tensor: Int?

  /// Shows what would go in.
  func observe(_ x: [Float], rows: Int, _ room: Workspace) {
    x.withUnsafeBufferPointer { room.observe($0, rows: rows, inputs: inputs, of: tensor) }
  }

  /// out = x Wᵀ + bias, or the same added to what is in `out`.
  func apply(
    _ x: [Float], rows: Int, adding: Bool = false, into out: inout [Float], _ room: Workspace
  ) {
    apply(x, rows: 0..<rows, adding: adding, into: &out, room)
  }

  /// The same for some of the rows of x.
  func apply(
    _ x: [Float], rows: Range<Int>, adding: Bool = false, into out: inout [Float],
    _ room: Workspace
  ) {
    precondition(x.count >= rows.upperBound * inputs && out.count >= rows.count * outputs)
    x.withUnsafeBufferPointer { x in
      room.observe(
        UnsafeBufferPointer(rebasing: x[(rows.lowerBound * inputs)...]), rows: rows.count,
        inputs: inputs, of: tensor)
      weights.withUnsafeBufferPointer { weights in
        out.withUnsafeMutableBufferPointer { out in
          room.multiply(
            bl_product(
              rows: rows.count, columns: outputs, depth: inputs,
              a: x.baseAddress.map { $0 + rows.lowerBound * inputs }, a_stride: inputs,
              b: weights.baseAddress, b_stride: inputs, b_is_transposed: true, adds: adding,
              out: out.baseAddress, out_stride: outputs))
        }
      }
    }
    if let bias { bl_add_row(&out, rows.count, outputs, bias) }
  }
}
