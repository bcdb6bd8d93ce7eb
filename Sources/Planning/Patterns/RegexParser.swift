/// A regular expression as it is nested.
indirect enum RegexTree {
  case set(RegexSet)
  case begin
  case end
  case sequence([RegexTree])
  case choice([RegexTree])
  /// `most` is nil where there is no end.
  case repetition(RegexTree, least: Int, most: Int?)
}

/// Reads POSIX extended regular expressions, with `\d`, `\w` and `\s` and their opposites; without back-references and
/// collating elements.
struct RegexParser {
  private var rest: Substring.UnicodeScalarView

  /// The tree of a whole expression.
  static func tree(of text: String) throws(RegexFlaw) -> RegexTree {
    var parser = RegexParser(rest: text.unicodeScalars[...])
    let tree = try parser.choice()
    guard parser.rest.isEmpty else { throw RegexFlaw("a ) has no (") }
    return tree
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard rest.first == character else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func choice() throws(RegexFlaw) -> RegexTree {
    var ways = [try sequence()]
    while take("|") { ways.append(try sequence()) }
    return ways.count == 1 ? ways[0] : .choice(ways)
  }

  private mutating func sequence() throws(RegexFlaw) -> RegexTree {
    var parts: [RegexTree] = []
    while let next = rest.first, next != "|", next != ")" {
      var part = try atom()
      while let (least, most) = try bounds() {
        part = .repetition(part, least: least, most: most)
      }
      parts.append(part)
    }
    return .sequence(parts)
  }

  private mutating func atom() throws(RegexFlaw) -> RegexTree {
    let character = rest.removeFirst()
    switch character {
    case "(":
      let tree = try choice()
      guard take(")") else { throw RegexFlaw("a ( has no )") }
      return tree
    case "[": return .set(try set())
    case ".": return .set(.any)
    case "^": return .begin
    case "$": return .end
    case "\\": return .set(try escape())
    case "*", "+", "?", "{": throw RegexFlaw("a \(character) has nothing before it to repeat")
    default: return .set(RegexSet(ranges: [character.value...character.value]))
    }
  }

  // MARK: - Repetitions

  /// What a repetition asks for, if one follows.
  private mutating func bounds() throws(RegexFlaw) -> (least: Int, most: Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    guard take("{") else { return nil }
    let least = number()
    let hasComma = take(",")
    let most = hasComma ? number() : least
    guard take("}"), let least = least ?? (most == nil ? nil : 0) else {
      throw RegexFlaw("a { isn't followed by a number, or two, and a }")
    }
    if let most, most < least { throw RegexFlaw("the numbers in { } run backwards") }
    return (least, most)
  }

  /// Digits, if some follow; no number is greater than an expression may be long.
  private mutating func number() -> Int? {
    var number: Int?
    while let digit = rest.first, ("0"..."9").contains(digit) {
      number = min(LinearRegex.maximumSteps, (number ?? 0) * 10 + Int(digit.value - 0x30))
      rest.removeFirst()
    }
    return number
  }

  // MARK: - Sets

  private static let digits: [ClosedRange<UInt32>] = [0x30...0x39]
  private static let letters: [ClosedRange<UInt32>] = [0x41...0x5A, 0x61...0x7A]
  private static let blanks: [ClosedRange<UInt32>] = [0x09...0x0D, 0x20...0x20]
  private static let punctuation: [ClosedRange<UInt32>] = [
    0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E,
  ]
  private static let classes: [String: [ClosedRange<UInt32>]] = [
    "alpha": letters, "digit": digits, "alnum": letters + digits, "upper": [letters[0]],
    "lower": [letters[1]], "space": blanks, "blank": [0x09...0x09, 0x20...0x20],
    "punct": punctuation, "xdigit": digits + [0x41...0x46, 0x61...0x66], "print": [0x20...0x7E],
    "graph": [0x21...0x7E], "cntrl": [0...0x1F, 0x7F...0x7F],
  ]

  private mutating func escape() throws(RegexFlaw) -> RegexSet {
    guard let character = rest.popFirst() else { throw RegexFlaw("it ends with a \\") }
    switch character {
    case "0"..."9": throw RegexFlaw("it has a back-reference")
    case "d", "D": return RegexSet(ranges: Self.digits, isNegated: character == "D")
    case "s", "S": return RegexSet(ranges: Self.blanks, isNegated: character == "S")
    case "w", "W":
      return RegexSet(
        ranges: Self.letters + Self.digits + [0x5F...0x5F], isNegated: character == "W")
    case "a"..."z", "A"..."Z": throw RegexFlaw("\\\(character) isn't known here")
    default: return RegexSet(ranges: [character.value...character.value])
    }
  }

  /// What follows a `[`.
  private mutating func set() throws(RegexFlaw) -> RegexSet {
    var set = RegexSet(ranges: [], isNegated: take("^"))
    var isFirst = true
    while let low = rest.popFirst() {
      if low == "]", !isFirst { return set }
      isFirst = false
      if low == "[", let mark = rest.first, ":.=".unicodeScalars.contains(mark) {
        set.ranges += try namedClass()
        continue
      }
      // A range, unless the dash is the last in the set.
      var high = low
      if rest.first == "-", let end = rest.dropFirst().first, end != "]" {
        rest.removeFirst(2)
        high = end
      }
      guard low <= high else { throw RegexFlaw("a range in [ ] runs backwards") }
      set.ranges.append(low.value...high.value)
    }
    throw RegexFlaw("a [ has no ]")
  }

  /// What follows the `[` of `[:alpha:]`.
  private mutating func namedClass() throws(RegexFlaw) -> [ClosedRange<UInt32>] {
    guard let end = rest.firstIndex(of: "]") else { throw RegexFlaw("a [ has no ]") }
    let name = String(rest[..<end])
    guard name.hasPrefix(":"), name.hasSuffix(":"),
      let ranges = Self.classes[String(name.dropFirst().dropLast())]
    else { throw RegexFlaw("[\(name)] isn't known here") }
    rest = rest[rest.index(after: end)...]
    return ranges
  }
}
