/// A pattern for tensor names: a glob (`*.attn_q.*`), or an extended regular expression between
/// slashes (`/attn_[qk]/`).
///
/// A glob matches the whole name: `*` stands for any run of characters, `?` for one, `[abc]` and
/// `[a-z]` for one of a set, `[!a]` for one outside it. A regular expression matches anywhere.
/// Both take time that is linear in the name for a given pattern: globs by the two-pointer method,
/// regular expressions by following all ways at once.
public struct Pattern: Sendable {
  /// The pattern as it was written.
  public let text: String
  private let matcher: Matcher

  private enum Matcher: Sendable {
    case glob([Element])
    case regex(LinearRegex)
  }

  private enum Element: Sendable {
    case any
    case one
    case literal(UInt8)
    case set([ClosedRange<UInt8>], negated: Bool)
  }

  /// Reads a pattern.
  /// - Throws: ``PatternError`` if it can't be read.
  public init(_ text: String) throws(PatternError) {
    self.text = text
    if text.count >= 2, text.hasPrefix("/"), text.hasSuffix("/") {
      do throws(RegexFlaw) {
        matcher = .regex(try LinearRegex(String(text.dropFirst().dropLast())))
      } catch {
        throw .unreadable(text, error.reason)
      }
    } else {
      matcher = .glob(try Self.parseGlob(Array(text.utf8), text: text))
    }
  }

  /// Whether a name matches.
  public func matches(_ name: String) -> Bool {
    switch matcher {
    case .glob(let elements): Self.match(elements, Array(name.utf8))
    case .regex(let regex): regex.matches(name)
    }
  }

  private static func parseGlob(_ bytes: [UInt8], text: String) throws(PatternError) -> [Element] {
    guard !bytes.isEmpty else { throw .empty }
    var elements: [Element] = []
    var index = 0
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "*"):
        if case .any = elements.last {} else { elements.append(.any) }
        index += 1
      case UInt8(ascii: "?"):
        elements.append(.one)
        index += 1
      case UInt8(ascii: "["):
        elements.append(try parseSet(bytes, &index, text: text))
      case let byte:
        elements.append(.literal(byte))
        index += 1
      }
    }
    return elements
  }

  private static func parseSet(
    _ bytes: [UInt8], _ index: inout Int, text: String
  ) throws(PatternError) -> Element {
    index += 1
    var negated = false
    if index < bytes.count, bytes[index] == UInt8(ascii: "!") {
      negated = true
      index += 1
    }
    var ranges: [ClosedRange<UInt8>] = []
    while index < bytes.count, bytes[index] != UInt8(ascii: "]") || ranges.isEmpty {
      let low = bytes[index]
      var high = low
      if index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "-"),
        bytes[index + 2] != UInt8(ascii: "]")
      {
        high = bytes[index + 2]
        index += 2
      }
      guard low <= high else { throw .unreadable(text, "a range in [ ] runs backwards") }
      ranges.append(low...high)
      index += 1
    }
    guard index < bytes.count else { throw .unreadable(text, "a [ has no ]") }
    index += 1
    return .set(ranges, negated: negated)
  }

  private static func match(_ elements: [Element], _ name: [UInt8]) -> Bool {
    var element = 0
    var position = 0
    var retry: (element: Int, position: Int)?
    while position < name.count {
      if element < elements.count, case .any = elements[element] {
        retry = (element + 1, position)
        element += 1
      } else if element < elements.count, accepts(elements[element], name[position]) {
        element += 1
        position += 1
      } else if let (nextElement, start) = retry {
        retry = (nextElement, start + 1)
        element = nextElement
        position = start + 1
      } else {
        return false
      }
    }
    while element < elements.count, case .any = elements[element] { element += 1 }
    return element == elements.count
  }

  private static func accepts(_ element: Element, _ byte: UInt8) -> Bool {
    switch element {
    case .any: false
    case .one: true
    case .literal(let literal): literal == byte
    case .set(let ranges, let negated): ranges.contains { $0.contains(byte) } != negated
    }
  }
}

/// A pattern that can't be used.
public enum PatternError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nothing was written.
  case empty
  /// The pattern and what is wrong with it.
  case unreadable(String, String)

  /// One sentence for the user.
  public var description: String {
    switch self {
    case .empty: "the pattern is empty; expected a glob such as *.attn_q.* or /regex/"
    case .unreadable(let text, let reason): "the pattern '\(text)' can't be read: \(reason)"
    }
  }
}
