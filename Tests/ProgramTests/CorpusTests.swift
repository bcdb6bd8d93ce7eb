import Foundation
import Testing

/// A malformed or unusual file, and what must become of it.
struct CorpusFile: Decodable, Sendable, CustomTestStringConvertible {
  let file: String
  let verdict: String
  let reason: String
  let kind: String

  var testDescription: String { "\(file): \(reason)" }
  var path: String { Self.folder + "/" + file }

  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("ModelFilesTests/Corpus").path

  /// The models among them.
  static let all: [CorpusFile] = {
    let index = URL(fileURLWithPath: folder + "/index.json")
    guard let data = try? Data(contentsOf: index) else { return [] }
    return ((try? JSONDecoder().decode([CorpusFile].self, from: data)) ?? []).filter {
      $0.kind != "imatrix"
    }
  }()
}

/// Files that are wrong, through the whole program.
struct CorpusTests {
  @Test func theCorpusIsThere() {
    #expect(CorpusFile.all.count > 100)
  }

  @Test("gets its verdict", arguments: CorpusFile.all)
  func verdict(_ file: CorpusFile) throws {
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

  /// Measuring and exploring an accepted one neither traps nor hangs.
  @Test(arguments: CorpusFile.all.filter { $0.verdict == "accept" })
  func acceptedFileIsUsable(_ file: CorpusFile) throws {
    let measured = try Program.run(["measure", file.path, "--formats", "int4,int2:affine:tensor"])
    #expect(measured.status == 0 || measured.status == 1, "\(measured.words)")
    expectPrintable(measured.output + measured.errors)
    let frame = try Program.run([file.path, "--script", "GgZ*4t<Esc>", "--dump-frame"])
    #expect(frame.status == 0, "\(frame.words)")
    expectPrintable(frame.output + frame.errors)
  }
}
