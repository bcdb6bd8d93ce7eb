import Foundation
import PseudoTerminalSupport
import Terminal

/// What the built program writes to a terminal and how soon after a key, in pseudo-terminals of three sizes.
///
/// The peers, in the same run: a program that draws its whole screen anew for each key (as Ctrl-L has this one
/// do), and `less` moving by one line. Exits with 1 where a bound is exceeded.
enum TerminalBenchmark {
  /// What is allowed: bytes by the number of the terminal's cells, milliseconds at any size.
  private enum Bound {
    static func moving(_ size: Size) -> Double { 600 + Double(cells(size)) * 0.2 }
    static func stepping(_ size: Size) -> Double { 1000 + Double(cells(size)) * 0.3 }
    static func views(_ size: Size) -> Double { 1500 + Double(cells(size)) * 0.8 }
    static let measuringPerSecond = 4000.0
    static let median = 16.0
    static let slowest = 50.0

    private static func cells(_ size: Size) -> Int { size.columns * size.rows }
  }

  private static let sizes = [(80, 24), (120, 36), (200, 60)].map { Size(columns: $0, rows: $1) }

  static func run(_ options: BenchmarkOptions) {
    do {
      let exceeded = try measure(options)
      print("")
      for text in exceeded { print("exceeded: \(text)") }
      if !exceeded.isEmpty { exit(1) }
    } catch {
      print("terminal: \(error)")
      exit(1)
    }
  }

  private static func measure(_ options: BenchmarkOptions) throws -> [String] {
    let model = options.model ?? "SampleModels/austen"
    let rounds = options.quick ? 40 : 300
    let large = try largeModel()
    defer { try? FileManager.default.removeItem(atPath: large) }
    var exceeded: [String] = []
    func cell(_ value: Double, _ bound: Double, _ what: String, digits: Int = 0) -> String {
      let text = String(format: "%.\(digits)f", value)
      if value > bound { exceeded.append("\(what) \(text), at most \(Int(bound))") }
      return text
    }
    var bytes = [["bytes (mean)", "move", "step", "view", "a second of measuring", "whole screen"]]
    var times = [
      ["key to last byte, ms", "idle p50", "p99", "measuring p50", "p99", "less p50", "p99"]
    ]
    for size in sizes {
      let idle = try Session(model, size)
      let moves = idle.press(["j", "j", "j", "k", "k", "k"], rounds)
      let steps = idle.press(["\u{1B}[D", "\u{1B}[D", "\u{1B}[C", "\u{1B}[C"], rounds / 3)
      let views = idle.press(["]"], rounds / 10)
      let whole = idle.press(["\u{C}"], 5)
      let busy = try Session(large, size, isBusy: true)
      let background = busy.background(seconds: options.quick ? 2 : 5)
      let moving = busy.moves(rounds)
      let peer = try Session.less(size).press(["j", "j", "j", "k", "k", "k"], rounds)
      bytes.append([
        "\(size)", cell(moves.bytes, Bound.moving(size), "\(size): bytes for a move"),
        cell(steps.bytes, Bound.stepping(size), "\(size): bytes for a step"),
        cell(views.bytes, Bound.views(size), "\(size): bytes for a view"),
        cell(background, Bound.measuringPerSecond, "\(size): bytes for a second of measuring"),
        "\(Int(whole.bytes)) (\(String(format: "%.0f", whole.bytes / max(1, moves.bytes)))x a move)",
      ])
      let (now, then) = (moves.milliseconds, percentiles(moving))
      times.append([
        "\(size)", cell(now.p50, Bound.median, "\(size): ms idle, p50", digits: 2),
        cell(now.p99, Bound.slowest, "\(size): ms idle, p99", digits: 2),
        cell(then.p50, Bound.median, "\(size): ms while measuring, p50", digits: 2),
        cell(then.p99, Bound.slowest, "\(size): ms while measuring, p99", digits: 2),
        String(format: "%.2f", peer.milliseconds.p50),
        String(format: "%.2f (%.0f bytes)", peer.milliseconds.p99, peer.bytes),
      ])
    }
    print("In a terminal: \(model); measuring: a sparse model of the shapes of llama-70b")
    print(table(bytes) + "\n")
    print(table(times))
    return exceeded
  }

  /// A model that is measured for longer than this takes.
  private static func largeModel() throws -> String {
    let folder = NSTemporaryDirectory() + "/bitladder-terminal-\(UUID().uuidString)"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: PseudoTerminal.product("bitladder"))
    process.arguments = ["make-model", "--like", "llama-70b", "--sparse", "-o", folder]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(words: "no large model") }
    return folder
  }

  private struct Failure: Error, CustomStringConvertible {
    let words: String
    var description: String { words }
  }

  /// What some keys brought.
  private struct Answers {
    let bytes: Double
    let milliseconds: (p50: Double, p99: Double)
  }

  /// A program in a terminal.
  private struct Session {
    let terminal: PseudoTerminal

    init(_ model: String, _ size: Size, isBusy: Bool = false) throws {
      terminal = try PseudoTerminal(
        PseudoTerminal.product("bitladder"), [model, "--no-store"], size: size)
      let isReady = terminal.wait {
        $0.text.last?.contains("quit") == true && (isBusy || $0.line(1).contains("NMSE"))
      }
      guard isReady else { throw Failure(words: "the explorer didn't start") }
      // Something whose figures change while they are measured: 4 bits for all tensors.
      if isBusy { terminal.send("m*\r4") }
      terminal.watch(for: .seconds(1))
      if !isBusy { terminal.settle(quiet: 500) }
    }

    private init(_ terminal: PseudoTerminal) { self.terminal = terminal }

    /// The peer, on lines as long as a screen's.
    static func less(_ size: Size) throws -> Session {
      let file = NSTemporaryDirectory() + "/bitladder-less-\(UUID().uuidString)"
      defer { try? FileManager.default.removeItem(atPath: file) }
      let lines = (0..<1000).map { number in
        String(repeating: "line \(number) ", count: 40).prefix(size.columns - 1)
      }
      try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: file))
      let terminal = try PseudoTerminal("/usr/bin/env", ["less", "-S", file], size: size)
      guard terminal.wait(until: { $0.picture.contains("line 0") }) else {
        throw Failure(words: "there's no less")
      }
      terminal.settle()
      return Session(terminal)
    }

    /// Presses keys in turn, each when the one before is answered.
    func press(_ keys: [String], _ count: Int) -> Answers {
      var bytes = 0
      var delays: [Double] = []
      for index in 0..<max(count, keys.count) {
        let answer = terminal.answer(to: keys[index % keys.count])
        bytes += answer.bytes
        delays.append(milliseconds(answer.delay))
      }
      return Answers(
        bytes: Double(bytes) / Double(delays.count), milliseconds: percentiles(delays))
    }

    /// The bytes that come by themselves in a second.
    func background(seconds: Int) -> Double {
      let before = terminal.output.count
      terminal.watch(for: .seconds(seconds))
      return Double(terminal.output.count - before) / Double(seconds)
    }

    /// Moves up and down while other things are written, too: until the head of the list says so.
    func moves(_ count: Int) -> [Double] {
      (0..<count).compactMap { index in
        let before = terminal.screen.line(2)
        let start = ContinuousClock.now
        terminal.send(index % 6 < 3 ? "j" : "k")
        guard terminal.wait(until: { $0.line(2) != before }) else { return nil }
        let delay = milliseconds(ContinuousClock.now - start)
        terminal.watch(for: .milliseconds(5))
        return delay
      }
    }
  }

  private static func milliseconds(_ duration: Duration) -> Double {
    let parts = duration.components
    return Double(parts.seconds) * 1000 + Double(parts.attoseconds) * 1e-15
  }

  private static func percentiles(_ times: [Double]) -> (p50: Double, p99: Double) {
    let sorted = times.sorted()
    guard let last = sorted.last else { return (.infinity, .infinity) }
    return (sorted[sorted.count / 2], sorted.count < 100 ? last : sorted[sorted.count * 99 / 100])
  }
}
