import Foundation
import ModelFiles
import Terminal
import Testing

@testable import Explorer

/// What the README shows is what the program does. `RECORD=1 swift test` writes it anew.
struct ReadmeTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// What leads to the screen at the head of the README.
  private static let script =
    "m*_proj*<Enter>4<Esc>m*v_proj*<Enter>6<Esc>m*down_proj*<Enter>5<Esc>gg/q_proj<Enter><Down*6>3"

  @Test func theScreenIsTheProgramsOwn() throws {
    let model = try Model.open(Self.root.appending(path: "SampleModels/austen").path)
    let screen = MemoryScreen(size: Size(columns: 100, rows: 32))
    _ = Session.play(
      try KeyScript.parse(Self.script), model, options: Options(), plan: nil, on: screen)
    let frame = screen.canvas.text.joined(separator: "\n").trimmingCharacters(in: .newlines)
    try check("```\n", frame, "\n```\n")
  }

  @Test func thePictureIsTheProgramsOwn() throws {
    let model = try Model.open(Self.root.appending(path: "SampleModels/austen").path)
    let screen = MemoryScreen(size: Size(columns: 110, rows: 32))
    _ = Session.play(
      try KeyScript.parse("b4.5bpw<Enter><F3>"), model, options: Options(), plan: nil, on: screen)
    let picture = screen.canvas.svg(title: "The frontier of \(model.name)")
    let file = Self.root.appending(path: ".github/frontier.svg")
    if ProcessInfo.processInfo.environment["RECORD"] == "1" {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try picture.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == picture)
  }

  @Test func theTableOfKeysIsTheProgramsOwn() throws {
    try check("## Keys\n\n", KeyTable.markdown, "\nThe mouse")
  }

  /// Compares what stands between two texts of the README, or writes it anew.
  private func check(_ start: String, _ expected: String, _ end: String) throws {
    let file = Self.root.appending(path: "README.md")
    let readme = try String(contentsOf: file, encoding: .utf8)
    let from = try #require(readme.range(of: start)).upperBound
    let to = try #require(readme.range(of: end, range: from..<readme.endIndex)).lowerBound
    if ProcessInfo.processInfo.environment["RECORD"] == "1" {
      let new = readme.replacingCharacters(in: from..<to, with: expected)
      if new != readme { try new.write(to: file, atomically: true, encoding: .utf8) }
    } else {
      #expect(readme[from..<to] == expected)
    }
  }
}
