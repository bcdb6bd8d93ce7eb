import Foundation
import ModelFiles
import Testing

/// A file of the corpus and what must become of it.
struct CorpusEntry: Decodable, Sendable, CustomTestStringConvertible {
  enum Verdict: String, Decodable { case accept, reject, either }
  var file: String
  var kind: String
  var verdict: Verdict
  var reason: String
  var testDescription: String { "\(file): \(reason)" }

  var path: String { Self.folder + "/" + file }

  static let folder = Bundle.module.resourcePath.map { $0 + "/Corpus" } ?? "Corpus"
  static let all: [CorpusEntry] = {
    let index = URL(fileURLWithPath: folder + "/index.json")
    guard let data = try? Data(contentsOf: index) else { return [] }
    return (try? JSONDecoder().decode([CorpusEntry].self, from: data)) ?? []
  }()
}

@Suite("Malformed and unusual files")
struct CorpusTests {
  @Test func theCorpusIsThere() {
    #expect(CorpusEntry.all.count == 123)
  }

  @Test(
    "get their verdict as importances", arguments: CorpusEntry.all.filter { $0.kind == "imatrix" })
  func verdictOfImportance(_ entry: CorpusEntry) throws {
    do throws(ModelFileError) {
      let imatrix = try Imatrix.open(entry.path)
      #expect(entry.verdict != .reject, "\(entry.reason), but it opened")
      #expect(!imatrix.entries.isEmpty)
    } catch {
      #expect(entry.verdict != .accept, "\(error)")
      expectOneUsefulLine(error, file: entry.file)
    }
  }

  @Test("gets its verdict", arguments: CorpusEntry.all.filter { $0.kind != "imatrix" })
  func verdict(_ entry: CorpusEntry) throws {
    switch outcome(opening: entry.path) {
    case .success(let model):
      #expect(entry.verdict != .reject, "\(entry.reason), but it opened")
      for tensor in model.tensors {
        #expect(tensor.rows * tensor.rowLength == tensor.weightCount)
        #expect(tensor.label == tensor.label.sanitised)
        let length = model.withBytes(of: tensor, elements: 0..<tensor.weightCount) { $0.byteCount }
        #expect(length == tensor.byteCount)
      }
      #expect(model.fingerprint().hasPrefix("sha256:"))
    case .failure(let error):
      #expect(entry.verdict != .accept, "\(error)")
      expectOneUsefulLine(error, file: entry.file)
    }
  }

  private func expectOneUsefulLine(_ error: ModelFileError, file: String) {
    let line = error.description
    let folder = file.split(separator: "/").dropLast().joined(separator: "/")
    #expect(line.contains(folder))
    #expect(line.contains(": found "))
    #expect(line.contains(", expected "))
    #expect(!error.found.isEmpty && !error.expected.isEmpty)
    #expect(line == line.sanitised)
    #expect(line.utf8.count < 600)
  }
}
