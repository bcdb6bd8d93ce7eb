import Foundation
import PseudoTerminalSupport
import Terminal

/// What must hold whenever there is quiet.
extension Session {
  /// Back to the list, with nothing open, in a window of a usual size.
  func calm() throws {
    log.write("calm")
    terminal.watch(for: .milliseconds(50))
    wakeUp()
    // The end of a paste that was begun, then out of everything.
    terminal.send("\u{1B}[201~")
    let size = Size(columns: 150, rows: 40)
    terminal.resize(to: size)
    maker.size = size
    for _ in 0..<30 {
      guard terminal.exit == nil else { return }
      terminal.send("\u{1B}")
      terminal.watch(for: .milliseconds(150))
      terminal.send("\u{1B}OP")
      if wait("calm", seconds: 1, { isCalm($0) }), hasReadAll() { return }
    }
    if terminal.exit == nil { throw Broken("no way back to the list") }
  }

  /// Whether it has come to the end of what was typed, which may have ended it: on a busy machine a screen can
  /// be calm while keys are waiting.
  private func hasReadAll() -> Bool {
    terminal.send(":")
    guard wait("the list of actions", seconds: 2, { $0.picture.contains("Do what?") }) else {
      return false
    }
    terminal.send("\u{1B}")
    guard wait("calm again", seconds: 2, { isCalm($0) }) else { return false }
    terminal.settle()
    return isCalm(terminal.screen)
  }

  private func isCalm(_ screen: VirtualScreen) -> Bool {
    screen.text.last?.contains("q quit") == true && screen.text[0].contains("[Layers]")
  }

  func check() throws {
    try calm()
    guard terminal.exit == nil else { return }
    log.write("check")
    try repeatKey([0x12], until: "nothing to redo")
    try save(as: "check.json")
    try checkTotals()
    let before = try choices("check.json")
    try repeatKey([0x75], until: "nothing to undo")
    try repeatKey([0x12], until: "nothing to redo")
    try save(as: "again.json")
    let after = try choices("again.json")
    guard before == after else { throw Broken("undo, then redo isn't the identity") }
    try measure()
    figures.checks += 1
  }

  private func repeatKey(_ key: [UInt8], until words: String) throws {
    for _ in 0..<400 {
      terminal.send(Array(repeating: key, count: 25).flatMap { $0 })
      terminal.settle()
      if terminal.screen.picture.contains(words) { return }
      guard terminal.exit == nil else { throw Broken("it ended") }
    }
    throw Broken("never '\(words)'")
  }

  private func save(as name: String) throws {
    let path = plan.folder + "/" + name
    // Half of the time over the file that is there.
    if maker.number(0...1) == 0 { unlink(path) }
    let before = fileNumber(path)
    terminal.send("S")
    guard wait("the prompt for a name", { $0.picture.contains("save as: ") }) else {
      throw Broken("S doesn't ask for a name")
    }
    terminal.send("\u{15}\(name)\r")
    var hasAnswered = false
    let isDone = wait("\(name) saved") { screen in
      if !hasAnswered, screen.picture.contains("That file is there already") {
        hasAnswered = true
        terminal.send("o")
      }
      return fileNumber(path) != before && fileNumber(path) != nil
        && screen.picture.contains("saved to \(name)")
    }
    guard isDone else { throw Broken("\(name) isn't saved") }
  }

  private func fileNumber(_ path: String) -> UInt? {
    var facts = stat()
    return stat(path, &facts) == 0 ? UInt(facts.st_ino) &+ UInt(facts.st_mtim.tv_nsec) << 20 : nil
  }

  // MARK: Totals

  private func object(_ name: String) throws -> [String: Any] {
    let outcome = program.run(
      ["show", name, "--json"], in: plan.folder, environment: plan.environment)
    guard outcome.status == 0,
      let object = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        as? [String: Any]
    else { throw Broken("show: \(outcome.status): \(outcome.output.prefix(500))") }
    return object
  }

  private func checkTotals() throws {
    let saved = try object("check.json")
    let tensors = saved["tensors"] as? [[String: Any]] ?? []
    let sum = tensors.reduce(0) { $0 + ($1["bytes"] as? Int ?? 0) }
    guard let total = (saved["totals"] as? [String: Any])?["bytes"] as? Int, total == sum else {
      throw Broken("totals \(saved["totals"] ?? "missing"), but the tensors have \(sum) bytes")
    }
    let line = Self.sizes(terminal.screen.text[1])
    guard line.contains(Self.size(total)) else {
      throw Broken("the screen says '\(line)' of \(total) bytes")
    }
    let arguments = line.contains("->") ? ["--ascii"] : []
    let outcome = program.run(
      [plan.model, "--plan", "check.json", "--script", "", "--dump-frame", "--size", "150x40"]
        + arguments, in: plan.folder, environment: plan.environment)
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
    guard outcome.status == 0, lines.count > 2, Self.sizes(String(lines[1])) == line else {
      throw Broken("reopened: \(outcome.status): '\(outcome.output)', was '\(line)'")
    }
  }

  /// The part of the line of totals that has sizes: figures of errors come later.
  private static func sizes(_ line: String) -> String {
    line.range(of: "bpw").map { String(line[..<$0.upperBound]) } ?? line
  }

  /// A size as the explorer writes it.
  private static func size(_ bytes: Int) -> String {
    var value = Double(bytes)
    guard value >= 1024 else { return "\(bytes) B" }
    var unit = -1
    while value >= 999.5 || unit < 0 {
      value /= 1024
      unit += 1
    }
    let digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
    return String(format: "%.\(digits)f ", value) + ["KiB", "MiB", "GiB", "TiB"][min(unit, 3)]
  }

  /// What a plan says of each tensor, but for figures of errors, which become exact as time goes on.
  private func choices(_ name: String) throws -> [String] {
    let saved = try object(name)
    let budget = "\(saved["budget"] ?? "none")"
    return [budget]
      + (saved["tensors"] as? [[String: Any]] ?? []).map { tensor in
        ["name", "format", "bytes", "pinned"].map { "\(tensor[$0] ?? "")" }.joined(separator: " ")
      }
  }
}
