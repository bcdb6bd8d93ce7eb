import ModelFiles
import Synchronization

/// Byte-level byte-pair encoding: GPT-2's, Llama 3's, Qwen's.
struct BytePairs: Sendable {
  private let cutter: WordCutter
  /// The token of each single byte.
  private let bytes: [Int?]
  private let merges: [TokenPair: PairMerge]
  /// Whole words that are tokens, whatever the merges make of them.
  private let wholeWords: [ExactText: Int]
  private let known = KnownWords()

  private final class KnownWords: Sendable {
    let tokens = Mutex<[ExactText: [Int]]>([:])
  }

  /// - Parameters:
  ///   - vocabulary: tokens in the letters that stand for bytes.
  ///   - merges: pairs of tokens, the most wanted first.
  ///   - ignoresMerges: whether a word that is a token is taken as it is.
  init(
    vocabulary: [ExactText: Int], merges: [(ExactText, ExactText)], cutter: WordCutter,
    ignoresMerges: Bool
  ) {
    self.cutter = cutter
    bytes = (0..<256).map { vocabulary[ExactText([ByteLetters.letter(UInt8($0))])] }
    var table: [TokenPair: PairMerge] = [:]
    for (rank, (left, right)) in merges.enumerated() {
      guard let a = vocabulary[left], let b = vocabulary[right], let both = vocabulary[left + right]
      else { continue }
      let pair = TokenPair(left: a, right: b)
      if table[pair] == nil { table[pair] = PairMerge(rank: rank, merged: both) }
    }
    self.merges = table
    wholeWords = ignoresMerges ? vocabulary : [:]
  }

  func tokens(_ text: [Unicode.Scalar]) -> [Int] {
    var tokens: [Int] = []
    var start = 0
    for end in cutter.ends(text) {
      tokens += word(text[start..<end])
      start = end
    }
    return tokens
  }

  /// Words of texts repeat: what was found of short ones is kept.
  private func word(_ scalars: ArraySlice<Unicode.Scalar>) -> [Int] {
    let word = ExactText(scalars)
    if let found = known.tokens.withLock({ $0[word] }) { return found }
    let tokens = merge(word)
    if scalars.count <= 32 {
      known.tokens.withLock { known in
        if known.count >= 1 << 16 { known = [:] }
        known[word] = tokens
      }
    }
    return tokens
  }

  private func merge(_ word: ExactText) -> [Int] {
    if !wholeWords.isEmpty, let token = wholeWords[ByteLetters.letters(word.utf8)] {
      return [token]
    }
    return PairMerger.merge(word.utf8.compactMap { bytes[Int($0)] }) { merges[$0] }
  }
}

/// The letters that stand for bytes in such a vocabulary (GPT-2's `bytes_to_unicode`): printable ones for
/// themselves, others from U+0100 on.
enum ByteLetters {
  private static let table: [Unicode.Scalar] = {
    var next: UInt32 = 256
    return (0..<256).map { byte in
      if (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte) {
        return Unicode.Scalar(UInt8(byte))
      }
      defer { next += 1 }
      return Unicode.Scalar(next) ?? " "
    }
  }()

  static func letter(_ byte: UInt8) -> Unicode.Scalar { table[Int(byte)] }

  static func letters(_ bytes: [UInt8]) -> ExactText { ExactText(bytes.map(letter)) }
}
