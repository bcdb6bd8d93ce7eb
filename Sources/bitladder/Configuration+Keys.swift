import Explorer
import ModelFiles

extension KeyMap {
  /// The keys of a configuration: its table `keys`, from ids of actions to a key or a list of keys.
  /// - Parameter text: the file, for the numbers of its lines.
  static func read(_ value: JSONValue?, path: String, text: String) throws(Failure) -> KeyMap {
    guard let value else { return .standard }
    func failure(_ id: String?, _ words: String) -> Failure {
      let line = id.flatMap { lineNumber(of: $0, in: text) }.map { "line \($0): " } ?? ""
      return Failure("\(path.sanitised): \(line)keys: \(words)")
    }
    guard let members = value.object else {
      throw failure(nil, "found \(value.kind), expected a table: [keys]")
    }
    var bindings: [(action: String, keys: [String])] = []
    for member in members.members {
      let names = (member.value.array ?? [member.value]).map(\.string)
      let keys = names.compactMap { $0 }
      guard keys.count == names.count else {
        throw failure(
          member.key,
          "\(member.key.sanitised): found \(member.value.kind), expected \"KEY\" or [\"KEY\", ...]")
      }
      bindings.append((member.key, keys))
    }
    do throws(KeyMapError) {
      return try KeyMap(bindings: bindings)
    } catch {
      throw failure(error.action, error.description)
    }
  }

  /// The number of the line that sets a key of the table `[keys]`; nil where it is written in another way.
  private static func lineNumber(of id: String, in text: String) -> Int? {
    var isInTable = false
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = (parts.first ?? "").filter { !" \t\"'".contains($0) }
      if parts.count < 2, name.hasPrefix("[") {
        isInTable = name.prefix { $0 != "#" } == "[keys]"
      } else if parts.count == 2, name == (isInTable ? id : "keys.\(id)") {
        return index + 1
      }
    }
    return nil
  }
}
