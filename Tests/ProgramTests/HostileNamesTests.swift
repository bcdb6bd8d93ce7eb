import Foundation
import Testing

/// Names with terminal escapes: in files, in paths, in a model's metadata.
struct HostileNamesTests {
  /// A colour, a title, a C1 control, a right-to-left override, a zero-width space, a line end.
  static let name = "bad\u{1B}[31m\u{1B}]0;owned\u{7}\u{9B}5m\u{202E}\u{200B}\n.weight"
  static let shown = "bad\\x1b[31m\\x1b]0;owned\\x07\\u{9b}5m\\u{202e}\\u{200b}\\x0a.weight"

  private func model() -> SampleModel {
    var model = SampleModel.llama(blocks: 1, width: 32)
    var generator = SeededGenerator(seed: 7)
    model.add(Self.name, .f32, [64, 64], using: &generator)
    return model
  }

  @Test(arguments: [["inspect"], ["inspect", "--stats"], ["measure", "--formats", "int4"]])
  func tables(arguments: [String]) throws {
    let scratch = try Scratch()
    let outcome = try Program.run(
      [arguments[0], try scratch.write(model())] + arguments.dropFirst())
    #expect(outcome.status == 0)
    expectPrintable(outcome.output + outcome.errors)
    #expect(outcome.lines.count { $0.hasPrefix(Self.shown + " ") } == 1, "\(outcome.text)")
  }

  @Test(arguments: [["inspect"], ["measure", "--formats", "int4"]])
  func json(arguments: [String]) throws {
    let scratch = try Scratch()
    let outcome = try Program.run(
      [arguments[0], try scratch.write(model()), "--json"] + arguments.dropFirst())
    #expect(outcome.status == 0)
    // Nothing raw in the bytes, the very name for who reads the JSON.
    expectPrintable(outcome.output)
    let tensors = try #require(try outcome.object()["tensors"] as? [[String: Any]])
    #expect(tensors.contains { $0["name"] as? String == Self.name })
  }

  @Test func frame() throws {
    let scratch = try Scratch()
    let outcome = try Program.run([
      try scratch.write(model()), "--script", "G", "--size", "200x50", "--dump-frame",
    ])
    #expect(outcome.status == 0)
    expectPrintable(outcome.output)
    #expect(outcome.text.contains("bad\\x1b[31m"))
  }

  @Test func explorer() throws {
    let scratch = try Scratch()
    let terminal = try explore(try scratch.write(model()), size: .init(columns: 200, rows: 50))
    try #require(terminal.press("G", until: "bad\\x1b[31m"))
    try #require(terminal.press("kL", until: "logarithmic counts"))
    try #require(terminal.press("/bad\r", until: "bad\\x1b[31m"))
    terminal.expectQuits()
    let text = String(decoding: terminal.output, as: UTF8.self)
    #expect(!text.contains("owned\u{7}") && !text.contains("\u{202E}") && !text.contains("\u{9B}"))
  }

  @Test func patternThatMatchesNothing() throws {
    let scratch = try Scratch()
    let path = try scratch.write(model())
    let outcome = try Program.run(["measure", path, "--tensors", "x\u{1B}]0;\u{9B}\u{202E}*"])
    #expect(outcome.status == 1)
    expectOneLine(outcome)
  }

  @Test func paths() throws {
    let scratch = try Scratch()
    let name = "m\u{1B}[31m\u{9B}1m\u{202E}\n"
    let path = try scratch.write(model(), as: "\(name)odel.safetensors")
    for arguments in [["inspect", path], ["measure", path, "--formats", "int4"]] {
      let outcome = try Program.run(arguments)
      #expect(outcome.status == 0)
      expectPrintable(outcome.output + outcome.errors, "\(outcome.words.debugDescription)")
    }
    let broken = try scratch.write("\(name)broken.gguf", "GGUF")
    for command in ["inspect", "measure", "show"] {
      let outcome = try Program.run([command, broken])
      #expect(outcome.status == 1)
      expectOneLine(outcome, "\(outcome.words.debugDescription)")
    }
    let frame = try Program.run([path, "--dump-frame"])
    #expect(frame.status == 0)
    expectPrintable(frame.output, "\(frame.text.debugDescription)")
    // And the plan's path, which the message and the title show.
    let plan = scratch["\(name)plan.json"]
    let saved = try Program.run([path, "--plan", plan, "--script", "4s", "--dump-frame"])
    #expect(saved.status == 0 && FileManager.default.fileExists(atPath: plan))
    expectPrintable(saved.output)
    #expect(saved.text.contains("saved to "))
  }
}
