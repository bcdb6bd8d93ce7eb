import ModelFiles
import Quantization

/// What a model is to run on: its memory, and how fast it reads it.
public struct Device: Sendable, Hashable {
  /// The name that people and the command line use.
  public var name: String
  /// What kind of device it is.
  public var kind: Kind
  /// The memory that it has, in bytes.
  public var memory: Int
  /// The part of it that a model can have.
  public var usable: Int
  /// The most bytes that it reads from its memory in a second, by its maker's figures.
  public var bandwidth: Double
  /// Where the figures are from.
  public var source: String

  /// What kind a device is, and so how much of its memory a model can have.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A graphics card with a memory of its own.
    case card
    /// A Mac, whose graphics processor shares the memory.
    case mac
    /// A computer, whose processor or graphics processor uses the main memory.
    case computer
    /// A small board.
    case board
    /// A telephone or tablet.
    case phone
    /// A device of the user's own.
    case own

    /// The part of a memory that a model can have, a cautious guess.
    ///
    /// Cards keep next to nothing back: their driver's part counts as overhead. Metal recommends two
    /// thirds of a Mac's memory for graphics, three quarters of a large one's (recommendedMaxWorkingSetSize,
    /// which llama.cpp prints: 10,923 of 16,384 MiB, 49,152 of 65,536). An operating system and its
    /// programs want some of a computer's; telephones end programs that take more than about half.
    public func usable(of memory: Int) -> Int {
      switch self {
      case .card, .own: memory
      case .mac: memory > 36 << 30 ? memory / 4 * 3 : memory / 3 * 2
      case .computer, .board: memory / 8 * 7
      case .phone: memory / 2
      }
    }
  }

  /// A device.
  /// - Parameter usable: what a model can have of its memory; what is usual for its kind where nil.
  public init(
    name: String, kind: Kind, memory: Int, usable: Int? = nil, bandwidth: Double, source: String
  ) {
    self.name = name
    self.kind = kind
    self.memory = memory
    self.usable = usable ?? kind.usable(of: memory)
    self.bandwidth = bandwidth
    self.source = source
  }
}

/// A name that no device has.
public struct UnknownDevice: Error, Sendable, Hashable, CustomStringConvertible {
  /// The name as it was given.
  public let name: String
  /// The names that come nearest.
  public let nearest: [String]

  /// One sentence, safe for a terminal.
  public var description: String {
    "\"\(String(name.unicodeScalars.prefix(60)).sanitised)\" is no device that is known; "
      + "the nearest: " + nearest.joined(separator: ", ")
  }
}

extension [Device] {
  /// The device of a name, written in any letter case and without its spaces if one likes: `rtx4090`.
  public func named(_ text: String) throws(UnknownDevice) -> Device {
    let key = Self.key(text)
    if let found = first(where: { Self.key($0.name) == key }) { return found }
    throw UnknownDevice(
      name: text, nearest: nearestNames(to: key, among: map(\.name), by: Self.key))
  }

  /// The devices that a part of a name can mean: the one of that name, else those that end so (`4090`),
  /// else those that have it anywhere.
  public func matching(_ part: String) -> [Device] {
    let key = Self.key(part)
    guard !key.isEmpty else { return [] }
    let tests: [(String) -> Bool] = [{ $0 == key }, { $0.hasSuffix(key) }, { $0.contains(key) }]
    for test in tests {
      let found = filter { test(Self.key($0.name)) }
      if !found.isEmpty { return found }
    }
    return []
  }

  /// Two names are the same if their letters and digits are.
  private static func key(_ name: String) -> String {
    String(name.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "+" })
  }
}
