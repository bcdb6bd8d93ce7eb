import CKernels

extension Attention {
  /// Numbers for each query, key and value.
  struct Parts {
    var queries: [Float]
    var keys: [Float]
    var values: [Float]
  }

  /// From the gradient of what was mixed: that of queries, keys and values. Weights are worked out again.
  func back(_ gradient: [Float], of parts: Parts, rows: Int, _ room: Workspace) -> Parts {
    var back = Parts(
      queries: [Float](repeating: 0, count: rows * queryWidth),
      keys: [Float](repeating: 0, count: rows * keyWidth),
      values: [Float](repeating: 0, count: rows * keyWidth))
    var weights = room.lend(.scores, scoreCount(rows))
    var slopes = room.lend(.slopes, scoreCount(rows))
    for view in views(rows) {
      for head in 0..<heads {
        weigh(parts.queries, parts.keys, view, head, into: &weights, room)
        spread(weights, gradient, view, head, into: &back.values, room)
        compare(gradient, parts.values, view, head, into: &slopes, room)
        bl_attention_weights_back(
          weights, view.block.count, view.seen.count, scale, &slopes)
        spread(slopes, parts.queries, view, head, into: &back.keys, room)
        gather(slopes, parts.keys, view, head, into: &back.queries, room)
      }
    }
    room.take(slopes, .slopes)
    room.take(weights, .scores)
    return back
  }

  /// Keys and values get from each query as much as it weighs them: weightsᵀ x, added.
  private func spread(
    _ weights: [Float], _ x: [Float], _ view: View, _ head: Int, into out: inout [Float],
    _ room: Workspace
  ) {
    weights.withUnsafeBufferPointer { weights in
      x.withUnsafeBufferPointer { x in
        out.withUnsafeMutableBufferPointer { out in
          room.multiply(
            turned: bl_product(
              rows: view.seen.count, columns: headSize, depth: view.block.count,
              a: weights.baseAddress, a_stride: view.seen.count,
              b: x.baseAddress.map { $0 + queryPlace(view, head) }, b_stride: queryWidth,
              b_is_transposed: false, adds: true,
              out: out.baseAddress.map { $0 + keyPlace(view, head) }, out_stride: keyWidth))
        }
      }
    }
  }
}
