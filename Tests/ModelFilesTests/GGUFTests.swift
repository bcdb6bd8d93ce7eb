import Foundation
import ModelFiles
import Testing

@Suite("GGUF")
struct GGUFTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  @Test func sizesBelowZeroAreNotKnown() throws {
    var gguf = GGUFBuilder()
    gguf.set("general.architecture", "bert")
    gguf.set("bert.block_count", Int32(-1))
    gguf.set("bert.attention.head_count", Int32(-4))
    gguf.add("token_embd.weight", [32, 2], zeros(256))
    let model = try Model.open(folder.write("below.gguf", gguf.file), environment: [:])
    #expect(model.hyperparameters.layers == nil && model.hyperparameters.heads == nil)
  }

  @Test func dimensionsAreTurnedAround() throws {
    var gguf = GGUFBuilder()
    gguf.set("general.architecture", "llama")
    gguf.set("general.name", "Tiny \u{1B}[1mLlama")
    gguf.set("llama.embedding_length", UInt32(256))
    gguf.set("llama.attention.head_count", UInt32(4))
    gguf.set("tokenizer.ggml.tokens", (0..<1000).map { "token\($0)" })
    gguf.add("blk.0.ffn_up.weight", [256, 3], zeros(256 * 3 * 4))
    gguf.add("blk.1.attn_q.weight", [256, 2], type: 12, zeros(288))
    gguf.add("blk.1.ffn_up_exps.weight", [32, 4, 8], type: 1, zeros(2048))
    let model = try Model.open(folder.write("tiny.gguf", gguf.file), environment: [:])

    #expect(model.name == "Tiny \\x1b[1mLlama")
    #expect(model.architecture == "llama")
    #expect(model.hyperparameters.hiddenSize == 256)
    #expect(model.hyperparameters.headSize == 64)
    #expect(model.hyperparameters.vocabulary == 1000)
    #expect(model.tensors.map(\.shape) == [[3, 256], [2, 256], [8, 4, 32]])
    #expect(model.tensors.map(\.source) == [.f32, .q4K, .f16])
    #expect(model.tensors.map(\.rowLength) == [256, 256, 32])
    #expect(model.tensors.map(\.offset).allSatisfy { $0 % 32 == 0 })
    #expect(model.tensors[1].suitability == .kept(.tiny(512)))
    let tokens = model.metadata["tokenizer.ggml.tokens"]?.array
    #expect(tokens?.count == 1000)
    #expect(tokens?.prefix(2).compactMap(\.string) == ["token0", "token1"])
    #expect(tokens?.prefix(5000).count == 1000)
  }

  @Test func everyTypeOfValueIsRead() throws {
    var gguf = GGUFBuilder()
    gguf.set("u8", type: 0, [200])
    gguf.set("i8", type: 1, [200])
    gguf.set("u16", UInt16(60_000))
    gguf.set("i16", type: 3, bytes(Int16(-2)))
    gguf.set("u32", UInt32.max)
    gguf.set("i32", Int32(-3))
    gguf.set("f32", type: 6, bytes(Float(1.5).bitPattern))
    gguf.set("bool", type: 7, [1])
    gguf.set("u64", type: 10, bytes(UInt64.max))
    gguf.set("i64", type: 11, bytes(Int64.min))
    gguf.set("f64", type: 12, bytes(0.1.bitPattern))
    gguf.set(
      "i16s", type: 9, bytes(UInt32(3)) + bytes(UInt64(2)) + bytes(Int16(1)) + bytes(Int16(-1)))
    let inner = bytes(UInt32(0)) + bytes(UInt64(1)) + [5]
    gguf.set("nested", type: 9, bytes(UInt32(9)) + bytes(UInt64(2)) + inner + inner)
    let model = try Model.open(folder.write("kv.gguf", gguf.file), environment: [:])
    let shown = model.metadata.entries.map { "\($0.key)=\($0.value)" }
    #expect(
      shown == [
        "u8=200", "i8=-56", "u16=60000", "i16=-2", "u32=4294967295", "i32=-3", "f32=1.5",
        "bool=true", "u64=18446744073709551615", "i64=-9223372036854775808", "f64=0.1",
        "i16s=[1, -1]", "nested=[[5], [5]]",
      ])
    #expect(model.metadata["u64"]?.int == nil)
    #expect(model.metadata["f32"]?.double == 1.5)
  }

  @Test func bigEndianIsNamed() throws {
    let file = Array("GGUF".utf8) + [0, 0, 0, 3] + zeros(16)
    let error = try failure(opening: folder.write("be.gguf", file))
    #expect(error.found == "a big-endian GGUF")
  }

  @Test func manyStringsAreSteppedOverInLinearTime() throws {
    var gguf = GGUFBuilder()
    gguf.set("tokenizer.ggml.merges", (0..<300_000).map { "t\($0)" })
    let path = try folder.write("big.gguf", gguf.file)
    var model: Model?
    let time = ContinuousClock().measure { model = try? Model.open(path, environment: [:]) }
    #expect(model?.metadata.entries.count == 1)
    #expect(time < .seconds(1))
  }

  @Test func aHugeSparseHeaderIsRefusedSoon() throws {
    var gguf = GGUFBuilder()
    gguf.set("a", type: 9, bytes(UInt32(8)) + bytes(UInt64(1) << 32))
    let path = try folder.write("sparse.gguf", gguf.file)
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: 40 << 30)
    #expect(try failure(opening: path).found == "a header that goes on here")
  }

  // MARK: - Splits

  private func writeParts(
    count: Int = 3, total: Int32? = nil, change: (Int, inout GGUFBuilder) -> Void = { _, _ in }
  ) throws {
    for number in 0..<count {
      var gguf = GGUFBuilder()
      if number == 0 { gguf.set("general.architecture", "llama") }
      gguf.set("split.no", UInt16(number))
      gguf.set("split.count", UInt16(count))
      gguf.set("split.tensors.count", total ?? Int32(count))
      gguf.add("blk.\(number).ffn_up.weight", [32, 2], zeros(256))
      change(number, &gguf)
      try folder.write("m-Q8-\(part(number + 1, of: count)).gguf", gguf.file)
    }
  }

  private func part(_ number: Int, of count: Int) -> String {
    String(format: "%05d-of-%05d", number, count)
  }

  @Test("all parts open, whichever is given", arguments: 1...3)
  func splits(_ number: Int) throws {
    try writeParts()
    let given = folder["m-Q8-\(part(number, of: 3)).gguf"]
    for path in [given, folder.path] {
      let model = try Model.open(path, environment: [:])
      #expect(model.tensors.map(\.block) == [0, 1, 2])
      #expect(model.files.count == 3)
      #expect(model.architecture == "llama")
      #expect(model.notes.isEmpty)
    }
    #expect(try Model.open(given, environment: [:]).name == "m-Q8")
  }

  @Test func missingPartsAreListed() throws {
    try writeParts()
    try FileManager.default.removeItem(atPath: folder["m-Q8-00002-of-00003.gguf"])
    let error = try failure(opening: folder["m-Q8-00001-of-00003.gguf"])
    #expect(error.found == "no m-Q8-00002-of-00003.gguf")
    #expect(error.expected == "all 3 parts of the model")
  }

  @Test func partsMustAgree() throws {
    try writeParts(total: 4)
    var error = try failure(opening: folder["m-Q8-00001-of-00003.gguf"])
    #expect(error.place == .key("split.tensors.count"))
    #expect(error.expected == "3, the number of tensors in all parts")

    try writeParts()
    let second = folder["m-Q8-00002-of-00003.gguf"]
    try FileManager.default.removeItem(atPath: second)
    try FileManager.default.copyItem(atPath: folder["m-Q8-00003-of-00003.gguf"], toPath: second)
    error = try failure(opening: second)
    #expect(error.place == .key("split.no"))
    #expect(
      error.description.contains("00002-of-00003.gguf: key \"split.no\": found 2, expected 1"))

    try FileManager.default.moveItem(atPath: second, toPath: folder["renamed.gguf"])
    error = try failure(opening: folder["renamed.gguf"])
    #expect(error.place == .key("split.count"))
  }

  @Test func oneNameInTwoParts() throws {
    try writeParts(total: 4) { number, gguf in
      if number == 2 {
        gguf.add("blk.0.ffn_up.weight", [32, 2], [UInt8](repeating: 0, count: 256))
      }
    }
    let error = try failure(opening: folder["m-Q8-00001-of-00003.gguf"])
    #expect(error.place == .tensor("blk.0.ffn_up.weight"))
  }
}
