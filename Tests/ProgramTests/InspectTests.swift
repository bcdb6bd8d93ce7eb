import Foundation
import Testing

/// `bitladder inspect`.
struct InspectTests {
  static let tensorKeys: Set<String> = [
    "name", "shape", "source", "weights", "bytes", "role", "block", "quantizable", "reason",
  ]
  static let statisticsKeys: Set<String> = [
    "min", "max", "mean", "deviation", "kurtosis", "zeros", "nan", "infinite",
  ]

  @Test func table() throws {
    let scratch = try Scratch()
    let model = SampleModel.llama()
    let outcome = try Program.run(["inspect", try scratch.write(model)])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    expectPrintable(outcome.output)
    let lines = outcome.lines
    // A head, the tensors, a sum.
    #expect(lines.count == model.tensors.count + 2)
    #expect(
      lines[0].split(separator: " ").prefix(7)
        == ["tensor", "shape", "source", "weights", "size", "role", "block"])
    let line = try #require(lines.first { $0.hasPrefix("model.layers.2.self_attn.k_proj.weight ") })
    #expect(
      line.split(separator: " ").dropFirst()
        == ["64x128", "F32", "8192", "32.0", "KiB", "attn_k", "2"])
    let norm = try #require(lines.first { $0.hasPrefix("model.norm.weight ") })
    #expect(norm.hasSuffix(" norm"))
    #expect(lines[lines.count - 1].hasPrefix("sample: \(model.tensors.count) tensors, "))
  }

  @Test func json() throws {
    let scratch = try Scratch()
    let model = SampleModel.llama()
    let outcome = try Program.run(["inspect", try scratch.write(model), "--json"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.text.hasSuffix("}\n"))
    let object = try outcome.object()
    #expect(Set(object.keys) == ["model", "tensors"])
    try expectIdentity(object["model"], model)
    let tensors = try #require(object["tensors"] as? [[String: Any]])
    #expect(tensors.count == model.tensors.count)
    for (found, tensor) in zip(tensors, model.tensors) {
      #expect(Self.tensorKeys.isSubset(of: Set(found.keys)))
      #expect(found["name"] as? String == tensor.name)
      #expect(found["shape"] as? [Int] == tensor.shape)
      #expect(found["source"] as? String == tensor.kind.rawValue)
      #expect(found["weights"] as? Int == tensor.values.count)
      #expect(found["bytes"] as? Int == tensor.byteCount)
      let isMatrix = tensor.shape.count == 2
      #expect(found["quantizable"] as? Bool == isMatrix)
      #expect(found["reason"] is NSNull == isMatrix)
      let block = tensor.name.split(separator: ".").compactMap { Int($0) }.first
      #expect(found["block"] as? Int == block)
    }
    func role(_ name: String) -> String? {
      tensors.first { $0["name"] as? String == name }?["role"] as? String
    }
    #expect(role("model.embed_tokens.weight") == "token_embd")
    #expect(role("lm_head.weight") == "output")
    #expect(role("model.layers.1.mlp.down_proj.weight") == "ffn_down")
    #expect(role("model.layers.0.self_attn.q_proj.weight") == "attn_q")
    #expect(role("model.layers.0.self_attn.o_proj.weight") == "attn_output")
    #expect(role("model.layers.0.input_layernorm.weight") == "norm")
  }

  @Test func statistics() throws {
    let scratch = try Scratch()
    var model = SampleModel.llama(blocks: 1)
    model.add(
      "odd.weight", .f32, [32, 64],
      (0..<2048).map { $0 < 8 ? [.nan, .infinity, 0, -.infinity][$0 % 4] : Float($0 % 7) - 2 })
    let path = try scratch.write(model)
    let outcome = try Program.run(["inspect", path, "--stats", "--json"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let tensors = try #require(try outcome.object()["tensors"] as? [[String: Any]])
    for (found, tensor) in zip(tensors, model.tensors) {
      #expect(Self.tensorKeys.union(Self.statisticsKeys).isSubset(of: Set(found.keys)))
      let values = tensor.values.filter(\.isFinite).map(Double.init)
      let mean = values.reduce(0, +) / Double(values.count)
      func moment(_ power: Int) -> Double {
        values.reduce(0) { $0 + pow($1 - mean, Double(power)) } / Double(values.count)
      }
      func number(_ key: String) -> Double? { found[key] as? Double }
      let name: Comment = "\(tensor.name)"
      #expect(agree(number("min"), values.min() ?? .nan, within: 1e-12), name)
      #expect(agree(number("max"), values.max() ?? .nan, within: 1e-12), name)
      #expect(abs((number("mean") ?? .nan) - mean) < 1e-6, name)
      #expect(agree(number("deviation"), moment(2).squareRoot()), name)
      // Either convention: 3 or 0 for a normal distribution.
      let kurtosis = moment(4) / (moment(2) * moment(2))
      let isEither = [kurtosis, kurtosis - 3].contains {
        agree(number("kurtosis"), $0, within: 1e-3)
      }
      #expect(isEither, name)
      #expect(found["zeros"] as? Int == values.count { $0 == 0 }, name)
      #expect(found["nan"] as? Int == tensor.values.count(where: \.isNaN), name)
      #expect(found["infinite"] as? Int == tensor.values.count(where: \.isInfinite), name)
    }
    let table = try Program.run(["inspect", path, "--stats"])
    #expect(table.status == 0 && table.errors.isEmpty)
    for head in ["min", "max", "mean", "deviation", "kurtosis", "zeros", "NaN", "inf"] {
      #expect(table.lines[0].contains(head))
    }
    let odd = try #require(table.lines.first { $0.hasPrefix("odd.weight ") })
    #expect(odd.split(separator: " ").suffix(3) == ["\(zeros(model))", "2", "4"])
  }

  private func zeros(_ model: SampleModel) -> Int {
    model["odd.weight"]?.values.count { $0 == 0 } ?? -1
  }

  /// A tensor whose numbers can't be read has no statistics, and that is no failure.
  @Test func statisticsOfQuantizedFile() throws {
    let corpus = CorpusFile.folder + "/gguf/type_iq4_nl.gguf"
    guard FileManager.default.fileExists(atPath: corpus) else { return }
    let outcome = try Program.run(["inspect", corpus, "--stats"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
  }

  @Test func emptyModel() throws {
    let scratch = try Scratch()
    let path = try scratch.write(SampleModel())
    let outcome = try Program.run(["inspect", path, "--json", "--stats"])
    #expect(outcome.status == 0)
    #expect((try outcome.object()["tensors"] as? [Any])?.isEmpty == true)
    #expect(try Program.run(["inspect", path]).status == 0)
    let measured = try Program.run(["measure", path])
    #expect(measured.status == 1)
    expectOneLine(measured)
  }
}

/// The `model` object of plans and of all `--json` objects.
func expectIdentity(_ value: Any?, _ model: SampleModel) throws {
  let identity = try #require(value as? [String: Any])
  #expect(
    Set(identity.keys).isSuperset(of: ["name", "architecture", "fingerprint", "weights", "bytes"]))
  #expect(identity["name"] as? String == "sample")
  #expect(identity["weights"] as? Int == model.weights)
  #expect(identity["bytes"] as? Int == model.byteCount)
  let fingerprint = try #require(identity["fingerprint"] as? String)
  #expect(fingerprint.wholeMatch(of: /sha256:[0-9a-f]{64}/) != nil)
}
