import Foundation
import ModelFiles
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Where models are")
struct LocationTests {
  private let folder: ScratchFolder
  private let a = safetensors([("model.layers.0.mlp.up_proj.weight", [4, 8])])
  private let b = safetensors([("model.layers.1.mlp.up_proj.weight", [4, 8])])
  private let index = """
    {"metadata": {"total_size": 256}, "weight_map": {
      "model.layers.1.mlp.up_proj.weight": "model-00002-of-00002.safetensors",
      "model.layers.0.mlp.up_proj.weight": "model-00001-of-00002.safetensors"}}
    """

  init() throws { folder = try ScratchFolder() }

  private func open(_ name: String, _ environment: [String: String] = [:]) throws -> Model {
    try Model.open(folder[name], environment: environment)
  }

  private func writeShards(in name: String, withIndex: Bool = true) throws {
    try folder.write("\(name)/model-00001-of-00002.safetensors", a)
    try folder.write("\(name)/model-00002-of-00002.safetensors", b)
    if withIndex { try folder.write("\(name)/model.safetensors.index.json", index) }
  }

  @Test func aFolderWithOneFileAndItsConfiguration() throws {
    try folder.write("tiny/model.safetensors", a)
    try folder.write(
      "tiny/config.json",
      """
      {"model_type": "llama", "_name_or_path": "someone/tiny-llama", "hidden_size": 8,
       "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 1, "vocab_size": 32,
       "intermediate_size": 16, "max_position_embeddings": 64}
      """)
    let model = try open("tiny")
    #expect(model.name == "tiny")
    #expect(model.architecture == "llama")
    #expect(model.container == .safetensors)
    #expect(model.hyperparameters.hiddenSize == 8)
    #expect(model.hyperparameters.headSize == 2)
    #expect(model.hyperparameters.keyValueHeads == 2)
    #expect(model.hyperparameters.contextLength == 64)
    #expect(model.notes.isEmpty)
    #expect(model.weightCount == 32 && model.byteCount == 128)
    #expect(try open("tiny/model.safetensors").architecture == "llama")
  }

  @Test func aConfigurationThatCannotBeReadIsANote() throws {
    try folder.write("m/model.safetensors", a)
    try folder.write("m/config.json", "{\"model_type\": \u{1B}")
    let model = try open("m")
    #expect(model.tensors.count == 1)
    #expect(
      model.notes == [
        "left out a configuration that can't be read: config.json: byte 15: found a byte 0x1b, "
          + "expected a value"
      ])
    #expect(model.name == "m")
  }

  @Test(
    "shards open by folder, index or either shard",
    arguments: [
      "s", "s/model.safetensors.index.json", "s/model-00001-of-00002.safetensors",
      "s/model-00002-of-00002.safetensors",
    ])
  func shards(_ name: String) throws {
    try writeShards(in: "s")
    let model = try open(name)
    #expect(model.files.map(\.name).map { $0.prefix(11) } == ["model-00001", "model-00002"])
    #expect(model.tensors.map(\.block) == [0, 1])
    #expect(model.tensors.map(\.file) == [0, 1])
    #expect(model.name == "s")
    #expect(model.notes.isEmpty == !name.contains("-of-"))
  }

  @Test func shardsWithoutAnIndex() throws {
    try writeShards(in: "s", withIndex: false)
    #expect(try open("s").tensors.count == 2)
    #expect(try open("s").notes == ["there is no index; opened all 2 shards"])
    let alone = try open("s/model-00001-of-00002.safetensors")
    #expect(alone.tensors.count == 1)
    #expect(alone.notes.count == 1)
    try FileManager.default.removeItem(atPath: folder["s/model-00002-of-00002.safetensors"])
    let error = try failure(opening: folder["s"])
    #expect(error.found == "no model-00002-of-00002.safetensors")
  }

  @Test(
    "an index must fit its shards",
    arguments: [
      ("{\"weight_map\":{}}", "no tensors"),
      ("{\"weight_map\":{\"w\":\"/etc/passwd\"}}", "the shard \"/etc/passwd\" (an absolute path)"),
      ("{\"weight_map\":{\"w\":\"a/../../b\"}}", "the shard \"a/../../b\" (it leaves the folder)"),
      ("{\"weight_map\":{\"w\":\"a//b\"}}", "the shard \"a//b\" (no plain name)"),
      ("{\"weight_map\":{\"w\":\"\"}}", "the shard \"\" (empty)"),
      ("{\"weight_map\":{\"w\":3}}", "a number"),
      ("{\"weight_map\":{\"w\":\"sub\"}}", "a folder"),
      ("{\"weight_map\":{\"w\":\"pipe\"}}", "a pipe"),
      (
        "{\"weight_map\":{\"w\":\"a.safetensors\",\"w\":\"a.safetensors\"}}",
        "it twice in weight_map"
      ),
      ("{\"weight_map\":{\"w\":\"a.safetensors\"}}", "no such tensor in a.safetensors"),
      ("{\"weight_map\":{\"w\":\"a.gguf\"}}", "no safetensors file"),
      ("{\"weight_map\":{\"w\":\"page.safetensors\"}}", "an HTML page"),
      ("{\"other\":{}}", "a JSON file without a weight_map"),
      ("[]", "an array"),
    ])
  func indexes(_ text: String, _ found: String) throws {
    try folder.write("i/model.safetensors.index.json", text)
    try folder.write("i/a.safetensors", a)
    try folder.write("i/a.gguf", GGUFBuilder().file)
    try folder.write("i/page.safetensors", "\n <!DOCTYPE HTML><html><body>Log in</body></html>")
    try folder.write("i/sub/x", "")
    #expect(mkfifo(folder["i/pipe"], 0o600) == 0)
    #expect(try failure(opening: folder["i/model.safetensors.index.json"]).found == found)
  }

  @Test func aTensorInTheWrongShard() throws {
    try writeShards(in: "s")
    try folder.write(
      "s/model.safetensors.index.json",
      index.replacingOccurrences(of: "00002-of", with: "0000X-of")
        .replacingOccurrences(of: "00001-of", with: "00002-of")
        .replacingOccurrences(of: "0000X-of", with: "00001-of"))
    let error = try failure(opening: folder["s"])
    #expect(error.place == .tensor("model.layers.0.mlp.up_proj.weight"))
    #expect(error.expected == "it in model-00002-of-00002.safetensors, as the index says")
  }

  @Test func oneNameInTwoShards() throws {
    try folder.write("s/model-00001-of-00002.safetensors", a)
    try folder.write("s/model-00002-of-00002.safetensors", a)
    let error = try failure(opening: folder["s"])
    #expect(error.found == "it again, after model-00001-of-00002.safetensors")
  }

  @Test func filesAreKnownByTheirContent() throws {
    var gguf = GGUFBuilder()
    gguf.set("general.architecture", "llama")
    try folder.write("wrong.safetensors", gguf.file)
    try folder.write("wrong.gguf", a)
    #expect(try open("wrong.safetensors").container == .gguf)
    #expect(try open("wrong.gguf").container == .safetensors)
  }

  @Test(
    "something else is named",
    arguments: [
      ("x.bin", Array("PK\u{3}\u{4}more".utf8), "a zip archive (a PyTorch checkpoint?)"),
      ("x.pth", [0x80, 2, 0x8A, 0x0A, 0x6C], "a pickle (an old PyTorch checkpoint?)"),
      ("x.safetensors", Array("<html lang=en>".utf8), "an HTML page"),
      (
        "x.gguf", Array("version https://git-lfs.github.com/spec/v1\n".utf8),
        "a git-lfs pointer, not the file it stands for"
      ),
      ("x.gguf", [UInt8](repeating: 0, count: 4096), "zeros"),
      ("x.gguf", Array("ggjt1234".utf8).reversed(), "0x34 0x33 0x32 0x31"),
      ("x.gguf", Array("tjgg1234".utf8), "a GGML file, older than GGUF"),
      ("x.safetensors.incomplete", Array("abcdefgh123".utf8), "an unfinished download"),
      ("x.npy", [0x93] + Array("NUMPY".utf8), "a NumPy array"),
    ] as [(String, [UInt8], String)])
  func foreign(_ name: String, _ bytes: [UInt8], _ found: String) throws {
    #expect(try failure(opening: folder.write(name, bytes)).found == found)
  }

  @Test func aHeaderWhoseLengthLooksLikeAPickle() throws {
    let entry = "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
    let header = entry.padding(toLength: 0x280, withPad: " ", startingAt: 0)
    try folder.write("m.safetensors", safetensors(header: header, data: [7]))
    #expect(try open("m.safetensors").tensors.count == 1)
  }

  @Test func foldersSayWhatIsMissing() throws {
    try folder.write("empty/.hidden", "")
    #expect(try failure(opening: folder["empty"]).found == "an empty folder")
    try folder.write("torch/pytorch_model.bin", "")
    #expect(try failure(opening: folder["torch"]).found == "only pytorch_model.bin")
    try folder.write("many/a.gguf", GGUFBuilder().file)
    try folder.write("many/b.gguf", GGUFBuilder().file)
    #expect(try failure(opening: folder["many"]).found == "several models: a.gguf, b.gguf")
    try folder.write("pipe/unet/x.safetensors", a)
    #expect(try failure(opening: folder["pipe"]).remedy == "open a folder within it: unet")
    #expect(mkfifo(folder["fifo"], 0o600) == 0)
    #expect(try failure(opening: folder["fifo"]).found == "a pipe")
    #expect(try failure(opening: folder["nothing/here"]).found == "no such file or folder")
    #expect(try failure(opening: "a\0b").found == "no such file or folder")
    #expect(try failure(opening: "").found == "no such file or folder")
  }

  // MARK: - The cache of Hugging Face

  private let commit = "0123456789abcdef0123456789abcdef01234567"

  private func writeCache(_ cache: String) throws {
    let root = "\(cache)/models--some-one--tiny-llama"
    try folder.write("\(root)/blobs/beef", a)
    try folder.write("\(root)/refs/main", commit + "\n")
    try folder.link(
      "\(root)/snapshots/\(commit)/model.safetensors", to: "../../blobs/beef")
  }

  @Test(
    "a name is looked up in the local cache",
    arguments: [
      ("hub", "HF_HUB_CACHE", "hub"), ("home/hub", "HF_HOME", "home"),
      ("u/.cache/huggingface/hub", "HOME", "u"), ("x/huggingface/hub", "XDG_CACHE_HOME", "x"),
    ])
  func cache(_ cache: String, _ variable: String, _ value: String) throws {
    try writeCache(cache)
    let environment = [variable: folder[value]]
    for name in [
      "some-one/tiny-llama", "some-one/tiny-llama@\(commit)",
      "some-one/tiny-llama/model.safetensors",
    ] {
      let model = try Model.open(name, environment: environment)
      #expect(model.name == "tiny-llama")
      #expect(model.tensors.count == 1)
    }
    let snapshot = "\(cache)/models--some-one--tiny-llama/snapshots/\(commit)"
    #expect(try open(snapshot).name == "tiny-llama")
    #expect(
      try failure(opening: "some-one/other", environment: environment).remedy
        == "to fetch it, run: hf download some-one/other")
    #expect(throws: ModelFileError.self) {
      try Model.open("some-one/tiny-llama@v2", environment: environment).name
    }
  }

  @Test func aReferenceCannotLeaveTheCache() throws {
    try writeCache("hub")
    try folder.write("hub/models--some-one--tiny-llama/refs/main", "../../../..")
    let error = try failure(
      opening: "some-one/tiny-llama", environment: ["HF_HUB_CACHE": folder["hub"]])
    #expect(error.found == "\"../../../..\"")
    for name in ["../x", "a/../b", "a//b", "a b/c", "/abs"] {
      #expect(
        try failure(opening: name, environment: ["HF_HUB_CACHE": folder["hub"]]).found
          == "no such file or folder")
    }
  }

  @Test func theOnlySnapshotIsTakenWithoutAReference() throws {
    try writeCache("hub")
    try FileManager.default.removeItem(
      atPath: folder["hub/models--some-one--tiny-llama/refs/main"])
    let model = try Model.open(
      "some-one/tiny-llama", environment: ["HF_HUB_CACHE": folder["hub"]])
    #expect(model.notes == ["the cache has no main of it; took its only snapshot"])
  }
}
