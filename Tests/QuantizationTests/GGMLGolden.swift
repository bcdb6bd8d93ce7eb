import Quantization
import Testing

/// The files that ggml_golden.py wrote.
struct GGMLGolden {
  struct Encoded {
    let type: GGMLType
    let input: String
    /// Whether columns counted by `importance`.
    let isWeighted: Bool
    let bytes: [UInt8]
    /// sqrt of the mean squared error, and the greatest error; NaN where the reference has none.
    let rmse: Double
    let maxError: Double
  }

  struct Decoded {
    let type: GGMLType
    let bytes: [UInt8]
    let weights: [Float]
  }

  static let rowLength = 1024
  static let count = 8 * rowLength

  static let shared = Result { try GGMLGolden() }

  private(set) var inputs: [String: [Float]] = [:]
  /// Of each column.
  let importance: [Float]
  private(set) var encoded: [Encoded] = []
  private(set) var decoded: [Decoded] = []

  init() throws {
    let lines = String(decoding: try Golden.file("ggml/names.txt"), as: UTF8.self).split(
      separator: "\n")
    var channels = GoldenReader(try Golden.file("ggml/importance.bin"))
    importance = channels.many(Self.rowLength)
    var floats = GoldenReader(try Golden.file("ggml/inputs.bin"))
    var blocks = GoldenReader(try Golden.file("ggml/encoded.bin"))
    var random = GoldenReader(try Golden.file("ggml/decoded.bin"))
    for line in lines {
      let words = line.split(separator: " ").map(String.init)
      if words[0] == "input" {
        inputs[words[1]] = floats.many(Self.count)
        continue
      }
      let type = try #require(GGMLType(rawValue: words[1]))
      if words[0] != "decoded" {
        let size = Self.count / type.blockLength * type.bytesPerBlock
        encoded.append(
          Encoded(
            type: type, input: words[2], isWeighted: words[0] == "weighted",
            bytes: blocks.many(size),
            rmse: Double(words[3]) ?? .nan, maxError: Double(words[4]) ?? .nan))
      } else {
        let count = try #require(Int(words[2]))
        let bytes: [UInt8] = random.many(count * type.bytesPerBlock)
        decoded.append(
          Decoded(type: type, bytes: bytes, weights: random.many(count * type.blockLength)))
      }
    }
  }

  func input(_ name: String) throws -> [Float] { try #require(inputs[name]) }
}

extension GGMLType {
  /// The weights of blocks.
  func decoded(_ bytes: [UInt8]) -> [Float] {
    var out = [Float](repeating: 7, count: bytes.count / bytesPerBlock * blockLength)
    var room = out.mutableSpan
    decode(bytes.span.bytes, into: &room)
    return out
  }
}

/// The first place where two lists differ in bits; NaN is NaN.
func firstDifference(_ a: [Float], _ b: [Float]) -> Int? {
  guard a.count == b.count else { return min(a.count, b.count) }
  return a.indices.first { a[$0].bitPattern != b[$0].bitPattern && !(a[$0].isNaN && b[$0].isNaN) }
}
