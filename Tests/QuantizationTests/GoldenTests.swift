import Quantization
import Testing

/// Scales, codes and zero points equal to numpy's, figures within 1e-6 of it: golden.py made the files.
@Suite struct GoldenTests {
  @Test func integerFormatsEqualNumpy() throws {
    let golden = try Golden.shared.get()
    #expect(golden.inputs.count >= 17 && golden.formats.count >= 200)
    for (index, input) in golden.inputs.enumerated() {
      for expected in golden.cases(of: index) {
        let name = "\(input.name) in \(expected.format)"
        let format = try Format(parsing: expected.format)
        #expect(format.description == expected.format)
        let codec = codec(format, for: input.weights)
        let encoded = codec.encode(input.weights.span, rowLength: input.rowLength)
        if encoded.bytes != expected.bytes {
          let wanted = try #require(
            EncodedWeights(
              format: format, rows: input.rows, rowLength: input.rowLength, bytes: expected.bytes))
          #expect(encoded.scales == wanted.scales, "\(name): scales")
          #expect(encoded.zeroPoints == wanted.zeroPoints, "\(name): zero points")
          #expect(encoded.codes == wanted.codes, "\(name): codes")
          Issue.record("\(name): bytes")
        }
        let reconstructed = codec.reconstructed(input.weights, rowLength: input.rowLength)
        #expect(codec.decoded(encoded) == reconstructed, "\(name): decoded")
        let sums = errorSums(input.weights, reconstructed)
        #expect(sums.count + sums.nan + sums.infinite == input.weights.count)
        let figures = sums.figures
        let found = [
          figures.mse, figures.rmse, figures.nmse, figures.sqnr, figures.maxError, figures.cosine,
        ]
        for (a, b) in zip(found, expected.figures) {
          #expect(a == b || abs(a - b) <= 1e-6 * abs(b), "\(name): \(found), \(expected.figures)")
        }
      }
    }
  }

  /// Without a range a codec takes the weights it is given as the tensor.
  @Test func tensorRangeOfOnePiece() throws {
    let golden = try Golden.shared.get()
    for (index, input) in golden.inputs.enumerated() {
      for expected in golden.cases(of: index) where expected.format.contains("tensor") {
        let codec = try Format(parsing: expected.format).codec()
        let encoded = codec.encode(input.weights.span, rowLength: input.rowLength)
        #expect(encoded.bytes == expected.bytes, "\(input.name) in \(expected.format)")
      }
    }
  }

  @Test func floatingFormatsEqualNumpyAndMlDtypes() throws {
    var reader = GoldenReader(try Golden.file("floats.bin"))
    let count = Int(reader.one(UInt32.self))
    let values: [Float] = reader.many(count)
    let half: [UInt16] = reader.many(count)
    let bfloat: [UInt16] = reader.many(count)
    let e4m3: [UInt8] = reader.many(count)
    let e5m2: [UInt8] = reader.many(count)
    let expected: [(FloatFormat, [Int])] = [
      (.f16, half.map(Int.init)), (.bf16, bfloat.map(Int.init)), (.f8E4M3, e4m3.map(Int.init)),
      (.f8E5M2, e5m2.map(Int.init)), (.f32, values.map { Int($0.bitPattern) }),
    ]
    for (format, codes) in expected {
      let codec = Format.float(format).codec()
      let encoded = codec.encode(values.span, rowLength: count)
      let decoded = codec.decoded(encoded)
      let reconstructed = codec.reconstructed(values, rowLength: count)
      for (index, found) in encoded.codes.enumerated() {
        guard !values[index].isNaN else {
          #expect(decoded[index].isNaN && reconstructed[index].isNaN)
          continue
        }
        let value = values[index]
        #expect(found == codes[index], "\(value) in \(format): \(found), not \(codes[index])")
        #expect(decoded[index].bitPattern == reconstructed[index].bitPattern, "\(value), \(format)")
      }
    }
  }

  @Test func everyByteOfF8Decodes() throws {
    var reader = GoldenReader(try Golden.file("f8values.bin"))
    let bytes = (0...255).map { UInt8($0) }
    var found = [Float](repeating: 0, count: 256)
    for decode in [Decode.f8E4M3, Decode.f8E5M2] {
      let expected: [Float] = reader.many(256)
      var room = found.mutableSpan
      decode(bytes.span.bytes, &room)
      for (a, b) in zip(found, expected) {
        #expect(a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN))
      }
    }
  }
}
