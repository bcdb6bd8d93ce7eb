import Quantization
import Testing

@Suite struct FormatLevelsTests {
  /// A row as some group of a tensor might be, with its greatest magnitude on the positive side.
  private let row: [Float] = {
    var random = SplitMix(state: 41)
    var weights = random.normal(256, deviation: 0.1)
    for start in stride(from: 0, to: 256, by: 16) { weights[start] = 0.5 }
    return weights
  }()

  private func levels(_ name: String, importance: [Float] = []) throws -> FormatLevels {
    let format = try Format(parsing: name)
    var codec = format.codec()
    if var scan = format.scan() {
      var found: (any Codec)?
      while found == nil {
        scan.observe(row.span)
        found = scan.endPass()
      }
      codec = found ?? codec
    }
    let encoded = codec.encode(row.span, rowLength: row.count, importance: importance.span)
    let length = min(row.count, format.scaleLength(rowLength: row.count) ?? 64)
    return try #require(FormatLevels(encoded, codec, weights: 0..<length))
  }

  /// How many levels there are, whatever lies between them.
  @Test(arguments: [
    ("int2", 4), ("int3", 8), ("int4", 16), ("int5", 32), ("int6", 64), ("int7", 128),
    ("int8", 256),
    ("int4:affine:g32", 16), ("int3:affine:channel", 8), ("int4:tensor", 16),
    ("int4:affine:g64:hqq", 16),
    ("mlx4", 16), ("mlx3", 8), ("nf4", 16), ("fp4", 15), ("mxfp4", 15), ("nvfp4", 15),
    ("mxfp6", 63),
    ("f8_e4m3", 253), ("f8_e5m2", 247), ("pal2", 4), ("pal4", 16),
    ("q4_0", 16), ("q4_1", 16), ("q5_0", 32), ("q5_1", 32), ("q8_0", 256),
    ("q2_K", 4), ("q3_K", 8), ("q4_K", 16), ("q5_K", 32), ("q6_K", 64),
    ("iq4_nl", 16), ("iq4_xs", 16), ("tq1_0", 3), ("tq2_0", 4),
  ]) func everyCodeIsDecoded(name: String, count: Int) throws {
    let found = try levels(name)
    #expect(found.values.count == count, "\(found.values)")
    #expect(found.values == found.values.sorted())
  }

  /// What comes back of the weights is among them.
  @Test(arguments: [
    "int4", "int3:affine:g32", "int4:channel:mse", "nf4", "mxfp4", "nvfp4", "f8_e4m3", "mlx4",
    "q4_0",
    "q2_K", "q3_K", "q4_K", "q6_K", "iq4_nl", "tq2_0", "pal3",
  ]) func reconstructionsAreLevels(name: String) throws {
    let format = try Format(parsing: name)
    guard format.scan() == nil else { return }
    let found = Set(try levels(name).values)
    var back = [Float](repeating: 0, count: row.count)
    var target = back.mutableSpan
    format.codec().reconstruct(row.span, rowLength: row.count, into: &target)
    let length = min(row.count, format.scaleLength(rowLength: row.count) ?? row.count)
    for weight in back.prefix(length) { #expect(found.contains(weight), "\(weight)") }
  }

  @Test func stepsOfEvenGrids() throws {
    let even = try levels("int4")
    let step = try #require(even.step)
    #expect(abs(step - 0.5 / 7) < 0.001 && !even.isShared)
    #expect(try levels("nf4").step == nil)
    #expect(try levels("int4:tensor").isShared && levels("f8_e4m3").isShared)
    #expect(!(try levels("q4_K").isShared))
  }

  @Test func tooManyLevelsAreNone() throws {
    for name in ["f16", "bf16", "f32"] {
      let codec = try Format(parsing: name).codec()
      #expect(
        FormatLevels(codec.encode(row.span, rowLength: 256), codec, weights: 0..<64) == nil)
    }
  }
}
