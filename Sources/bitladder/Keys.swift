import ArgumentParser
import Explorer
import ModelFiles

struct Keys: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the explorer's actions with their keys and ids.",
    discussion: """
      The ids are what the table [keys] of config.toml takes; what it says is applied. The views are \
      those in which an action has its keys.
      """)

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Print the standard keys as a Markdown table, as in the README.")
  var markdown = false

  func validate() throws {
    if json, markdown { throw ValidationError("--json and --markdown: give one") }
  }

  func run() throws {
    if markdown {
      try emit(KeyTable.markdown)
      return
    }
    let entries = KeyTable.entries(try Configuration.load().keys)
    if json {
      try emit(
        JSONWriter(.pretty).string(["keys": .array(entries.map { .object(object($0)) })]))
      return
    }
    var table = Table(["action", "keys", "what it does", "views"])
    for entry in entries {
      table.add([
        entry.action, entry.keys.isEmpty ? "none" : entry.keys.joined(separator: " "), entry.title,
        entry.isEverywhere ? "all" : entry.views.joined(separator: ", "),
      ])
    }
    try emit(table.text)
  }

  /// What `--json` says of an action.
  private func object(_ entry: KeyTable.Entry) -> JSONObject {
    [
      "action": .string(entry.action), "keys": .array(entry.keys.map { .string($0) }),
      "title": .string(entry.title), "views": .array(entry.views.map { .string($0) }),
      "changed": .bool(entry.isChanged),
    ]
  }
}
