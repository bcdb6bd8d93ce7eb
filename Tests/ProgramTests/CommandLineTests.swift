import Foundation
import Testing

/// Help, versions, and command lines that are wrong.
struct CommandLineTests {
  static let commands = ["explore", "inspect", "measure", "show"]

  @Test func help() throws {
    let outcome = try Program.run(["--help"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    for word in Self.commands + ["USAGE", "SUBCOMMANDS", ".safetensors", "never downloaded"] {
      let flat = outcome.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(flat.contains(word) || flat.contains("ever downloaded"), "\(word)")
    }
    expectPrintable(outcome.output)
  }

  @Test(arguments: commands) func helpOfCommand(command: String) throws {
    let outcome = try Program.run([command, "--help"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.text.contains("USAGE: bitladder \(command)"))
    #expect(outcome.text.contains("OVERVIEW: "))
    // By the other way, too.
    #expect(try Program.run(["help", command]).text == outcome.text)
  }

  @Test func everyOptionIsExplained() throws {
    for command in Self.commands {
      let text = try Program.run([command, "--help"]).text
      let options = text.split(separator: "\n").filter {
        $0.hasPrefix("  --") || $0.hasPrefix("  <")
      }
      #expect(!options.isEmpty)
      for (index, line) in options.enumerated() {
        // The explanation stands on the same line or alone on the next.
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        let next =
          text.components(separatedBy: "\n")
          .drop { $0 != line }.dropFirst().first ?? ""
        #expect(words.count > 2 || next.hasPrefix("      "), "\(command) \(index): \(line)")
      }
    }
  }

  @Test func version() throws {
    let outcome = try Program.run(["--version"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.text.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func completion(shell: String) throws {
    let outcome = try Program.run(["--generate-completion-script", shell])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.text.contains("bitladder"))
    for word in Self.commands { #expect(outcome.text.contains(word)) }
  }

  /// What bash makes of the script has no mistake in it.
  @Test func completionForBashIsValid() throws {
    let outcome = try Program.shell(
      "command -v bash >/dev/null || exit 0; \"$0\" --generate-completion-script bash | bash -n")
    #expect(outcome.status == 0 && outcome.words.isEmpty, "\(outcome.words)")
  }

  @Test(arguments: [
    [], ["inspect"], ["measure"], ["show"], ["inspect", "a", "b"], ["inspect", "--nonsense", "a"],
    ["show", "--stats", "a"], ["measure", "a", "--formats"], ["measure", "a", "--tensors", ""],
    ["measure", "a", "--tensors", "/(/"], ["measure", "a", "--formats", ""],
    ["explore"], ["a", "--color", "pink"], ["a", "--ladder", "int9"],
    ["--generate-completion-script", "csh"],
  ]) func wrongCommandLines(arguments: [String]) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.words.hasPrefix("Error: "), "\(outcome.words)")
    expectPrintable(outcome.errors)
  }

  @Test func wrongCommandLineIsNotObeyedByTheTerminal() throws {
    let outcome = try Program.run(["inspect", "a", "b\u{1B}]0;title\u{7}\u{9B}31m\u{202E}"])
    #expect(outcome.status == 2)
    expectPrintable(outcome.errors, "\(outcome.words.debugDescription)")
  }

  @Test(arguments: [
    ("int99", "int"), ("imt4", "int4"), ("int4:symm", "sym"), ("f8_e4", "f8_e4m3"),
    ("bf61", "bf16"),
    ("int4:g100", "32, 64, 128 or 256"), ("int8:affine:sym", "contradicts"),
  ]) func unknownFormats(name: String, hint: String) throws {
    let scratch = try Scratch()
    let model = try scratch.write(.llama(blocks: 1))
    for arguments in [
      ["measure", model, "--formats", "int8,\(name)"], [model, "--ladder", name, "--dump-frame"],
    ] {
      let outcome = try Program.run(arguments)
      #expect(outcome.status == 2)
      #expect(outcome.output.isEmpty)
      #expect(outcome.words.contains("\"\(name)\""), "\(outcome.words)")
      #expect(outcome.words.contains(hint), "\(outcome.words)")
    }
  }

  @Test func unknownFormatIsNotObeyedByTheTerminal() throws {
    let outcome = try Program.run(["measure", "a", "--formats", "int4\u{1B}[31m\u{9B}1m"])
    #expect(outcome.status == 2)
    expectPrintable(outcome.errors)
  }

  @Test(arguments: ["inspect", "measure", "show"]) func noSuchFile(command: String) throws {
    let scratch = try Scratch()
    let outcome = try Program.run([command, scratch["none.gguf"]])
    #expect(outcome.status == 1)
    expectOneLine(outcome)
    #expect(outcome.words.contains("none.gguf: found no such file"))
  }

  @Test(arguments: ["inspect", "measure", "show"]) func notAModelOrPlan(command: String) throws {
    let scratch = try Scratch()
    let file = try scratch.write("notes.txt", "Just words.\n")
    let folder = try scratch.write("empty/keep", "")
    for path in [file, (folder as NSString).deletingLastPathComponent, "/dev/null", ""] {
      let outcome = try Program.run([command, path])
      #expect(outcome.status == 1, "\(path)")
      expectOneLine(outcome, "\(path): \(outcome.words)")
      #expect(outcome.words.contains("expected "), "\(outcome.words)")
    }
  }

  /// A reader that has seen enough ends the program without words.
  @Test func closedPipe() throws {
    let scratch = try Scratch()
    let model = try scratch.write(.llama(blocks: 40, width: 48))
    let outcome = try Program.shell(
      "\"$0\" inspect \"$1\" --json | head -c 100; \"$0\" measure \"$1\" | head -n 1", [model])
    #expect(outcome.words.isEmpty, "\(outcome.words)")
    #expect(outcome.text.contains("\"model\""))
  }

  /// Results that can't be written are not taken for written.
  @Test func fullDisk() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    let scratch = try Scratch()
    let model = try scratch.write(.llama(blocks: 1))
    for arguments in ["inspect \"$1\"", "inspect \"$1\" --json", "measure \"$1\" --formats int8"] {
      let outcome = try Program.shell("\"$0\" \(arguments) >/dev/full", [model])
      #expect(outcome.status == 1, "\(arguments)")
      #expect(outcome.errorLines.count == 1, "\(outcome.words)")
    }
  }
}
