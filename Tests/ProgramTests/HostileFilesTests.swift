import Foundation
import PseudoTerminalSupport
import Testing

/// Plans, recipes and configurations that attack memory, time or arithmetic: one short line each.
@Suite(.serialized) struct HostileFilesTests {
  private let scratch: Scratch
  private let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama(blocks: 1))
  }

  /// What is wrong with a file, and how to make it of a good plan.
  enum Attack: String, CaseIterable {
    case deep, longLine, longNumber, millionTensors, manyKeys, hugeSize, hugeTotal, twice, keyTwice
    case unknownFormat, noText

    func bytes(_ plan: String) -> [UInt8] {
      func changed(_ key: String, _ value: String) -> [UInt8] {
        let range = plan.range(of: "\"\(key)\": [0-9]+", options: .regularExpression)
        return Array(
          (range.map { plan.replacingCharacters(in: $0, with: "\"\(key)\": \(value)") } ?? plan)
            .utf8)
      }
      func filled(_ start: String, _ byte: UInt8, _ count: Int, _ end: String) -> [UInt8] {
        Array(start.utf8) + [UInt8](repeating: byte, count: count) + Array(end.utf8)
      }
      switch self {
      case .deep: return filled("{\"bitladder\":", 0x5B, 100_000, "")
      case .longLine: return filled("{\"bitladder\":1,\"x\":\"", 0x61, 100_000_000, "\"}")
      case .longNumber: return filled("{\"bitladder\":1,\"x\":", 0x39, 10_000_000, "}")
      case .millionTensors:
        let entries = [String](repeating: "{\"name\":\"a\"}", count: 1_000_000)
        return Array(
          ("{\"bitladder\":1,\"tensors\":[" + entries.joined(separator: ",") + "]}").utf8)
      case .manyKeys:
        return Array(("{" + (0..<300_000).map { "\"\($0)\":0" }.joined(separator: ",") + "}").utf8)
      case .hugeSize: return changed("bytes", "1e308")
      case .hugeTotal: return changed("weights", "99999999999999999999")
      case .twice:
        return Array(plan.replacingOccurrences(of: "k_proj", with: "q_proj").utf8)
      case .keyTwice: return Array(("{\"bitladder\": 1, " + plan.dropFirst()).utf8)
      case .unknownFormat: return Array(plan.replacingOccurrences(of: "int4", with: "int4:q").utf8)
      case .noText: return [UInt8](repeating: 0xFF, count: 1_000_000)
      }
    }
  }

  /// Within some memory and time, which a file of 100 MB needs a good part of.
  private func expectRefused(
    _ line: String, _ arguments: [String], _ comment: Comment, setting: String = "LC_ALL=C"
  ) throws {
    let start = ContinuousClock.now
    let outcome = try Program.shell(
      "ulimit -v 4000000; export \(setting); exec \"$0\" \(line)", arguments)
    #expect(outcome.status == 1, comment)
    expectOneLine(outcome, comment)
    #expect(outcome.errors.count < 1000, comment)
    #expect(ContinuousClock.now - start < .seconds(45), comment)
  }

  @Test(arguments: Attack.allCases) func plans(attack: Attack) throws {
    let plan = try ShowTests.savedPlan(scratch)
    let good = try scratch.text("plan.json")
    try scratch.write("plan.json", attack.bytes(good))
    let lines = ["show \"$1\" --json", "\"$2\" --plan \"$1\" --script ''"]
    for line in lines {
      try expectRefused(line, [plan, scratch["sample.safetensors"]], "\(attack.rawValue): \(line)")
    }
  }

  @Test(arguments: [
    (String(repeating: "[", count: 100_000), 1), ("attn_q=q99", 1), ("=", 1), ("[a=q4_k", 1),
    ("{\"a\": ", 100_000), ("a", 100_000_000), ("a=q4_k ", 1_000_000), ("{\"a\": 1e308}", 1),
    ("{\"a\": {\"bits\": 1e308}}", 1), ("{\"a\": {\"bits\": 4}, \"a\": {\"bits\": 4}}", 1),
  ]) func recipes(part: String, count: Int) throws {
    try scratch.write("recipe", [[UInt8]](repeating: Array(part.utf8), count: count).flatMap { $0 })
    try expectRefused(
      "\"$1\" --recipe \"$2\" --script ''", [model, scratch["recipe"]],
      "\(part.prefix(30)) \(count) times")
  }

  @Test(arguments: [
    ("a = ", "[", 100_000), ("a = \"", "x", 100_000_000), ("", "k = 1\n", 200_000),
    ("a = 1\na = 1\n", "", 0),
  ]) func configurations(start: String, part: String, count: Int) throws {
    try scratch.write(
      "config/bitladder/config.toml",
      Array(start.utf8) + [[UInt8]](repeating: Array(part.utf8), count: count).flatMap { $0 })
    try expectRefused(
      "devices", [scratch["config"]], "\(start) \(part) \(count) times",
      setting: "XDG_CONFIG_HOME=\"$1\"")
  }
}
