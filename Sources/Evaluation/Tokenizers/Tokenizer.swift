import Foundation
import ModelFiles

/// Turns texts into tokens as a model's own tokenizer does.
///
/// Of the kinds: byte-level byte-pair encoding, SentencePiece's with bytes to fall back on, and word pieces; read
/// from a tokenizer.json or from a GGUF.
public struct Tokenizer: Sendable {
  /// What cuts plain text.
  enum Kind: Sendable {
    case bytePairs(BytePairs)
    case sentencePieces(SentencePieces)
    case wordPieces(WordPieces)
  }

  /// A token that is told by its text before anything else.
  struct AddedToken: Sendable {
    let text: [Unicode.Scalar]
    let token: Int
    let isSpecial: Bool
    /// Whether it takes the spaces before it, and behind it.
    var takesLeft = false
    var takesRight = false
  }

  let kind: Kind
  /// The longest first.
  let addedTokens: [AddedToken]
  /// What stands before and behind each text.
  let before: [Int]
  let behind: [Int]
  let composes: Bool

  init(
    _ kind: Kind, addedTokens: [AddedToken] = [], before: [Int] = [], behind: [Int] = [],
    composes: Bool = false
  ) {
    self.kind = kind
    self.addedTokens = addedTokens.filter { !$0.text.isEmpty }.sorted {
      $0.text.count > $1.text.count
    }
    self.before = before
    self.behind = behind
    self.composes = composes
  }

  /// The token that begins each text; nil if there is none.
  public var beginning: Int? { before.first }

  /// The tokens of a text.
  /// - Parameters:
  ///   - isFramed: whether the tokens that begin and end a text are put around it.
  ///   - readsSpecial: whether special tokens that are written out in the text are taken as such.
  public func tokens(
    _ text: String, isFramed: Bool = true, readsSpecial: Bool = true
  ) -> [Int] {
    var tokens = isFramed ? before : []
    var isFirst = true
    for part in parts(Array(text.unicodeScalars), readsSpecial) {
      switch part {
      case .token(let token): tokens.append(token)
      case .text(let scalars): tokens += plain(scalars, isFirst: isFirst)
      }
      isFirst = false
    }
    return isFramed ? tokens + behind : tokens
  }

  private func plain(_ scalars: [Unicode.Scalar], isFirst: Bool) -> [Int] {
    var scalars = scalars
    if composes, scalars.contains(where: { $0.value > 127 }) {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars)
      scalars = Array(String(view).precomposedStringWithCanonicalMapping.unicodeScalars)
    }
    switch kind {
    case .bytePairs(let pairs): return pairs.tokens(scalars)
    case .sentencePieces(let pieces): return pieces.tokens(scalars, isFirst: isFirst)
    case .wordPieces(let pieces): return pieces.tokens(scalars)
    }
  }

  private enum Part {
    case text([Unicode.Scalar])
    case token(Int)
  }

  /// The text between added tokens, and these.
  private func parts(_ text: [Unicode.Scalar], _ readsSpecial: Bool) -> [Part] {
    let wanted = addedTokens.filter { readsSpecial || !$0.isSpecial }
    let firsts = Set(wanted.map { $0.text[0] })
    var parts: [Part] = []
    var start = 0
    var place = 0
    while place < text.count {
      guard firsts.contains(text[place]),
        let token = wanted.first(where: { text[place...].starts(with: $0.text) })
      else {
        place += 1
        continue
      }
      var end = place
      if token.takesLeft {
        while end > start, text[end - 1].properties.isWhitespace { end -= 1 }
      }
      if end > start { parts.append(.text(Array(text[start..<end]))) }
      parts.append(.token(token.token))
      place += token.text.count
      if token.takesRight {
        while place < text.count, text[place].properties.isWhitespace { place += 1 }
      }
      start = place
    }
    if start < text.count { parts.append(.text(Array(text[start...]))) }
    return parts
  }
}
