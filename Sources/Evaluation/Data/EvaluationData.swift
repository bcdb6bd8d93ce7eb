/// What a network is run on.
public struct EvaluationData: Sendable {
  /// The samples, in the order in which they are run.
  public let samples: [Sample]
  /// The right classes, for a classifier.
  public let labels: [Int]
  /// Where it is from, for people.
  public let name: String

  /// Samples of any kind.
  public init(samples: [Sample], labels: [Int] = [], name: String) {
    self.samples = samples
    self.labels = labels
    self.name = name
  }

  /// A text cut into sequences as llama-perplexity does it: one after the other, a rest left out; where the
  /// model wants a token at the beginning, it takes the place of each sequence's first one.
  public init(tokens: [Int], context: Int, beginning: Int?, name: String) {
    var samples: [Sample] = []
    for start in stride(from: 0, through: tokens.count - context, by: max(1, context)) {
      var sequence = Array(tokens[start..<start + context])
      if let beginning, !sequence.isEmpty { sequence[0] = beginning }
      samples.append(.tokens(sequence))
    }
    self.init(samples: samples, name: name)
  }
}

extension Sample {
  /// The positions that are scored: from the middle on, so that each has something before it, and up to the last
  /// but one, whose next token is known.
  static func scoredRows(of count: Int) -> Range<Int> {
    count < 2 ? 0..<0 : count / 2..<count - 1
  }
}
