import CKernels

/// Attention of queries to keys, a group of heads sharing keys and values.
struct Attention: Sendable {
  let heads: Int
  let keyValueHeads: Int
  let headSize: Int
  let scale: Float
  /// Scores are bent to within this; 0: they aren't.
  var cap: Float = 0
  /// Whether a position sees only itself and those before.
  var isCausal = true
  /// How many positions it sees at most, itself among them.
  var window: Int?

  var queryWidth: Int { heads * headSize }
  var keyWidth: Int { keyValueHeads * headSize }

  /// Rows of queries that are worked on at a time.
  private static let blockRows = 64

  /// Mixes values by the weights that queries give to keys.
  func mix(
    queries: [Float], keys: [Float], values: [Float], rows: Int, into mixed: inout [Float],
    _ room: Workspace
  ) {
    var scores = room.lend(.scores, min(rows, Self.blockRows) * rows)
    for start in stride(from: 0, to: rows, by: Self.blockRows) {
      let block = start..<min(rows, start + Self.blockRows)
      let seen = visible(from: block, rows)
      // Relative to the first key that the block sees.
      let first = block.map {
        UInt32(visible(from: $0..<$0 + 1, rows).lowerBound - seen.lowerBound)
      }
      let end = block.map { UInt32(visible(from: $0..<$0 + 1, rows).upperBound - seen.lowerBound) }
      for head in 0..<heads {
        let shared = head / (heads / keyValueHeads)
        queries.withUnsafeBufferPointer { queries in
          keys.withUnsafeBufferPointer { keys in
            scores.withUnsafeMutableBufferPointer { scores in
              room.multiply(
                bl_product(
                  rows: block.count, columns: seen.count, depth: headSize,
                  a: queries.baseAddress.map { $0 + start * queryWidth + head * headSize },
                  a_stride: queryWidth,
                  b: keys.baseAddress.map {
                    $0 + seen.lowerBound * keyWidth + shared * headSize
                  }, b_stride: keyWidth, b_is_transposed: true, adds: false,
                  out: scores.baseAddress, out_stride: seen.count))
            }
          }
        }
        bl_attention_weights(&scores, block.count, seen.count, scale, cap, first, end)
        scores.withUnsafeBufferPointer { scores in
          values.withUnsafeBufferPointer { values in
            mixed.withUnsafeMutableBufferPointer { mixed in
              room.multiply(
                bl_product(
                  rows: block.count, columns: headSize, depth: seen.count, a: scores.baseAddress,
                  a_stride: seen.count,
                  b: values.baseAddress.map {
                    $0 + seen.lowerBound * keyWidth + shared * headSize
                  }, b_stride: keyWidth, b_is_transposed: false, adds: false,
                  out: mixed.baseAddress.map { $0 + start * queryWidth + head * headSize },
                  out_stride: queryWidth))
            }
          }
        }
      }
    }
    room.take(scores, .scores)
  }

  /// The keys that some queries see.
  private func visible(from queries: Range<Int>, _ rows: Int) -> Range<Int> {
    guard isCausal else { return 0..<rows }
    let first = window.map { max(0, queries.lowerBound - $0 + 1) } ?? 0
    return first..<queries.upperBound
  }
}

/// Turns each head of each row by its position.
func rotate(
  _ x: inout [Float], rows: Int, heads: Int, headSize: Int, _ table: RotationTable.Values,
  areNeighbours: Bool
) {
  precondition(x.count >= rows * heads * headSize && table.rows >= rows)
  x.withUnsafeMutableBufferPointer { x in
    guard let base = x.baseAddress else { return }
    for head in 0..<heads {
      bl_rotate(
        base + head * headSize, rows, heads * headSize, headSize, table.cosines, table.sines,
        areNeighbours ? 1 : 0)
    }
  }
}
