import Foundation
import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// A report written from the explorer.
struct ReportingTests {
  private func player(
    _ answers: Player.Answers = .real, _ options: Options = Options()
  ) throws -> Player {
    Player(try SampleModel.llama(blocks: 1).open(), options: options, answers: answers)
  }

  private func ask(_ player: inout Player, _ path: String) throws {
    try player.press("R<C-u>")
    player.type(path)
    try player.press("<Enter>")
  }

  @Test func itIsOfferedBesideThePlan() throws {
    var player = try player(.none)
    try player.press("R")
    #expect(player.lines.joined().contains("write a report: sample.report.html"))
    var options = Options()
    options.planPath = "plans/a.plan.json"
    var other = try self.player(.none, options)
    try other.press("R")
    #expect(other.lines.joined().contains("write a report: plans/sample.report.html"))
    try other.press("<Esc>")
    #expect(!other.effects.contains { if case .report = $0 { true } else { false } })
  }

  @Test func itSaysWhatTheScreenSays() throws {
    let folder = try ScratchFolder()
    var player = try player()
    try player.press("4jj3")
    try ask(&player, folder["a.html"])
    let html = folder.text("a.html") ?? ""
    #expect(html.hasPrefix("<!DOCTYPE html>") && html.contains("</html>"))
    #expect(html.contains("<svg"))
    #expect(html.contains("Written in the explorer"))
    #expect(html.contains(Figures.bytes(player.state.totals.bytes)))
    #expect(html.contains(Figures.percent(player.state.totals.nmse)))
    #expect(player.message.hasPrefix("wrote the report "))
    #expect(player.message.hasSuffix(Figures.bytes(html.utf8.count)))
  }

  /// What isn't measured yet is told, in the report and in the message.
  @Test func whatIsMissingIsTold() throws {
    let folder = try ScratchFolder()
    var player = try player(.none)
    try player.press("*4")
    try ask(&player, folder["a.html"])
    #expect(player.message.contains("aren't measured yet"))
    #expect(folder.text("a.html")?.contains("t known.") == true)
  }

  @Test func aNameCanAskForMarkdown() throws {
    let folder = try ScratchFolder()
    var player = try player()
    try player.press("4")
    try ask(&player, folder["a.md"])
    #expect(folder.text("a.md")?.hasPrefix("#") == true)
  }

  @Test func whatIsThereIsKept() throws {
    let folder = try ScratchFolder()
    try folder.write("a.html", "precious")
    var player = try player()
    try player.press("4")
    try ask(&player, folder["a.html"])
    #expect(player.lines.joined().contains("That file is there already"))
    try player.press("<Esc>")
    #expect(folder.text("a.html") == "precious" && !player.hasModal)
    try ask(&player, folder["a.html"])
    try player.press("a")
    #expect(player.asksForAPath)
    try player.press("<Enter>o")
    #expect(folder.text("a.html")?.hasPrefix("<!DOCTYPE") == true)
  }

  @Test func failuresAreTold() throws {
    var player = try player()
    try ask(&player, "/nowhere/at/all.html")
    #expect(player.message.hasPrefix("the report wasn't written: "))
    #expect(player.state.message?.kind == .failure && player.asksForAPath)
  }
}
