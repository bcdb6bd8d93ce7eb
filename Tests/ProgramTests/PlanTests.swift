import Foundation
import Testing

/// `bitladder plan` and `bitladder compare`.
struct PlanTests {
  private func plan(_ scratch: Scratch, _ model: SampleModel, _ arguments: [String]) throws
    -> Program.Outcome
  {
    let path = try scratch.write(model, as: "sample.safetensors")
    return try Program.run(["plan", path] + arguments)
  }

  private func tensors(_ object: [String: Any]) throws -> [[String: Any]] {
    try #require(object["tensors"] as? [[String: Any]])
  }

  @Test func aBudgetIsKept() throws {
    let scratch = try Scratch()
    let model = SampleModel.llama()
    let outcome = try plan(scratch, model, ["--budget", "5bpw", "-o", "-"])
    #expect(outcome.status == 0)
    let object = try outcome.object()
    #expect(object["budget"] as? [String: Double] == ["bitsPerWeight": 5])
    let totals = try #require(object["totals"] as? [String: Any])
    let bits = try #require(totals["bitsPerWeight"] as? Double)
    #expect(bits <= 5 && bits > 4.8)
    #expect(try tensors(object).map { $0["name"] as? String } == model.tensors.map(\.name))
    let bytes = try tensors(object).compactMap { $0["bytes"] as? Int }.reduce(0, +)
    #expect(totals["bytes"] as? Int == bytes)
    #expect(totals["nmse"] as? Double != nil)
    // On standard error: totals, the bound and the gap, a line for each format.
    #expect(outcome.errorLines.contains { $0.contains("bpw, NMSE") })
    #expect(outcome.errorLines.contains { $0.contains("bound") && $0.contains("gap 0 %") })
    #expect(outcome.errorLines.contains { $0.hasPrefix("int4 ") })
    // The same again gives the same bytes.
    let again = try Program.run(["plan", scratch["sample.safetensors"], "--budget=5bpw", "-o", "-"])
    #expect(again.output == outcome.output)
  }

  @Test func filesAreNotOverwrittenUnasked() throws {
    let scratch = try Scratch()
    let model = SampleModel.llama(blocks: 1)
    let path = scratch["plan.json"]
    #expect(try plan(scratch, model, ["--budget", "30%", "-o", path]).status == 0)
    let first = try scratch.text("plan.json")
    let second = try plan(scratch, model, ["--budget", "20%", "-o", path])
    #expect(second.status == 1)
    expectOneLine(second)
    #expect(second.words.contains("--force"))
    #expect(try scratch.text("plan.json") == first)
    #expect(try plan(scratch, model, ["--budget", "20%", "-o", path, "--force"]).status == 0)
    #expect(try scratch.text("plan.json") != first)
    #expect(scratch.names == ["plan.json", "sample.safetensors"])
    let shown = try Program.run(["show", path, "--json"])
    let text = try scratch.text("plan.json")
    #expect(shown.status == 0 && shown.text == text)
  }

  @Test func constraintsAreKept() throws {
    let scratch = try Scratch()
    let outcome = try plan(
      scratch, .llama(),
      [
        "--max-error", "0.5%", "-o", "-", "--pin", "*=int4", "--pin", "*.o_proj.*=int6",
        "--pin", "/embed/=int8:affine:g32:percentile=99.5",
      ])
    #expect(outcome.status == 1, "all pinned: nothing to be had but what there is")
    let other = try plan(
      scratch, .llama(),
      [
        "--budget", "4.6bpw", "-o", "-", "--pin", "*.o_proj.*=int6", "--together", "qkv,gate-up",
        "--uniform", "ffn_down", "--at-least", "output=int5", "--at-most", "token_embd=4.5",
        "--allow", "ffn_up=int4,int5", "--formats", "int8,int6,int5,int4,int3",
      ])
    #expect(other.status == 0)
    let tensors = try tensors(try other.object())
    func formats(_ part: String) -> [String] {
      tensors.filter { ($0["name"] as? String ?? "").contains(part) }
        .compactMap { $0["format"] as? String }
    }
    #expect(formats("o_proj") == ["int6", "int6", "int6"])
    #expect(tensors.count { $0["pinned"] as? Bool == true } == 3)
    #expect(Set(formats("down_proj")).count == 1)
    #expect(formats("q_proj") == formats("v_proj") && formats("q_proj") == formats("k_proj"))
    #expect(formats("gate_proj") == formats("up_proj"))
    #expect(Set(formats("up_proj")).isSubset(of: ["int4", "int5"]))
    #expect(["int5", "int6", "int8", "source"].contains(formats("lm_head").first))
    #expect(["int3", "int4"].contains(formats("embed_tokens").first))
  }

  @Test func whatCannotBeIsSaidInOneLine() throws {
    let scratch = try Scratch()
    let budget = try plan(scratch, .llama(), ["--budget", "1bpw", "-o", "-"])
    #expect(budget.status == 1)
    expectOneLine(budget)
    #expect(budget.words.contains("can't be met: the smallest plan"))
    let pins = try plan(
      scratch, .llama(),
      [
        "--budget", "5bpw", "-o", "-", "--pin", "*.0.*.q_proj.*=int4", "--pin",
        "*.0.*.k_proj.*=int5", "--together", "qkv",
      ])
    #expect(pins.status == 1)
    expectOneLine(pins)
    #expect(pins.words.contains("must share a format, but are pinned to"))
    let rows = try plan(scratch, .llama(), ["--budget=5bpw", "-o", "-", "--pin", "*=q4_K"])
    #expect(rows.status == 1)
    expectOneLine(rows)
    #expect(rows.words.contains("is pinned to q4_K, but can't have it: "))
    let nothing = try plan(scratch, .llama(), ["--budget=5bpw", "-o", "-", "--pin", "x=int4"])
    #expect(nothing.status == 1)
    expectOneLine(nothing)
  }

  @Test func formatsThatDoNotFitAreNamedOnce() throws {
    let scratch = try Scratch()
    let outcome = try plan(
      scratch, .llama(), ["--budget", "5bpw", "-o", "-", "--formats", "int4,q4_K,int5"])
    #expect(outcome.status == 0)
    let lines = outcome.errorLines.filter { $0.contains(" skipped for ") }
    #expect(lines.count == 1 && lines.first?.contains("q4_K") == true)
  }

  @Test(arguments: [
    ["--budget", "5bpw"], ["-o", "-"], ["--budget", "5", "-o", "-"],
    ["--budget", "120%", "-o", "-"], ["--budget", "1GiB", "--max-error", "1%", "-o", "-"],
    ["--budget", "1GiB", "-o", "-", "--pin", "int4"],
    ["--budget", "1GiB", "-o", "-", "--pin", "a=int9"],
    ["--budget", "1GiB", "-o", "-", "--together", "q"],
    ["--budget", "1GiB", "-o", "-", "--uniform", "attention"],
    ["--budget", "1GiB", "-o", "-", "--at-least", "attn_q"],
    ["--budget", "1GiB", "-o", "-", "--max-formats", "0"],
    ["--budget", "1GiB", "-o", "-", "--objective", "weighted"],
    ["--budget", "1GiB", "-o", "-", "--formats", "int1"],
  ])
  func wrongCommandLines(_ arguments: [String]) throws {
    let scratch = try Scratch()
    let outcome = try plan(scratch, .llama(blocks: 1), arguments)
    #expect(outcome.status == 2 && outcome.text.isEmpty)
  }

  @Test func plansAreCompared() throws {
    let scratch = try Scratch()
    let (a, b) = (scratch["a.json"], scratch["b.json"])
    #expect(try plan(scratch, .llama(), ["--budget", "5bpw", "-o", a]).status == 0)
    #expect(try plan(scratch, .llama(), ["--budget", "4bpw", "-o", b]).status == 0)
    let outcome = try Program.run(["compare", a, b, "--json"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let object = try outcome.object()
    #expect(Set(object.keys) == ["a", "b", "differences"])
    let first = try #require(object["a"] as? [String: Any])
    let second = try #require(object["b"] as? [String: Any])
    #expect(Set(first.keys) == ["bytes", "bitsPerWeight", "nmse", "sqnr"])
    let differences = try #require(object["differences"] as? [[String: Any]])
    #expect(!differences.isEmpty)
    #expect(Set(differences[0].keys) == ["name", "a", "b", "bytes", "nmse"])
    let bytes = differences.compactMap { $0["bytes"] as? Int }.reduce(0, +)
    #expect((second["bytes"] as? Int ?? 0) - (first["bytes"] as? Int ?? 0) == bytes)
    let text = try Program.run(["compare", a, b])
    #expect(text.status == 0 && text.text.contains("B - A"))
    #expect(text.lines.contains { $0.contains("different") })
    let placed = try Program.run(["compare", a, b, "--model", scratch["sample.safetensors"]])
    #expect(placed.status == 0)
    #expect(placed.text.hasPrefix(text.text))
    #expect(placed.text.contains("\nA: NMSE "))
    #expect(placed.text.contains("the best plan of its size has "))
    let same = try Program.run(["compare", a, a])
    #expect(same.text.contains("tensors the same") && !same.text.contains("different"))
    #expect(try Program.run(["compare", a, scratch["none.json"]]).status == 1)
  }
}
