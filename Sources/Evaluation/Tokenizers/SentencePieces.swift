import ModelFiles

/// Byte-pair encoding of SentencePiece's kind (Llama 2, Mistral, Gemma): characters are merged, spaces are `▁`, and
/// what isn't in the vocabulary falls back on its bytes.
struct SentencePieces: Sendable {
  /// When a space is put before a text.
  enum Prefix: Sendable {
    case never
    /// At the beginning of the text alone, whatever it begins with.
    case first
    /// Before each part between added tokens, whatever it begins with.
    case always
    /// The same two, unless there is a space already.
    case firstMissing
    case alwaysMissing
  }

  /// In which order pairs are merged.
  enum Order: Sendable {
    /// As a list of merges has them.
    case merges([TokenPair: PairMerge])
    /// By the rank of the token that they make.
    case ranks([Int])

    /// By the score of what they make, the greatest first; equal ones from left to right.
    static func scores(_ scores: [Float]) -> Order {
      // What isn't a number equals nothing, and many of them would make a slow set.
      let scores = scores.map { $0.isNaN ? -.infinity : $0 }
      let falling = Set(scores).sorted(by: >)
      let ranks = Dictionary(
        falling.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
      return .ranks(scores.map { ranks[$0] ?? falling.count })
    }
  }

  static let space: Unicode.Scalar = "\u{2581}"

  private let vocabulary: [ExactText: Int]
  private let texts: [Int: ExactText]
  private let bytes: [Int?]
  private let unknown: Int?
  private let order: Order
  let prefix: Prefix

  init(vocabulary: [ExactText: Int], order: Order, prefix: Prefix, unknown: Int?) {
    self.vocabulary = vocabulary
    self.order = order
    self.prefix = prefix
    self.unknown = unknown
    texts = Dictionary(vocabulary.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let digits = Array("0123456789ABCDEF")
    bytes = (0..<256).map { vocabulary[ExactText("<0x\(digits[$0 / 16])\(digits[$0 % 16])>")] }
  }

  /// - Parameter isFirst: whether the text begins here.
  func tokens(_ text: [Unicode.Scalar], isFirst: Bool) -> [Int] {
    guard !text.isEmpty else { return [] }
    var scalars = text.map { $0 == " " ? Self.space : $0 }
    let isPrefixed: Bool =
      switch prefix {
      case .never: false
      case .first: isFirst
      case .always: true
      case .firstMissing: isFirst && scalars.first != Self.space
      case .alwaysMissing: scalars.first != Self.space
      }
    if isPrefixed { scalars.insert(Self.space, at: 0) }
    var symbols = Symbols(texts: texts, vocabulary: vocabulary)
    let start = scalars.map { symbols.symbol(ExactText([$0])) }
    let merged = PairMerger.merge(start) { pair in
      switch order {
      case .merges(let merges): return merges[pair]
      case .ranks(let ranks):
        let both = vocabulary[symbols.text(pair.left) + symbols.text(pair.right)]
        return both.flatMap {
          ranks.indices.contains($0) ? PairMerge(rank: ranks[$0], merged: $0) : nil
        }
      }
    }
    return merged.flatMap { symbol -> [Int] in
      if symbol >= 0 { return [symbol] }
      let pieces = symbols.text(symbol).utf8.map { bytes[Int($0)] }
      let known = pieces.compactMap { $0 }
      return known.count == pieces.count ? known : unknown.map { [$0] } ?? []
    }
  }

  /// Tokens, and below 0 the characters of a text that are none.
  private struct Symbols {
    let texts: [Int: ExactText]
    let vocabulary: [ExactText: Int]
    private var others: [ExactText] = []
    private var places: [ExactText: Int] = [:]

    init(texts: [Int: ExactText], vocabulary: [ExactText: Int]) {
      self.texts = texts
      self.vocabulary = vocabulary
    }

    mutating func symbol(_ text: ExactText) -> Int {
      if let token = vocabulary[text] { return token }
      if let place = places[text] { return place }
      others.append(text)
      places[text] = -others.count
      return -others.count
    }

    func text(_ symbol: Int) -> ExactText {
      symbol < 0 ? others[-symbol - 1] : texts[symbol] ?? ExactText("")
    }
  }
}
