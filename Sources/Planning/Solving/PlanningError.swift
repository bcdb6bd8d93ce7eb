/// Why there is no plan: which constraints contradict each other, or what can't be met.
public enum PlanningError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A tensor is pinned to something that it can't have.
  case pinUnavailable(tensor: String, choice: Choice)
  /// A tensor is left with nothing; what holds for its role.
  case nothingAllowed(tensor: String, reason: String)
  /// Two tensors that share a format are pinned to different ones.
  case pinsDisagree(String, Choice, String, Choice)
  /// Tensors that share a format have none that is open to all: how many they are, and two of them.
  case nothingInCommon(count: Int, String, [Choice], String, [Choice])
  /// More formats are pinned than the plan may have.
  case tooManyPinned(limit: Int, formats: [Choice])
  /// No so many formats were found that serve all tensors.
  case tooFewFormats(limit: Int)
  /// The budget is below the smallest plan; both in bytes.
  case budgetTooSmall(bytes: Int, nearest: Int, weights: Int)
  /// The error is below that of the best plan, which takes so many bytes.
  case errorTooSmall(error: Double, nearest: Double, bytes: Int)

  /// One sentence for the user.
  public var description: String {
    switch self {
    case .pinUnavailable(let tensor, let choice):
      "\(tensor) is pinned to \(choice), but can't have it"
    case .nothingAllowed(let tensor, let reason):
      "nothing is left for \(tensor): \(reason), and no format at hand is all of that"
    case .pinsDisagree(let first, let firstChoice, let second, let secondChoice):
      "\(first) and \(second) must share a format, but are pinned to \(firstChoice) and \(secondChoice)"
    case .nothingInCommon(let count, let first, let firstChoices, let second, let secondChoices):
      "\(count) tensors must share a format, but none is open to all of them: \(first) may have "
        + "\(Self.list(firstChoices)); \(second) may have \(Self.list(secondChoices))"
    case .tooManyPinned(let limit, let formats):
      "at most \(limit) \(limit == 1 ? "format" : "formats") may be used, but "
        + "\(formats.count) are pinned: \(Self.list(formats)); the nearest possible limit is \(formats.count)"
    case .tooFewFormats(let limit):
      "no \(limit) \(limit == 1 ? "format was" : "formats were") found that serve all tensors; "
        + "allow more formats"
    case .budgetTooSmall(let bytes, let nearest, let weights):
      "the budget of \(Self.size(bytes, weights)) can't be met: the smallest plan under these "
        + "constraints takes \(Self.size(nearest, weights)), the nearest possible budget"
    case .errorTooSmall(let error, let nearest, let bytes):
      "an error of \(Self.percent(error)) can't be had: the best plan under these constraints has "
        + "\(Self.percent(nearest)), in \(bytes) bytes"
    }
  }

  private static func list(_ choices: [Choice]) -> String {
    let names = choices.prefix(6).map(\.description).joined(separator: ", ")
    return names.isEmpty ? "nothing" : names + (choices.count > 6 ? ", ..." : "")
  }

  private static func size(_ bytes: Int, _ weights: Int) -> String {
    guard weights > 0 else { return "\(bytes) bytes" }
    // Rounded up: what is named as possible must be.
    let bits = (8 * Double(bytes) / Double(weights) * 1e4).rounded(.up) / 1e4
    return "\(bytes) bytes (\(bits) bpw)"
  }

  private static func percent(_ error: Double) -> String {
    let digits = 1e4
    let percent = error * 100
    guard percent > 0, percent.isFinite else { return "\(percent) %" }
    var unit = 1.0
    while percent * unit < 1 { unit *= 10 }
    return "\((percent * unit * digits).rounded(.up) / digits / unit) %"
  }
}
