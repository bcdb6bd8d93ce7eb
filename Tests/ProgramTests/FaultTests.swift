import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// Disks that are full, files that change under the explorer.
@Suite(.serialized) struct FaultTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama(blocks: 1))
  }

  /// Targets that are no place for a plan: it says so, keeps the plan, and takes another name.
  @Test(arguments: [
    ("/dev/full", "device"), (".", "folder"), ("fifo", "pipe"), ("dangling", "link"),
    ("missing/plan.json", "no such file"), ("readonly/plan.json", "permission denied"),
  ]) func badTargets(name: String, word: String) throws {
    mkfifo(scratch["fifo"], 0o600)
    symlink(scratch["nowhere"], scratch["dangling"])
    mkdir(scratch["readonly"], 0o555)
    let target = name.hasPrefix("/") ? name : scratch[name]
    let terminal = try exploreAsSomebody(model, size: Size(columns: 250, rows: 40))
    try #require(terminal.press("4s", until: "save as: "))
    terminal.send("\u{15}\(target)\r")
    // All of the line: a frame can come in parts.
    try #require(
      terminal.wait { $0.picture.contains("not saved: ") && $0.picture.contains(word) },
      "\(terminal.screen.text.suffix(2))")
    #expect(terminal.screen.text[0].contains("unsaved"))
    try #require(terminal.press("\u{15}\(scratch["good.json"])\r", until: "saved to "))
    terminal.expectQuits()
    #expect(try scratch.text("good.json").contains("\"int4\""))
  }

  /// As somebody whom folders can keep out; where that's not to be had, as who runs the tests.
  private func exploreAsSomebody(_ model: String, size: Size) throws -> PseudoTerminal {
    let somebody = ["--reuid", "65534", "--clear-groups", "--"]
    guard getuid() == 0,
      try Program.shell("exec setpriv \(somebody.joined(separator: " ")) \"$0\" --help").status == 0
    else { return try explore(model, size: size) }
    chmod(scratch.path, 0o777)
    let terminal = try PseudoTerminal(
      "/bin/sh", ["-c", "exec setpriv \"$@\"", "sh"] + somebody + [Program.path, model], size: size)
    try #require(terminal.wait(until: isWhole), "\(terminal.screen.picture)")
    return terminal
  }

  /// In the folder at hand, under names of one character.
  @Test func shortNames() throws {
    for (number, command) in [
      "\"$1\" --script '4S<C-u>x<Enter>'", "\"$1\" --script '4R<C-u>x<Enter>'",
      "measure \"$1\" --formats int4 --store x", "report \"$1\" --output x",
    ].enumerated() {
      let outcome = try Program.shell(
        "mkdir \"$2\" && cd \"$2\" && \"$0\" \(command)", [model, scratch["here\(number)"]])
      #expect(outcome.status == 0, "\(command): \(outcome.words)")
      #expect(FileManager.default.fileExists(atPath: scratch["here\(number)/x"]), "\(command)")
    }
  }

  /// The disk is full in the middle of saving: the old file is as it was, and nothing is left behind.
  @Test func fileSizeLimit() throws {
    let plan = try ShowTests.savedPlan(scratch)
    let before = try scratch.text("plan.json")
    let terminal = try PseudoTerminal(
      "/bin/sh",
      [
        "-c", "ulimit -f 1; exec \"$0\" \"$@\"", Program.path, scratch["sample.safetensors"],
        "--plan", plan,
      ], size: Size(columns: 200, rows: 40))
    try #require(terminal.wait(until: isWhole))
    try #require(terminal.press("2", until: "unsaved"))
    try #require(terminal.press("s", until: "not saved: "))
    #expect(terminal.screen.text[0].contains("unsaved"))
    terminal.send("\u{1B}qd")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
    #expect(try scratch.text("plan.json") == before)
    #expect(scratch.names == ["plan.json", "sample.safetensors"])
  }

  /// A link is written through, and stays one.
  @Test func symbolicLink() throws {
    try scratch.write("real/plan.json", "")
    unlink(scratch["real/plan.json"])
    let plan = try ShowTests.savedPlan(scratch)
    try FileManager.default.moveItem(atPath: plan, toPath: scratch["real/plan.json"])
    symlink("real/plan.json", plan)
    let outcome = try Program.run([
      scratch["sample.safetensors"], "--plan", plan, "--script", "2s",
    ])
    #expect(outcome.status == 0)
    #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: plan)) == "real/plan.json")
    #expect(try scratch.text("real/plan.json").contains("\"int2\""))
  }

  /// The file is cut short while it is read: no death, a word, and saving still works.
  @Test func truncated() throws {
    let large = SampleModel.llama(blocks: 4, width: 384)
    for round in 0..<6 {
      let path = try scratch.write(large, as: "large.safetensors")
      let plan = scratch["plan\(round).json"]
      let terminal = try explore(path, ["--plan", plan])
      // At various moments of the measuring.
      terminal.send("4j8j")
      terminal.watch(for: .milliseconds(10 * round))
      let size = [0, 4096, large.byteCount / 2][round % 3]
      #expect(truncate(path, off_t(size)) == 0)
      for keys in ["jjj4", "*6", "gG", "\u{1B}[5~2"] {
        terminal.send(keys)
        terminal.watch(for: .milliseconds(10))
      }
      try #require(
        terminal.press("s", until: "saved to "), "\(round): \(terminal.screen.picture)")
      terminal.expectQuits("\(round)")
      let shown = try Program.run(["show", plan, "--json"])
      #expect(shown.status == 0, "\(shown.words)")
    }
  }

  /// What was lost says so; its figures aren't invented.
  @Test func truncatedSaysSo() throws {
    let path = try scratch.write(.llama(blocks: 2), as: "cut.safetensors")
    let terminal = try explore(path)
    try #require(terminal.wait(until: isMeasured))
    #expect(!terminal.screen.picture.contains("can't be read"))
    #expect(truncate(path, 4096) == 0)
    terminal.send("G")
    terminal.send("tint5:mse\r")
    try #require(terminal.wait(for: "can't be read"), "\(terminal.screen.picture)")
    terminal.send("qd")
    #expect(terminal.waitForExit() == .exited(0))
    expectRestored(terminal)
  }

  /// The same for a command: all figures, or one line that says why not.
  @Test func truncatedWhileMeasuring() throws {
    let large = SampleModel.llama(blocks: 4, width: 384)
    let commands = [
      "measure \"$1\" --formats int8,int4:entropy,int3:mse", "inspect \"$1\" --stats",
    ]
    for round in 0..<8 {
      let path = try scratch.write(large, as: "large.safetensors")
      let outcome = try Program.shell(
        "\"$0\" \(commands[round % 2]) & sleep 0.\(100 + 40 * round); truncate -s 4096 \"$1\"; wait $!",
        [path])
      let comment: Comment = "\(round): \(outcome.words)"
      guard outcome.status == 0 else {
        #expect(outcome.status == 1, comment)
        expectOneLine(outcome, comment)
        continue
      }
      let matrices = large.tensors.count { $0.shape.count == 2 }
      let lines = round % 2 == 0 ? 1 + 3 * matrices : 2 + large.tensors.count
      #expect(outcome.lines.count == lines, comment)
      if round % 2 == 1 {
        #expect(outcome.lines[1].split(separator: " ").count > 8, comment)
      }
    }
  }

  /// Other content in the same file, or another file in its place: it goes on, and saves.
  @Test(arguments: [false, true]) func replaced(byRenaming: Bool) throws {
    let path = try scratch.write(.llama(blocks: 2), as: "changing.safetensors")
    let plan = scratch["plan.json"]
    let terminal = try explore(path, ["--plan", plan])
    let noise = [UInt8](repeating: 0x5A, count: 100_000)
    if byRenaming {
      rename(try scratch.write("other", noise), path)
    } else {
      let file = try #require(FileHandle(forWritingAtPath: path))
      try file.write(contentsOf: noise)
      try file.close()
    }
    terminal.send("*4jjj8tint5:mse\r")
    try #require(terminal.press("s", until: "saved to "), "\(terminal.screen.picture)")
    terminal.expectQuits()
    #expect(try Program.run(["show", plan, "--json"]).status == 0)
  }

  @Test func removed() throws {
    let path = try scratch.write(.llama(), as: "gone.safetensors")
    let plan = scratch["plan.json"]
    let terminal = try explore(path, ["--plan", plan])
    unlink(path)
    // What is open stays readable.
    terminal.send("*4")
    try #require(
      terminal.wait { isMeasured($0) && $0.text[0].contains("unsaved") },
      "\(terminal.screen.picture)")
    try #require(terminal.press("s", until: "saved to "))
    terminal.expectQuits()
  }

  @Test func planFolderRemoved() throws {
    try scratch.write("folder/keep", "")
    let terminal = try explore(
      model, ["--plan", scratch["folder/plan.json"]], size: Size(columns: 250, rows: 40))
    try #require(terminal.press("4", until: "unsaved"))
    try FileManager.default.removeItem(atPath: scratch["folder"])
    try #require(terminal.press("s", until: "not saved: "))
    terminal.send("\u{15}\(scratch["plan.json"])\r")
    try #require(terminal.wait(for: "saved to "))
    terminal.expectQuits()
  }
}
