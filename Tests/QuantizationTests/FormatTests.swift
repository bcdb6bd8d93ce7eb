import Quantization
import Testing

@Suite struct FormatTests {
  @Test(arguments: [
    ("int4:sym:g128:minmax", "int4"), ("int4:minmax:g128:sym", "int4"), ("INT4:G32", "int4:g32"),
    ("int8:channel", "int8:channel"), ("int3:g64:affine", "int3:affine:g64"),
    ("int2:percentile=99.90", "int2:percentile"), ("int2:percentile=99.5", "int2:percentile=99.5"),
    ("int2:percentile=100", "int2:percentile=100"), ("int4:f16", "int4"),
    ("int4:bf16:mse", "int4:mse:bf16"), ("int6:tensor:entropy:f32", "int6:tensor:entropy:f32"),
    ("int4:gptq:affine", "int4:affine:gptq"), ("int3:GPTQ-ACT:channel", "int3:channel:gptq-act"),
    ("int3:g64:awq:bf16", "int3:g64:awq:bf16"),
    ("F8_E4M3", "f8_e4m3"), ("BF16", "bf16"), ("f32", "f32"),
  ])
  func namesAreCanonical(name: String, canonical: String) throws {
    let format = try Format(parsing: name)
    #expect(format.description == canonical)
    #expect(try Format(parsing: canonical) == format)
  }

  @Test(arguments: [
    ("int9", #""int9" asks for "9" bits, but integer formats have 2 to 8"#),
    ("int44", #""int44" asks for "44" bits, but integer formats have 2 to 8"#),
    (
      "int4:g48", #""int4:g48" asks for groups of "48", but groups have 32, 64, 128 or 256 weights"#
    ),
    (
      "int4:sym:affine",
      #""int4:sym:affine" has a part "affine" that repeats or contradicts another"#
    ),
    (
      "int4:chanel",
      #""int4:chanel" has a part "chanel" that is not known; the nearest known: channel"#
    ),
    ("int4:", #""int4:" has a part "" that is not known"#),
    (
      "int4:percentile=50",
      #""int4:percentile=50" asks for the percentile "50", but it must be over 50 and at most 100"#
    ),
    (
      "int4:tensor:gptq-act",
      #""int4:tensor:gptq-act" asks for gptq-act, which chooses the codes of channels or groups, for a whole tensor; "#
        + "the nearest known: int4:channel:gptq-act"
    ),
    ("bf16:g32", #""bf16:g32" has a part "g32", but this format takes none"#),
    ("bf61", #""bf61" is no format; the nearest known: bf16, f16, f32"#),
    ("a\u{1b}[2J", "\"a\\u{1B}[2J\" is no format; the nearest known: f32, int2, pal2"),
  ])
  func wrongNamesAreExplained(name: String, message: String) {
    #expect { try Format(parsing: name) } throws: { error in
      #expect("\(error)" == message)
      return error is FormatError
    }
  }

  @Test func parametersOutOfRangeMakeNoFormat() {
    #expect(IntegerFormat(bits: 1) == nil && IntegerFormat(bits: 9) == nil)
    #expect(IntegerFormat(bits: 4, granularity: .group(100)) == nil)
    #expect(IntegerFormat(bits: 4, calibration: .percentile(.nan)) == nil)
    #expect(IntegerFormat(bits: 4)?.description == "int4")
    #expect(IntegerFormat(bits: 4)?.codes == -8...7)
    #expect(IntegerFormat(bits: 8, scheme: .affine)?.codes == 0...255)
  }

  /// Worked by hand: codes padded for each row, then scales, then zero points.
  @Test(arguments: [
    ("int4", 2, 256, 2 * 128 + 4 * 2), ("int3", 3, 10, 3 * 4 + 3 * 2),
    ("int4:affine", 2, 256, 2 * 128 + 4 * 2 + 2), ("int3:affine:tensor", 5, 8, 5 * 3 + 2 + 1),
    ("int8:channel:f32", 7, 100, 700 + 28), ("int4:affine:g32", 1, 33, 17 + 4 + 1),
    ("f16", 3, 5, 30), ("f8_e5m2", 3, 5, 15), ("int4", 0, 128, 0), ("int4", 3, 0, 0),
    ("int4:tensor", 3, 0, 0),
  ])
  func storedBytes(name: String, rows: Int, rowLength: Int, bytes: Int) throws {
    let format = try Format(parsing: name)
    #expect(format.storedByteCount(rows: rows, rowLength: rowLength) == bytes)
    let weights = [Float](repeating: 1, count: rows * rowLength)
    let encoded = format.codec().encode(weights.span, rowLength: rowLength)
    #expect(encoded.bytes.count == bytes || rowLength == 0)
    let bits = format.bitsPerWeight(rows: rows, rowLength: rowLength)
    #expect(bits == (rows * rowLength > 0 ? Double(8 * bytes) / Double(rows * rowLength) : 0))
  }

  @Test(arguments: ["int4:gptq", "int3:affine:g64:gptq-act", "int8:channel:awq"])
  func whatNeedsActivationsIsStoredAsEver(name: String) throws {
    let format = try Format(parsing: name)
    let parts = name.split(separator: ":").dropLast().joined(separator: ":")
    let plain = try Format(parsing: parts)
    #expect(format.needsActivations && !plain.needsActivations && !format.needsImportance)
    #expect(
      format.storedByteCount(rows: 7, rowLength: 300)
        == plain.storedByteCount(rows: 7, rowLength: 300))
    // To a codec all input channels are equal.
    let weights = (0..<600).map { Float($0 * 37 % 101) - 50.3 }
    let clipped = try Format(parsing: parts + ":mse").codec()
    #expect(
      format.codec().encode(weights.span, rowLength: 300).bytes
        == clipped.encode(weights.span, rowLength: 300).bytes)
  }

  @Test func everyCombinationRoundTripsAsText() throws {
    for name in Format.knownNames {
      #expect(try Format(parsing: name).description == name)
    }
    for bits in 2...8 {
      for scheme in IntegerFormat.Scheme.allCases {
        for scale in IntegerFormat.ScaleType.allCases {
          for granularity in [.tensor, .channel]
            + IntegerFormat.Granularity.groupLengths.map({ .group($0) })
            as [IntegerFormat.Granularity]
          {
            for calibration in [.minmax, .mse, .entropy, .percentile(99.9), .percentile(73.25)]
              as [IntegerFormat.Calibration]
            {
              let integer = try #require(
                IntegerFormat(
                  bits: bits, scheme: scheme, granularity: granularity, calibration: calibration,
                  scaleType: scale))
              let format = Format.integer(integer)
              #expect(try Format(parsing: format.description) == format)
            }
          }
        }
      }
    }
  }
}
