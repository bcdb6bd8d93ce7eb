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

  /// Some rows of queries with the keys that they see.
  struct View {
    let block: Range<Int>
    /// The keys that any of them sees.
    let seen: Range<Int>
    /// The keys that each sees, relative to these.
    let first: [UInt32]
    let end: [UInt32]
  }

  /// All rows, some at a time.
  func views(_ rows: Int) -> [View] {
    stride(from: 0, to: rows, by: Self.blockRows).map { start in
      let block = start..<min(rows, start + Self.blockRows)
      let seen = visible(from: block, rows)
      let ranges = block.map { visible(from: $0..<$0 + 1, rows) }
      return View(
        block: block, seen: seen, first: ranges.map { UInt32($0.lowerBound - seen.lowerBound) },
        end: ranges.map { UInt32($0.upperBound - seen.lowerBound) })
    }
  }

  /// The room that the weights of a view take.
  func scoreCount(_ rows: Int) -> Int { min(rows, Self.blockRows) * rows }

  /// Mixes values by the weights that queries give to keys.
  func mix(
    queries: [Float], keys: [Float], values: [Float], rows: Int, into mixed: inout [Float],
    _ room: Workspace
  ) {
    var scores = room.lend(.scores, scoreCount(rows))
    for view in views(rows) {
      for head in 0..<heads {
        weigh(queries, keys, view, head, into: &scores, room)
        gather(scores, values, view, head, into: &mixed, room)
      }
    }
    room.take(scores, .scores)
  }

  /// The weights that a view's queries give to keys.
  func weigh(
    _ queries: [Float], _ keys: [Float], _ view: View, _ head: Int, into scores: inout [Float],
    _ room: Workspace
  ) {
    compare(queries, keys, view, head, into: &scores, room)
    bl_attention_weights(
      &scores, view.block.count, view.seen.count, scale, cap, view.first, view.end)
  }

  /// Products of each query's numbers with those of each key.
  func compare(
    _ x: [Float], _ keyed: [Float], _ view: View, _ head: Int, into out: inout [Float],
    _ room: Workspace
  ) {
    x.withUnsafeBufferPointer { x in
      keyed.withUnsafeBufferPointer { keyed in
        out.withUnsafeMutableBufferPointer { out in
          room.multiply(
            bl_product(
              rows: view.block.count, columns: view.seen.count, depth: headSize,
              a: x.baseAddress.map { $0 + queryPlace(view, head) }, a_stride: queryWidth,
              b: keyed.baseAddress.map { $0 + keyPlace(view, head) }, b_stride: keyWidth,
              b_is_transposed: true, adds: false, out: out.baseAddress,
              out_stride: view.seen.count))
        }
      }
    }
  }

  /// Each query gets from keys as much as it weighs them.
  func gather(
    _ weights: [Float], _ keyed: [Float], _ view: View, _ head: Int, into out: inout [Float],
    _ room: Workspace
  ) {
    weights.withUnsafeBufferPointer { weights in
      keyed.withUnsafeBufferPointer { keyed in
        out.withUnsafeMutableBufferPointer { out in
          room.multiply(
            bl_product(
              rows: view.block.count, columns: headSize, depth: view.seen.count,
              a: weights.baseAddress, a_stride: view.seen.count,
              b: keyed.baseAddress.map { $0 + keyPlace(view, head) }, b_stride: keyWidth,
              b_is_transposed: false, adds: false,
              out: out.baseAddress.map { $0 + queryPlace(view, head) }, out_stride: queryWidth))
        }
      }
    }
  }

  /// Where a head of a view's queries begins.
  func queryPlace(_ view: View, _ head: Int) -> Int {
    view.block.lowerBound * queryWidth + head * headSize
  }

  /// Where the keys and values that it sees begin.
  func keyPlace(_ view: View, _ head: Int) -> Int {
    view.seen.lowerBound * keyWidth + head / (heads / keyValueHeads) * headSize
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
