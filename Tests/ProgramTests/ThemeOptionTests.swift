import Foundation
import SampleSupport
import Testing

/// What the screen looks like, as it is asked for: by an option, by the configuration, by the terminal.
struct ThemeOptionTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama(blocks: 1))
  }

  /// The colours of the screen, as classes of its picture.
  private func look(
    _ arguments: [String] = [], configuration: String? = nil, colors: String? = nil
  ) throws -> Set<String> {
    var environment: [String: String] = [:]
    if let configuration {
      try scratch.write("config/bitladder/config.toml", configuration)
      environment["XDG_CONFIG_HOME"] = scratch["config"]
    }
    environment["COLORFGBG"] = colors
    let outcome = try Program.run(
      [model, "--script", "4", "--size", "80x24", "--dump-svg"] + arguments,
      environment: environment)
    #expect(outcome.status == 0, "\(outcome.words)")
    let classes = outcome.text.split(separator: "\"").filter { $0.hasPrefix("c") }
    return Set(classes.flatMap { $0.split(separator: " ") }.map(String.init))
  }

  @Test func theOptionComesBeforeTheConfigurationAndThatBeforeTheTerminal() throws {
    let dark = try look()
    let light = try look(["--theme", "light"])
    let contrast = try look(["--theme", "high-contrast"])
    #expect(Set([dark, light, contrast]).count == 3)
    #expect(contrast.contains("c16") && !dark.contains("c16"))
    #expect(try look(["--theme", "auto"], colors: "0;15") == light)
    #expect(try look(colors: "0;15") == light)
    #expect(try look(colors: "15;0") == dark)
    #expect(try look(configuration: "[display]\ntheme = \"high-contrast\"\n") == contrast)
    #expect(try look(configuration: "[display]\n", colors: "0;7") == light)
    #expect(
      try look(["--theme", "dark"], configuration: "display.theme = \"light\"\n", colors: "0;7")
        == dark)
  }

  @Test(arguments: [
    (
      "[display]\ntheme = \"solarized\"", "display.theme",
      "expected auto, dark, light, high-contrast"
    ),
    ("[display]\ntheme = 3", "display.theme", "found no text"),
    ("display = 3", "display", "expected [display]"),
  ]) func mistakesAreSaid(toml: String, place: String, words: String) throws {
    try scratch.write("config/bitladder/config.toml", toml)
    let outcome = try Program.run(
      [model, "--script", "4", "--dump-frame"],
      environment: ["XDG_CONFIG_HOME": scratch["config"]])
    #expect(outcome.status == 1)
    #expect(outcome.words.contains(place) && outcome.words.contains(words), "\(outcome.words)")
  }

  @Test func unknownThemes() throws {
    let outcome = try Program.run([model, "--theme", "pink", "--script", "4", "--dump-frame"])
    #expect(outcome.status == 2)
    #expect(outcome.words.contains("high-contrast"), "\(outcome.words)")
  }
}
