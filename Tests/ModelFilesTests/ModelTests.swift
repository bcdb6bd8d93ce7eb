import Foundation
import Testing

@testable import ModelFiles

@Suite("Bytes of a model")
struct ModelTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func bytes(_ model: Model, _ tensor: Tensor, _ elements: Range<Int>) -> [UInt8] {
    model.withBytes(of: tensor, elements: elements) { span in
      span.withUnsafeBytes { Array($0) }
    }
  }

  @Test func aRangeOfElements() throws {
    let file = safetensors([("a", [2, 3]), ("b", [4])])
    let model = try Model.open(folder.write("m.safetensors", file), environment: [:])
    let a = model.tensors[0]
    let expected = (0..<6).flatMap { ModelFilesTests.bytes(Float($0).bitPattern) }
    #expect(bytes(model, a, 0..<6) == expected)
    #expect(bytes(model, a, 2..<4) == Array(expected[8..<16]))
    #expect(bytes(model, a, 4..<400) == Array(expected[16...]))
    #expect(bytes(model, a, 6..<7) == [])
    #expect(bytes(model, a, -5..<0) == [])
    #expect(bytes(model, a, 3..<3) == [])
    #expect(bytes(model, a, .min..<(.max)) == expected)
    let elsewhere = Tensor(id: 9, name: "z", shape: [1000], source: .f32, file: 7, offset: 0)
    #expect(bytes(model, elsewhere, 0..<4) == [])
    let beyond = Tensor(id: 9, name: "z", shape: [1000], source: .f32, file: 0, offset: 1 << 40)
    #expect(bytes(model, beyond, 0..<4) == [])
  }

  @Test func rangesAreWidenedToBlocks() throws {
    var gguf = GGUFBuilder()
    gguf.add("blk.0.attn_q.weight", [64, 1], type: 8, (0..<68).map { UInt8($0) })
    let model = try Model.open(folder.write("m.gguf", gguf.file), environment: [:])
    #expect(bytes(model, model.tensors[0], 0..<1) == Array(0..<34))
    #expect(bytes(model, model.tensors[0], 31..<33) == Array(0..<68))
    #expect(bytes(model, model.tensors[0], 32..<64) == Array(34..<68))
  }

  @Test func aFileCutShortGivesNoBytes() throws {
    let path = try folder.write("m.safetensors", safetensors([("a", [1024, 8])]))
    let model = try Model.open(path, environment: [:])
    let tensor = model.tensors[0]
    #expect(bytes(model, tensor, 0..<8192).count == 32768)
    #expect(model.isIntact(tensor))
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: 4096)
    #expect(!model.isIntact(tensor))
    #expect(bytes(model, tensor, 0..<8192) == [])
    #expect(model.fingerprint().hasPrefix("sha256:"))
  }

  @Test func aFileCutShortWhileItIsReadGivesZeros() throws {
    let path = try folder.write("m.safetensors", safetensors([("a", [4096, 16])]))
    let model = try Model.open(path, environment: [:])
    let tensor = model.tensors[0]
    let file = try #require(FileHandle(forWritingAtPath: path))
    let sum = try model.withBytes(of: tensor, elements: 0..<tensor.weightCount) { bytes in
      try file.truncate(atOffset: 8192)
      return stride(from: 16384, to: bytes.byteCount, by: 512).reduce(0) { sum, offset in
        sum + Int(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
      }
    }
    #expect(sum == 0)
    #expect(!model.isIntact(tensor))
  }

  @Test func theFingerprintIsThatOfTheWeights() throws {
    let both = safetensors([("a", [8, 8]), ("b", [8, 8])])
    let whole = try Model.open(folder.write("whole.safetensors", both), environment: [:])
    try folder.write("s/m-00001-of-00002.safetensors", safetensors([("b", [8, 8])]))
    try folder.write("s/m-00002-of-00002.safetensors", safetensors([("a", [8, 8])]))
    let shards = try Model.open(folder["s"], environment: [:])
    #expect(shards.tensors.map(\.name) == ["b", "a"])
    #expect(whole.fingerprint() == shards.fingerprint())
    #expect(whole.fingerprint().utf8.count == "sha256:".utf8.count + 64)

    var changed = both
    changed[changed.count - 1] ^= 1
    let others = [
      changed, safetensors([("a", [8, 8]), ("c", [8, 8])]),
      safetensors([("a", [8, 8]), ("b", [4, 16])]),
    ]
    for (index, file) in others.enumerated() {
      let other = try Model.open(folder.write("other\(index).safetensors", file), environment: [:])
      #expect(other.fingerprint() != whole.fingerprint())
    }
  }

  @Test func oneStackNeedsNoName() throws {
    let one = safetensors([("encoder.layer.0.intermediate.dense.weight", [4, 4])])
    let model = try Model.open(folder.write("bert.safetensors", one), environment: [:])
    #expect(model.tensors.map(\.stack) == [nil])
    let two = safetensors([
      ("model.encoder.layers.0.fc1.weight", [4, 4]), ("model.decoder.layers.0.fc1.weight", [4, 4]),
    ])
    let whisper = try Model.open(folder.write("whisper.safetensors", two), environment: [:])
    #expect(whisper.tensors.map(\.stack) == ["encoder", "decoder"])
    #expect(whisper.tensors.map(\.block) == [0, 0])
  }

  @Test func tensorsComeInTheOrderOfTheirData() throws {
    let header = """
      {"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]},
       "z":{"dtype":"F32","shape":[0],"data_offsets":[3,3]},
       "a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}
      """
    let path = try folder.write(
      "m.safetensors", safetensors(header: header, data: [1, 2, 3, 4, 5]))
    let model = try Model.open(path, environment: [:])
    #expect(model.tensors.map(\.name) == ["a", "z", "b"])
    #expect(model.tensors.map(\.id) == [0, 1, 2])
  }

  @Test(
    "the header may",
    arguments: [
      ("{\"__metadata__\":null}", true),
      ("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", true),
      ("  {}\n\t ", true),
      ("{\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"more\":[{}]}}", true),
      ("{\"\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", true),
      ("{\"w\":{\"dtype\":\"F4\",\"shape\":[0],\"data_offsets\":[0,0]}}", true),
      ("{}\0", false),
      ("\u{FEFF}{}", false),
      ("{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", false),
      ("{\"w\":{\"dtype\":\"U8\",\"shape\":[0e0],\"data_offsets\":[0,0]}}", false),
      ("{\"w\":{\"dtype\":\"U8\",\"shape\":[-0],\"data_offsets\":[0,0]}}", false),
      ("{\"w\":{\"dtype\":\"U8\",\"shape\":[00],\"data_offsets\":[0,0]}}", false),
      ("{\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},}", false),
      ("{\"w\":[\"U8\",[0],[0,0]]}", false),
      ("{\"__metadata__\":{},\"__metadata__\":{}}", false),
      (
        "{\"w\":{\"dtype\":\"U8\",\"shape\":[9223372036854775807,9,0],\"data_offsets\":[0,0]}}",
        false
      ),
    ])
  func headers(_ header: String, _ isRight: Bool) throws {
    let path = try folder.write("m.safetensors", safetensors(header: header))
    switch outcome(opening: path) {
    case .success: #expect(isRight)
    case .failure(let error): #expect(!isRight, "\(error)")
    }
  }

  @Test func aHostileShapeIsBounded() throws {
    let shape = Array(repeating: "1", count: 200_000).joined(separator: ",")
    let header = "{\"w\":{\"dtype\":\"U8\",\"shape\":[\(shape)],\"data_offsets\":[0,1]}}"
    let path = try folder.write("m.safetensors", safetensors(header: header, data: [1]))
    #expect(try failure(opening: path).found == "more than 1,024 numbers in shape")
  }

  @Test func adviceAndEmptyFilesDoNoHarm() throws {
    let file = try MappedFile(folder.write("empty", ""))
    file.advise(.willNeed, in: 0..<100)
    #expect(file.withBytes(in: 0..<100) { $0.byteCount } == 0)
    let full = try MappedFile(folder.write("full", Array(repeating: 7, count: 10_000)))
    for advice in [MappedFile.Advice.sequential, .willNeed, .dontNeed] {
      full.advise(advice, in: 5000..<9000)
    }
    #expect(full.withBytes(in: 5000..<5001) { $0.unsafeLoad(as: UInt8.self) } == 7)
  }
}
