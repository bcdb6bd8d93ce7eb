import Foundation
import Testing

/// `owner/name`, looked up in the local cache of Hugging Face.
struct HubCacheTests {
  private func makeCache(_ scratch: Scratch, in folder: String) throws {
    let commit = "0123456789abcdef0123456789abcdef01234567"
    let repository = "\(folder)/models--some-owner--tiny.model"
    try scratch.write(
      "\(repository)/snapshots/\(commit)/model.safetensors", SampleModel.llama(blocks: 1).file)
    try scratch.write("\(repository)/refs/main", commit)
  }

  @Test(arguments: [("HF_HUB_CACHE", "cache", "cache"), ("HF_HOME", "home/hub", "home")])
  func variables(variable: String, folder: String, value: String) throws {
    let scratch = try Scratch()
    try makeCache(scratch, in: folder)
    let outcome = try Program.run(
      ["inspect", "some-owner/tiny.model", "--json"], environment: [variable: scratch[value]])
    #expect(outcome.status == 0, "\(outcome.words)")
    let object = try outcome.object()
    #expect((object["model"] as? [String: Any])?["name"] as? String == "tiny.model")
    #expect((object["tensors"] as? [Any])?.count == 12)
  }

  @Test func defaultFolder() throws {
    let scratch = try Scratch()
    try makeCache(scratch, in: ".cache/huggingface/hub")
    let outcome = try Program.run(
      ["inspect", "some-owner/tiny.model"], environment: ["HOME": scratch.path])
    #expect(outcome.status == 0, "\(outcome.words)")
  }

  @Test(arguments: ["some-owner/other", "some-owner/tiny.model@v2", "../../etc/passwd", "a/b/c/d"])
  func notThere(name: String) throws {
    let scratch = try Scratch()
    try makeCache(scratch, in: "cache")
    let outcome = try Program.run(
      ["inspect", name], environment: ["HF_HUB_CACHE": scratch["cache"]])
    #expect(outcome.status == 1)
    expectOneLine(outcome, "\(outcome.words)")
  }

  /// A reference that leads out of the cache.
  @Test func hostileReference() throws {
    let scratch = try Scratch()
    try makeCache(scratch, in: "cache")
    try scratch.write("cache/models--some-owner--tiny.model/refs/main", "../../../outside")
    try scratch.write("outside/model.safetensors", SampleModel.llama(blocks: 1).file)
    let outcome = try Program.run(
      ["inspect", "some-owner/tiny.model"], environment: ["HF_HUB_CACHE": scratch["cache"]])
    #expect(outcome.status == 1)
    expectOneLine(outcome, "\(outcome.words)")
  }
}
