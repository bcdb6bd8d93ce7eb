import Measurement
import ModelFiles
import Quantization
import Synchronization

extension WeightSource: DataCalibration {
  /// The tensors that formats which need activations can be had for.
  public var calibratedTensors: Set<Int> { activations?.tensors ?? [] }

  /// What comes back of a tensor; nil where that can't be had.
  public func reconstruct(_ tensor: Tensor, in format: Format) -> [Float]? {
    try? values(of: tensor, in: format)
  }

  /// What comes back of a tensor in a format whose codes are chosen by what flows through the model.
  func calibrated(
    _ tensor: Tensor, in format: IntegerFormat, by workers: Workers
  ) throws(EvaluationError) -> [Float] {
    guard let activations else {
      throw .data("\(format) needs data to calibrate on, which this work doesn't have")
    }
    guard activations.covers(tensor) else {
      throw .data("\(tensor.label): \(format) can't be had, nothing is known to flow into it")
    }
    guard let input = activations.input(of: tensor.id) else {
      // Rows that are looked up: all errors are equal.
      return try rounded(tensor, in: .integer(format), by: workers)
    }
    let weights = try rounded(tensor, in: nil, by: workers)
    let hessian = activations.hessians[input]
    guard hessian.width == tensor.rowLength else {
      throw .tensor(
        "\(tensor.label): found rows of \(tensor.rowLength), expected \(hessian.width)")
    }
    guard weights.allSatisfy(\.isFinite) else {
      return try rounded(tensor, in: .integer(format), by: workers)
    }
    if format.calibration == .awq {
      guard let method = AWQ(format, hessian) else { return weights }
      let scales = try scales(of: input, in: format, activations, by: workers)
      return Self.scaled(weights, scales, method, workers)
    }
    guard let factor = activations.factor(of: input, isOrdered: format.calibration == .gptqAct)
    else { return try rounded(tensor, in: .integer(format), by: workers) }
    return Self.compensated(weights, GPTQ(format: format, factor: factor), workers)
  }

  // MARK: - GPTQ

  private static func compensated(
    _ weights: [Float], _ method: GPTQ, _ workers: Workers
  ) -> [Float] {
    let pieces = RowPieces(weights.count, width: method.factor.width, rows: GPTQ.rowsAtOnce)
    return pieces.map(by: workers) { elements, room in
      var out = [Float](repeating: 0, count: elements.count)
      weights.withUnsafeBufferPointer { weights in
        out.withUnsafeMutableBufferPointer { out in
          method.reconstruct(
            UnsafeBufferPointer(rebasing: weights[elements]),
            rows: elements.count / method.factor.width, into: out, room)
        }
      }
      return out
    }.flatMap { $0 }
  }

  // MARK: - AWQ

  /// The scales with the least error of all matrices that read an input.
  private func scales(
    of input: Int, in format: IntegerFormat, _ activations: CollectedHessians, by workers: Workers
  ) throws(EvaluationError) -> [Float] {
    let hessian = activations.hessians[input]
    let ones = [Float](repeating: 1, count: hessian.width)
    guard let channels = activations.inputs[input].channels, let method = AWQ(format, hessian)
    else { return ones }
    return try activations.scales(of: input, in: format) { () throws(EvaluationError) in
      var sums = [Double](repeating: 0, count: AWQ.steps)
      for tensor in activations.inputs[input].tensors {
        let weights = try rounded(model.tensors[tensor], in: nil, by: workers)
        let pieces = RowPieces(weights.count, width: hessian.width, rows: AWQ.rowsAtOnce)
        for errors in pieces.map(
          by: workers,
          { elements, room in method.errors(Array(weights[elements]), channels: channels, room) })
        {
          for step in sums.indices { sums[step] += errors[step] }
        }
      }
      let best = sums.indices.min { sums[$0] < sums[$1] } ?? 0
      return AWQ.scales(
        hessian.magnitudes, channels: channels, exponent: Double(best) / Double(AWQ.steps))
    }
  }

  /// What comes back of scaled rows, ranges cut where that helps.
  private static func scaled(
    _ weights: [Float], _ scales: [Float], _ method: AWQ, _ workers: Workers
  ) -> [Float] {
    let pieces = RowPieces(weights.count, width: scales.count, rows: AWQ.rowsAtOnce)
    let results = pieces.map(by: workers) { elements, room in
      let part = Array(weights[elements])
      let whole = method.reconstruct(part, scales: scales)
      let cut = method.clipped(part, scales: scales, room)
      return (
        whole: whole, cut: cut, wholeError: method.error(whole, of: part, room),
        cutError: method.error(cut, of: part, room)
      )
    }
    let whole = results.reduce(0) { $0 + $1.wholeError }
    let cut = results.reduce(0) { $0 + $1.cutError }
    return results.flatMap { cut < whole ? $0.cut : $0.whole }
  }
}

/// The rows of a matrix, some at a time.
private struct RowPieces {
  private let count: Int
  private let length: Int

  init(_ count: Int, width: Int, rows: Int) {
    self.count = count
    length = max(1, width) * rows
  }

  /// Does something with the elements of each piece, on all threads.
  func map<R: Sendable>(
    by workers: Workers, _ body: @escaping @Sendable (Range<Int>, Workspace) -> R
  ) -> [R] {
    let pieces = (count + length - 1) / length
    // Each thread has a room of its own.
    nonisolated(unsafe) let rooms = (0..<workers.count).map { _ in Workspace() }
    let results = Mutex([R?](repeating: nil, count: pieces))
    workers.run(pieces) { worker, piece in
      let elements = piece * length..<min(count, (piece + 1) * length)
      let result = body(elements, rooms[worker])
      results.withLock { $0[piece] = result }
    }
    return results.withLock { $0.compactMap { $0 } }
  }
}
