import Foundation
import Synchronization
import Testing

/// A malformed or unusual file, and what must become of it.
struct CorpusFile: Decodable, Sendable {
  let file: String
  let verdict: String
  let reason: String

  var path: String { Self.folder + "/" + file }

  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("ModelFilesTests/Corpus").path

  static func all() throws -> [CorpusFile] {
    let index = URL(fileURLWithPath: folder + "/index.json")
    return try JSONDecoder().decode([CorpusFile].self, from: Data(contentsOf: index))
  }
}

/// Files that are wrong, through the whole program.
struct CorpusTests {
  @Test func verdicts() async throws {
    let files = try CorpusFile.all()
    #expect(files.count > 100)
    // A few at a time: what costs is starting the processes.
    try await withThrowingTaskGroup(of: Void.self) { group in
      let next = Atomic<Int>(0)
      for _ in 0..<4 {
        group.addTask {
          while true {
            let index = next.add(1, ordering: .relaxed).oldValue
            guard index < files.count else { return }
            try check(files[index])
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private func check(_ file: CorpusFile) throws {
    let outcome = try Program.run(["inspect", file.path])
    let comment: Comment = "\(file.file) (\(file.reason)): \(outcome.words)"
    if file.verdict == "either" {
      #expect(outcome.status == 0 || outcome.status == 1, comment)
    } else {
      #expect(outcome.status == (file.verdict == "accept" ? 0 : 1), comment)
    }
    expectPrintable(outcome.output, comment)
    guard outcome.status != 0 else {
      #expect(!outcome.output.isEmpty, comment)
      #expect(outcome.errorLines.allSatisfy { $0.hasPrefix("bitladder: note: ") }, comment)
      expectPrintable(outcome.errors, comment)
      return
    }
    expectOneLine(outcome, comment)
    #expect(outcome.words.contains(": found "), comment)
    #expect(outcome.words.contains(", expected "), comment)
    #expect(outcome.words.utf8.count < 1000, comment)
  }

  /// Measuring and exploring the accepted ones neither traps nor hangs.
  @Test func acceptedFilesAreUsable() throws {
    for file in try CorpusFile.all() where file.verdict == "accept" {
      let measured = try Program.run(["measure", file.path, "--formats", "int4,int2:affine:tensor"])
      #expect(measured.status == 0 || measured.status == 1, "\(file.file): \(measured.words)")
      expectPrintable(measured.output + measured.errors, "\(file.file)")
      let frame = try Program.run([file.path, "--script", "GgZ*4t<Esc>", "--dump-frame"])
      #expect(frame.status == 0, "\(file.file): \(frame.words)")
      expectPrintable(frame.output + frame.errors, "\(file.file)")
    }
  }
}
