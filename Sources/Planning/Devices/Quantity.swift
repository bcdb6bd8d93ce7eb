import Foundation

/// Amounts as people write them: `24GiB`, `1008GB/s`, `32k`.
public enum Quantity {
  private static let units: [(name: String, bytes: Double)] = [
    ("kib", 0x1p10), ("mib", 0x1p20), ("gib", 0x1p30), ("tib", 0x1p40), ("kb", 1e3), ("mb", 1e6),
    ("gb", 1e9), ("tb", 1e12), ("b", 1),
  ]

  /// A number of bytes: `24GiB`, `24 GB`; nil if it isn't one.
  public static func bytes(_ text: String) -> Int? {
    amount(text.lowercased()).flatMap { Int(exactly: $0.rounded(.down)) }
  }

  /// Bytes for each second: `1008GB/s`, `1.8 TB/s`; nil if it isn't that.
  public static func bytesPerSecond(_ text: String) -> Double? {
    let text = text.lowercased()
    guard text.hasSuffix("/s") else { return nil }
    return amount(String(text.dropLast(2)))
  }

  private static func amount(_ text: String) -> Double? {
    let text = text.trimmingCharacters(in: .whitespaces)
    guard let unit = units.first(where: { text.hasSuffix($0.name) }) else { return nil }
    return number(text.dropLast(unit.name.count)).map { $0 * unit.bytes }
  }

  /// A number of tokens: `4096`, `32k` (32 x 1024), `1M`; nil if it isn't one from 1 on.
  public static func tokens(_ text: String) -> Int? {
    let text = text.lowercased()
    let scale = text.hasSuffix("k") ? 0x1p10 : text.hasSuffix("m") ? 0x1p20 : 1
    guard let value = number(scale == 1 ? text[...] : text.dropLast()),
      let tokens = Int(exactly: value * scale), tokens >= 1, tokens <= Fit.mostTokens
    else { return nil }
    return tokens
  }

  /// A number of tokens as `tokens(_:)` reads it: `32k`, `4000`.
  public static func text(tokens: Int) -> String {
    if tokens >= 1 << 20, tokens % (1 << 20) == 0 { return "\(tokens >> 20)M" }
    if tokens >= 1024, tokens % 1024 == 0 { return "\(tokens >> 10)k" }
    return "\(tokens)"
  }

  /// Plain digits with at most one point: no sign, no exponent.
  private static func number(_ text: Substring) -> Double? {
    let text = text.trimmingCharacters(in: .whitespaces)
    guard text.utf8.count <= 24, let value = Double(text), value.isFinite,
      text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2E })
    else { return nil }
    return value
  }
}
