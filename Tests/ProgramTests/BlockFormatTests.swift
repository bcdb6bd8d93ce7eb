import Testing

/// Block types of ggml on the command line.
struct BlockFormatTests {
  @Test func measureSkipsRowsThatDoNotFit() throws {
    let scratch = try Scratch()
    let model = SampleModel.llama(blocks: 1, width: 96)
    let outcome = try Program.run(
      ["measure", try scratch.write(model), "--json", "--formats", "Q4_0,tq2_0,int4"])
    #expect(outcome.status == 0)
    let tensors = try #require(try outcome.object()["tensors"] as? [[String: Any]])
    var skipped = 0
    for tensor in tensors {
      let shape = try #require(tensor["shape"] as? [Int])
      let measurements = try #require(tensor["measurements"] as? [[String: Any]])
      let rowLength = shape[1]
      let fitting = [("q4_0", 32), ("tq2_0", 256), ("int4", 1)].filter { rowLength % $0.1 == 0 }
      #expect(measurements.map { $0["format"] as? String } == fitting.map(\.0))
      skipped += 3 - fitting.count
    }
    let lines = outcome.errorLines
    #expect(skipped > 0 && lines.count == skipped)
    #expect(lines.allSatisfy { $0.hasSuffix("aren't a multiple of 256") }, "\(lines)")
  }

  @Test func typesThatCanOnlyBeReadAreRefused() throws {
    let scratch = try Scratch()
    let path = try scratch.write(SampleModel.llama(blocks: 1))
    let outcome = try Program.run(["measure", path, "--formats", "q4_K"])
    #expect(outcome.status == 2 && outcome.output.isEmpty)
    #expect(outcome.words.contains("q4_K can be read but not yet written"))
  }
}
