/// Where the blanks go.
public enum Alignment: Hashable, Sendable {
  /// Text at the left, blanks at the right.
  case left
  /// Text at the right.
  case right
  /// Text in the middle.
  case center
}

extension String {
  /// The columns it takes on a screen.
  public var columns: Int { TextWidth.columns(of: self) }

  /// The longest start that takes no more than `columns`.
  public func prefix(columns limit: Int) -> String {
    var used = 0
    for index in indices {
      let width = TextWidth.columns(of: self[index])
      if width > limit - used { return String(self[..<index]) }
      used += width
    }
    return self
  }

  /// The longest end that takes no more than `columns`.
  public func suffix(columns limit: Int) -> String {
    var used = 0
    var start = endIndex
    while start > startIndex {
      let index = self.index(before: start)
      let width = TextWidth.columns(of: self[index])
      if width > limit - used { break }
      used += width
      start = index
    }
    return String(self[start...])
  }

  /// The text, or as much of its start as fits with `mark` after it.
  public func truncated(to limit: Int, mark: String = "…") -> String {
    if columns <= limit { return self }
    let room = max(0, limit) - mark.columns
    return room < 0 ? prefix(columns: limit) : prefix(columns: room) + mark
  }

  /// The text, or as much of its end as fits with `mark` before it.
  public func truncatedStart(to limit: Int, mark: String = "…") -> String {
    if columns <= limit { return self }
    let room = max(0, limit) - mark.columns
    return room < 0 ? suffix(columns: limit) : mark + suffix(columns: room)
  }

  /// The text, or its two ends with `mark` between: what tells one tensor's name from another's is
  /// mostly near the ends.
  public func truncatedMiddle(to limit: Int, mark: String = "…") -> String {
    if columns <= limit { return self }
    let room = max(0, limit) - mark.columns
    if room < 0 { return prefix(columns: limit) }
    let end = suffix(columns: room - room / 2)
    return prefix(columns: room - end.columns) + mark + end
  }

  /// The text with blanks up to `width` columns; longer text stays as it is.
  public func padded(to width: Int, _ alignment: Alignment = .left) -> String {
    // No screen is wider; what asks for more has a mistake in it.
    let missing = min(width, Canvas.largest.columns) - columns
    if missing <= 0 { return self }
    let left = alignment == .left ? 0 : alignment == .right ? missing : missing / 2
    return String(repeating: " ", count: left) + self
      + String(repeating: " ", count: missing - left)
  }

  /// The text cut in the middle or filled with blanks, so that it takes exactly `width` columns.
  public func fitted(
    to width: Int, _ alignment: Alignment = .left, mark: String = "…"
  ) -> String {
    truncatedMiddle(to: max(0, width), mark: mark).padded(to: width, alignment)
  }
}

extension String {
  /// The text in lines of at most so many columns, broken between words; longer words are cut and end with `mark`.
  public func wrapped(to columns: Int, mark: String = "…") -> [String] {
    var lines: [String] = []
    for word in split(separator: " ") {
      if let last = lines.last, last.columns + 1 + String(word).columns <= columns {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append(String(word).truncated(to: columns, mark: mark))
      }
    }
    return lines
  }
}
