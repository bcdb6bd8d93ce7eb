import Foundation
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Testing

@testable import Consumers

/// Sources that change while a plan is applied to them.
@Suite("Applying a plan to what changes")
struct ApplyFaultTests {
  private let folder: ScratchFolder
  private let source: String

  init() throws {
    folder = try ScratchFolder()
    source = folder["model.gguf"]
    try FileManager.default.copyItem(atPath: austen + "/austen-bf16.gguf", toPath: source)
  }

  /// Opens the source, lets something happen to it, and writes; what went wrong.
  private func failure(_ change: (String) throws -> Void) throws -> String? {
    let model = try Model.open(source)
    let identities = model.identities
    let choices = try model.choices(
      Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.name, "q4_K") }))
    let layout = try GGUFOutput.layout(model: model, choices: choices, importance: nil)
    let applier = Applier(model: model, identities: identities)
    let file = try applier.begin(folder["out.gguf"], layout, overwriting: false)
    try change(source)
    do throws(ApplyFailure) {
      try applier.write(layout, to: file) { _ in }
      return nil
    } catch {
      file.discard()
      return error.description
    }
  }

  @Test func cutShort() throws {
    let text = try failure { truncate($0, 100_000) }
    #expect(text?.contains("changed or cut short while it was read") == true)
    #expect(folder.names == ["model.gguf"])
  }

  @Test func writtenTo() throws {
    let text = try failure { path in
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seek(toOffset: 5_000_000)
      try handle.write(contentsOf: Data([1, 2, 3]))
      try handle.close()
    }
    #expect(text?.contains("changed or cut short") == true)
  }

  @Test func replaced() throws {
    let text = try failure { path in
      try folder.write("other", "other")
      rename(folder["other"], path)
    }
    #expect(text?.contains("changed or cut short") == true)
  }

  @Test func leftAlone() throws {
    #expect(try failure { _ in } == nil)
  }

  @Test func aDiskWithoutRoom() throws {
    let model = try Model.open(source)
    let applier = Applier(model: model, identities: model.identities)
    let huge = OutputFile(fixed: [], jobs: [], byteCount: 1 << 60)
    let failure = #expect(throws: ApplyFailure.self) {
      _ = try applier.begin(folder["out.gguf"], huge, overwriting: true)
    }
    #expect(failure?.description.contains("bytes free on the disk, needs 11529") == true)
    #expect(folder.names == ["model.gguf"])
  }
}
