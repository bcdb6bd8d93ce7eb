import Foundation
import Testing

/// The explorer without a terminal: keys from `--script`, a frame from `--dump-frame`.
struct ScriptTests {
  @Test func frame() throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama())
    let outcome = try Program.run([path, "--script", "4", "--size", "120x36", "--dump-frame"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    expectPrintable(outcome.output)
    let lines = outcome.text.components(separatedBy: "\n")
    // 36 lines, each ended.
    #expect(lines.count == 37 && lines[36].isEmpty)
    #expect(lines.allSatisfy { $0.count <= 120 })
    #expect(lines[0].contains("sample") && lines[0].contains("unsaved"))
    #expect(lines[1].contains("bpw") && lines[1].contains("NMSE") && !lines[1].contains("…"))
    #expect(lines.contains { $0.contains(" int4 ") })
    #expect(lines[35].contains("? help") && lines[35].contains("q quit"))
    // The figures are those that measuring prints.
    let name = "model.layers.0.self_attn.q_proj.weight"
    let measured = try Program.run(["measure", path, "--formats", "int4", "--tensors", name])
    let cells = try #require(measured.lines.last?.split(separator: " ").map(String.init))
    let row = try #require(
      lines.first { $0.contains("self_attn.q_proj ") && $0.contains(" int4 ") })
    #expect(row.contains(" \(cells[5]) %") && row.contains(" \(cells[2]) "), "\(row) \(cells)")
  }

  @Test(arguments: ["", "4jj3*8", "ZZ/up<Enter>5tint3<Enter>c<Down><Right><Enter>", "<Tab><Down>?"])
  func deterministic(script: String) throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 6))
    let arguments = [path, "--script", script, "--dump-frame"]
    let first = try Program.run(arguments)
    #expect(first.status == 0 && !first.output.isEmpty)
    for _ in 0..<4 { #expect(try Program.run(arguments).output == first.output) }
  }

  @Test(arguments: [
    "<Enter", "4<Nope>", "<Click 3>", "<Down*0>", "<Resize x>", "\u{1B}[A", "a\u{7}",
  ])
  func wrongScripts(script: String) throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 1))
    let outcome = try Program.run([path, "--script", script, "--dump-frame"])
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty && outcome.words.contains("keys: character "))
    expectPrintable(outcome.errors)
  }

  @Test(arguments: [
    "120", "120x", "x36", "120x36x1", "-1x36", "120 x 36", "99999999999999999999x1",
    "100000x100000",
    "ax b", "",
  ])
  func wrongSizes(size: String) throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 1))
    let outcome = try Program.run([path, "--size", size, "--dump-frame"])
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty && outcome.words.contains("--size"))
  }

  @Test(arguments: [(0, 0), (1, 1), (39, 9), (40, 10), (60, 16), (80, 24), (300, 100)])
  func sizes(columns: Int, rows: Int) throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 1))
    let outcome = try Program.run([
      path, "--script", "4?<Esc>:<Esc>t<Esc>c<Esc>", "--size", "\(columns)x\(rows)", "--dump-frame",
    ])
    #expect(outcome.status == 0)
    let lines = outcome.text.components(separatedBy: "\n").dropLast()
    #expect(lines.count == max(1, rows))
    #expect(lines.allSatisfy { $0.count <= columns })
    if rows >= 16 { #expect(outcome.text.contains("int4") && outcome.text.contains("q quit")) }
  }

  @Test func ascii() throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 1))
    for script in ["4", "?", "t", "c", ":", "f", "<Tab>"] {
      let outcome = try Program.run([path, "--ascii", "--script", script, "--dump-frame"])
      #expect(outcome.status == 0)
      #expect(outcome.output.allSatisfy { $0 < 0x80 }, "\(script): \(outcome.text)")
    }
  }

  @Test func ladderOfTheUser() throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 1))
    let outcome = try Program.run([
      path, "--ladder", "int6,f8_e4m3,int2:affine:g32", "--script", "<Left*9>", "--dump-frame",
    ])
    #expect(outcome.status == 0)
    for name in ["int6", "f8_e4m3", "int2:affine:g32"] { #expect(outcome.text.contains(name)) }
    #expect(!outcome.text.contains("int4"))
    // The last step is the smallest of them.
    #expect(outcome.text.contains("▸ int2:affine:g32") || outcome.text.contains("int2:affine"))
  }

  /// A script that quits in its middle leaves the rest alone.
  @Test func quitsInTheMiddle() throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 1))
    let plan = scratch["plan.json"]
    let outcome = try Program.run([path, "--plan", plan, "--script", "4sq8s"])
    #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.errors.isEmpty)
    let text = try scratch.text("plan.json")
    #expect(text.contains("\"int4\"") && !text.contains("\"int8\""))
  }

  @Test func thousandsOfKeys() throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 8, width: 64))
    let start = ContinuousClock.now
    let outcome = try Program.run([
      path, "--script", "<Down*2000>4<Up*2000>8<Left*500><Right*500>u<PgDn*200><PgUp*200>",
      "--dump-frame",
    ])
    #expect(outcome.status == 0)
    #expect(ContinuousClock.now - start < .seconds(30))
  }
}
