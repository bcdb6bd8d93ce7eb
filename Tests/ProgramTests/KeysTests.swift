import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// The list of actions, and the user's own keys.
@Suite(.serialized) struct KeysTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func write(_ toml: String) throws -> [String: String] {
    try scratch.write("config/bitladder/config.toml", toml)
    return ["XDG_CONFIG_HOME": scratch["config"]]
  }

  @Test func theListNamesEveryAction() throws {
    let list = try Program.run(["keys"])
    #expect(list.status == 0 && list.words.isEmpty)
    #expect(list.lines.first?.hasPrefix("action ") == true)
    #expect(list.lines.contains { $0.hasPrefix("undo ") && $0.contains("undo the last step") })
    let entries = try #require(
      try Program.run(["keys", "--json"]).object()["keys"] as? [[String: Any]])
    #expect(entries.count == list.lines.count - 1)
    let fewer = try #require(entries.first { $0["action"] as? String == "fewer" })
    #expect(fewer["keys"] as? [String] == ["←", "h", "-"])
    #expect(fewer["views"] as? [String] == ["Layers", "Channels", "Quality"])
    #expect(fewer["changed"] as? Bool == false)
    let markdown = try Program.run(["keys", "--markdown"])
    #expect(markdown.lines.first == "| keys | do |")
    #expect(try Program.run(["keys", "--json", "--markdown"]).status == 2)
  }

  @Test func theConfigurationChangesThem() throws {
    let environment = try write(
      "[keys]\nundo = [\"x\", \"Ctrl-U\"]\npin = []\nhelp = \"F9\"\nmark = \"<Space>\"\n")
    let list = try Program.run(["keys"], environment: environment)
    #expect(list.words.isEmpty)
    #expect(list.lines.contains { $0.hasPrefix("undo ") && $0.contains(" x Ctrl-U ") })
    #expect(list.lines.contains { $0.hasPrefix("pin ") && $0.contains(" none ") })
    let model = try scratch.write(.llama())
    let frame = try Program.run(
      [model, "--script", "4x", "--size", "100x24", "--dump-frame"], environment: environment)
    #expect(frame.text.contains("undone: 4 bits") && frame.text.contains("F9 help"))

    let terminal = try explore(
      model, environment: ["XDG_CONFIG_HOME": scratch["config"]])
    try #require(terminal.press("4", until: "unsaved"))
    try #require(terminal.press("x", until: "undone: "))
    try #require(terminal.press("u", until: "u does nothing here: F9 shows the keys"))
    terminal.expectQuits()
  }

  /// One line: the file, the line in it, what was found, what can be there.
  @Test(arguments: [
    ("[keys]\nudno = \"x\"\n", "line 2: keys: there is no action 'udno'; the nearest are undo"),
    ("# some\n\n[keys]\n# more\nundo = \"Ctrl-Foo\"\n", "line 5: keys: undo: there is no key"),
    ("[keys]\nundo = \"s\"\n", "line 2: keys: undo: s is the key of save in Layers as well"),
    ("keys.undo = \"s\"\n", "line 1: keys: undo: s is the key of save"),
    ("keys = { undo = \"s\" }\n", "config.toml: keys: undo: s is the key of save"),
    ("[keys]\nundo = 3\n", "line 2: keys: undo: found a number"),
    ("[keys]\nundo = [\"x\", 3]\n", "line 2: keys: undo: found an array"),
    ("keys = 1\n", "keys: found a number, expected a table: [keys]"),
    ("[[keys]]\nundo = \"x\"\n", "keys: found an array"),
    ("[keys]\nquit = []\n", "line 2: keys: quit: it must keep a key"),
    ("[keys]\nundo = \"\\u001b[2J\"\n", "line 2: keys: undo: there is no key"),
  ])
  func mistakes(toml: String, words: String) throws {
    let environment = try write(toml)
    let outcome = try Program.run(["keys"], environment: environment)
    #expect(outcome.status == 1)
    expectOneLine(outcome)
    #expect(outcome.words.contains("config.toml: ") && outcome.words.contains(words))
    // The explorer says the same, and leaves the terminal alone.
    let model = try scratch.write(.llama())
    let explorer = try Program.run([model, "--script", "j"], environment: environment)
    #expect(explorer.status == 1 && explorer.words == outcome.words)
  }
}
