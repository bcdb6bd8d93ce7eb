import Foundation
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Testing

@testable import Evaluation

@Suite("Sensitivities and importance")
struct SensitivityTests {
  private func model() throws -> Model { try Model.open(Expected.sample("austen")) }

  @Test func areThoseOfPlansWithOneTensorChanged() throws {
    let model = try model()
    let data = try DataReader(model).read(nil, context: 64)
    let evaluator = try Evaluator(WeightSource(model: model), data: data)
    let int4 = try Format(parsing: "int4")
    let int3 = try Format(parsing: "int3")
    let tensors = model.tensors.filter {
      $0.name.hasSuffix("down_proj.weight") || $0.name.hasSuffix("q_proj.weight")
    }
    let found = try evaluator.sensitivities(
      tensors.map { ($0.id, [int4, int3]) }, sequences: 2)
    #expect(found.count == 2 * tensors.count)
    for (place, tensor) in tensors.enumerated() {
      #expect(found[2 * place].tensor == tensor.name && found[2 * place].format == int4)
      #expect(found[2 * place].distance < found[2 * place + 1].distance)
    }
    // A fresh evaluator, which has nothing kept.
    let last = try #require(tensors.last)
    var plan = [Format?](repeating: nil, count: model.tensors.count)
    plan[last.id] = int3
    let fresh = try Evaluator(WeightSource(model: model), data: data)
    #expect(try fresh.evaluate(plan, sequences: 2).distance == found.last?.distance)
  }

  @Test func surviveTheirFile() throws {
    let entries = [
      Sensitivities.Entry(tensor: "a", format: try Format(parsing: "int4"), distance: 0.25),
      Sensitivities.Entry(
        tensor: "a", format: try Format(parsing: "q4_K"), distance: 1e-7, interval: 0...2e-7),
      Sensitivities.Entry(tensor: "b\u{301}", format: try Format(parsing: "int4"), distance: 0),
    ]
    let model = try model()
    let sensitivities = Sensitivities(
      model: Plan.ModelIdentity(model, fingerprint: model.fingerprint()), data: "x", samples: 3,
      entries: entries)
    let bytes = Array(JSONWriter(.pretty).string(sensitivities.json).utf8)
    #expect(try Sensitivities(parsing: bytes, path: "x") == sensitivities)
    for broken in ["", "{}", #"{"bitladder-sensitivities": 2}"#] {
      #expect(throws: ModelFileError.self) {
        try Sensitivities(parsing: Array(broken.utf8), path: "x")
      }
    }
  }

  @Test func importanceIsTheMeanOfSquares() throws {
    let model = try model()
    let data = try DataReader(model).read(nil, context: 64)
    let collected = try CollectedImportance(
      WeightSource(model: model), data: data, sequences: 2, threads: 2)
    let scratch = try ScratchFolder()
    let path = try scratch.write("imatrix.gguf", collected.imatrix)
    let imatrix = try Imatrix.open(path)
    #expect(imatrix.entries.count == 35 && imatrix.chunks == 2)
    #expect(imatrix.datasets == ["heldout.txt"])
    let importance = ModelImportance(imatrix, model: model)
    #expect(importance.quantizableMatched == 35)
    // What goes into the first block's queries, worked out from the embedding and the norm.
    func values(_ name: String) throws -> [Float] {
      let tensor = try #require(model.tensors.first { $0.name == name })
      return try WeightSource(model: model).values(of: tensor, in: nil)
    }
    let embedding = try values("model.embed_tokens.weight")
    let norm = try values("model.layers.0.input_layernorm.weight")
    var sums = [Double](repeating: 0, count: 256)
    for case .tokens(let tokens) in data.samples.prefix(2) {
      for token in tokens {
        let row = embedding[token * 256..<(token + 1) * 256].map(Double.init)
        let scale = row.reduce(0) { $0 + $1 * $1 } / 256 + 1e-5
        for channel in 0..<256 {
          let value = row[channel] * Double(norm[channel])
          sums[channel] += value * value / scale / 128
        }
      }
    }
    let found = try #require(imatrix["blk.0.attn_q.weight"]).values
    for (a, b) in zip(found, sums) { #expect(abs(Double(a) - b) < 1e-4 * max(b, 1e-3)) }
  }
}
