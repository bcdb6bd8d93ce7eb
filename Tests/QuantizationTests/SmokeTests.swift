import Quantization
import Testing

@Suite struct SmokeTests {
  @Test func walk() throws {
    let w = (0..<1000).map { Float(sin(Double($0) * 0.7) * (1 + Double($0 % 17))) }
    for name in ["int4", "int4:affine", "int8:channel", "int4:tensor", "int3:mse", "int3:affine:mse", "int4:entropy", "int4:percentile", "int4:affine:tensor:percentile", "int4:tensor:mse:f32", "int5:tensor:entropy:bf16", "f32", "f16", "bf16", "f8_e4m3", "f8_e5m2"] {
      let f = try Format(parsing: name)
      #expect(f.description == name)
      var out = [Float](repeating: 0, count: 1000)
      var m = out.mutableSpan
      let c = f.codec()
      c.reconstruct(w.span, rowLength: 500, into: &m)
      let e = c.encode(w.span, rowLength: 500)
      #expect(e.bytes.count == f.storedByteCount(rows: 2, rowLength: 500))
      var back = [Float](repeating: 9, count: 1000)
      var bm = back.mutableSpan
      c.decode(e, into: &bm)
      #expect(back == out)
      var s = ErrorSums(); s.add(w.span, out.span)
      print(name, s.figures.nmse, s.figures.cosine, f.bitsPerWeight(rows: 2, rowLength: 500))
    }
    do { _ = try Format(parsing: "int44"); Issue.record() } catch { print(error) }
    do { _ = try Format(parsing: "q4_K") ; Issue.record() } catch { print(error) }
  }
}
func sin(_ x: Double) -> Double { var y = x.truncatingRemainder(dividingBy: 6.283185307179586); if y > 3.14159 { y -= 6.283185307179586 }; return y - y*y*y/6 + y*y*y*y*y/120 }
