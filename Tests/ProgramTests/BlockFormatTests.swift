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
    #expect(skipped == 9)
    #expect(
      outcome.errorLines == [
        "bitladder: tq2_0 (llama-quantize would write q4_0, +30.2 KiB) skipped for "
          + "model.embed_tokens.weight and 7 tensors more: rows of 96 aren't a multiple of 256",
        "bitladder: tq2_0 (llama-quantize would write q4_0, +5.48 KiB) skipped for "
          + "model.layers.0.mlp.down_proj.weight: rows of 192 aren't a multiple of 256",
      ])
  }

  @Test func whatNeedsAnImatrixSaysHowToGetOne() throws {
    let scratch = try Scratch()
    let path = try scratch.write(SampleModel.llama(blocks: 1, width: 256))
    let outcome = try Program.run(["measure", path, "--formats", "q4_K,iq2_xxs", "--json"])
    #expect(outcome.status == 0)
    #expect(outcome.errorLines.count == 1)
    #expect(
      outcome.words.hasSuffix(
        "needs an imatrix; collect it with llama-imatrix, give it with --imatrix\n"))
    let alone = try Program.run(["measure", path, "--formats", "iq2_xxs"])
    #expect(alone.status == 1 && alone.output.isEmpty)
    #expect(alone.words.contains("none of these formats can be had"))
  }
}
