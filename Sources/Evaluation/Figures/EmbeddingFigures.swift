import Foundation

/// What an encoder makes of texts under a plan, beside what its source makes of them.
public struct EmbeddingFigures: Sendable, Equatable {
  /// Texts that were run.
  public let texts: Int
  /// The cosine of the angle between a text's vectors, in the mean.
  public let cosine: Estimate
  /// The least of these.
  public let leastCosine: Double
  /// Whether texts lie in the same order of nearness: Spearman's rank correlation of the similarities of all
  /// pairs; nil for fewer than three texts.
  public let rankAgreement: Double?
  /// How many texts have the same nearest text as before.
  public let sameNearest: Int

  /// - Parameter outputs: vectors of length 1, as are the source's.
  init(outputs: [[Float]], source: [[Float]]) {
    let cosines = zip(outputs, source).map { Self.product($0, $1) }
    texts = outputs.count
    cosine = Estimate(cosines)
    leastCosine = cosines.min() ?? 0
    let mine = Self.similarities(outputs)
    let theirs = Self.similarities(source)
    let pairs = outputs.indices.flatMap { a in (0..<a).map { (a, $0) } }
    rankAgreement =
      outputs.count < 3
      ? nil
      : Self.correlation(
        Self.ranks(pairs.map { mine[$0.0][$0.1] }), Self.ranks(pairs.map { theirs[$0.0][$0.1] }))
    sameNearest = outputs.indices.count { Self.nearest($0, mine) == Self.nearest($0, theirs) }
  }

  private static func product(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  private static func similarities(_ vectors: [[Float]]) -> [[Double]] {
    vectors.map { a in vectors.map { product(a, $0) } }
  }

  private static func nearest(_ index: Int, _ similarities: [[Double]]) -> Int? {
    similarities[index].indices.filter { $0 != index }.max {
      similarities[index][$0] < similarities[index][$1]
    }
  }

  /// Places in ascending order; equal values share the mean of theirs.
  private static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for place in start..<end { ranks[order[place]] = Double(start + end - 1) / 2 }
      start = end
    }
    return ranks
  }

  private static func correlation(_ a: [Double], _ b: [Double]) -> Double {
    let n = Double(a.count)
    let (meanA, meanB) = (a.reduce(0, +) / n, b.reduce(0, +) / n)
    var (products, squaresA, squaresB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      products += (x - meanA) * (y - meanB)
      squaresA += (x - meanA) * (x - meanA)
      squaresB += (y - meanB) * (y - meanB)
    }
    let scale = (squaresA * squaresB).squareRoot()
    return scale > 0 ? products / scale : 1
  }
}
