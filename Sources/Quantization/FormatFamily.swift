/// A family of formats as the parser sees it: a new family is a file of its own and a line in `all`.
struct FormatFamily: Sendable {
  /// The names offered when a name is unknown.
  let knownNames: [String]
  /// The format of a name, nil if the name isn't one of the family's, an error if it is one but is wrong.
  let parse: @Sendable (_ name: String) throws(FormatError) -> Format?

  /// In this order names are tried: `mxfp4:ocp` must come before ggml's `mxfp4`, which takes no parts.
  static let all: [FormatFamily] = [
    FloatFormat.family, IntegerFormat.family, ScaledFloatFormat.family, CodeBookFormat.family,
    PaletteFormat.family, MLXFormat.family, GGMLType.family,
  ]
}

extension Format {
  /// The format of a name (DESIGN.md, 4), in any letter case.
  ///
  /// Throws `FormatError` with the nearest known names if there is no such format.
  public init(parsing text: String) throws(FormatError) {
    let name = text.lowercased()
    for family in FormatFamily.all {
      if let format = try family.parse(name) {
        self = format
        return
      }
    }
    throw FormatError(text: text, problem: .unknownName, nearest: Self.names(near: name))
  }

  /// The names that an unknown name is compared with.
  public static var knownNames: [String] { FormatFamily.all.flatMap(\.knownNames) }

  static func names(near name: String) -> [String] { nearestNames(to: name, among: knownNames) }
}

/// The three nearest of some names, in any letter case; of equally near ones, those with the same digit come first.
/// - Parameter key: what a known name is compared by.
public func nearestNames(
  to name: String, among names: [String], by key: (String) -> String = { $0.lowercased() }
) -> [String] {
  let name = String(name.lowercased().unicodeScalars.prefix(64))
  let digit = name.unicodeScalars.first { ("0"..."9").contains($0) }
  let scored = names.enumerated().map { index, known in
    let strange = digit.map { !known.unicodeScalars.contains($0) } ?? false
    let key = key(known)
    // What begins so is as near as can be.
    let isBeginning = !name.isEmpty && key.hasPrefix(name)
    let distance = isBeginning ? 0 : editDistance(name, key)
    return (distance, strange ? 1 : 0, index, known)
  }
  return scored.sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.prefix(3).map(\.3)
}

/// The number of insertions, deletions and replacements that turn one text into the other (Levenshtein 1965).
func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a.unicodeScalars)
  let b = Array(b.unicodeScalars)
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let replaced = diagonal + (x == y ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, min(row[j], diagonal) + 1)
    }
  }
  return row[b.count]
}
