import Quantization
import Testing

@Suite struct CodecTests {
  static let formats = [
    "int2", "int3:affine", "int4", "int4:affine:g32", "int5:channel", "int8:affine:channel",
    "int4:tensor", "int3:affine:tensor:mse", "int4:mse", "int4:affine:g64:mse", "int4:entropy",
    "int4:channel:percentile=98", "int6:affine:g256:percentile", "int4:g32:f32", "int4:g32:bf16",
    "f32", "f16", "bf16", "f8_e4m3", "f8_e5m2",
  ]

  /// Quantizing what has been quantized changes nothing, where the range is of the weights themselves.
  @Test(arguments: ["int4", "int8:channel", "int2:g32", "f16", "bf16", "f8_e4m3", "f8_e5m2"])
  func reconstructionIsIdempotent(name: String) throws {
    var random = SplitMix(state: 1)
    // The extreme weight of each group is one step of a power of two, so that scales are exact.
    var weights = random.normal(4 * 256)
    let format = try Format(parsing: name)
    if case .integer(let integer) = format {
      let limit = Float(integer.codes.upperBound)
      weights = weights.map { max(-limit / 8, min(limit / 8, $0 * limit / 16)) }
      for i in stride(from: 0, to: weights.count, by: 32) { weights[i] = limit / 8 }
    }
    let codec = format.codec()
    let once = codec.reconstructed(weights, rowLength: 256)
    #expect(codec.reconstructed(once, rowLength: 256) == once)
    #expect(errorSums(weights, once).figures.nmse < 0.5)
  }

  /// Pieces in any order, cut where they may be, give what the whole gives.
  @Test(arguments: formats) func piecesGiveWhatTheWholeGives(name: String) throws {
    var random = SplitMix(state: 2)
    let rowLength = 608
    let weights = random.normal(6 * rowLength, deviation: 0.1, mean: 0.02)
    let format = try Format(parsing: name)
    let codec = codec(format, for: weights)
    let whole = codec.reconstructed(weights, rowLength: rowLength)
    #expect(codec.decoded(codec.encode(weights.span, rowLength: rowLength)) == whole)
    for row in (0..<6).reversed() {
      let range = row * rowLength..<(row + 1) * rowLength
      let part = codec.reconstructed(Array(weights[range]), rowLength: rowLength)
      #expect(part == Array(whole[range]))
      guard let alignment = format.pieceAlignment else { continue }
      let cut = range.lowerBound + 2 * alignment
      let head = codec.reconstructed(
        Array(weights[range.lowerBound..<cut]), rowLength: cut - range.lowerBound)
      let tail = codec.reconstructed(
        Array(weights[cut..<range.upperBound]), rowLength: range.upperBound - cut)
      #expect(head + tail == Array(whole[range]))
    }
  }

  @Test(arguments: ["", ":affine", ":channel", ":affine:tensor", ":g32:mse"])
  func moreBitsNeverMoreError(parts: String) throws {
    var random = SplitMix(state: 3)
    let weights = random.normal(16 * 512)
    var last = Double.infinity
    for bits in 2...8 {
      let format = try Format(parsing: "int\(bits)\(parts)")
      let back = codec(format, for: weights).reconstructed(weights, rowLength: 512)
      let nmse = errorSums(weights, back).figures.nmse
      #expect(nmse < last, "\(format)")
      last = nmse
    }
  }

  /// Half a step, where nothing is clipped: the bound that rounding promises.
  ///
  /// The stored scale may be less
  /// than the ideal one by 2^-11 of it, which moves the ends of the grid.
  @Test(arguments: ["int2", "int4", "int8", "int3:affine:g32", "int8:affine:channel:f32"])
  func errorsStayWithinHalfAStep(name: String) throws {
    var random = SplitMix(state: 4)
    let weights = random.normal(8 * 256)
    let format = try Format(parsing: name)
    guard case .integer(let integer) = format else { return }
    let codec = format.codec()
    let encoded = codec.encode(weights.span, rowLength: 256)
    let back = codec.decoded(encoded)
    let shared = weights.count / encoded.scales.count
    for i in weights.indices {
      let scale = Double(encoded.scales[i / shared])
      let slack = scale * Double(integer.codes.upperBound) * 0x1p-10
      #expect(abs(Double(weights[i]) - Double(back[i])) <= scale / 2 + slack)
    }
  }

  @Test(arguments: [2, 3, 4, 8]) func mseIsNeverWorseThanMinmax(bits: Int) throws {
    let golden = try Golden.shared.get()
    for input in golden.inputs {
      for parts in ["", ":affine", ":g32", ":affine:channel", ":tensor"] {
        let errors = try [":mse", ""].map { calibration in
          let format = try Format(parsing: "int\(bits)\(parts)\(calibration)")
          let codec = codec(format, for: input.weights)
          return errorSums(
            input.weights, codec.reconstructed(input.weights, rowLength: input.rowLength)
          ).squaredError
        }
        #expect(errors[0] <= errors[1] * (1 + 1e-6), "\(input.name) int\(bits)\(parts)")
      }
    }
  }

  @Test(arguments: formats) func hostileWeightsNeverTrap(name: String) throws {
    let format = try Format(parsing: name)
    let hostile: [Float] = [
      .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
      .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 0, -0.0, 1, -1, .signalingNaN, 1e30, 1e-30,
    ]
    var random = SplitMix(state: 5)
    for length in [1, 2, 15, 16, 17, 31, 33, 100, 129, 300] {
      for _ in 0..<8 {
        let count = Int.random(in: 1...hostile.count, using: &random)
        let some = hostile.shuffled(using: &random).prefix(count)
        let weights = (0..<3 * length).map { _ in some.randomElement(using: &random) ?? 0 }
        let codec = codec(format, for: weights)
        let back = codec.reconstructed(weights, rowLength: length)
        let encoded = codec.encode(weights.span, rowLength: length)
        #expect(encoded.bytes.count == format.storedByteCount(rows: 3, rowLength: length))
        for (a, b) in zip(codec.decoded(encoded), back) { #expect(a == b || (a.isNaN && b.isNaN)) }
        let figures = errorSums(weights, back).figures
        #expect(!figures.mse.isNaN && !figures.nmse.isNaN && !figures.sqnr.isNaN)
        #expect((-1...1).contains(figures.cosine))
        guard case .integer(let integer) = format else { continue }
        #expect(back.allSatisfy { $0.isFinite } || integer.scaleType != .f16)
        for (a, b) in zip(weights, back) where a.isNaN { #expect(b == 0) }
      }
    }
  }

  @Test(arguments: formats) func nothingGivesNothing(name: String) throws {
    let codec = try Format(parsing: name).codec()
    #expect(codec.reconstructed([], rowLength: 128) == [])
    #expect(codec.encode([Float]().span, rowLength: 128).bytes.isEmpty)
    #expect(codec.encode([Float]().span, rowLength: 0).bytes.isEmpty)
    let untouched = codec.reconstructed([1, 2], rowLength: 0)
    #expect(untouched.allSatisfy { $0.isNaN })
    let rest = codec.reconstructed([1, 1, 1, 1, 1], rowLength: 2)
    #expect(rest.allSatisfy { abs($0 - 1) < 0.01 } || codec.format.scan() != nil)
  }

  @Test func bytesOfAnotherLengthAreRefused() throws {
    let format = try Format(parsing: "int4")
    #expect(EncodedWeights(format: format, rows: 1, rowLength: 128, bytes: []) == nil)
    #expect(EncodedWeights(format: format, rows: .max, rowLength: 128, bytes: []) == nil)
    #expect(EncodedWeights(format: format, rows: -1, rowLength: 128, bytes: []) == nil)
    let bytes = [UInt8](repeating: 0x91, count: 66)
    let encoded = try #require(
      EncodedWeights(format: format, rows: 1, rowLength: 128, bytes: bytes))
    #expect(encoded.codes.prefix(2) == [1, -7])
  }

  @Test(arguments: 1...8) func packingRoundTrips(bits: Int) {
    var random = SplitMix(state: 6)
    for count in 0...70 {
      let codes = (0..<count).map { _ in
        UInt8.random(in: 0...UInt8(255 >> (8 - bits)), using: &random)
      }
      let packed = Packing.pack(codes, bits: bits)
      #expect(packed.count == Packing.byteCount(count, bits: bits))
      #expect(Packing.unpack(packed[...], count: count, bits: bits) == codes)
    }
  }
}
