/// Takes a terminal's input apart: characters, controls, escapes, control sequences.
///
/// Strings (OSC, DCS) are left out.
struct ControlParser: Sendable {
  /// ESC [ mark numbers final.
  struct Sequence: Sendable {
    var mark: Character?
    var numbers: [Int]
    var final: Character

    /// The number at an index; nil if it's missing or 0.
    func number(_ index: Int) -> Int? {
      index < numbers.count && numbers[index] != 0 ? numbers[index] : nil
    }
  }

  enum Item: Sendable {
    case text(Unicode.Scalar)
    case control(UInt8)
    case escape(Character?, Character)
    case sequence(Sequence)
  }

  private enum State { case ground, escape, sequence, string, stringEscape }

  private var state = State.ground
  private var collected: [UInt8] = []
  private var character: [UInt8] = []

  /// What this byte completes, if anything.
  mutating func take(_ byte: UInt8) -> Item? {
    switch state {
    case .ground: return ground(byte)
    case .escape: return escape(byte)
    case .sequence:
      if byte < 0x20 {
        if byte == 0x1B { begin() }
        return byte == 0x1B ? nil : .control(byte)
      }
      if byte < 0x40 {
        collected.append(byte)
        return nil
      }
      state = .ground
      return .sequence(sequence(final: byte))
    case .string:
      if byte == 0x07 { state = .ground }
      if byte == 0x1B { state = .stringEscape }
      return nil
    case .stringEscape:
      if byte == 0x5C {
        state = .ground
        return nil
      }
      begin()
      return escape(byte)
    }
  }

  private mutating func begin() {
    state = .escape
    collected = []
    character = []
  }

  private mutating func ground(_ byte: UInt8) -> Item? {
    if byte == 0x1B {
      begin()
      return nil
    }
    if byte < 0x20 || byte == 0x7F { return .control(byte) }
    if byte < 0x80 { return .text(Unicode.Scalar(byte)) }
    if byte >= 0xC0 { character = [] }
    character.append(byte)
    let first = character[0]
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard character.count == length else { return nil }
    let text = String(decoding: character, as: UTF8.self)
    character = []
    return text.unicodeScalars.first.map(Item.text)
  }

  private mutating func escape(_ byte: UInt8) -> Item? {
    switch byte {
    case 0x5B: state = .sequence
    case 0x5D, 0x50, 0x5E, 0x5F, 0x58: state = .string
    case 0x1B: begin()
    case 0x20...0x2F: collected.append(byte)
    default:
      state = .ground
      let intermediate = collected.first.map { Character(Unicode.Scalar($0)) }
      return .escape(intermediate, Character(Unicode.Scalar(byte)))
    }
    return nil
  }

  private func sequence(final: UInt8) -> Sequence {
    var body = collected[...]
    var mark: Character?
    if let first = body.first, (0x3C...0x3F).contains(first) {
      mark = Character(Unicode.Scalar(first))
      body = body.dropFirst()
    }
    // With an intermediate it's another sequence; a mark keeps it apart.
    if mark == nil, let other = body.first(where: { $0 < 0x30 }) {
      mark = Character(Unicode.Scalar(other))
    }
    let numbers = body.split(separator: 0x3B, omittingEmptySubsequences: false).map { part in
      part.filter { (0x30...0x39).contains($0) }.reduce(0) {
        min($0 * 10 + Int($1) - 0x30, 1 << 24)
      }
    }
    return Sequence(mark: mark, numbers: numbers, final: Character(Unicode.Scalar(final)))
  }
}
