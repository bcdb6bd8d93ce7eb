/// How byte-level tokenizers cut a text into words, within which they merge.
///
/// Each is a regular expression; here they are scanners by hand, which are many times as fast. The names are
/// llama.cpp's, and more families than those use the same rules.
enum WordCutter: Sendable, Equatable {
  case gpt2
  /// Single digits are cut off first.
  case gpt2Digits
  /// Letters with a sign before them, and so many digits at most together.
  case llama3(digits: Int)

  /// The cuts of a text: the end of each word.
  func ends(_ text: [Unicode.Scalar]) -> [Int] {
    switch self {
    case .gpt2: return ends(text) { $0.takeGPT2() }
    case .llama3(let digits): return ends(text) { $0.takeLlama3(digits) }
    case .gpt2Digits: break
    }
    var ends: [Int] = []
    for part in text.split(whereSeparator: { CharacterKind.of($0) == .number }) {
      // Digits before it, each for itself; the rules see nothing beyond them.
      ends += stride(from: (ends.last ?? 0) + 1, through: part.startIndex, by: 1)
      ends += self.ends(Array(part)) { $0.takeGPT2() }.map { $0 + part.startIndex }
    }
    return ends + stride(from: (ends.last ?? 0) + 1, through: text.count, by: 1)
  }

  private func ends(
    _ text: [Unicode.Scalar], _ take: (inout WordScanner) -> Void
  ) -> [Int] {
    var scanner = WordScanner(text)
    var ends: [Int] = []
    while scanner.place < text.count {
      take(&scanner)
      ends.append(scanner.place)
    }
    return ends
  }
}

/// The kinds of characters that the rules tell apart.
enum CharacterKind {
  case letter, number, space, newline, other

  private static let ascii: [CharacterKind] = (0..<128).map {
    find(Unicode.Scalar(UInt8($0)))
  }

  static func of(_ scalar: Unicode.Scalar) -> CharacterKind {
    scalar.value < 128 ? ascii[Int(scalar.value)] : find(scalar)
  }

  private static func find(_ scalar: Unicode.Scalar) -> CharacterKind {
    if scalar == "\r" || scalar == "\n" { return .newline }
    if scalar.properties.isWhitespace { return .space }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return .letter
    case .decimalNumber, .letterNumber, .otherNumber: return .number
    default: return .other
    }
  }

  var isSpace: Bool { self == .space || self == .newline }
}

/// Takes one word after the other.
struct WordScanner {
  private let text: [Unicode.Scalar]
  private let kinds: [CharacterKind]
  /// Where the next word begins.
  private(set) var place = 0

  init(_ text: [Unicode.Scalar]) {
    self.text = text
    kinds = text.map(CharacterKind.of)
  }

  private func kind(_ place: Int) -> CharacterKind? {
    place < kinds.count ? kinds[place] : nil
  }

  /// Where a run of a kind ends.
  private func end(_ start: Int, limit: Int = .max, _ isIn: (CharacterKind) -> Bool) -> Int {
    var end = start
    while end < kinds.count, end - start < limit, isIn(kinds[end]) { end += 1 }
    return end
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  mutating func takeGPT2() {
    if takeContraction(ignoresCase: false) { return }
    let start = text[place] == " " ? place + 1 : place
    if let kind = kind(start), !kind.isSpace {
      place = end(start) { $0 == kind }
      return
    }
    takeSpaces()
  }

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*`
  /// `|\s*[\r\n]+|\s+(?!\S)|\s+`
  mutating func takeLlama3(_ digits: Int) {
    if takeContraction(ignoresCase: true) { return }
    let kind = kinds[place]
    let letters = kind == .letter ? place : place + 1
    if kind != .newline, kind != .number, self.kind(letters) == .letter {
      place = end(letters) { $0 == .letter }
    } else if kind == .number {
      place = end(place, limit: digits) { $0 == .number }
    } else {
      let signs = text[place] == " " ? place + 1 : place
      if self.kind(signs) == .other {
        place = end(end(signs) { $0 == .other }) { $0 == .newline }
      } else {
        takeLines()
      }
    }
  }

  /// Spaces up to the last line end among them, or else spaces.
  private mutating func takeLines() {
    let spaces = end(place) { $0.isSpace }
    if let line = kinds[place..<spaces].lastIndex(of: .newline) {
      place = line + 1
    } else {
      takeSpaces()
    }
  }

  /// Spaces, the last of which is left to the word behind it unless it is the only one.
  private mutating func takeSpaces() {
    let spaces = end(place) { $0.isSpace }
    place = spaces < kinds.count && spaces - place > 1 ? spaces - 1 : max(spaces, place + 1)
  }

  private static let contractions: [[Unicode.Scalar]] = [
    "s", "t", "re", "ve", "m", "ll", "d",
  ].map { Array(($0 as String).unicodeScalars) }

  private mutating func takeContraction(ignoresCase: Bool) -> Bool {
    guard text[place] == "'" else { return false }
    for letters in Self.contractions where place + letters.count < text.count {
      let found = text[place + 1...place + letters.count]
      let isSame = zip(found, letters).allSatisfy { a, b in
        a == b || ignoresCase && a.value | 0x20 == b.value && a.value < 128
      }
      if isSame {
        place += letters.count + 1
        return true
      }
    }
    return false
  }
}
