/// The facts of a name that is no format; `description` is one sentence for people.
public struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong with the name.
  public enum Problem: Hashable, Sendable {
    /// No family has such a name.
    case unknownName
    /// The bits of an integer format aren't 2 to 8.
    case bits(String)
    /// A part after a colon isn't known.
    case unknownPart(String)
    /// Two parts say the same kind of thing, as in `int4:sym:affine`.
    case repeatedPart(String)
    /// A group length other than 32, 64, 128, 256.
    case groupLength(String)
    /// A percentile that isn't a number over 50 and up to 100.
    case percentile(String)
    /// `hqq` without zero points to choose, or for a whole tensor.
    case needsAffineGroups
    /// A calibration by activations for a whole tensor.
    case needsRows(String)
    /// A format that takes no parts was given one.
    case partNotTaken(String)
  }

  /// The name as it was given.
  public let text: String
  /// What is wrong with it.
  public let problem: Problem
  /// Known names or parts that come nearest, the best first; may be empty.
  public let nearest: [String]

  init(text: String, problem: Problem, nearest: [String] = []) {
    self.text = text
    self.problem = problem
    self.nearest = nearest
  }

  /// One sentence: what was found, and what could have been meant.
  public var description: String {
    let name = quoted(text)
    let hint = nearest.isEmpty ? "" : "; the nearest known: \(nearest.joined(separator: ", "))"
    switch problem {
    case .unknownName:
      return "\(name) is no format\(hint)"
    case .bits(let bits):
      return "\(name) asks for \(quoted(bits)) bits, but integer formats have 2 to 8"
    case .unknownPart(let part):
      return "\(name) has a part \(quoted(part)) that is not known\(hint)"
    case .repeatedPart(let part):
      return "\(name) has a part \(quoted(part)) that repeats or contradicts another"
    case .groupLength(let length):
      return
        "\(name) asks for groups of \(quoted(length)), but groups have 32, 64, 128 or 256 weights"
    case .percentile(let value):
      return
        "\(name) asks for the percentile \(quoted(value)), but it must be over 50 and at most 100"
    case .needsAffineGroups:
      return "\(name) asks for hqq, which chooses zero points of affine channels or groups\(hint)"
    case .needsRows(let calibration):
      return
        "\(name) asks for \(calibration), which chooses the codes of channels or groups, for a whole tensor\(hint)"
    case .partNotTaken(let part):
      return "\(name) has a part \(quoted(part)), but this format takes none"
    }
  }

  /// The text between quotation marks, cut to 40 characters, with what a screen must not see escaped.
  private func quoted(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(40) {
      shown += scalar.isASCII ? scalar.escaped(asASCII: false) : visible(scalar)
    }
    return "\"\(shown)\(text.unicodeScalars.count > 40 ? "..." : "")\""
  }

  private func visible(_ scalar: Unicode.Scalar) -> String {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      scalar.escaped(asASCII: true)
    default: String(scalar)
    }
  }
}
