/// Two tokens side by side.
struct TokenPair: Hashable {
  let left: Int
  let right: Int
}

/// What two tokens become, and how wanted it is: the least rank first.
struct PairMerge {
  let rank: Int
  let merged: Int
}

/// Merges neighbours in a row of symbols, the most wanted pair first, of equal ones the leftmost.
struct PairMerger {
  /// A symbol with its neighbours.
  private struct Node {
    var symbol: Int
    var previous: Int
    var next: Int
    var isGone = false
  }

  /// A pair that may be merged, unless one of its symbols has changed since.
  private struct Candidate {
    let rank: Int
    let place: Int
    let left: Int
    let right: Int
    let merged: Int

    func comesBefore(_ other: Candidate) -> Bool {
      rank != other.rank ? rank < other.rank : place < other.place
    }
  }

  typealias Rule = (TokenPair) -> PairMerge?

  private var nodes: [Node]
  private var heap: [Candidate] = []

  /// The symbols that are left.
  static func merge(_ symbols: [Int], _ rule: Rule) -> [Int] {
    guard symbols.count > 1 else { return symbols }
    var merger = PairMerger(symbols)
    for place in 0..<symbols.count - 1 { merger.consider(place, rule) }
    while let best = merger.pop() { merger.apply(best, rule) }
    return merger.nodes.filter { !$0.isGone }.map(\.symbol)
  }

  private init(_ symbols: [Int]) {
    nodes = symbols.enumerated().map { Node(symbol: $1, previous: $0 - 1, next: $0 + 1) }
  }

  private mutating func consider(_ place: Int, _ rule: Rule) {
    let next = nodes[place].next
    guard next < nodes.count,
      let found = rule(TokenPair(left: nodes[place].symbol, right: nodes[next].symbol))
    else { return }
    push(
      Candidate(
        rank: found.rank, place: place, left: nodes[place].symbol, right: nodes[next].symbol,
        merged: found.merged))
  }

  private mutating func apply(_ candidate: Candidate, _ rule: Rule) {
    let place = candidate.place
    let next = nodes[place].next
    guard !nodes[place].isGone, nodes[place].symbol == candidate.left, next < nodes.count,
      nodes[next].symbol == candidate.right
    else { return }
    nodes[place].symbol = candidate.merged
    nodes[place].next = nodes[next].next
    nodes[next].isGone = true
    if nodes[next].next < nodes.count { nodes[nodes[next].next].previous = place }
    consider(place, rule)
    if nodes[place].previous >= 0 { consider(nodes[place].previous, rule) }
  }

  // MARK: - A heap, the first candidate on top

  private mutating func push(_ candidate: Candidate) {
    heap.append(candidate)
    var place = heap.count - 1
    while place > 0, heap[place].comesBefore(heap[(place - 1) / 2]) {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private mutating func pop() -> Candidate? {
    guard let top = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return top }
    heap[0] = last
    var place = 0
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < heap.count {
        if heap[child].comesBefore(heap[least]) { least = child }
      }
      if least == place { return top }
      heap.swapAt(place, least)
      place = least
    }
  }
}
