import Foundation
import ModelFiles

/// BERT's tokens: words of the vocabulary, or the longest pieces of it from left to right.
struct WordPieces: Sendable {
  /// How a text is cleaned before it is cut.
  struct Cleaning: Sendable, Equatable {
    var removesControls = true
    var separatesIdeographs = true
    var removesAccents = true
    var lowercases = true
  }

  private let vocabulary: [ExactText: Int]
  private let unknown: Int
  /// What pieces within a word begin with, and what words begin with.
  private let inner: String
  private let outer: String
  private let longestWord: Int
  private let cleaning: Cleaning

  init(
    vocabulary: [ExactText: Int], unknown: Int, inner: String = "##", outer: String = "",
    longestWord: Int = 100, cleaning: Cleaning
  ) {
    self.vocabulary = vocabulary
    self.unknown = unknown
    self.inner = inner
    self.outer = outer
    self.longestWord = longestWord
    self.cleaning = cleaning
  }

  func tokens(_ text: [Unicode.Scalar]) -> [Int] {
    words(cleaned(text)).flatMap(pieces)
  }

  private func cleaned(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var out: [Unicode.Scalar] = []
    for scalar in text {
      if cleaning.removesControls {
        if scalar.value == 0 || scalar.value == 0xFFFD || Self.isControl(scalar) { continue }
        if scalar.properties.isWhitespace {
          out.append(" ")
          continue
        }
      }
      if cleaning.separatesIdeographs, Self.isIdeograph(scalar) {
        out += [" ", scalar, " "]
      } else {
        out.append(scalar)
      }
    }
    if cleaning.removesAccents {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: out)
      out = String(view).decomposedStringWithCanonicalMapping.unicodeScalars.filter {
        $0.properties.generalCategory != .nonspacingMark
      }
    }
    guard cleaning.lowercases else { return out }
    return out.flatMap { Array($0.properties.lowercaseMapping.unicodeScalars) }
  }

  /// Words between spaces, each sign of punctuation for itself.
  private func words(_ text: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    var words: [[Unicode.Scalar]] = []
    var word: [Unicode.Scalar] = []
    func end() {
      if !word.isEmpty { words.append(word) }
      word = []
    }
    for scalar in text {
      if scalar.properties.isWhitespace {
        end()
      } else if Self.isPunctuation(scalar) {
        end()
        words.append([scalar])
      } else {
        word.append(scalar)
      }
    }
    end()
    return words
  }

  private func pieces(_ word: [Unicode.Scalar]) -> [Int] {
    guard word.count <= longestWord else { return [unknown] }
    var pieces: [Int] = []
    var start = 0
    while start < word.count {
      var end = word.count
      var found: Int?
      while end > start, found == nil {
        let beginning = start == 0 ? outer : inner
        found = vocabulary[ExactText(Array(beginning.unicodeScalars) + word[start..<end])]
        if found == nil { end -= 1 }
      }
      guard let found else { return [unknown] }
      pieces.append(found)
      start = end
    }
    return pieces
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "\t" || scalar == "\n" || scalar == "\r" { return false }
    switch scalar.properties.generalCategory {
    case .control, .format, .privateUse: return true
    default: return false
    }
  }

  private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
      0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }

  private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 33...47, 58...64, 91...96, 123...126: return true
    case ..<128: return false
    default: break
    }
    switch scalar.properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }
}
