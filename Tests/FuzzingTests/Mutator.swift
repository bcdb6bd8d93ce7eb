import SampleSupport

/// Changes inputs as a fuzzer does that knows a little of their structure: lengths and counts are what parsers
/// trust most, so numbers are set to their edges, in bytes and in digits.
struct Mutator {
  private var generator: SeededGenerator
  private let others: [[UInt8]]

  /// - Parameter others: inputs of the same kind, to take pieces from.
  init(seed: UInt64, others: [[UInt8]]) {
    generator = SeededGenerator(seed: seed)
    self.others = others
  }

  private static let edges: [UInt64] = [
    0, 1, 0x7F, 0xFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, 1 << 60, 1 << 61 + 1, 1 << 62,
    1 << 63 - 1, 1 << 63, .max,
  ]
  private static let numbers = [
    "0", "-1", "1e308", "1E999", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615", "1152921504606846976", "65536", "0.5", "01",
  ]
  private static let pieces = [
    "{", "}", "[", "]", "\"", ",", ":", "null", "true", "\\u0000", "\\ud800", "\u{202E}",
    "\u{1B}[31m", "\n",
    "*", "=", "<", ">", "(((", ")+)+", "..", "/", "\u{FFFD}", "",
  ]

  /// A changed input.
  mutating func change(_ input: [UInt8]) -> [UInt8] {
    var bytes = input
    for _ in 0..<Int.random(in: 1...4, using: &generator) { changeOnce(&bytes) }
    return bytes
  }

  private mutating func changeOnce(_ bytes: inout [UInt8]) {
    let place = Int.random(in: 0...bytes.count, using: &generator)
    switch Int.random(in: 0..<9, using: &generator) {
    case 0 where place < bytes.count:
      bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1 where place < bytes.count: bytes[place] = .random(in: .min ... .max, using: &generator)
    case 2, 3: setNumber(&bytes, at: place)
    case 4: setDigits(&bytes, from: place)
    case 5:
      let piece = Self.pieces.randomElement(using: &generator) ?? ""
      bytes.insert(contentsOf: piece.utf8, at: place)
    case 6:
      let end = min(bytes.count, place + Int.random(in: 0...64, using: &generator))
      bytes.removeSubrange(place..<end)
    case 7: splice(&bytes, at: place)
    default:
      if Bool.random(using: &generator) { bytes.removeSubrange(place...) }
    }
  }

  /// A number of 4 or 8 bytes at its edge.
  private mutating func setNumber(_ bytes: inout [UInt8], at place: Int) {
    let edge = Self.edges.randomElement(using: &generator) ?? 0
    let width = Bool.random(using: &generator) ? 4 : 8
    for index in 0..<width where place + index < bytes.count {
      bytes[place + index] = UInt8(truncatingIfNeeded: edge >> UInt64(8 * index))
    }
  }

  /// The next number in digits becomes another.
  private mutating func setDigits(_ bytes: inout [UInt8], from place: Int) {
    let isDigit = { (byte: UInt8) in 0x30...0x39 ~= byte }
    guard let start = bytes[place...].firstIndex(where: isDigit) else { return }
    let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
    let number = Self.numbers.randomElement(using: &generator) ?? "0"
    bytes.replaceSubrange(start..<end, with: number.utf8)
  }

  /// A piece of another input of the kind, or of this one.
  private mutating func splice(_ bytes: inout [UInt8], at place: Int) {
    guard let other = others.randomElement(using: &generator), !other.isEmpty else { return }
    let start = Int.random(in: 0..<other.count, using: &generator)
    let end = min(other.count, start + Int.random(in: 1...200, using: &generator))
    bytes.insert(contentsOf: other[start..<end], at: place)
  }
}
