/// The name of one file of several: `model-00001-of-00003.safetensors`.
struct PartName: Equatable {
  /// What comes before the numbers: "model".
  var stem: String
  /// From 1 to `count`.
  var number: Int
  var count: Int
  /// What comes after them, with its dot: ".safetensors".
  var suffix: String

  init?(_ name: String) {
    guard let dot = name.lastIndex(of: ".") else { return nil }
    let base = name[..<dot]
    let parts = base.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 2] == "of",
      let number = Self.number(parts[parts.count - 3]),
      let count = Self.number(parts[parts.count - 1]),
      number >= 1, number <= count
    else { return nil }
    stem = parts.dropLast(3).joined(separator: "-")
    suffix = String(name[dot...])
    self.number = number
    self.count = count
  }

  /// The name of another part.
  func name(_ number: Int) -> String {
    "\(stem)-\(Self.padded(number))-of-\(Self.padded(count))\(suffix)"
  }

  /// A number with five digits.
  static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.utf8.count)) + digits
  }

  private static func number(_ text: Substring) -> Int? {
    text.utf8.count == 5 && text.utf8.allSatisfy(isDigit) ? Int(text) : nil
  }
}
