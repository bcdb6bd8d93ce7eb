import Quantization
import Testing

@Suite struct DecodeTests {
  /// The bytes of values, with `shift` bytes before them that aren't theirs.
  private func bytes<Value: BitwiseCopyable>(_ values: [Value], shift: Int) -> [UInt8] {
    [UInt8](repeating: 0xa5, count: shift) + values.withUnsafeBytes { Array($0) }
  }

  private func check<Value: BitwiseCopyable>(
    _ values: [Value], _ expected: [Float], _ decode: (RawSpan, inout MutableSpan<Float>) -> Void,
    location: SourceLocation = #_sourceLocation
  ) {
    for shift in 0..<4 {
      let bytes = bytes(values, shift: shift)
      var out = [Float](repeating: -77, count: values.count + 1)
      var room = out.mutableSpan
      decode(bytes.span.bytes.extracting(shift..<bytes.count), &room)
      #expect(out.last == -77, sourceLocation: location)
      for (a, b) in zip(out, expected) {
        #expect(a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN), sourceLocation: location)
      }
    }
  }

  @Test func integersAndFloats() {
    check([Int8](arrayLiteral: -128, -1, 0, 127), [-128, -1, 0, 127], Decode.i8)
    check([UInt8](arrayLiteral: 0, 1, 255), [0, 1, 255], Decode.u8)
    check([UInt8](arrayLiteral: 0, 1, 2), [0, 1, 1], Decode.bool)
    check([Int16.min, -1, 5], [-32768, -1, 5], Decode.i16)
    check([UInt16.max, 5], [65535, 5], Decode.u16)
    check([Int32.min, 16_777_217, 16_777_219], [-0x1p31, 16_777_216, 16_777_220], Decode.i32)
    check([UInt32.max], [0x1p32], Decode.u32)
    check([Int64.min, 3], [-0x1p63, 3], Decode.i64)
    check([UInt64.max], [0x1p64], Decode.u64)
    check([Float.pi, -0.0, .infinity, .nan], [.pi, -0.0, .infinity, .nan], Decode.f32)
    check([0.1, 1e300, -1e-300, .nan], [0.1, .infinity, -0.0, .nan], Decode.f64)
    check([UInt16(0x3f80), 0xff80, 0x0001], [1, -.infinity, 0x1p-133], Decode.bf16)
  }

  @Test func everyHalfDecodes() {
    let patterns = (0...UInt16.max).map { $0 }
    let expected = patterns.map { pattern in
      let exponent = Int(pattern >> 10) & 31
      let mantissa = Float(pattern & 1023)
      let magnitude: Float =
        switch exponent {
        case 0: mantissa * 0x1p-24
        case 31: mantissa == 0 ? .infinity : .nan
        default: Float(sign: .plus, exponent: exponent - 25, significand: 1024 + mantissa)
        }
      return pattern < 0x8000 ? magnitude : -magnitude
    }
    check(patterns, expected, Decode.f16)
  }

  @Test func whatIsTooShortIsLeftAlone() {
    var out: [Float] = [1, 2]
    var room = out.mutableSpan
    Decode.f16([UInt8]([0x00, 0x3c, 0xff]).span.bytes, into: &room)
    #expect(out == [1, 2])
    room = out.mutableSpan
    Decode.f32([UInt8]().span.bytes, into: &room)
    #expect(out == [1, 2])
  }
}
