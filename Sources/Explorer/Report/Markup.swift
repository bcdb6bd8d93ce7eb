import ModelFiles

/// HTML and SVG under construction, written as XML so that every element is closed.
///
/// Text and the values of attributes are escaped here and nowhere else.
struct Markup {
  private(set) var text = ""

  typealias Attributes = KeyValuePairs<String, String>

  /// What may stand in text and between quotes: characters that a browser would obey are references, and those
  /// that would hide or reorder what is around them are visible escapes.
  static func escaped(_ text: String) -> String {
    let shown = text.sanitised
    let isPlain = !shown.utf8.contains { byte in
      byte == UInt8(ascii: "&") || byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">")
        || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
    }
    if isPlain { return shown }
    var result = ""
    for scalar in shown.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Writes text.
  mutating func write(_ content: String) { text += Self.escaped(content) }

  /// Writes what is markup already, and of our own making.
  mutating func write(markup: String) { text += markup }

  /// Ends a line, so that the source can be read and compared.
  mutating func endLine() { text += "\n" }

  /// Writes an element with what is inside it.
  mutating func element(
    _ name: String, _ attributes: Attributes = [:], _ content: (inout Markup) -> Void
  ) {
    open(name, attributes)
    text += ">"
    content(&self)
    text += "</\(name)>"
  }

  /// Writes an element that holds text.
  mutating func element(_ name: String, _ attributes: Attributes, _ content: String) {
    element(name, attributes) { $0.write(content) }
  }

  /// Writes an element that holds text.
  mutating func element(_ name: String, _ content: String) { element(name, [:], content) }

  /// Writes an element that holds nothing.
  mutating func empty(_ name: String, _ attributes: Attributes = [:]) {
    open(name, attributes)
    text += "/>"
  }

  private mutating func open(_ name: String, _ attributes: Attributes) {
    text += "<\(name)"
    for (key, value) in attributes where !value.isEmpty {
      text += " \(key)=\"\(Self.escaped(value))\""
    }
  }
}

extension Double {
  /// A coordinate: one decimal at most, none where it is whole.
  var coordinate: String {
    guard isFinite, abs(self) < 1e9 else { return "0" }
    let tenths = Int((self * 10).rounded())
    let sign = tenths < 0 ? "-" : ""
    let (whole, rest) = (abs(tenths) / 10, abs(tenths) % 10)
    return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest)"
  }
}

extension String {
  /// The text in at most so many characters, its middle left out where it is longer.
  func shortened(to limit: Int) -> String {
    guard utf8.count > limit, count > limit, limit > 4 else { return self }
    let half = (limit - 1) / 2
    return prefix(limit - 1 - half) + "\u{2026}" + suffix(half)
  }
}
