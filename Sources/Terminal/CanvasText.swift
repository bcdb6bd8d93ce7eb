extension Canvas {
  /// The rows as text, without blanks at their ends.
  public var text: [String] {
    (0..<size.rows).map { row in
      var line = String.UnicodeScalarView()
      var end = line.startIndex
      for cell in self.row(row) where cell.span > 0 {
        line.append(contentsOf: cell.text.unicodeScalars)
        if !cell.isBlank { end = line.endIndex }
      }
      return String(line[..<end])
    }
  }

  /// The rows as one letter for each cell's style, `.` for the standard one, without `.` at their ends.
  ///
  /// Letters are given in the order in which styles first appear; `legend` says what they mean.
  public var styles: [String] {
    let letters = styleLetters
    return (0..<size.rows).map { row in
      var line = self.letters(row, letters)
      while line.last == "." { line.removeLast() }
      return line
    }
  }

  /// What the letters of `styles` mean, such as `a = bold, 3 on 0`.
  public var legend: [String] {
    styleLetters.filter { $0.key != .standard }
      .sorted { $0.value.order < $1.value.order }
      .map { "\($0.value.letter) = \($0.key)" }
  }

  private func letters(_ row: Int, _ letters: [Style: (order: Int, letter: Character)]) -> String {
    String(self.row(row).map { letters[$0.style]?.letter ?? "?" })
  }

  private var styleLetters: [Style: (order: Int, letter: Character)] {
    var letters: [Style: (order: Int, letter: Character)] = [.standard: (0, ".")]
    let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    for cell in cells where letters[cell.style] == nil {
      let order = letters.count
      letters[cell.style] = (order, order <= alphabet.count ? alphabet[order - 1] : "?")
    }
    return letters
  }

  /// The same with `?` for every character beyond ASCII, for terminals that have no others.
  public var inASCII: Canvas {
    var result = self
    result.keepASCII()
    return result
  }

  /// The same with every style reduced to what `depth` has; the text stays.
  public func reduced(to depth: ColorDepth) -> Canvas {
    var result = self
    result.restyle(bounds) { $0.reduced(to: depth) }
    return result
  }
}

extension Style: CustomStringConvertible {
  /// Such as `bold underline, 3 on 0`; `standard` if there is nothing to say.
  public var description: String {
    let names: [(Attributes, String)] = [
      (.bold, "bold"), (.dim, "dim"), (.underline, "underline"), (.reverse, "reverse"),
      (.italic, "italic"),
    ]
    let attributes = names.filter { self.attributes.contains($0.0) }.map(\.1)
    var parts: [String] = attributes.isEmpty ? [] : [attributes.joined(separator: " ")]
    switch (foreground, background) {
    case (.standard, .standard): break
    case (.indexed(let index), .standard): parts.append("\(index)")
    case (.standard, .indexed(let index)): parts.append("on \(index)")
    case (.indexed(let front), .indexed(let back)): parts.append("\(front) on \(back)")
    }
    return parts.isEmpty ? "standard" : parts.joined(separator: ", ")
  }
}
