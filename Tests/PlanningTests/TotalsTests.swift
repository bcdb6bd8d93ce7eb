import ModelFiles
import Planning
import Quantization
import Testing

struct TotalsTests {
  /// A 64 x 64 tensor in BF16 with a choice, and its sums where they are known.
  private func part(
    _ format: String = "source", error: Double? = nil, squares: Double? = nil, readable: Bool = true
  ) throws -> Contribution {
    let tensor = Tensor(id: 0, name: "w", shape: [64, 64], source: .bf16)
    let choice: Choice = format == "source" ? .source : .format(try Format(parsing: format))
    var part = Contribution(tensor: tensor, choice: choice, isReadable: readable)
    if let error { part.squaredError = error }
    part.squares = squares
    return part
  }

  @Test func nothingIsComplete() {
    let totals = Totals()
    #expect(totals.isComplete)
    #expect(totals.bitsPerWeight == 0)
    #expect(totals.saving == 0)
    #expect(totals.savingAgainstHalf == 0)
    #expect(totals.nmse == 0)
    #expect(totals.sqnr == .infinity)
  }

  @Test func integersAreNoWeights() throws {
    let positions = Tensor(id: 1, name: "position_ids", shape: [1, 512], source: .i64)
    var numbers = Contribution(tensor: positions, choice: .source, isReadable: true)
    numbers.squares = 1e9
    let totals = Totals([try part("int8:g64", error: 2, squares: 30), numbers])
    #expect(totals.nmse == 2.0 / 30 && totals.isComplete)
    #expect(totals.sourceBytes == 8_192 + 4_096)
  }

  @Test func sumsByHand() throws {
    // 4,096 weights: 8,192 bytes in BF16; in int8 with groups of 64 one byte each and 64 scales.
    let totals = Totals([
      try part(squares: 10), try part("int8:g64", error: 2, squares: 30),
    ])
    #expect(totals.weights == 8_192)
    #expect(totals.sourceBytes == 16_384)
    #expect(totals.bytes == 8_192 + 4_096 + 128)
    #expect(totals.bitsPerWeight == 8.0 * 12_416 / 8_192)
    #expect(totals.saving == 1 - 12_416.0 / 16_384)
    #expect(totals.savingAgainstHalf == totals.saving)
    #expect(totals.nmse == 2.0 / 40)
    #expect(abs(totals.sqnr - 13.010_299_956_639_812) < 1e-12)
    #expect(totals.isComplete)
  }

  @Test func whatIsNotMeasuredIsLeftOut() throws {
    let totals = Totals([
      try part("int4"), try part("int8", error: 1, squares: 4), try part(),
    ])
    #expect(totals.unmeasured == 2)
    #expect(!totals.isComplete)
    #expect(totals.nmse == 0.25)
    #expect(totals.weights == 12_288)
  }

  @Test func whatCannotBeReadCountsInBytesOnly() throws {
    let totals = Totals([
      try part(readable: false), try part("int8", error: 1, squares: 4),
    ])
    #expect(totals.isComplete)
    #expect(totals.nmse == 0.25)
    #expect(totals.sourceBytes == 16_384)
    #expect(try part(readable: false).nmse == nil)
  }

  @Test func errorsOfOneTensor() throws {
    #expect(try part().nmse == 0)
    #expect(try part("int4").nmse == nil)
    #expect(try part("int4", error: 0, squares: 0).nmse == 0)
    #expect(try part("int4", error: 3, squares: 6).nmse == 0.5)
    #expect(try part("int4", error: 3).nmse == nil)
    #expect(try part("f16", error: .infinity, squares: 6).nmse == .infinity)
  }

  @Test func growthIsANegativeSaving() throws {
    let totals = Totals([try part("f32", error: 0, squares: 1)])
    #expect(totals.saving == -1)
    #expect(totals.nmse == 0)
  }

  @Test func plansLeaveOutErrorsUntilAllAreKnown() throws {
    let open = Plan.Sums(Totals([try part("int4"), try part("int8", error: 1, squares: 4)]))
    #expect(open.nmse == nil)
    #expect(open.sqnr == nil)
    let closed = Plan.Sums(Totals([try part("int8", error: 1, squares: 4)]))
    #expect(closed.nmse == 0.25)
    #expect(closed.sqnr != nil)
    let lossless = Plan.Sums(Totals([try part(squares: 4)]))
    #expect(lossless.nmse == 0)
    #expect(lossless.sqnr == nil)
  }

  @Test(arguments: [
    ("source", 8_192, 16.0), ("int4", 4_096 / 2 + 64 * 2, 4.25), ("f8_e4m3", 4_096, 8.0),
    ("int4:channel", 2_048 + 128, 4.25), ("int4:tensor", 2_048 + 2, 4.003_906_25),
  ])
  func choicesKnowTheirSize(name: String, bytes: Int, bits: Double) throws {
    let tensor = Tensor(id: 0, name: "w", shape: [64, 64], source: .bf16)
    let choice: Choice = name == "source" ? .source : .format(try Format(parsing: name))
    #expect(choice.byteCount(of: tensor) == bytes)
    #expect(choice.bitsPerWeight(of: tensor) == bits)
    #expect(choice.description == name)
  }

  @Test func emptyTensorsHaveNoBits() {
    let tensor = Tensor(id: 0, name: "w", shape: [0, 64], source: .f32)
    #expect(Choice.source.bitsPerWeight(of: tensor) == 0)
    #expect(Choice.source.byteCount(of: tensor) == 0)
  }
}
