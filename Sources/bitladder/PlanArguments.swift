import ArgumentParser
import Foundation
import ModelFiles
import Planning
import Quantization

/// `4.5bpw`, `8GiB`, `30%`.
struct BudgetArgument: ExpressibleByArgument {
  let budget: Budget

  init?(argument: String) {
    let text = argument.lowercased()
    func number(without end: String) -> Double? {
      guard text.hasSuffix(end) else { return nil }
      let digits = text.dropLast(end.count).trimmingCharacters(in: .whitespaces)
      guard let value = Double(digits), value.isFinite, value >= 0 else { return nil }
      return value
    }
    if let bits = number(without: "bpw") {
      budget = .bitsPerWeight(bits)
    } else if let percent = number(without: "%"), percent <= 100 {
      budget = .share(percent / 100)
    } else if let bytes = Quantity.bytes(text) {
      budget = .bytes(bytes)
    } else {
      return nil
    }
  }
}

/// An error as `0.5%`, `0.005` or `23dB`.
struct ErrorArgument: ExpressibleByArgument {
  let error: Double

  init?(argument: String) {
    let text = argument.lowercased()
    func number(without end: String) -> Double? {
      guard text.hasSuffix(end) else { return nil }
      return Double(text.dropLast(end.count).trimmingCharacters(in: .whitespaces))
    }
    let value =
      number(without: "%").map { $0 / 100 } ?? number(without: "db").map { pow(10, -$0 / 10) }
      ?? Double(text)
    guard let value, value.isFinite, value >= 0 else { return nil }
    error = value
  }
}

extension Objective: ExpressibleByArgument {}

/// The options that become constraints.
struct ConstraintOptions: ParsableArguments {
  @Option(
    name: .customLong("pin"),
    help: "PATTERN=FORMAT: what tensors must get; later ones win. May be repeated.")
  var pins: [String] = []

  @Option(help: "Roles whose tensors all get the same format, separated by commas, or all.")
  var uniform: String?

  @Option(help: "What gets the same format within a block: qkv, gate-up, experts.")
  var together: String?

  @Option(help: "ROLE=FORMAT or ROLE=BITS: the least a role gets. May be repeated.")
  var atLeast: [String] = []

  @Option(help: "ROLE=FORMAT or ROLE=BITS: the most a role gets. May be repeated.")
  var atMost: [String] = []

  @Option(help: "ROLE=LIST: the formats a role may have, source among them. May be repeated.")
  var allow: [String] = []

  @Option(help: "How many formats the plan may have.")
  var maxFormats: Int?

  /// The constraints that don't depend on the model.
  func read() throws -> Constraints {
    var constraints = Constraints()
    if let uniform {
      constraints.uniform =
        uniform == "all" ? Set(Role.allCases) : Set(try list(uniform).map(role))
    }
    if let together {
      constraints.together = Set(
        try list(together).map { name in
          guard let fusion = Constraints.Fusion(rawValue: name) else {
            let known = Constraints.Fusion.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--together: '\(name)' isn't one of \(known)")
          }
          return fusion
        })
    }
    for text in atLeast {
      let (role, value) = try split(text, "--at-least")
      constraints.atLeast[role] = try limit(value)
    }
    for text in atMost {
      let (role, value) = try split(text, "--at-most")
      constraints.atMost[role] = try limit(value)
    }
    for text in allow {
      let (role, value) = try split(text, "--allow")
      constraints.allowed[role] = try list(value).map(choice)
    }
    if let maxFormats {
      guard maxFormats >= 1 else { throw ValidationError("--max-formats must be 1 at least") }
      constraints.formatLimit = maxFormats
    }
    return constraints
  }

  /// The pins as patterns and what they give.
  func readPins() throws -> [(text: String, pattern: Pattern, choice: Choice)] {
    try pins.map { text in
      // Names of formats may hold a = too: the first one that leaves a format splits.
      for place in text.indices where text[place] == "=" && place > text.startIndex {
        guard let choice = try? choice(String(text[text.index(after: place)...])) else { continue }
        return (text, try pattern(String(text[..<place])), choice)
      }
      guard let place = text.lastIndex(of: "=") else {
        throw ValidationError("--pin: '\(text)' has no =; expected PATTERN=FORMAT")
      }
      _ = try choice(String(text[text.index(after: place)...]))
      throw ValidationError("--pin: '\(text)' has no pattern; expected PATTERN=FORMAT")
    }
  }

  private func pattern(_ text: String) throws -> Pattern {
    do {
      return try Pattern(text)
    } catch {
      throw ValidationError(error.description)
    }
  }

  private func list(_ text: String) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
  }

  private func split(_ text: String, _ option: String) throws -> (Role, String) {
    guard let place = text.firstIndex(of: "=") else {
      throw ValidationError("\(option): '\(text)' has no =; expected ROLE=...")
    }
    return (try role(String(text[..<place])), String(text[text.index(after: place)...]))
  }

  private func role(_ name: String) throws -> Role {
    guard let role = Role(rawValue: name) else {
      let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("'\(name)' is no role; there are: \(known)")
    }
    return role
  }

  private func limit(_ text: String) throws -> Constraints.Limit {
    if let bits = Double(text) {
      guard bits.isFinite, bits > 0 else { throw ValidationError("'\(text)' bits can't be had") }
      return .bits(bits)
    }
    return .format(try format(text))
  }

  private func choice(_ text: String) throws -> Choice {
    text.lowercased() == "source" ? .source : .format(try format(text))
  }

  private func format(_ text: String) throws -> Format {
    do {
      return try Format(parsing: text)
    } catch {
      throw ValidationError(error.description)
    }
  }
}
