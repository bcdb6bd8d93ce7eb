import Foundation
import Terminal
import Testing

/// Frames that were looked at once and must stay as they are: text files in `Frames`, written anew
/// with RECORD=1 in the environment.
enum Golden {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().appendingPathComponent("Frames")

  static func expect(
    _ lines: [String], _ name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let text = lines.joined(separator: "\n") + "\n"
    let file = folder.appendingPathComponent("\(name).txt")
    if ProcessInfo.processInfo.environment["RECORD"] == "1" {
      try Data(text.utf8).write(to: file)
      return
    }
    let recorded = (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) }
    let before = (recorded ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    let after = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard recorded != text else { return }
    let line = zip(before, after).prefix { $0 == $1 }.count
    Issue.record(
      """
      \(name): line \(line + 1) is
      \(line < after.count ? after[line] : "(missing)")
      and was
      \(line < before.count ? before[line] : "(missing)")
      """, sourceLocation: sourceLocation)
  }

  /// The letters of the styles, and what they mean.
  static func styles(_ canvas: Canvas) -> [String] { canvas.styles + [""] + canvas.legend }
}
