import Foundation
import Testing

@testable import ModelFiles

/// Files and folders that are being written.
struct PendingFileTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
  }

  @Test func piecesInAnyOrder() throws {
    let file = try PendingFile(folder["f"], expecting: .absent)
    try file.reserve(10)
    try file.write([UInt8]("56789".utf8).span.bytes, at: 5)
    try file.write([UInt8]("01234".utf8).span.bytes, at: 0)
    try file.extend(to: 12)
    #expect(names == [".f.bitladder-saving"])
    _ = try file.commit()
    #expect(names == ["f"])
    #expect(
      FileManager.default.contents(atPath: folder["f"]) == Data("0123456789\0\0".utf8))
  }

  @Test func whatIsGivenUpLeavesNothing() throws {
    let file = try PendingFile(folder["f"], expecting: .absent)
    try file.write([1, 2, 3].span.bytes, at: 0)
    file.discard()
    #expect(names == [])
    _ = try PendingFile(folder["g"], expecting: .absent)
    #expect(names == [])
  }

  @Test func whatAKilledRunLeftIsReplaced() throws {
    try folder.write(".f.bitladder-saving", "left behind, and longer")
    let file = try PendingFile(folder["f"], expecting: .absent)
    try file.write([UInt8]("new".utf8).span.bytes, at: 0)
    _ = try file.commit()
    #expect(FileManager.default.contents(atPath: folder["f"]) == Data("new".utf8))
  }

  @Test func twoAtOnceTakeTurns() throws {
    let first = try PendingFile(folder["f"], expecting: .anything)
    #expect(throws: SaveFailure.self) { try PendingFile(folder["f"], expecting: .anything) }
    first.discard()
    #expect(throws: Never.self) { try PendingFile(folder["f"], expecting: .anything) }
  }

  @Test func aFolderAppearsWhole() throws {
    try folder.write(".out.bitladder-saving/model", "left behind")
    let made = try PendingFolder(folder["out/"])
    #expect(throws: SaveFailure.self) { try PendingFolder(folder["out"]) }
    try AtomicFile.write([1], to: made["a"], expecting: .absent)
    #expect(names == [".out.bitladder-saving"])
    try made.commit()
    #expect(names == ["out"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder["out"]) == ["a"])
    #expect(throws: SaveFailure.self) { try PendingFolder(folder["out"]) }
    let other = try PendingFolder(folder["other"])
    try AtomicFile.write([1], to: other["a"], expecting: .absent)
    other.discard()
    #expect(names == ["out"])
  }
}

/// Headers that are written are read as they were meant.
struct HeaderTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  @Test(arguments: [32, 8, 64]) func gguf(alignment: UInt32) throws {
    let pairs = [
      GGUFPair("general.alignment", alignment), GGUFPair("general.architecture", "llama"),
      GGUFPair("s", "text \u{1F600}"), GGUFPair("b", true), GGUFPair("f", Float(0.25)),
      GGUFPair("strings", ["a", "", "ccc"]), GGUFPair("ints", [Int32(1), -2]),
      GGUFPair("floats", [Float(1), 2.5]), GGUFPair("none", [String]()),
    ]
    let shapes: [(String, [Int], SourceType)] = [
      ("v", [3], .f32), ("one", [1], .f32), ("q", [2, 256], .q4K), ("stack", [2, 3, 32], .q80),
      ("row", [1, 64], .bf16),
    ]
    let tensors = try shapes.map {
      try #require(GGUFHeader.Tensor(name: $0.0, shape: $0.1, type: $0.2))
    }
    let header = GGUFHeader(pairs: pairs, tensors: tensors)
    let data = [UInt8](repeating: 7, count: header.byteCount - header.bytes.count)
    let path = try folder.write("x.gguf", header.bytes + data)
    let model = try Model.open(path)
    #expect(try model.storedPairs() == pairs)
    #expect(model.tensors.map(\.offset) == header.offsets)
    #expect(header.offsets.allSatisfy { $0 % Int(alignment) == 0 })
    #expect(model.tensors.map(\.source) == tensors.map(\.type))
    #expect(model.tensors.map(\.byteCount) == tensors.map(\.byteCount))
    // ggml counts no leading dimensions of 1.
    #expect(model.tensors.map(\.shape) == [[3], [1], [2, 256], [2, 3, 32], [64]])
  }

  @Test func typesThatDontFit() {
    #expect(GGUFHeader.Tensor(name: "x", shape: [2, 100], type: .q4K) == nil)
    #expect(GGUFHeader.Tensor(name: "x", shape: [2, 4], type: .f8E4M3) == nil)
    #expect(GGUFHeader.Tensor(name: "x", shape: [Int.max, 4], type: .f32) == nil)
    #expect(SafetensorsHeader.Tensor(name: "x", shape: [32], type: .q80) == nil)
  }

  @Test func safetensors() throws {
    let shapes: [(String, [Int], SourceType)] = [
      ("b", [3, 5], .bf16), ("a", [7], .u8), ("c", [2], .i64), ("empty", [0, 4], .f32),
      ("scalar", [], .f32),
    ]
    let tensors = try shapes.map {
      try #require(SafetensorsHeader.Tensor(name: $0.0, shape: $0.1, type: $0.2))
    }
    let header = SafetensorsHeader(metadata: [("format", "pt")], tensors: tensors)
    #expect(header.bytes.count % 8 == 0)
    let data = [UInt8](repeating: 7, count: header.byteCount - header.bytes.count)
    let model = try Model.open(try folder.write("x.safetensors", header.bytes + data))
    #expect(model.metadata["format"]?.string == "pt")
    #expect(model.tensors.count == tensors.count)
    for tensor in model.tensors {
      let meant = try #require(tensors.first { $0.name == tensor.name })
      #expect(tensor.shape == meant.shape && tensor.source == meant.type)
      #expect(tensor.offset == header.offsets[tensor.name])
      #expect(tensor.offset % max(1, tensor.source.bytesPerBlock) == 0)
    }
  }
}
