import CKernels
import Foundation
import Synchronization

/// AdamW on a row of weights, shared by threads.
struct Adam {
  private let first: ParameterRow
  private let second: ParameterRow
  private var steps = 0

  /// How much of the means of gradients and of their squares a step keeps.
  private static let keeps = (first: 0.9, second: 0.99)
  private static let epsilon: Float = 1e-8

  init(_ layout: ParameterLayout) {
    first = ParameterRow(layout)
    second = ParameterRow(layout)
  }

  /// Takes a step against the sums of some gradients, shortened to a length.
  mutating func step(
    _ weights: ParameterRow, _ sums: [ParameterRow], rate: Double, decay: Double, longest: Double,
    by workers: Workers
  ) {
    guard let total = sums.first else { return }
    let pieces = weights.layout.pieces
    let squares = Mutex([Double](repeating: 0, count: pieces.count))
    // Pieces don't overlap.
    nonisolated(unsafe) let rows = sums.map(\.values)
    workers.run(pieces.count) { _, index in
      let piece = pieces[index]
      guard let out = rows[0].baseAddress.map({ $0 + piece.lowerBound }) else { return }
      for row in rows.dropFirst() {
        if let x = row.baseAddress { bl_add(x + piece.lowerBound, out, piece.count) }
      }
      let sum = bl_sum_squares(out, piece.count)
      squares.withLock { $0[index] = sum }
    }
    let length = squares.withLock { $0.reduce(0, +) }.squareRoot()
    steps += 1
    var step = bl_adam(
      rate: Float(rate), decay: Float(decay), first_keep: Float(Self.keeps.first),
      second_keep: Float(Self.keeps.second),
      first_correction: Float(1 - pow(Self.keeps.first, Double(steps))),
      second_correction: Float(1 - pow(Self.keeps.second, Double(steps))),
      epsilon: Self.epsilon, scale: 1)
    if length > longest { step.scale = Float(longest / length) }
    nonisolated(unsafe) let places = (
      weights.values, total.values, first.values, second.values
    )
    workers.run(pieces.count) { [step] _, index in
      let (piece, start) = (pieces[index].count, pieces[index].lowerBound)
      guard let weights = places.0.baseAddress, let gradient = places.1.baseAddress,
        let first = places.2.baseAddress, let second = places.3.baseAddress
      else { return }
      var step = step
      bl_adam_step(
        &step, gradient + start, weights + start, first + start, second + start, piece)
    }
  }
}
