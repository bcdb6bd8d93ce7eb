/// The facts of a file that can't be read.
///
/// `description` is one line, safe for a terminal: `path: place: found X, expected Y (remedy)`.
public struct ModelFileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Where in the file it went wrong.
  public enum Place: Equatable, Sendable {
    /// The file as a whole.
    case file
    /// So many bytes from the start of the file.
    case byte(Int)
    /// The tensor of this name.
    case tensor(String)
    /// The metadata key, or the member of a JSON object, of this name.
    case key(String)
  }

  /// The file, as a path.
  public var path: String
  /// Where in the file.
  public var place: Place
  /// What is there.
  public var found: String
  /// What should be there.
  public var expected: String
  /// What the user can do about it.
  public var remedy: String?

  /// An error from its facts; the texts may hold anything, they are made safe when shown.
  public init(
    path: String, place: Place = .file, found: String, expected: String, remedy: String? = nil
  ) {
    self.path = path
    self.place = place
    self.found = found
    self.expected = expected
    self.remedy = remedy
  }

  /// One line without control characters, whatever the file holds.
  public var description: String {
    var line = path.sanitised + ": "
    switch place {
    case .file: break
    case .byte(let offset): line += "byte \(offset): "
    case .tensor(let name): line += "tensor \(quoted(name)): "
    case .key(let name): line += "key \(quoted(name)): "
    }
    line += "found \(found.sanitised), expected \(expected.sanitised)"
    if let remedy { line += " (\(remedy.sanitised))" }
    return line
  }
}

/// An error whose file is not known yet: what the readers throw to each other.
struct Flaw: Error {
  var place: ModelFileError.Place
  var found: String
  var expected: String
  var remedy: String?

  init(
    _ place: ModelFileError.Place, found: String, expected: String, remedy: String? = nil
  ) {
    self.place = place
    self.found = found
    self.expected = expected
    self.remedy = remedy
  }

  func inFile(_ path: String) -> ModelFileError {
    ModelFileError(path: path, place: place, found: found, expected: expected, remedy: remedy)
  }
}

/// A text from a file in quotation marks, safe and not too long for a line.
func quoted(_ text: String, limit: Int = 120) -> String {
  // Cut by scalars first: the text may be as long as the file.
  let start = String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit + 1)))
  guard start.unicodeScalars.count > limit else { return "\"\(start.sanitised)\"" }
  return "\"\(String(start.unicodeScalars.dropLast()).sanitised)…\""
}

/// A count with its noun: "1 weight", "1,024 weights".
func counted(_ count: Int, _ noun: String, plural: String? = nil) -> String {
  "\(grouped(count)) \(count == 1 ? noun : plural ?? noun + "s")"
}

/// A number with commas between its thousands.
func grouped(_ number: Int) -> String {
  var digits = String(number.magnitude)
  var position = digits.count - 3
  while position > 0 {
    digits.insert(",", at: digits.index(digits.startIndex, offsetBy: position))
    position -= 3
  }
  return number < 0 ? "-" + digits : digits
}
