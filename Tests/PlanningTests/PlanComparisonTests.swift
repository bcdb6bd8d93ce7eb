import Planning
import Quantization
import Testing

struct PlanComparisonTests {
  @Test func findsWhatDiffers() throws {
    let a = try samplePlan()
    var b = a
    b.totals.bytes -= 384
    b.tensors[0].choice = .format(try Format(parsing: "int3"))
    b.tensors[0].bytes -= 384
    b.tensors[0].nmse = 0.05
    b.tensors[2].name = "another"
    let comparison = PlanComparison(a, b)
    #expect(comparison.isSameModel && comparison.equal == 1)
    #expect(comparison.a == a.totals && comparison.b == b.totals)
    #expect(comparison.differences.map(\.name) == ["a.weight", "norm", "another"])
    let first = comparison.differences[0]
    #expect(first.bytes == -384 && first.a == a.tensors[0].choice && first.b == b.tensors[0].choice)
    #expect(first.nmse == 0.05 - (a.tensors[0].nmse ?? 0))
    #expect(comparison.differences[1].b == nil && comparison.differences[1].bytes == -128)
    #expect(comparison.differences[2].a == nil && comparison.differences[2].bytes == 128)
    #expect(PlanComparison(a, a).differences.isEmpty)
  }
}
