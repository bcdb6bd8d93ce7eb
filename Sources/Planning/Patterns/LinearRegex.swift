/// A POSIX extended regular expression, as far as it says whether a text has a match.
///
/// All ways through the expression are followed at once, character by character (Thompson's method), so that time is
/// linear in the text and memory is fixed, whatever the expression: the C library's needs time that is quadratic in
/// the text, and memory that grows with each text.
struct LinearRegex: Sendable {
  /// Longer expressions are refused.
  static let maximumLength = 500
  /// What is repeated is copied, so that repetitions within each other multiply: the time for a character does too.
  static let maximumSteps = 2000

  /// What is done at one place of the expression; those not named go on with the next step.
  private enum Step {
    case character(Unicode.Scalar)
    case set(RegexSet)
    case begin
    case end
    case jump(Int)
    case fork(Int, Int)
    case match
  }

  private var steps: [Step] = []
  /// The parts of the tree that were compiled, copies counted: some of them take no step.
  private var parts = 0

  /// Reads an expression.
  /// - Throws: what is wrong with it, in words.
  init(_ text: String) throws(RegexFlaw) {
    if text.isEmpty { throw RegexFlaw("it is empty") }
    if text.utf8.count > Self.maximumLength {
      throw RegexFlaw("it is longer than \(Self.maximumLength) bytes")
    }
    try compile(try RegexParser.tree(of: text))
    try emit(.match)
  }

  // MARK: - Compiling

  private mutating func emit(_ step: Step) throws(RegexFlaw) {
    try checkSize()
    steps.append(step)
  }

  private func checkSize() throws(RegexFlaw) {
    guard steps.count < Self.maximumSteps, parts <= 10 * Self.maximumSteps else {
      throw RegexFlaw("it repeats too much: what is repeated within a repetition multiplies")
    }
  }

  private mutating func compile(_ tree: RegexTree) throws(RegexFlaw) {
    parts += 1
    try checkSize()
    switch tree {
    case .set(let set): try emit(set.only.map(Step.character) ?? .set(set))
    case .begin: try emit(.begin)
    case .end: try emit(.end)
    case .sequence(let parts): for part in parts { try compile(part) }
    case .choice(let ways): try compile(choice: ways)
    case .repetition(let part, let least, let most):
      try compile(part, least: least, most: most)
    }
  }

  private mutating func compile(
    _ part: RegexTree, least: Int, most: Int?
  ) throws(RegexFlaw) {
    // Without an end the last copy goes back to itself.
    for _ in 0..<(most == nil ? max(0, least - 1) : least) { try compile(part) }
    var forks: [Int] = []
    let start = steps.count
    switch most {
    case let most?:
      for _ in least..<max(least, most) {
        forks.append(steps.count)
        try emit(.jump(0))
        try compile(part)
      }
    case nil where least == 0:
      forks.append(start)
      try emit(.jump(0))
      try compile(part)
      try emit(.jump(start))
    case nil:
      try compile(part)
      try emit(.fork(start, steps.count + 1))
    }
    for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
  }

  private mutating func compile(choice ways: [RegexTree]) throws(RegexFlaw) {
    var ends: [Int] = []
    for way in ways.dropLast() {
      let fork = steps.count
      try emit(.jump(0))
      try compile(way)
      ends.append(steps.count)
      try emit(.jump(0))
      steps[fork] = .fork(fork + 1, steps.count)
    }
    if let last = ways.last { try compile(last) }
    for end in ends { steps[end] = .jump(steps.count) }
  }

  // MARK: - Matching

  /// Whether a text has a match, anywhere in it.
  func matches(_ text: String) -> Bool {
    var threads = Threads(count: steps.count)
    var previous: [Int] = []
    var rest = text.unicodeScalars[...]
    var isFirst = true
    while true {
      let next = rest.popFirst()
      threads.clear()
      // A match may begin here.
      if follow(&threads, from: 0, isFirst: isFirst, isLast: next == nil) { return true }
      for place in previous
      where follow(&threads, from: place, isFirst: isFirst, isLast: next == nil) { return true }
      guard let next else { return false }
      isFirst = false
      previous.removeAll(keepingCapacity: true)
      for place in threads.waiting {
        let isNext =
          switch steps[place] {
          case .character(let character): character == next
          case .set(let set): set.contains(next)
          default: false
          }
        if isNext { previous.append(place + 1) }
      }
    }
  }

  /// The places that wait for a character, each once.
  private struct Threads {
    var waiting: [Int] = []
    var ahead: [Int] = []
    private var rounds: [Int]
    private var round = 0

    init(count: Int) { rounds = Array(repeating: 0, count: count) }

    mutating func clear() {
      waiting.removeAll(keepingCapacity: true)
      round += 1
    }

    /// Whether a place is visited for the first time since all were cleared.
    mutating func visit(_ place: Int) -> Bool {
      defer { rounds[place] = round }
      return rounds[place] != round
    }
  }

  /// Goes on from a place to all that can be reached without a character; whether the match is among them.
  private func follow(
    _ threads: inout Threads, from place: Int, isFirst: Bool, isLast: Bool
  ) -> Bool {
    threads.ahead.append(place)
    while let place = threads.ahead.popLast() {
      guard threads.visit(place) else { continue }
      switch steps[place] {
      case .character, .set: threads.waiting.append(place)
      case .begin: if isFirst { threads.ahead.append(place + 1) }
      case .end: if isLast { threads.ahead.append(place + 1) }
      case .jump(let target): threads.ahead.append(target)
      case .fork(let one, let other):
        threads.ahead.append(other)
        threads.ahead.append(one)
      case .match:
        threads.ahead.removeAll(keepingCapacity: true)
        return true
      }
    }
    return false
  }
}

/// What is wrong with an expression.
struct RegexFlaw: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

/// A set of characters.
struct RegexSet: Sendable {
  var ranges: [ClosedRange<UInt32>]
  var isNegated = false

  /// Every character.
  static let any = RegexSet(ranges: [], isNegated: true)

  /// The only character in it, if it has one only.
  var only: Unicode.Scalar? {
    guard !isNegated, ranges.count == 1, ranges[0].count == 1 else { return nil }
    return Unicode.Scalar(ranges[0].lowerBound)
  }

  func contains(_ character: Unicode.Scalar) -> Bool {
    ranges.contains { $0.contains(character.value) } != isNegated
  }
}
