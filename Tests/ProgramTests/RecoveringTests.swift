import Foundation
import PseudoTerminalSupport
import Terminal
import Testing

/// Nothing that a user did is lost, however a session ends.
@Suite(.serialized) struct RecoveringTests {
  private let scratch: Scratch
  private let model: String
  private let state: [String: String?]

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(.llama())
    state = ["XDG_STATE_HOME": scratch["state"]]
  }

  private var journals: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: scratch["state/bitladder/journals"]))
      ?? []
  }

  @Test(arguments: [SIGKILL, SIGHUP, SIGTERM, SIGSEGV])
  func aSessionThatWasEndedIsOfferedAgain(signal: Int32) throws {
    let terminal = try explore(model, environment: state)
    try #require(terminal.press("4jj8", until: "unsaved"))
    try #require(terminal.waitForLine("self_attn.v_proj ", with: " int8 "))
    // The journal is written beside the loop.
    let end = ContinuousClock.now + .seconds(10)
    while try !written().contains("int8"), ContinuousClock.now < end { usleep(5_000) }
    terminal.signal(signal)
    _ = terminal.waitForExit()
    try expectIsOffered()
  }

  @Test func aClosedTerminalLosesNothing() throws {
    let terminal = try explore(model, environment: state)
    try #require(terminal.press("4jj8", until: "unsaved"))
    try #require(terminal.waitForLine("self_attn.v_proj ", with: " int8 "))
    let process = terminal.process
    terminal.hangUp()
    let isGone = waitUntil {
      let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
      return kill(process, 0) != 0 || state?.contains(") Z ") == true
    }
    try #require(isGone)
    try expectIsOffered()
  }

  private func expectIsOffered() throws {
    let again = try PseudoTerminal(
      Program.path, [model], environment: state, size: Size(columns: 110, rows: 36))
    try #require(again.wait(for: "Unsaved work was found"))
    try #require(again.press("t", until: "taken up"))
    try #require(again.waitForLine("self_attn.v_proj ", with: " int8 "))
    try #require(again.press("u", until: "undone"))
    try #require(again.wait { isWhole($0) })
    again.send("qd")
    #expect(again.waitForExit() == .exited(0))
    #expect(journals.isEmpty)
  }

  private func written() throws -> String {
    try journals.map { try scratch.text("state/bitladder/journals/\($0)") }.joined()
  }

  @Test func leavingCleanlyLeavesNothing() throws {
    let terminal = try explore(model, environment: state)
    terminal.expectQuits()
    let discarding = try explore(model, environment: state)
    try #require(discarding.press("4", until: "unsaved"))
    discarding.send("qd")
    #expect(discarding.waitForExit() == .exited(0))
    #expect(journals.isEmpty)
  }

  @Test func twoExplorersOnOnePlanNoticeEachOther() throws {
    let plan = scratch["plan.json"]
    let first = try explore(model, ["--plan", plan], environment: state)
    let end = ContinuousClock.now + .seconds(10)
    while journals.isEmpty, ContinuousClock.now < end { usleep(5_000) }
    let second = try explore(model, ["--plan", plan], environment: state)
    try #require(second.wait(for: "open in another bitladder too"))
    try #require(first.press("4s", until: "saved to "))
    // Whoever saves second is asked, and can take what is there.
    try #require(second.press("8s", until: "That file is there already"))
    second.send("\u{1B}qd")
    #expect(second.waitForExit() == .exited(0))
    first.expectQuits()
  }

  @Test func aChangedPlanCanBeReloaded() throws {
    let plan = try ShowTests.savedPlan(scratch)
    let terminal = try explore(
      scratch["sample.safetensors"], ["--plan", plan], environment: state)
    let text = try scratch.text("plan.json")
    try scratch.write("plan.json", text.replacingOccurrences(of: "\"int4\"", with: "\"int5\""))
    try #require(terminal.press("3s", until: "changed by somebody else"))
    try #require(terminal.press("r", until: "reloaded"))
    try #require(terminal.waitForLine("self_attn.q_proj ", with: " int5 "))
    try #require(terminal.press("u", until: "undone: reload"))
    try #require(terminal.waitForLine("self_attn.q_proj ", with: " int3 "))
    terminal.send("qd")
    #expect(terminal.waitForExit() == .exited(0))
  }
}
