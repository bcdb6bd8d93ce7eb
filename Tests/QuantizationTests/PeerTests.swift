import Foundation
import Quantization
import Testing

/// What bitsandbytes, torchao, ml_dtypes, compressed-tensors, hqq, kmeans1d and MLX make of the same weights:
/// formats_golden.py and mlx_golden.py made the files.
@Suite struct PeerTests {
  struct Case {
    let format: Format
    let rows: Int
    let rowLength: Int
    let weights: [Float]
    let isLevels: Bool
    let bytes: [UInt8]
    let name: String
  }

  static let cases = Result { try read("formats") }

  static func read(_ name: String) throws -> [Case] {
    let text = String(decoding: try Golden.file("\(name).txt"), as: UTF8.self)
    var reader = GoldenReader(try Golden.file("\(name).bin"))
    var inputs: [String: (rows: Int, rowLength: Int, weights: [Float])] = [:]
    var cases: [Case] = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if words[0] == "input", let rows = Int(words[2]), let rowLength = Int(words[3]) {
        inputs[words[1]] = (rows, rowLength, reader.many(rows * rowLength))
      } else {
        let input = try #require(inputs[words[2]])
        let count = try #require(Int(words[4]))
        cases.append(
          Case(
            format: try Format(parsing: words[1]), rows: input.rows, rowLength: input.rowLength,
            weights: input.weights, isLevels: words[3] == "levels", bytes: reader.many(count),
            name: "\(words[2]) in \(words[1])"))
      }
    }
    return cases
  }

  private func isSearch(_ format: Format) -> Bool {
    if case .integer = format { true } else { false }
  }

  @Test func blockFormatsEqualTheirPeers() throws {
    let cases = try Self.cases.get().filter { !$0.isLevels && !isSearch($0.format) }
    #expect(cases.count == 6 * 8)
    let mlx = try Self.read("mlx")
    #expect(mlx.count == 8 * 6 * 3 * 3)
    for item in cases + mlx {
      let codec = codec(item.format, for: item.weights)
      let encoded = codec.encode(item.weights.span, rowLength: item.rowLength)
      let expected = try #require(
        EncodedWeights(
          format: item.format, rows: item.rows, rowLength: item.rowLength, bytes: item.bytes))
      #expect(encoded.scales == expected.scales, "\(item.name): scales")
      #expect(encoded.biases == expected.biases, "\(item.name): biases")
      #expect(encoded.codes == expected.codes, "\(item.name): codes")
      #expect(encoded.bytes == expected.bytes, "\(item.name): bytes")
    }
  }

  /// The solver's power function and sums round otherwise than torch's, which may move a zero point by a unit of
  /// its last place, or end a search an iteration sooner; that is rare, and the errors are nearly the same.
  @Test func hqqFollowsItsPeer() throws {
    let cases = try Self.cases.get().filter { isSearch($0.format) }
    #expect(cases.count == 5 * 5)
    var zeroPoints = 0
    var equal = 0
    for item in cases {
      let codec = item.format.codec()
      let encoded = codec.encode(item.weights.span, rowLength: item.rowLength)
      let expected = try #require(
        EncodedWeights(
          format: item.format, rows: item.rows, rowLength: item.rowLength, bytes: item.bytes))
      #expect(encoded.scales == expected.scales, "\(item.name): scales")
      #expect(encoded.zeroPoints.isEmpty)
      zeroPoints += encoded.realZeroPoints.count
      for (a, b) in zip(encoded.realZeroPoints, expected.realZeroPoints) {
        if a == b { equal += 1 }
        #expect(abs(a - b) <= 0.05, "\(item.name): \(a), not \(b)")
      }
      let errors = [encoded, expected].map {
        errorSums(item.weights, codec.decoded($0)).figures.nmse
      }
      #expect(abs(errors[0] - errors[1]) <= 0.004 * errors[1], "\(item.name): \(errors)")
    }
    #expect(Double(equal) >= 0.97 * Double(zeroPoints), "\(equal) of \(zeroPoints)")
  }

  /// Levels are the means rounded to f16. Optimal clusterings may differ where their costs are equal to the last
  /// bits, so it is the error that must not be larger.
  @Test func palettesAreTheBestClusters() throws {
    let cases = try Self.cases.get().filter(\.isLevels)
    #expect(cases.count == 6 * 5)
    var levels = 0
    var equal = 0
    for item in cases {
      let codec = codec(item.format, for: item.weights)
      let encoded = codec.encode(item.weights.span, rowLength: item.rowLength)
      var reader = GoldenReader(item.bytes)
      var means: [Float] = reader.many(item.bytes.count / 4)
      means = means.map { Float(Float16(max(-65504, min(65504, $0)))) }
      if Set(item.weights).count > means.count {
        levels += means.count
        equal += zip(encoded.levels, means).count { $0 == $1 }
      }
      let nearest = item.weights.map { weight in
        means.min { abs($0 - weight) < abs($1 - weight) } ?? 0
      }
      let found = errorSums(item.weights, codec.decoded(encoded)).squaredError
      let expected = errorSums(item.weights, nearest).squaredError
      #expect(found <= expected * (1 + 1e-5) + 1e-12, "\(item.name): \(found), not \(expected)")
    }
    #expect(Double(equal) >= 0.97 * Double(levels), "\(equal) of \(levels)")
  }
}
