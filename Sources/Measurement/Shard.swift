/// One of several parts of the work on a model, each for a machine of its own.
///
/// The parts depend on the work alone, so that all machines agree on them without talking to each other.
public struct Shard: Sendable, Hashable {
  /// Which part, from 1 on.
  public let index: Int
  /// How many parts there are.
  public let count: Int

  /// A part; nil unless 1 <= index <= count.
  public init?(index: Int, count: Int) {
    guard index >= 1, index <= count else { return nil }
    self.index = index
    self.count = count
  }

  /// This part of some work: the most costly piece first, each goes to the part that has least so far.
  ///
  /// What a tensor costs is the bytes to be read times the number of formats. A tensor stays in one part,
  /// whose machine reads it once, unless it makes up more than a quarter of what a part should have: then its
  /// formats are dealt out one by one.
  /// - Parameter cost: of a piece of work, from 0 on.
  public func part(of work: [Work], cost: (Work) -> Double) -> [Work] {
    let byTensor = Dictionary(grouping: work.indices, by: { work[$0].tensor })
    let total = work.reduce(0) { $0 + cost($1) }
    let most = total / Double(count) / 4
    var pieces: [(works: [Int], cost: Double)] = []
    for indices in byTensor.values {
      let sum = indices.reduce(0) { $0 + cost(work[$1]) }
      if sum > most {
        pieces += indices.map { ([$0], cost(work[$0])) }
      } else {
        pieces.append((indices, sum))
      }
    }
    // By cost; among equals in the order of the work, so that the order of a dictionary plays no part.
    pieces.sort { ($1.cost, $0.works[0]) < ($0.cost, $1.works[0]) }
    var heap = LeastLoaded(count: count)
    var mine: [Int] = []
    for piece in pieces {
      if heap.take(piece.cost) == index - 1 { mine += piece.works }
    }
    return mine.sorted().map { work[$0] }
  }
}

/// Loads, of which the least one (the first of equals) is always at hand.
private struct LeastLoaded {
  private var heap: [(load: Double, index: Int)]

  init(count: Int) { heap = (0..<count).map { (0, $0) } }

  /// Adds to the least load; which it was.
  mutating func take(_ cost: Double) -> Int {
    let index = heap[0].index
    heap[0].load += cost
    var place = 0
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < heap.count {
        if heap[child] < heap[least] { least = child }
      }
      if least == place { return index }
      heap.swapAt(place, least)
      place = least
    }
  }
}
