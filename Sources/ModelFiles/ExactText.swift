/// A text that equals another only if both have the same bytes.
///
/// Swift's strings are equal if they look alike: "é" is one character or a letter with an accent. Names in files, and
/// tokens of a vocabulary, are told apart by their bytes.
public struct ExactText: Hashable, Sendable {
  private let bytes: [UInt8]

  /// The bytes of a text.
  public init(_ text: String) { bytes = Array(text.utf8) }

  /// The bytes of some characters.
  public init(_ scalars: some Sequence<Unicode.Scalar>) {
    var bytes: [UInt8] = []
    for scalar in scalars { bytes += UTF8.encode(scalar) ?? .init() }
    self.bytes = bytes
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// One text behind the other.
  public static func + (a: ExactText, b: ExactText) -> ExactText {
    ExactText(bytes: a.bytes + b.bytes)
  }

  /// The bytes.
  public var utf8: [UInt8] { bytes }
}
