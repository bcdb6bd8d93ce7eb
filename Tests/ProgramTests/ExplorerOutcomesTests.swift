import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// What comes of a plan in the explorer: whether it fits a device, and the files for a quantizer.
@Suite(.serialized) struct ExplorerOutcomesTests {
  private static let configuration =
    #"{"model_type": "llama", "num_hidden_layers": 3, "num_attention_heads": 4, "#
    + #""num_key_value_heads": 2, "hidden_size": 128, "vocab_size": 256, "#
    + #""max_position_embeddings": 65536}"#

  /// A folder with a small model that says what it keeps of its context.
  private func model(_ scratch: Scratch) throws -> String {
    _ = try scratch.write(SampleModel.llama(), as: "model/model.safetensors")
    try scratch.write("model/config.json", Self.configuration)
    return scratch["model"]
  }

  // MARK: - Exports

  @Test func aScriptWritesWhatTheCommandWrites() throws {
    let scratch = try Scratch()
    let (plan, ours, theirs) = (scratch["plan.json"], scratch["a/t.txt"], scratch["b/t.txt"])
    for folder in ["a", "b"] {
      try FileManager.default.createDirectory(
        atPath: scratch[folder], withIntermediateDirectories: false)
    }
    let script =
      "m*mlp*<Enter>tq8_0<Enter>s<C-u>\(plan)<Enter>ellama<Enter><Enter><C-u>\(ours)<Enter>"
    let played = try Program.run(
      [try model(scratch), "--script", script, "--dump-frame"])
    #expect(played.status == 0 && played.errors.isEmpty, "\(played.words)")
    #expect(played.text.contains("Exported for llama-quantize"))
    let written = try Program.run(["export", plan, "--to", "llama-quantize", "-o", theirs])
    #expect(written.status == 0)
    let text = try scratch.text("b/t.txt")
    #expect(try scratch.text("a/t.txt") == text)
    #expect(text.contains("=q8_0\n"))
  }

  @Test func aUserExports() throws {
    let scratch = try Scratch()
    let terminal = try explore(try model(scratch))
    try #require(terminal.press("4", until: "unsaved"))
    try #require(terminal.press("e", until: "Export for which program?"))
    try #require(terminal.press("mlx\r", until: "take the nearest"))
    try #require(terminal.press("\r", until: "n first takes the nearest for 1 tensor"))
    try #require(terminal.press("n", until: "[x] n: take the nearest"))
    try #require(terminal.press("\r", until: "write for mlx-lm: "))
    try #require(terminal.press("\u{15}\(scratch["mine.json"])\r", until: "Exported for mlx-lm"))
    #expect(scratch.names.filter { $0.hasPrefix("mine") } == ["mine-convert.py", "mine.json"])
    #expect(try scratch.text("mine-convert.py").contains("\"mine.json\""))
    // Once more: never over a file in silence.
    try #require(terminal.press("\r", until: "? help"))
    try scratch.write("mine.json", "precious")
    try #require(terminal.press("emlx\r", until: "take the nearest"))
    try #require(terminal.press("n\r", until: "write for mlx-lm: "))
    try #require(
      terminal.press("\u{15}\(scratch["mine.json"])\r", until: "Those files are there already"))
    try #require(terminal.press("c", until: "? help"))
    #expect(try scratch.text("mine.json") == "precious")
    terminal.send("qd")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
  }

  // MARK: - Devices

  @Test func aDeviceIsGivenAtTheStart() throws {
    let scratch = try Scratch()
    let path = try model(scratch)
    let arguments = [path, "--device", "rtx4090", "--context", "32k", "--cache", "q8_0"]
    let played = try Program.run(arguments + ["--script", "", "--dump-frame"])
    #expect(played.status == 0 && played.errors.isEmpty, "\(played.words)")
    #expect(played.lines[1].contains("RTX 4090: 0.3 of 24 GiB at 32k · ≤ "))
    let listed = try Program.run(arguments + ["--script", "d", "--dump-frame"])
    #expect(listed.text.contains("context 32k   Tab cache q8_0"))
    let plain = try Program.run([path, "--script", "", "--dump-frame"])
    #expect(!plain.text.contains("RTX"))
  }

  @Test func devicesOfTheUsersOwnAreListed() throws {
    let scratch = try Scratch()
    try scratch.write(
      "config/bitladder/config.toml",
      """
      [[device]]
      name = "my server"
      memory = "200MiB"
      bandwidth = "768GB/s"
      """)
    let path = try model(scratch)
    let environment = ["XDG_CONFIG_HOME": scratch["config"]]
    let played = try Program.run(
      [path, "--device", "my server", "--script", "4", "--size", "80x24", "--dump-frame"],
      environment: environment)
    #expect(played.lines[1].contains("too large by 8"))
    let listed = try Program.run(
      [path, "--script", "d", "--dump-frame"], environment: environment)
    #expect(listed.lines.contains { $0.contains("my server") && $0.contains("too large") })
  }

  @Test(arguments: [["--device", "quux"], ["--context", "8k", "--cache", "q5_1:q4_0"]])
  func whatCannotBeIsRefused(arguments: [String]) throws {
    let scratch = try Scratch()
    // Keys of 16 numbers are no whole block.
    let path = try scratch.write(.llama(width: 32), as: "model/model.safetensors")
    try scratch.write(
      "model/config.json", Self.configuration.replacingOccurrences(of: "128", with: "32"))
    let outcome = try Program.run([path] + arguments + ["--script", "", "--dump-frame"])
    #expect(outcome.status == 1)
    expectOneLine(outcome)
  }
}
