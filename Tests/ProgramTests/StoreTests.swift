import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// The store of measurements from outside: several runs, several programs, killed ones.
struct StoreTests {
  private let scratch: Scratch
  private let model: String
  private let formats = "int8,int4,int3:mse,q4_0"

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama(blocks: 2, width: 96))
  }

  private func measure(_ arguments: [String], store: String = "s") throws -> Program.Outcome {
    try Program.run(
      ["measure", model, "--json", "--formats", formats, "--store", scratch[store]] + arguments)
  }

  private func info(_ store: String = "s") throws -> [String: Any] {
    try Program.run(["store", "info", "--store", scratch[store], "--json"]).object()
  }

  @Test func sameFiguresFromTheStore() throws {
    let fresh = try Program.run(["measure", model, "--json", "--formats", formats, "--no-store"])
    let first = try measure([])
    let second = try measure([])
    #expect(fresh.status == 0 && first.output == fresh.output && second.output == fresh.output)
    #expect(second.errors.isEmpty, "\(second.words)")
    #expect(try info()["findings"] as? Int == 16 * 4)
    // The log goes when the last one closes.
    #expect(scratch.names == ["s", "sample.safetensors"])
  }

  @Test func whatIsKnownIsntEstimated() throws {
    let large = try scratch.write(.llama(blocks: 1, width: 256), as: "large.safetensors")
    let arguments = [
      "measure", large, "--json", "--formats", formats, "--store", scratch["other"],
    ]
    let sample = arguments + ["--sample", "4096"]
    let estimated = try Program.run(sample)
    let exact = try Program.run(arguments)
    #expect(estimated.status == 0 && estimated.output != exact.output)
    #expect(try Program.run(sample).output == exact.output)
  }

  @Test func inTheCacheFolder() throws {
    let environment = ["XDG_CACHE_HOME": scratch["cache"]]
    let outcome = try Program.run(
      ["measure", model, "--formats", "int4"], environment: environment)
    #expect(outcome.status == 0)
    #expect(FileManager.default.fileExists(atPath: scratch["cache/bitladder/measurements.sqlite"]))
    let none = try Program.run(
      ["measure", model, "--formats", "int4", "--no-store"],
      environment: ["XDG_CACHE_HOME": scratch["other"]])
    #expect(none.output == outcome.output)
    #expect(!FileManager.default.fileExists(atPath: scratch["other"]))
    let cleared = try Program.run(["store", "clear"], environment: environment)
    #expect(cleared.status == 0)
    let info = try Program.run(["store", "info", "--json"], environment: environment)
    #expect(try info.object()["findings"] as? Int == 0)
  }

  /// Killed at any moment: the store is whole, and the next run ends with the right figures.
  @Test func killedWhileMeasuring() throws {
    let large = try scratch.write(.llama(blocks: 4, width: 384), as: "large.safetensors")
    let arguments = ["measure", large, "--json", "--formats", "int8,int4,int3:entropy,int4:mse"]
    let fresh = try Program.run(arguments + ["--no-store"])
    for round in 0..<6 {
      _ = try Program.shell(
        "\"$0\" \"$@\" & sleep 0.\(20 + 13 * round); kill -9 $!; wait",
        arguments + ["--store", scratch["k"]])
      if round % 2 == 1 {
        let info = try Program.run(["store", "info", "--store", scratch["k"], "--json"])
        #expect(info.errors.isEmpty, "\(info.words)")
      }
    }
    let last = try Program.run(arguments + ["--store", scratch["k"]])
    #expect(last.status == 0 && last.errors.isEmpty, "\(last.words)")
    #expect(last.output == fresh.output)
    #expect(!scratch.names.contains { $0.contains("damaged") })
  }

  @Test func severalAtOnce() throws {
    let outcome = try Program.shell(
      """
      for i in 1 2 3 4; do
        "$0" measure "$1" --json --formats \(formats) --store "$2" >"$2.$i" 2>"$2.errors.$i" &
      done
      wait
      """, [model, scratch["s"]])
    #expect(outcome.status == 0)
    let reference = try measure([])
    for index in 1...4 {
      #expect(try scratch.text("s.\(index)") == reference.text)
      let errors = try scratch.text("s.errors.\(index)")
      #expect(errors.isEmpty, "\(errors)")
    }
    #expect(try info()["findings"] as? Int == 16 * 4)
  }

  @Test(arguments: ["noise", "words", "half"]) func damaged(kind: String) throws {
    let fresh = try measure([])
    let good = Array(try Data(contentsOf: URL(fileURLWithPath: scratch["s"])))
    var generator = SeededGenerator(seed: 3)
    let bytes: [UInt8] =
      switch kind {
      case "noise": good.map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      case "words": Array("not a database, but words\n".utf8)
      default: Array(good.prefix(good.count / 2))
      }
    try scratch.write("s", bytes)
    let outcome = try measure([])
    #expect(outcome.status == 0 && outcome.output == fresh.output)
    #expect(outcome.errorLines.count == 1 && outcome.words.contains("set aside as"))
    expectPrintable(outcome.errors)
    let again = try measure([])
    #expect(again.output == fresh.output && again.errors.isEmpty, "\(again.words)")
  }

  /// Places where no store can be: it says so in a line and goes on.
  @Test func impossiblePlaces() throws {
    mkfifo(scratch["fifo"], 0o600)
    for path in [scratch.path, scratch["fifo"], "/dev/null", "/proc/store/s", model, ""] {
      let outcome = try Program.run(["measure", model, "--formats", "int4", "--store", path])
      #expect(outcome.status == 0 && outcome.lines.count == 17, "\(path): \(outcome.words)")
      #expect(outcome.errorLines.count == 1, "\(path): \(outcome.words)")
      #expect(outcome.words.contains("going on without it"), "\(path): \(outcome.words)")
    }
  }

  /// One may be read but not written: as somebody who isn't the owner sees it.
  @Test func readOnly() throws {
    let fresh = try measure([])
    chmod(scratch["s"], 0o444)
    chmod(scratch.path, 0o555)
    defer { chmod(scratch.path, 0o755) }
    let isRoot = getuid() == 0
    let command =
      isRoot ? "exec setpriv --reuid 65534 --clear-groups -- \"$0\" \"$@\"" : "exec \"$0\" \"$@\""
    if isRoot,
      try Program.shell("exec setpriv --reuid 65534 --clear-groups -- \"$0\" --help").status != 0
    {
      return
    }
    let outcome = try Program.shell(
      command,
      ["measure", model, "--json", "--formats", formats + ",int5", "--store", scratch["s"]])
    #expect(outcome.status == 0)
    #expect(
      outcome.errorLines.count == 1 && outcome.words.contains("read-only"), "\(outcome.words)")
    let same = try Program.shell(
      command, ["measure", model, "--json", "--formats", formats, "--store", scratch["s"]])
    #expect(same.output == fresh.output)
  }

  @Test func fullDisk() throws {
    let outcome = try Program.shell(
      "ulimit -f 16; exec \"$0\" \"$@\"",
      ["measure", model, "--formats", formats, "--store", scratch["s"]])
    #expect(outcome.status == 0 && outcome.lines.count == 1 + 16 * 4)
    #expect(outcome.errorLines.count == 1, "\(outcome.words)")
    // With room again, it goes on.
    #expect(try measure([]).errors.isEmpty)
    #expect(try info()["findings"] as? Int == 16 * 4)
  }

  @Test func shards() throws {
    let whole = try measure([], store: "whole")
    for index in 1...3 {
      let outcome = try measure(["--shard", "\(index)/3"], store: "part\(index)")
      #expect(outcome.status == 0)
    }
    let merged = try Program.run(
      ["store", "merge", scratch["s"]] + (1...3).map { scratch["part\($0)"] })
    #expect(merged.status == 0 && merged.errorLines.count == 3, "\(merged.words)")
    #expect(try info()["findings"] as? Int == 16 * 4)
    #expect(try measure([]).output == whole.output)
    for shard in ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3"] {
      #expect(try measure(["--shard=\(shard)"]).status == 2)
    }
    let none = try Program.run(["store", "merge", scratch["s"], scratch["nothing"]])
    #expect(none.status == 1)
    #expect(none.errorLines.count == 1 && none.words.contains("no such file"), "\(none.words)")
  }

  /// The explorer shows at once what was measured before, and says what is wrong with the store.
  @Test func explorer() throws {
    let arguments = ["--script", "4<Down>3", "--dump-frame", "--size", "120x40"]
    let first = try Program.run([model, "--store", scratch["s"]] + arguments)
    let count = try #require(try info()["findings"] as? Int)
    #expect(count > 10)
    let second = try Program.run([model, "--store", scratch["s"]] + arguments)
    #expect(first.status == 0 && second.output == first.output)
    #expect(try #require(try info()["findings"] as? Int) >= count)
    try scratch.write("s", "noise, noise, noise")
    let terminal = try explore(
      model, ["--store", scratch["s"]], size: Size(columns: 240, rows: 40))
    #expect(terminal.wait(for: "set aside"), "\(terminal.screen.picture)")
    terminal.expectQuits()
    #expect(try #require(try info()["findings"] as? Int) > 10)
  }
}
