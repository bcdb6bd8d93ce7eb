import Foundation

/// What a plan is solved for.
public enum PlanningGoal: Sendable, Equatable {
  /// The least error within a size.
  case budget(Budget)
  /// The least size with an error of at most so much, as a relative error.
  case maximumError(Double)

  /// Reads `4.5bpw`, `8GiB` or `30%` of the source; or an error: `23dB`, `<1%`, `<0.005`. Nil if it is none
  /// of them.
  public init?(_ text: String) {
    let text = text.trimmingCharacters(in: .whitespaces)
    let bound = ["<=", "\u{2264}", "<"].first { text.hasPrefix($0) }
    if let bound {
      guard let error = relativeError(String(text.dropFirst(bound.count))) else { return nil }
      self = .maximumError(error)
    } else if let budget = Budget(text) {
      self = .budget(budget)
    } else if text.lowercased().hasSuffix("db"), let error = relativeError(text) {
      self = .maximumError(error)
    } else {
      return nil
    }
  }
}

extension Budget {
  /// Reads `4.5bpw`, `8GiB` or `30%`; nil if it is none of them.
  public init?(_ text: String) {
    func number(without end: String) -> Double? {
      guard let value = leadingNumber(text, without: end), value >= 0 else { return nil }
      return value
    }
    if let bits = number(without: "bpw") {
      self = .bitsPerWeight(bits)
    } else if let percent = number(without: "%"), percent <= 100 {
      self = .share(percent / 100)
    } else if let bytes = Quantity.bytes(text) {
      self = .bytes(bytes)
    } else {
      return nil
    }
  }
}

/// A relative error as `0.5%`, `0.005` or `23dB`; nil if it is none of them.
public func relativeError(_ text: String) -> Double? {
  let value =
    leadingNumber(text, without: "%").map { $0 / 100 }
    ?? leadingNumber(text, without: "db").map { pow(10, -$0 / 10) }
    ?? leadingNumber(text, without: "")
  guard let value, value.isFinite, value >= 0 else { return nil }
  return value
}

/// The number before a unit, in any letter case; nil if the unit isn't there, or no finite number.
private func leadingNumber(_ text: String, without end: String) -> Double? {
  let text = text.lowercased()
  guard text.hasSuffix(end) else { return nil }
  let digits = text.dropLast(end.count).trimmingCharacters(in: .whitespaces)
  guard let value = Double(digits), value.isFinite else { return nil }
  return value
}
