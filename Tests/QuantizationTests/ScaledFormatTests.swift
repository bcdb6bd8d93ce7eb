import Foundation
import Quantization
import Testing

/// Code books, scaled floats, palettes, and integers with the `hqq` calibration.
@Suite struct ScaledFormatTests {
  static let blocks = [
    "nf4", "fp4", "mxfp8", "mxfp8:e5m2", "mxfp6", "mxfp6:e3m2", "mxfp4:ocp", "nvfp4:tensor",
  ]
  static let mlx = ["mlx2:g32", "mlx4", "mlx3:g32:f16", "mlx6:f32", "mlx8:f16"]
  static let palettes = ["pal2", "pal3", "pal4", "pal6", "pal8"]
  static let all =
    blocks + mlx + palettes + [
      "int4:affine:g64:hqq", "int3:affine:channel:hqq:bf16", "int8:affine:g32:hqq:f32",
    ]

  static let hostile: [Float] = [
    .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
    .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 0, -0.0, 1, -1, .signalingNaN, 1e30, 1e-30,
    6.5e4, -7e4, 1e-38, 3e-5,
  ]

  static let sizes: [(String, Double)] = [
    ("nf4", 4.5), ("fp4", 4.5), ("mxfp8", 8.25), ("mxfp8:e5m2", 8.25), ("mxfp6", 6.25),
    ("mxfp6:e3m2", 6.25), ("mxfp4:ocp", 4.25), ("nvfp4:tensor", 4.50048828125),
    ("pal2", 2.0009765625), ("pal8", 8.0625), ("int4:affine:g64:hqq", 4.5),
    ("int4:affine:g64:hqq:f32", 5), ("mlx4", 4.5), ("mlx3:g32:f16", 4), ("mlx8:g128", 8.25),
    ("mlx4:f32", 5), ("int3:affine:channel:hqq", 3.125),
  ]

  @Test(arguments: sizes)
  func bitsPerWeight(name: String, bits: Double) throws {
    #expect(try Format(parsing: name).bitsPerWeight(rows: 256, rowLength: 256) == bits)
  }

  @Test(arguments: [
    ("MXFP8:E4M3", "mxfp8"), ("mxfp6:e2m3", "mxfp6"), ("mxfp6:E3M2", "mxfp6:e3m2"),
    ("pal4:tensor", "pal4"), ("int4:hqq:g32:affine", "int4:affine:g32:hqq"), ("NF4", "nf4"),
    ("mxfp4", "mxfp4"), ("nvfp4", "nvfp4"), ("MLX4:G64:BF16", "mlx4"),
    ("mlx6:f16:g32", "mlx6:g32:f16"),
  ])
  func namesAreCanonical(name: String, canonical: String) throws {
    #expect(try Format(parsing: name).description == canonical)
    #expect(try Format(parsing: canonical) == Format(parsing: name))
  }

  static let wrong: [(String, String)] = [
    (
      "int4:hqq",
      """
      "int4:hqq" asks for hqq, which chooses zero points of affine channels or groups; the nearest known: \
      int4:affine:hqq
      """
    ),
    (
      "int4:affine:tensor:hqq",
      """
      "int4:affine:tensor:hqq" asks for hqq, which chooses zero points of affine channels or groups; \
      the nearest known: int4:affine:hqq
      """
    ),
    ("nf4:g32", #""nf4:g32" has a part "g32", but this format takes none"#),
    (
      "mxfp8:e3m4",
      #""mxfp8:e3m4" has a part "e3m4" that is not known; the nearest known: e4m3, e5m2"#
    ),
    ("mxfp4:g16", #""mxfp4:g16" has a part "g16" that is not known; the nearest known: ocp"#),
    ("pal4:g8", #""pal4:g8" has a part "g8" that is not known; the nearest known: tensor"#),
    ("mlx7", #""mlx7" is no format; the nearest known: mlx2, mlx3, mlx4"#),
    (
      "mlx4:g256",
      """
      "mlx4:g256" has a part "g256" that is not known; the nearest known: g32, g64, g128, f16, bf16, f32
      """
    ),
    ("mlx4:g32:g64", #""mlx4:g32:g64" has a part "g64" that repeats or contradicts another"#),
    ("pal5", #""pal5" is no format; the nearest known: pal2, pal3, pal4"#),
    (
      "mxfp8:e5m2:e4m3", #""mxfp8:e5m2:e4m3" has a part "e4m3" that repeats or contradicts another"#
    ),
  ]

  @Test(arguments: wrong) func wrongNamesAreExplained(name: String, message: String) {
    #expect { try Format(parsing: name) } throws: { "\($0)" == message }
  }

  @Test(arguments: all) func encodingIsReconstructing(name: String) throws {
    let format = try Format(parsing: name)
    var random = SplitMix(state: 31)
    for scale in [1e-6, 0.02, 1, 1e8] {
      let weights = random.normal(5 * 448, deviation: scale, mean: scale / 9)
      let codec = codec(format, for: weights)
      let whole = codec.reconstructed(weights, rowLength: 448)
      let encoded = codec.encode(weights.span, rowLength: 448)
      #expect(encoded.bytes.count == format.storedByteCount(rows: 5, rowLength: 448))
      #expect(codec.decoded(encoded).map(\.bitPattern) == whole.map(\.bitPattern))
      #expect(format.codec().decoded(encoded).map(\.bitPattern) == whole.map(\.bitPattern))
      // One piece is the tensor for a codec without a scan.
      #expect(format.codec().reconstructed(weights, rowLength: 448) == whole)
      // Pieces in another order, cut where they may be.
      for row in (0..<5).reversed() {
        let part = Array(weights[row * 448..<(row + 1) * 448])
        #expect(
          codec.reconstructed(part, rowLength: 448) == Array(whole[row * 448..<(row + 1) * 448]))
        guard let cut = format.pieceAlignment else { continue }
        let head = codec.reconstructed(Array(part[..<cut]), rowLength: cut)
        let tail = codec.reconstructed(Array(part[cut...]), rowLength: 448 - cut)
        #expect(head + tail == Array(whole[row * 448..<(row + 1) * 448]))
      }
    }
  }

  @Test(arguments: all) func hostileWeightsNeverTrap(name: String) throws {
    let format = try Format(parsing: name)
    var random = SplitMix(state: 32)
    for length in [64, 128, 1, 63, 100] {
      for _ in 0..<40 {
        let count = Int.random(in: 1...Self.hostile.count, using: &random)
        let some = Self.hostile.shuffled(using: &random).prefix(count)
        let weights = (0..<3 * length).map { _ in some.randomElement(using: &random) ?? 0 }
        let codec = codec(format, for: weights)
        let back = codec.reconstructed(weights, rowLength: length)
        let encoded = codec.encode(weights.span, rowLength: length)
        #expect(encoded.bytes.count == format.storedByteCount(rows: 3, rowLength: length))
        for (a, b) in zip(codec.decoded(encoded), back) {
          #expect(a.bitPattern == b.bitPattern || a.isNaN && b.isNaN)
        }
        guard format.objection(rowLength: length) == nil else { continue }
        #expect(back.allSatisfy { !$0.isNaN })
        // Where scales are floats, rounding may carry the greatest float over the edge.
        #expect(
          back.allSatisfy(\.isFinite)
            || ["int", "nvfp4", "mlx"].contains { name.hasPrefix($0) })
        #expect(encoded.codes.count == weights.count)
      }
    }
  }

  @Test(arguments: all) func everyByteCanBeDecoded(name: String) throws {
    let format = try Format(parsing: name)
    var random = SplitMix(state: 33)
    for _ in 0..<50 {
      let bytes = (0..<format.storedByteCount(rows: 2, rowLength: 192)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      let encoded = try #require(
        EncodedWeights(format: format, rows: 2, rowLength: 192, bytes: bytes))
      #expect(format.codec().decoded(encoded).count == 384)
    }
  }

  @Test(arguments: all) func nothingGivesNothing(name: String) throws {
    let format = try Format(parsing: name)
    let codec = codec(format, for: [])
    #expect(codec.reconstructed([], rowLength: 64).isEmpty)
    #expect(codec.encode([Float]().span, rowLength: 64).bytes.isEmpty)
    #expect(codec.encode([Float]().span, rowLength: 0).bytes.isEmpty)
    #expect(codec.reconstructed([1, 2], rowLength: 0).allSatisfy { $0.isNaN })
  }

  @Test(arguments: blocks + mlx) func rowsOfPartsOfBlocksAreRefused(name: String) throws {
    let format = try Format(parsing: name)
    let length = try #require(format.pieceAlignment)
    #expect(format.objection(rowLength: length) == nil)
    #expect(format.objection(rowLength: length + 8) != nil)
    let back = format.codec().reconstructed(
      [Float](repeating: 1, count: 2 * (length + 1)), rowLength: length + 1)
    #expect(back[length].isNaN && back[2 * length + 1].isNaN)
    #expect(back.count { $0.isNaN } == 2)
  }

  /// What a format can represent comes back as it was.
  @Test(arguments: blocks) func reconstructionIsIdempotent(name: String) throws {
    var random = SplitMix(state: 34)
    let weights = random.normal(8 * 256)
    let format = try Format(parsing: name)
    let once = codec(format, for: weights).reconstructed(weights, rowLength: 256)
    let nmse = errorSums(weights, once).figures.nmse
    #expect(nmse < 0.02 && nmse > 0)
    // A second pass may choose a smaller scale where the greatest element was rounded down.
    guard !name.hasPrefix("nvfp4") else { return }
    #expect(codec(format, for: once).reconstructed(once, rowLength: 256) == once)
  }

  static let ladders: [[String]] = [
    palettes, ["mxfp4:ocp", "mxfp6"],
    ["mlx2", "mlx3", "mlx4", "mlx5", "mlx6", "mlx8"],
    ["int2:affine:hqq", "int3:affine:hqq", "int4:affine:hqq", "int8:affine:hqq"],
  ]

  /// From the fewest bits to the most, on normal weights.
  @Test(arguments: ladders)
  func moreBitsLessError(names: [String]) throws {
    var random = SplitMix(state: 35)
    // More weights than a palette's scan keeps one by one.
    let weights = random.normal(256 * 256, deviation: 0.5)
    var last = 0.5
    for name in names {
      let back = codec(try Format(parsing: name), for: weights, slice: 4099)
        .reconstructed(weights, rowLength: 256)
      let nmse = errorSums(weights, back).figures.nmse
      #expect(nmse < last, "\(name): \(nmse)")
      last = nmse
    }
  }

  /// The mean of |w - ŵ|^0.7, which hqq lessens.
  @Test(arguments: [2, 3, 4]) func hqqIsNoWorseThanMinmaxByItsOwnMeasure(bits: Int) throws {
    var random = SplitMix(state: 36)
    for deviation in [0.02, 0.3] {
      let weights = random.normal(64 * 256, deviation: deviation)
      let errors = try ["", ":hqq"].map { part in
        let back = try Format(parsing: "int\(bits):affine:g64\(part)").codec()
          .reconstructed(weights, rowLength: 256)
        return zip(weights, back).reduce(0) { sum, pair in
          let error: Float = abs(pair.0 - pair.1)
          return sum + pow(Double(error), 0.7)
        }
      }
      #expect(errors[1] <= errors[0], "\(deviation): \(errors)")
    }
  }

  @Test func palettesOfFewValuesLoseNothing() throws {
    let values: [Float] = [-2, -0.5, 0.25, 3]
    let weights = (0..<512).map { values[$0 * 7 % 4] }
    for name in Self.palettes {
      let codec = codec(try Format(parsing: name), for: weights)
      #expect(codec.reconstructed(weights, rowLength: 64) == weights)
      let levels = codec.encode(weights.span, rowLength: 64).levels
      #expect(Array(levels.prefix(4)) == values && levels.dropFirst(4).allSatisfy { $0 == 3 })
    }
  }

  /// Counting into bins is exact for weights of BF16, and hardly worse for others.
  @Test func binsAreNearlyAsGoodAsWeights() throws {
    var random = SplitMix(state: 37)
    let few = random.normal(16_384)
    for name in ["pal2", "pal4", "pal6"] {
      let format = try Format(parsing: name)
      let exact = errorSums(few, codec(format, for: few).reconstructed(few, rowLength: 64))
      // Twice the same weights have the same clusters, and are too many to be kept.
      let many = few + few
      let binned = errorSums(many, codec(format, for: many).reconstructed(many, rowLength: 64))
      #expect(binned.figures.nmse <= exact.figures.nmse * 1.001)
      #expect(binned.figures.nmse >= exact.figures.nmse * 0.999)
    }
  }
}
