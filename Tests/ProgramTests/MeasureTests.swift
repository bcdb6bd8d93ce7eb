import Foundation
import Testing

/// `bitladder measure`.
struct MeasureTests {
  static let keys: Set<String> = [
    "format", "bytes", "bitsPerWeight", "mse", "nmse", "sqnr", "maxError", "cosine",
    "weightedNmse", "exact", "interval",
  ]

  @Test func json() throws {
    let scratch = try Scratch()
    let model = SampleModel.llama(blocks: 1, width: 96)
    let formats = [
      "int8": Reference(bits: 8), "int4": Reference(bits: 4),
      "int3:affine:g32": Reference(bits: 3, isAffine: true, group: 32),
      "int8:affine:channel": Reference(bits: 8, isAffine: true, group: 1 << 20),
      "int2:g64": Reference(bits: 2, group: 64),
    ]
    let order = ["int4", "int8", "int2:g64", "int8:affine:channel", "int3:affine:g32"]
    let path = try scratch.write(model)
    let outcome = try Program.run(
      ["measure", path, "--json", "--formats", order.joined(separator: ",")])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let object = try outcome.object()
    #expect(Set(object.keys) == ["model", "tensors"])
    try expectIdentity(object["model"], model)
    let tensors = try #require(object["tensors"] as? [[String: Any]])
    #expect(
      tensors.map { $0["name"] as? String }
        == model.tensors.filter { $0.shape.count == 2 }.map(\.name))
    for found in tensors {
      #expect(Set(found.keys).isSuperset(of: ["name", "shape", "source", "measurements"]))
      let tensor = try #require(model[found["name"] as? String ?? ""])
      #expect(found["shape"] as? [Int] == tensor.shape && found["source"] as? String == "F32")
      let measurements = try #require(found["measurements"] as? [[String: Any]])
      // In the order in which they were asked for.
      #expect(measurements.map { $0["format"] as? String } == order)
      for measurement in measurements {
        let name = try #require(measurement["format"] as? String)
        try expectFigures(
          measurement, tensor, try #require(formats[name]), "\(tensor.name) \(name)")
      }
    }
  }

  private func expectFigures(
    _ found: [String: Any], _ tensor: SampleModel.Tensor, _ reference: Reference, _ name: Comment
  ) throws {
    #expect(Set(found.keys).isSuperset(of: Self.keys), name)
    let figures = reference.figures(tensor.values, rowLength: tensor.shape[1])
    let bytes = reference.byteCount(rows: tensor.shape[0], rowLength: tensor.shape[1])
    func number(_ key: String) -> Double? { found[key] as? Double }
    #expect(found["bytes"] as? Int == bytes, name)
    #expect(agree(number("bitsPerWeight"), 8 * Double(bytes) / Double(tensor.values.count)), name)
    #expect(agree(number("mse"), figures.mse), name)
    #expect(agree(number("nmse"), figures.nmse), name)
    #expect(agree(number("sqnr"), figures.sqnr), name)
    #expect(agree(number("maxError"), figures.maxError, within: 1e-3), name)
    #expect(agree(number("cosine"), figures.cosine, within: 1e-6), name)
    #expect(found["exact"] as? Bool == true, name)
    #expect(found["interval"] is NSNull && found["weightedNmse"] is NSNull, name)
  }

  /// What the same weights are stored as makes no difference to their errors.
  @Test func halfPrecisionSource() throws {
    let scratch = try Scratch()
    let model = SampleModel.llama(blocks: 1, width: 64, kind: .bf16)
    let path = try scratch.write(model)
    let name = "model.layers.0.mlp.down_proj.weight"
    let outcome = try Program.run(
      ["measure", path, "--json", "--formats", "int5", "--tensors", name])
    let tensors = try #require(try outcome.object()["tensors"] as? [[String: Any]])
    #expect(tensors.map { $0["source"] as? String } == ["BF16"])
    let found = try #require((tensors[0]["measurements"] as? [[String: Any]])?.first)
    try expectFigures(found, try #require(model[name]), Reference(bits: 5), "\(name)")
  }

  @Test func table() throws {
    let scratch = try Scratch()
    let model = SampleModel.llama(blocks: 1, width: 64)
    let path = try scratch.write(model)
    let outcome = try Program.run(
      ["measure", path, "--formats", "int2,int8,int4", "--tensors", "*.q_proj.*"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    expectPrintable(outcome.output)
    let cells = outcome.lines.map { $0.split(separator: " ").map(String.init) }
    #expect(
      outcome.lines[0].split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { !$0.isEmpty }
        == ["tensor", "format", "bpw", "size", "NMSE", "SQNR", "RMSE", "max error", "cosine"])
    #expect(cells.dropFirst().map { $0[1] } == ["int2", "int8", "int4"])
    #expect(cells.dropFirst().allSatisfy { $0[0] == "model.layers.0.self_attn.q_proj.weight" })
    // Rows of 64: one scale of 16 bits each.
    #expect(cells.dropFirst().map { $0[2] } == ["2.25", "8.25", "4.25"])
    let tensor = try #require(model["model.layers.0.self_attn.q_proj.weight"])
    let nmse = Reference(bits: 4).figures(tensor.values, rowLength: 64).nmse
    #expect(outcome.lines[3].contains(" \(threeDigits(100 * nmse)) % "))
  }

  /// Estimates come with an interval that holds the exact figure; the rest is measured.
  @Test func sampling() throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 1, width: 512))
    let name = "model.layers.0.self_attn.q_proj.weight"
    func measurements(_ arguments: String...) throws -> [[String: Any]] {
      let outcome = try Program.run(
        [
          "measure", path, "--json", "--formats", "int4,int8:channel,int4:tensor", "--tensors",
          name,
        ]
          + arguments)
      #expect(outcome.status == 0, "\(outcome.words)")
      let tensors = try #require(try outcome.object()["tensors"] as? [[String: Any]])
      return try #require(tensors.first?["measurements"] as? [[String: Any]])
    }
    let exact = try measurements("--exact")
    let sampled = try measurements("--sample", "30000")
    #expect(exact.allSatisfy { $0["exact"] as? Bool == true })
    #expect(sampled.map { $0["exact"] as? Bool } == [false, false, true])
    for (found, exact) in zip(sampled.prefix(2), exact) {
      let interval = try #require(found["interval"] as? [Double])
      let nmse = try #require(exact["nmse"] as? Double)
      #expect(interval.count == 2 && interval[0] < nmse && nmse < interval[1])
      #expect(interval[0] < (found["nmse"] as? Double ?? 0))
    }
    let table = try Program.run(
      ["measure", path, "--formats", "int4", "--tensors", name, "--sample", "30000"])
    #expect(table.lines[1].contains("\u{2248} ") && table.lines[1].contains(" % \u{B1} "))
    for arguments in [["--sample", "0"], ["--sample", "5", "--exact"], ["--sample", "x"]] {
      #expect(try Program.run(["measure", path] + arguments).status == 2)
    }
  }

  private func threeDigits(_ value: Double) -> String {
    String(format: value >= 0.9995 ? "%.2f" : "%.3f", value)
  }

  @Test(arguments: [
    ("*.self_attn.?_proj.weight", 4), ("/(gate|up)_proj/", 2), ("lm_head.weight", 1),
    ("*[!x]_head*", 1), ("*", 9), ("/layers\\.0/", 7), ("*norm*", 0), ("nothing", 0), ("/^$/", 0),
    ("self_attn", 0),
  ]) func patterns(pattern: String, count: Int) throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 1, width: 64))
    let outcome = try Program.run(
      ["measure", path, "--formats", "int4", "--tensors", pattern, "--json"])
    guard count > 0 else {
      #expect(outcome.status == 1)
      expectOneLine(outcome)
      #expect(outcome.words.contains("'\(pattern)'"), "\(outcome.words)")
      return
    }
    #expect(outcome.status == 0)
    #expect((try outcome.object()["tensors"] as? [Any])?.count == count)
  }

  @Test func hostilePatternTakesNoTime() throws {
    let scratch = try Scratch()
    var model = SampleModel()
    model.add(
      String(repeating: "a", count: 5000) + "!", .f32, [32, 64], Array(repeating: 1, count: 2048))
    let path = try scratch.write(model)
    for pattern in ["/(a+)+$/", "/(a|aa)+$/", String(repeating: "*a", count: 200) + "b"] {
      let start = ContinuousClock.now
      let outcome = try Program.run(["measure", path, "--tensors", pattern])
      #expect(outcome.status == 1 || outcome.status == 2)
      expectPrintable(outcome.errors)
      #expect(ContinuousClock.now - start < .seconds(10))
    }
    // The same without a name that is in the way.
    let outcome = try Program.run(["measure", path, "--tensors", "/\u{1B}[31m\u{9B}(/"])
    expectPrintable(outcome.errors)
    #expect(outcome.status == 1 || outcome.status == 2)
  }

  @Test func specialWeights() throws {
    let scratch = try Scratch()
    var model = SampleModel()
    model.add("zeros.weight", .f32, [32, 64], Array(repeating: 0, count: 2048))
    model.add("nan.weight", .f32, [32, 64], Array(repeating: .nan, count: 2048))
    model.add("huge.weight", .f32, [32, 64], Array(repeating: 3e38, count: 2048))
    model.add(
      "small.weight", .f32, [32, 64],
      Array(repeating: .leastNonzeroMagnitude * 1000, count: 2048))
    let path = try scratch.write(model)
    for formats in ["int8,int2:affine:tensor", "int4:mse,int4:entropy:tensor,int4:percentile"] {
      let outcome = try Program.run(["measure", path, "--formats", formats, "--json"])
      #expect(outcome.status == 0, "\(outcome.words)")
      // JSON knows no NaN and no infinity: the object must be readable all the same.
      let tensors = try #require(try outcome.object()["tensors"] as? [[String: Any]])
      #expect(tensors.count == 4)
      let table = try Program.run(["measure", path, "--formats", formats])
      #expect(table.status == 0)
    }
  }

  @Test func sameFiguresEachTime() throws {
    let scratch = try Scratch()
    let path = try scratch.write(.llama(blocks: 2, width: 64))
    let arguments = ["measure", path, "--json", "--formats", "int4:mse,int3:entropy,int8:tensor"]
    let first = try Program.run(arguments)
    for _ in 0..<3 { #expect(try Program.run(arguments).output == first.output) }
  }
}
