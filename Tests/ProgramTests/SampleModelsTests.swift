import Foundation
import Testing

/// The models that come with the sources.
struct SampleModelsTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("SampleModels")

  static let models: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { folder.appendingPathComponent($0).path }.filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        && isFolder.boolValue
    }
  }()

  @Test(arguments: models) func commands(path: String) throws {
    let inspected = try Program.run(["inspect", path, "--json", "--stats"])
    #expect(inspected.status == 0, "\(inspected.words)")
    let tensors = try #require(try inspected.object()["tensors"] as? [[String: Any]])
    #expect(tensors.contains { $0["quantizable"] as? Bool == true })
    let measured = try Program.run(["measure", path, "--formats", "int8,int4", "--json"])
    #expect(measured.status == 0, "\(measured.words)")
    for tensor in try #require(try measured.object()["tensors"] as? [[String: Any]]) {
      let errors = (tensor["measurements"] as? [[String: Any]])?.compactMap {
        $0["nmse"] as? Double
      }
      let both = try #require(errors)
      #expect(both.count == 2 && both[0] < both[1] && both[1] < 0.5, "\(tensor["name"] ?? "")")
    }
  }

  /// Sizes come from config.json or from the GGUF's metadata, and are the same.
  @Test(arguments: ["austen", "austen/austen-bf16.gguf"]) func sizes(name: String) throws {
    let inspected = try Program.run(
      ["inspect", Self.folder.appendingPathComponent(name).path])
    #expect(inspected.status == 0)
    #expect(
      inspected.text.hasSuffix(
        "layers 5, hidden 256, intermediate 768, heads 4, kv heads 2, head size 64, "
          + "vocabulary 2048, context 256\n"))
  }

  @Test(arguments: models) func explorer(path: String) throws {
    let scratch = try Scratch()
    let plan = scratch["plan.json"]
    let terminal = try explore(path, ["--plan", plan])
    terminal.send("*4")
    try #require(terminal.wait { isMeasured($0) && $0.text[0].contains("unsaved") })
    try #require(terminal.press("s", until: "saved to "))
    terminal.expectQuits()
    let shown = try Program.run(["show", plan])
    #expect(shown.status == 0 && shown.text.contains(" int4 "))
  }
}
