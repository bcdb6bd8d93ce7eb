/// How conversion to GGUF reorders the rows of a tensor, or takes some of them.
///
/// Input channels, and so importance, are the same before and after. Source: the `modify_tensors` of
/// llama.cpp's conversion, family by family.
public enum RowPermutation: Sendable, Hashable, CustomStringConvertible {
  /// Each head's halves are interleaved: the pairs that rotate together become neighbours.
  ///
  /// `LlamaModel.permute`. Nil: the model doesn't say how many heads it has.
  case rotary(heads: Int?)
  /// Rows in groups of some queries, a key and a value become all queries, all keys, all values.
  case separated(heads: Int?, keyValueHeads: Int?)
  /// The first (0) or second (1) half of the rows of each of so many matrices.
  case half(Int, matrices: Int)
  /// The values among each head's keys and values: the last rows of every head.
  case values(heads: Int?, of: Int?)

  /// Where a row of the GGUF's tensor comes from, given how many rows the source has.
  ///
  /// Nil if the sizes don't fit.
  public func source(of row: Int, sourceRows rows: Int) -> Int? {
    guard rows > 0, row >= 0, row < rows else { return nil }
    switch self {
    case .rotary(let heads):
      guard let heads, heads > 0, rows % (2 * heads) == 0 else { return nil }
      let size = rows / heads
      let place = row % size
      return row - place + place % 2 * (size / 2) + place / 2
    case .separated(let heads, let groups):
      guard let heads, let groups, groups > 0, heads % groups == 0,
        rows % (heads + 2 * groups) == 0
      else { return nil }
      let size = rows / (heads + 2 * groups)
      let queries = heads / groups
      let head = row / size
      let from: Int
      if head < heads {
        from = head / queries * (queries + 2) + head % queries
      } else {
        let rest = head - heads
        from = rest % groups * (queries + 2) + queries + rest / groups
      }
      return from * size + row % size
    case .half(let half, let matrices):
      guard matrices > 0, rows % (2 * matrices) == 0, row < rows / 2 else { return nil }
      let size = rows / (2 * matrices)
      return row / size * 2 * size + half * size + row % size
    case .values(let heads, let size):
      guard let heads, let size, heads > 0, size > 0, rows % heads == 0, row < heads * size,
        rows / heads >= size
      else { return nil }
      return row / size * (rows / heads) + rows / heads - size + row % size
    }
  }

  /// A short phrase for people.
  public var description: String {
    switch self {
    case .rotary(let heads):
      "rows of \(Self.counted(heads)) interleaved for rotation"
    case .separated(let heads, _):
      "queries, keys and values of \(Self.counted(heads)) separated"
    case .half(let half, _): half == 0 ? "first half of the rows" : "second half of the rows"
    case .values(let heads, _): "values of \(Self.counted(heads))"
    }
  }

  private static func counted(_ heads: Int?) -> String {
    guard let heads else { return "heads of unknown number" }
    return heads == 1 ? "1 head" : "\(heads) heads"
  }
}
