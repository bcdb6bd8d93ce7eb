import CKernels
import ModelFiles

/// A network whose weights can be trained.
protocol TrainableNetwork: Network {
  /// What stands in the way of training it; nil: nothing.
  var obstacle: String? { get }

  /// The network with weights, ready to run forward and back.
  func pass(_ weights: any WeightProvider) throws(EvaluationError) -> any TrainablePass
}

/// A network with weights that runs forward and back. Used by several threads at once.
protocol TrainablePass: Sendable {
  /// The samples that are best run together.
  var portion: Int { get }

  /// The outputs that are learnt from, rows of logits one after another: those of each sample, for a text at each
  /// position but the last.
  func outputs(of samples: [Sample], _ room: Workspace) -> [Float]

  /// Runs samples forward and back, and adds the gradients of weights to the sums.
  /// - Parameter loss: turns outputs into their gradient; what it returns is passed on.
  func learn(
    from samples: [Sample], _ sums: ParameterRow, _ room: Workspace,
    loss: (inout [Float]) -> Double
  ) -> Double
}

extension Linear {
  /// Adds the gradients of weights and bias that follow from that of what the layer makes of x.
  func addGradients(
    _ gradient: [Float], of x: [Float], rows: Int, _ place: LinearPlace, _ sums: ParameterRow,
    _ room: Workspace
  ) {
    precondition(gradient.count >= rows * outputs && x.count >= rows * inputs)
    if let out = sums.place(of: place.weight) {
      gradient.withUnsafeBufferPointer { gradient in
        x.withUnsafeBufferPointer { x in
          room.multiply(
            turned: bl_product(
              rows: outputs, columns: inputs, depth: rows, a: gradient.baseAddress,
              a_stride: outputs, b: x.baseAddress, b_stride: inputs, b_is_transposed: false,
              adds: true, out: out, out_stride: inputs))
        }
      }
    }
    if let bias = place.bias, let out = sums.place(of: bias) {
      bl_add_columns(gradient, rows, outputs, out)
    }
  }

  /// The gradient of x, written or added.
  func back(
    _ gradient: [Float], rows: Int, adding: Bool, into out: inout [Float], _ room: Workspace
  ) {
    precondition(gradient.count >= rows * outputs && out.count >= rows * inputs)
    gradient.withUnsafeBufferPointer { gradient in
      weights.withUnsafeBufferPointer { weights in
        out.withUnsafeMutableBufferPointer { out in
          room.multiply(
            bl_product(
              rows: rows, columns: inputs, depth: outputs, a: gradient.baseAddress,
              a_stride: outputs, b: weights.baseAddress, b_stride: inputs,
              b_is_transposed: false, adds: adding, out: out.baseAddress, out_stride: inputs))
        }
      }
    }
  }
}

extension RMSNorm {
  /// From the gradient of what it makes of x: that of x, written or added, and that of its weights, added to the sums.
  func back(
    _ gradient: [Float], of x: [Float], adding: Bool, into out: inout [Float], _ tensor: Int,
    _ sums: ParameterRow
  ) {
    precondition(gradient.count >= x.count && out.count >= x.count)
    bl_rms_norm_back(
      x, x.count / weights.count, weights.count, weights, offset, epsilon, gradient, &out,
      adding ? 1 : 0, sums.place(of: tensor))
  }
}
