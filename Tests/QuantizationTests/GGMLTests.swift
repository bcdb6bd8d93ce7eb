import Foundation
import Quantization
import Testing

/// Bytes and weights equal ggml's own, which ggml_golden.py asked for.
@Suite struct GGMLGoldenTests {
  @Test func randomBlocksDecodeAsInTheReference() throws {
    let golden = try GGMLGolden.shared.get()
    #expect(Set(golden.decoded.map(\.type)) == Set(GGMLType.allCases))
    for expected in golden.decoded {
      let found = expected.type.decoded(expected.bytes)
      if let index = firstDifference(found, expected.weights) {
        Issue.record(
          "\(expected.type), weight \(index): \(found[index]), not \(expected.weights[index])")
      }
    }
  }

  @Test func blocksAtOddAddressesDecodeTheSame() throws {
    for expected in try GGMLGolden.shared.get().decoded {
      let shifted = [0xA5] + expected.bytes
      var out = [Float](repeating: 7, count: expected.weights.count)
      var room = out.mutableSpan
      expected.type.decode(shifted.span.bytes.extracting(droppingFirst: 1), into: &room)
      #expect(firstDifference(out, expected.weights) == nil, "\(expected.type)")
    }
  }

  @Test(arguments: GGMLType.allCases)
  func inputsEncodeAsInTheReference(type: GGMLType) throws {
    let golden = try GGMLGolden.shared.get()
    let codec = Format.ggml(type).codec()
    let cases = golden.encoded.filter { $0.type == type }
    #expect(!Format.ggml(type).usesImportance || cases.count { $0.isWeighted } >= 9)
    #expect(Format.ggml(type).needsImportance || cases.count { !$0.isWeighted } >= 9)
    for expected in cases {
      let weights = try golden.input(expected.input)
      let importance = expected.isWeighted ? golden.importance : []
      let encoded = codec.encode(
        weights.span, rowLength: GGMLGolden.rowLength, importance: importance.span)
      let name = "\(type) of \(expected.input)\(expected.isWeighted ? ", weighted" : "")"
      if let index = encoded.bytes.indices.first(where: {
        encoded.bytes[$0] != expected.bytes[$0]
      }) {
        let block = index / type.bytesPerBlock
        Issue.record("\(name): block \(block), byte \(index % type.bytesPerBlock) of it")
      }
      var reconstructed = [Float](repeating: 7, count: weights.count)
      var room = reconstructed.mutableSpan
      codec.reconstruct(
        weights.span, rowLength: GGMLGolden.rowLength, importance: importance.span, into: &room)
      #expect(firstDifference(codec.decoded(encoded), reconstructed) == nil, "\(name)")
    }
  }

  /// The reference's own figures of what it encoded.
  @Test func errorsEqualTheReference() throws {
    let golden = try GGMLGolden.shared.get()
    var checked = 0
    for expected in golden.encoded where expected.rmse.isFinite {
      let weights = try golden.input(expected.input)
      let figures = errorSums(weights, expected.type.decoded(expected.bytes)).figures
      #expect(
        abs(figures.rmse - expected.rmse) <= 1e-12 * expected.rmse,
        "\(expected.type) of \(expected.input): \(figures.rmse), not \(expected.rmse)")
      #expect(figures.maxError == expected.maxError, "\(expected.type) of \(expected.input)")
      checked += 1
    }
    #expect(checked >= 300)
  }

  /// What a user sees: the figure that golden.json names for `gauss`.
  @Test(arguments: [(GGMLType.q40, 0.0016719540163032446), (.q80, 0.00010461735659103637)])
  func measuredErrors(type: GGMLType, rmse: Double) throws {
    let weights = try GGMLGolden.shared.get().input("gauss")
    let reconstructed = Format.ggml(type).codec().reconstructed(weights, rowLength: 1024)
    #expect(abs(errorSums(weights, reconstructed).figures.rmse - rmse) <= 1e-12 * rmse)
  }
}

@Suite struct GGMLTests {
  /// What can be encoded without importance.
  static let encodable = GGMLType.allCases.filter { !Format.ggml($0).needsImportance }

  @Test(arguments: encodable) func namesRoundTripInAnyCase(type: GGMLType) throws {
    let format = Format.ggml(type)
    #expect(format.description == type.rawValue)
    for name in [type.rawValue, type.rawValue.uppercased(), type.rawValue.lowercased()] {
      #expect(try Format(parsing: name) == format)
    }
    #expect(Format.knownNames.contains(type.rawValue))
  }

  @Test(arguments: [
    ("q4_0:g32", #""q4_0:g32" has a part "g32", but this format takes none"#),
    ("q8_1", #""q8_1" is no format; the nearest known: q8_0, q4_1, q5_1"#),
  ])
  func wrongNamesAreExplained(name: String, message: String) {
    #expect { try Format(parsing: name) } throws: { "\($0)" == message }
  }

  @Test func importanceIsUsedWhereTheReferenceTakesIt() {
    let unused: Set<GGMLType> = [.q80, .tq10, .tq20, .mxfp4, .nvfp4, .q10, .q20]
    let needed: Set<GGMLType> = [.iq1S, .iq2XXS, .iq2XS]
    for type in GGMLType.allCases {
      #expect(Format.ggml(type).usesImportance == !unused.contains(type), "\(type)")
      #expect(Format.ggml(type).needsImportance == needed.contains(type), "\(type)")
    }
  }

  /// Without the importance that they need, types can't pass for exact ones.
  @Test(arguments: GGMLType.allCases.filter { Format.ggml($0).needsImportance })
  func whatNeedsImportanceIsNaNWithoutIt(type: GGMLType) {
    let codec = Format.ggml(type).codec()
    let weights = SplitMix.weights(512)
    #expect(codec.reconstructed(weights, rowLength: 256).allSatisfy { $0.isNaN })
    #expect(codec.encode(weights.span, rowLength: 256).bytes.allSatisfy { $0 == 0 })
  }

  /// Where few channels matter, the weighted error is smaller with importance than without, and the plain one
  /// is greater at most.
  @Test(arguments: encodable.filter { Format.ggml($0).usesImportance })
  func importanceSpendsTheErrorElsewhere(type: GGMLType) {
    let codec = Format.ggml(type).codec()
    let weights = SplitMix.weights(64 * 256)
    var random = SplitMix(state: 23)
    let importance = (0..<256).map { _ in expf(Float(random.normal(1, deviation: 2)[0])) }
    func sums(_ used: [Float]) -> ErrorSums {
      var reconstructed = [Float](repeating: 0, count: weights.count)
      var room = reconstructed.mutableSpan
      codec.reconstruct(weights.span, rowLength: 256, importance: used.span, into: &room)
      var sums = ErrorSums()
      sums.add(
        weights.span, reconstructed.span, rowLength: 256, importance: importance.span)
      return sums
    }
    let (plain, weighted) = (sums([]).figures, sums(importance).figures)
    #expect((weighted.weightedNmse ?? .nan) < (plain.weightedNmse ?? .nan))
  }

  @Test func rowsMustBeWholeBlocks() throws {
    #expect(Format.ggml(.q40).objection(rowLength: 100) == "rows of 100 aren't a multiple of 32")
    #expect(Format.ggml(.tq10).objection(rowLength: 32) == "rows of 32 aren't a multiple of 256")
    #expect(Format.ggml(.q40).objection(rowLength: 96) == nil)
    #expect(Format.ggml(.q40).objection(rowLength: 0) == nil)
    #expect(try Format(parsing: "int4").objection(rowLength: 100) == nil)
    #expect(Format.float(.f16).objection(rowLength: 1) == nil)
  }

  @Test func sizes() {
    #expect(Format.ggml(.q40).storedByteCount(rows: 3, rowLength: 64) == 3 * 2 * 18)
    #expect(Format.ggml(.q4K).storedByteCount(rows: 2, rowLength: 512) == 2 * 2 * 144)
    #expect(Format.ggml(.q40).bitsPerWeight(rows: 5, rowLength: 32) == 4.5)
    #expect(Format.ggml(.tq10).bitsPerWeight(rows: 1, rowLength: 256) == 1.6875)
    #expect(Format.ggml(.q80).storedByteCount(rows: 0, rowLength: 64) == 0)
  }

  /// Rows may be cut between blocks, and blocks come out the same alone as among others.
  @Test(arguments: encodable) func piecesAreAsGoodAsTheWhole(type: GGMLType) {
    let codec = Format.ggml(type).codec()
    let length = type.blockLength
    var random = SplitMix(state: 5)
    let weights = random.normal(37 * length, deviation: 0.02)
    let whole = codec.encode(weights.span, rowLength: weights.count)
    for blocks in [1, 3, 16, 17] {
      var bytes: [UInt8] = []
      for start in stride(from: 0, to: weights.count, by: blocks * length) {
        let end = min(start + blocks * length, weights.count)
        bytes += codec.encode(weights.span.extracting(start..<end), rowLength: end - start).bytes
      }
      #expect(bytes == whole.bytes, "\(blocks) blocks at a time")
    }
  }

  /// Weights after the last whole block are left out, and can't pass for good ones.
  @Test(arguments: encodable) func whatDoesNotFitIsNaN(type: GGMLType) throws {
    let codec = Format.ggml(type).codec()
    let rowLength = 2 * type.blockLength + 3
    let weights = SplitMix.weights(3 * rowLength + type.blockLength + 1)
    let reconstructed = codec.reconstructed(weights, rowLength: rowLength)
    for index in weights.indices {
      let isFitting = index % rowLength / type.blockLength < (index < 3 * rowLength ? 2 : 1)
      #expect(reconstructed[index].isNaN != isFitting)
    }
    let encoded = codec.encode(weights.span, rowLength: rowLength)
    #expect(encoded.bytes.count == 6 * type.bytesPerBlock)
    let decoded = codec.decoded(encoded)
    #expect(firstDifference(decoded, Array(reconstructed[0..<3 * rowLength])) == nil)
    #expect(
      EncodedWeights(
        format: .ggml(type), rows: 3, rowLength: rowLength, bytes: encoded.bytes) == nil)
  }

  @Test(arguments: GGMLType.allCases) func anyBytesAndAnyRoomAreSafe(type: GGMLType) {
    var random = SplitMix(state: 11)
    for _ in 0..<50 {
      let bytes = (0..<Int.random(in: 0..<1500, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      var out = [Float](
        repeating: 7, count: Int.random(in: 0..<2000, using: &random))
      var room = out.mutableSpan
      type.decode(bytes.span.bytes, into: &room)
      let blocks = min(bytes.count / type.bytesPerBlock, out.count / type.blockLength)
      #expect(out[(blocks * type.blockLength)...].allSatisfy { $0 == 7 })
    }
  }

  @Test(arguments: GGMLType.allCases) func anyWeightsAreSafe(type: GGMLType) {
    var random = SplitMix(state: 13)
    let weights = (0..<64 * 256).map { index in
      // Some blocks of all bits, some of huge, tiny and special values.
      switch index / 1024 % 4 {
      case 0: Float(bitPattern: UInt32.random(in: .min ... .max, using: &random))
      case 1: [Float.nan, .infinity, -.infinity, 0, -0.0, 1].randomElement(using: &random) ?? 0
      case 2: Float.greatestFiniteMagnitude * Float.random(in: -1...1, using: &random)
      default: Float.leastNonzeroMagnitude * Float(Int.random(in: -9...9, using: &random))
      }
    }
    let codec = Format.ggml(type).codec()
    let odd = (0..<1024).map { [0, 1, 1e-38, 3e38, Float($0)][$0 % 5] }
    for importance in [[], odd, [Float](repeating: 0, count: 1024)] {
      let encoded = codec.encode(weights.span, rowLength: 1024, importance: importance.span)
      var reconstructed = [Float](repeating: 0, count: weights.count)
      var room = reconstructed.mutableSpan
      codec.reconstruct(
        weights.span, rowLength: 1024, importance: importance.span, into: &room)
      if Format.ggml(type).needsImportance, importance.isEmpty { continue }
      #expect(firstDifference(codec.decoded(encoded), reconstructed) == nil)
    }
  }

  /// Weights that come out of these types go back in without loss, as long as the scale comes out the same:
  /// 4 to 8 bits of one scale, and ternary weights, of which at least one is at the end of the grid.
  @Test(arguments: [GGMLType.q40, .q50, .q80, .tq10, .tq20, .mxfp4])
  func decodedWeightsEncodeToThemselves(type: GGMLType) {
    let codec = Format.ggml(type).codec()
    let weights = SplitMix.weights(16 * 1024)
    let once = codec.reconstructed(weights, rowLength: 1024)
    let twice = codec.reconstructed(once, rowLength: 1024)
    // Q8_0's greatest weight is 127 x d, whose 127th part may round to another half than d.
    let changed = once.indices.count { once[$0] != twice[$0] }
    #expect(changed <= (type == .q80 ? once.count / 50 : 0), "\(changed)")
  }
}

extension SplitMix {
  static func weights(_ count: Int) -> [Float] {
    var random = SplitMix(state: 17)
    return random.normal(count, deviation: 0.02)
  }
}
