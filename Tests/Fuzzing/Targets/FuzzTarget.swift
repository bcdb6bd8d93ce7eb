/// A parser under fuzzing: takes any bytes, does with what it read what the program does, and throws if a
/// promise of the parser is broken.
///
/// A trap, a hang, or memory out of proportion is for the fuzzer to notice.
public struct FuzzTarget: Sendable {
  /// What it is called by, on the command line and as the folder of its corpus.
  public let name: String
  /// Tries some bytes; whether they were accepted.
  public let run: @Sendable (UnsafeRawBufferPointer) throws -> Bool

  /// All of them.
  public static let all: [FuzzTarget] =
    modelTargets + configurationTargets + textTargets + evaluationTargets

  /// The target of a name.
  public static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }

  /// Tries some bytes; whether they were accepted.
  @discardableResult
  public func run(_ bytes: [UInt8]) throws -> Bool { try bytes.withUnsafeBytes(run) }
}

/// A promise that was broken.
public struct Violation: Error, CustomStringConvertible {
  /// What doesn't hold.
  public let description: String
}

/// Throws a violation unless something holds.
func expect(_ condition: Bool, _ promise: @autoclosure () -> String) throws(Violation) {
  if !condition { throw Violation(description: promise()) }
}

/// Checks what is said of a refusal: one line, safe for a terminal, and not endless.
func expectOneLine(_ text: String) throws(Violation) {
  try expect(!text.isEmpty && text.utf8.count < 4096, "a refusal of \(text.utf8.count) bytes")
  for scalar in text.unicodeScalars {
    try expect(scalar.value >= 0x20 && scalar.value != 0x7F, "a control character in: \(text)")
  }
}

/// What a parser made of its input; nil if it refused, in words that are in order.
func parsed<Value, Failure: Error & CustomStringConvertible>(
  _ parse: () throws(Failure) -> Value
) throws(Violation) -> Value? {
  do throws(Failure) {
    return try parse()
  } catch {
    try expectOneLine(error.description)
    return nil
  }
}

/// The parts of an input that stands for several files: they are parted by a byte that none of their
/// syntaxes has, except in the last one, which may hold anything.
func parts(_ bytes: UnsafeRawBufferPointer, count: Int) -> [UnsafeRawBufferPointer] {
  let separator: UInt8 = 0x1E
  var parts: [UnsafeRawBufferPointer] = []
  var rest = bytes[...]
  while parts.count < count - 1, let end = rest.firstIndex(of: separator) {
    parts.append(UnsafeRawBufferPointer(rebasing: rest[..<end]))
    rest = rest[(end + 1)...]
  }
  parts.append(UnsafeRawBufferPointer(rebasing: rest))
  return parts
}
