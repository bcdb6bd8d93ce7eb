import ModelFiles
import Terminal

extension State {
  /// Puts names on the terminal's clipboard: of what is marked, or of what is under the cursor, a line each.
  mutating func copyNames() -> [Effect] {
    if let objection = clipboardObjection {
      message = Notice(text: "nothing was copied: \(objection)", kind: .warning)
      return []
    }
    let names = copyTargets.map { Self.copied(model.tensors[$0].name) }
    guard let first = names.first else {
      message = Notice(text: "there is no name to copy here", kind: .warning)
      return []
    }
    var text = first
    var count = 1
    for name in names.dropFirst() {
      guard text.utf8.count + 1 + name.utf8.count <= Clipboard.mostBytes else { break }
      text += "\n" + name
      count += 1
    }
    guard text.utf8.count <= Clipboard.mostBytes else {
      message = Notice(
        text:
          "nothing was copied: a name of \(first.utf8.count) bytes is more than a terminal takes",
        kind: .warning)
      return []
    }
    let start = "copied by OSC 52, if the terminal allows it: "
    let room = max(24, size.columns - 2 - start.columns)
    let what =
      names.count == 1
      ? text.sanitised.truncatedMiddle(to: room, mark: glyphs.ellipsis)
      : count == names.count
        ? "\(count) names"
        : "the first \(count) of \(names.count) names, as many as a terminal takes"
    message = Notice(text: start + what)
    return [.copy(text)]
  }

  /// The tensors whose names are meant.
  private var copyTargets: [Int] {
    guard view == .compare, marks.isEmpty else { return targets }
    let differences = comparison.differences
    return differences.indices.contains(compare.cursor)
      ? [differences[compare.cursor].tensor] : []
  }

  /// A name as it is; one with control characters as it is shown, so that nothing pasted is obeyed.
  private static func copied(_ name: String) -> String {
    let isPlain = name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    return isPlain ? name : name.sanitised
  }
}
