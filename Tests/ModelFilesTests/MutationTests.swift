import Foundation
import ModelFiles
import Testing

/// A small generator with a seed, so that a failure can be had again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

@Suite("Damaged files")
struct MutationTests {
  /// Whatever happens to a file: an answer, never a trap; and what opens is consistent.
  @Test("never do harm", arguments: CorpusEntry.all)
  func mutations(_ entry: CorpusEntry) throws {
    let folder = try ScratchFolder()
    let original = Array(try Data(contentsOf: URL(fileURLWithPath: entry.path)))
    let name = entry.path.split(separator: "/").last.map(String.init) ?? "file"
    let source = URL(fileURLWithPath: entry.path).deletingLastPathComponent()
    if entry.kind == "sharded" {
      for other in try FileManager.default.contentsOfDirectory(atPath: source.path)
      where other != name {
        try folder.write(other, Array(try Data(contentsOf: source.appendingPathComponent(other))))
      }
    }
    var seed: UInt64 = 1
    for byte in entry.file.utf8 { seed = seed &* 31 &+ UInt64(byte) }
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<60 {
      let path = try folder.write(name, damaged(original, &generator))
      if entry.kind == "imatrix" { try check(importance: path) }
      switch outcome(opening: path) {
      case .success(let model): try check(model)
      case .failure(let error):
        #expect(error.description == error.description.sanitised)
      }
    }
  }

  private func check(importance path: String) throws {
    do throws(ModelFileError) {
      for entry in try Imatrix.open(path).entries {
        #expect(entry.values.allSatisfy { $0.isFinite && $0 >= 0 })
        #expect(entry.matrices > 0 && entry.values.count % entry.matrices == 0)
      }
    } catch {
      #expect(error.description == error.description.sanitised)
    }
  }

  private func damaged(
    _ original: [UInt8], _ generator: inout SeededGenerator
  ) -> [UInt8] {
    var bytes = original
    // Mostly the header: data may be anything.
    let reach = min(bytes.count, 2000)
    for _ in 0..<Int.random(in: 1...4, using: &generator) where reach > 0 {
      let place = Int.random(in: 0..<min(reach, bytes.count), using: &generator)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes[place] = .random(in: .min ... .max, using: &generator)
      case 2: bytes[place] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
      case 3: bytes.remove(at: place)
      case 4: bytes.insert(bytes[place], at: place)
      default:
        // A number of 8 bytes at the edge of what can be counted.
        let edges: [UInt64] = [.max, 1 << 63, 1 << 62, 1 << 32, 0, 1 << 61 + 1]
        let edge = ModelFilesTests.bytes(edges.randomElement(using: &generator) ?? 0)
        for (index, byte) in edge.enumerated() where place + index < bytes.count {
          bytes[place + index] = byte
        }
      }
      if bytes.isEmpty { break }
    }
    if Int.random(in: 0..<4, using: &generator) == 0 {
      bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
    }
    return bytes
  }

  private func check(_ model: Model) throws {
    for tensor in model.tensors {
      let (product, overflow) = tensor.rows.multipliedReportingOverflow(by: tensor.rowLength)
      #expect(!overflow && product == tensor.weightCount)
      let length = model.withBytes(of: tensor, elements: 0..<tensor.weightCount) { $0.byteCount }
      #expect(length == tensor.byteCount)
    }
    for entry in model.metadata.entries {
      #expect(entry.value.description == entry.value.description.sanitised)
    }
    #expect(model.fingerprint().utf8.count == 71)
  }
}
