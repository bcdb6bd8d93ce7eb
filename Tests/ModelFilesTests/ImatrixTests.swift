import ModelFiles
import Testing

@Suite("Importance files")
struct ImatrixTests {
  private func corpus(_ name: String) -> String { CorpusEntry.folder + "/imatrix/" + name }

  @Test func theOlderFormHoldsSumsOverCalls() throws {
    let imatrix = try Imatrix.open(corpus("legacy_plain.dat"))
    #expect(imatrix.entries.count == 1)
    // 10 calls, sums 1 2 3 4.
    #expect(imatrix["blk.0.attn_q.weight"]?.values == [0.1, 0.2, 0.3, 0.4])
    #expect(imatrix["blk.0.attn_q.weight"]?.matrices == 1)
    #expect(imatrix.datasets == ["text"])
    #expect(imatrix.chunks == 10)
    #expect(imatrix["blk.0.attn_k.weight"] == nil)
  }

  @Test func theOlderFormMayEndAfterItsEntries() throws {
    let imatrix = try Imatrix.open(corpus("legacy_no_trailer.dat"))
    #expect(imatrix.entries.map(\.values) == [[0.1, 0.2, 0.3, 0.4]])
    #expect(imatrix.datasets.isEmpty)
    #expect(imatrix.chunks == nil)
  }

  @Test func theNewerFormHoldsSumsAndCounts() throws {
    let imatrix = try Imatrix.open(corpus("gguf_plain.gguf"))
    // Sums 1 2 3 4, a count of 10.
    #expect(imatrix.entries.map(\.name) == ["blk.0.attn_q.weight"])
    #expect(imatrix["blk.0.attn_q.weight"]?.values == [0.1, 0.2, 0.3, 0.4])
    #expect(imatrix.datasets == ["x"])
    #expect(imatrix.chunks == 10)
  }

  @Test func aModelIsNoImportance() {
    #expect {
      _ = try Imatrix.open(corpus("gguf_is_a_model.gguf"))
    } throws: { error in
      (error as? ModelFileError)?.description.contains("expected \"imatrix\"") == true
    }
  }
}
