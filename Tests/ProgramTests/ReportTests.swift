import Foundation
import Testing

/// `bitladder report`, and pictures of frames.
struct ReportTests {
  private struct Sample {
    let scratch: Scratch
    let model: String
    let plan: String

    init() throws {
      scratch = try Scratch()
      model = try scratch.write(SampleModel.llama())
      plan = scratch["sample.plan.json"]
      #expect(try Program.run(["plan", model, "--budget", "5bpw", "-o", plan]).status == 0)
    }
  }

  @Test func aPlanAsHTML() throws {
    let sample = try Sample()
    let file = sample.scratch["report.html"]
    let arguments = ["report", sample.model, "--plan", sample.plan, "-o", file]
    let outcome = try Program.run(arguments)
    #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome.words)")
    let text = try sample.scratch.text("report.html")
    #expect(text.hasPrefix("<!DOCTYPE html>"))
    for part in [
      "Heat map", "Frontier", "Weights of the tensors", "Formats", "Tensors", "mlx_4bit",
      "made for a budget of 5.0 bits per weight", "Where it fits isn&#39;t known",
      "bitladder report \(sample.model)",
    ] {
      #expect(text.contains(part), "\(part)")
    }
    // Not overwritten unless asked to; then the same bytes.
    let again = try Program.run(arguments)
    #expect(again.status == 1)
    expectOneLine(again)
    let printed = try Program.run(Array(arguments.dropLast(2)) + ["-o", "-"])
    #expect(printed.status == 0)
    let command = "bitladder report \(sample.model) --plan \(sample.plan) -o "
    #expect(
      printed.text.replacing(command + "-", with: "") == text.replacing(command + file, with: ""))
  }

  @Test func markdownByNameOrOption() throws {
    let sample = try Sample()
    let file = sample.scratch["report.md"]
    let arguments = ["report", sample.model, "--plan", sample.plan, "--date", "today"]
    #expect(try Program.run(arguments + ["-o", file]).status == 0)
    let printed = try Program.run(arguments + ["--format", "markdown", "-o", "-"])
    #expect(printed.lines.first == "# `sample`")
    #expect(try sample.scratch.text("report.md").hasPrefix("# `sample`\n"))
    #expect(printed.text.contains("today"))
  }

  @Test func withoutAPlanOneFormatForAll() throws {
    let sample = try Sample()
    let outcome = try Program.run(["report", sample.model, "-o", "-"])
    #expect(outcome.status == 0)
    #expect(outcome.text.contains("what int4 would do to all tensors"))
    let estimated = try Program.run(
      ["report", sample.model, "--sample", "512", "--no-store", "-o", "-"])
    #expect(estimated.status == 0, "\(estimated.words)")
    #expect(estimated.text.contains("estimated from samples"))
  }

  @Test func devicesWhereTheCacheIsKnown() throws {
    let sample = try Sample()
    _ = try sample.scratch.write(SampleModel.llama(), as: "model/model.safetensors")
    try sample.scratch.write(
      "model/config.json",
      #"{"model_type": "llama", "num_hidden_layers": 3, "num_attention_heads": 4, "#
        + #""num_key_value_heads": 2, "hidden_size": 128, "vocab_size": 256}"#)
    let outcome = try Program.run(
      ["report", sample.scratch["model"], "--device", "L4", "--context", "4k", "-o", "-"])
    #expect(outcome.status == 0, "\(outcome.words)")
    #expect(outcome.text.contains("Where it fits") && outcome.text.contains("4k tokens, f16"))
    #expect(!outcome.text.contains("RTX 4090"))
  }

  @Test(arguments: [
    ["--sample", "0", "-o", "-"], ["--format", "pdf", "-o", "-"], [],
    ["--context", "x", "-o", "-"],
  ])
  func wrongCommandLines(_ arguments: [String]) throws {
    let sample = try Sample()
    #expect(try Program.run(["report", sample.model] + arguments).status == 2)
  }

  @Test func aPictureOfAFrame() throws {
    let sample = try Sample()
    let outcome = try Program.run(
      [sample.model, "--script", "4", "--size", "90x30", "--dump-svg"])
    #expect(outcome.status == 0)
    #expect(outcome.text.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"736\""))
    #expect(outcome.text.hasSuffix("</svg>\n") && outcome.text.contains("int4"))
  }

  // MARK: - A browser

  private static let browser = ProcessInfo.processInfo.environment["CHROMIUM"]

  /// Opt-in: CHROMIUM=chromium (Debian's package) names the browser.
  @Test(.enabled(if: browser != nil), arguments: ["390,844", "1280,900"])
  func aBrowserRendersIt(_ window: String) throws {
    let sample = try Sample()
    let file = sample.scratch["report.html"]
    let picture = sample.scratch["picture.png"]
    #expect(
      try Program.run(["report", sample.model, "--plan", sample.plan, "-o", file]).status == 0)
    let options =
      "--headless --no-sandbox --disable-gpu --enable-logging=stderr --window-size=\(window)"
    let browse = "exec \"$1\" \(options) --user-data-dir=\"$3\""
    let arguments = [try #require(Self.browser), "file://\(file)", sample.scratch["profile"]]
    let dump = try Program.shell("\(browse) --dump-dom \"$2\"", arguments)
    #expect(dump.status == 0)
    #expect(dump.text.contains("</html>") && dump.text.contains("Frontier"))
    #expect(!dump.words.contains("CONSOLE"), "\(dump.words)")
    let shot = try Program.shell(
      "\(browse) --screenshot=\"$4\" \"$2\"", arguments + [picture])
    #expect(shot.status == 0)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: picture))
    // A blank page of that size takes a few KB.
    #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) && bytes.count > 30_000)
  }
}
