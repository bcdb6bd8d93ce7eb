import Foundation
import Quantization
import Testing

/// The files that golden.py wrote.
struct Golden {
  struct Input {
    let name: String
    let rows: Int
    let rowLength: Int
    let weights: [Float]
  }

  struct Case {
    let format: String
    let bytes: [UInt8]
    let figures: [Double]
  }

  let inputs: [Input]
  let formats: [String]
  private let cases: [[Case]]

  static let shared = Result { try Golden() }

  init() throws {
    let lines = String(decoding: try Self.file("names.txt"), as: UTF8.self).split(separator: "\n")
    let words = lines.map { $0.split(separator: " ").map(String.init) }
    formats = words.filter { $0[0] == "format" }.map { $0[1] }
    var floats = GoldenReader(try Self.file("inputs.bin"))
    inputs = words.filter { $0[0] == "input" }.map { word in
      let rows = Int(word[2]) ?? 0
      let rowLength = Int(word[3]) ?? 0
      return Input(
        name: word[1], rows: rows, rowLength: rowLength, weights: floats.many(rows * rowLength))
    }
    var reader = GoldenReader(try Self.file("cases.bin"))
    let formats = formats
    cases = inputs.map { _ in
      formats.map { format in
        let count = Int(reader.one(UInt32.self))
        return Case(format: format, bytes: reader.many(count), figures: reader.many(6))
      }
    }
  }

  func cases(of input: Int) -> [Case] { cases[input] }

  static func file(_ name: String) throws -> [UInt8] {
    let folder = try #require(Bundle.module.url(forResource: "Golden", withExtension: nil))
    return [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
  }
}

/// Little-endian values one after another.
struct GoldenReader {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func one<Value: BitwiseCopyable>(_ type: Value.Type) -> Value {
    defer { offset += MemoryLayout<Value>.size }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
  }

  mutating func many<Value: BitwiseCopyable>(_ count: Int) -> [Value] {
    (0..<count).map { _ in one(Value.self) }
  }
}

/// The codec of a format for a tensor whose weights come in slices, in as many passes as it needs.
func codec(_ format: Format, for weights: [Float], slice: Int = 101) -> any Codec {
  guard var scan = format.scan() else { return format.codec() }
  while true {
    for start in stride(from: 0, to: weights.count, by: slice) {
      scan.observe(weights.span.extracting(start..<min(start + slice, weights.count)))
    }
    if let codec = scan.endPass() { return codec }
  }
}

extension Codec {
  func reconstructed(_ weights: [Float], rowLength: Int) -> [Float] {
    var out = [Float](repeating: .nan, count: weights.count)
    var room = out.mutableSpan
    reconstruct(weights.span, rowLength: rowLength, into: &room)
    return out
  }

  func decoded(_ encoded: EncodedWeights) -> [Float] {
    var out = [Float](repeating: .nan, count: encoded.rows * encoded.rowLength)
    var room = out.mutableSpan
    decode(encoded, into: &room)
    return out
  }
}

/// The error sums of two lists of weights.
func errorSums(_ weights: [Float], _ reconstructed: [Float]) -> ErrorSums {
  var sums = ErrorSums()
  sums.add(weights.span, reconstructed.span)
  return sums
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Normal values by Box and Muller (1958).
  mutating func normal(_ count: Int, deviation: Double = 1, mean: Double = 0) -> [Float] {
    (0..<count).map { _ in
      let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &self))).squareRoot()
      return Float(
        mean + deviation * radius * cos(2 * .pi * Double.random(in: 0..<1, using: &self)))
    }
  }
}
