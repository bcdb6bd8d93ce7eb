import Foundation
import ModelFiles
import Quantization
import SampleSupport
import Testing

@testable import Evaluation

@Suite("Calibrating on data")
struct CalibrationTests {
  private func model(_ name: String) throws -> Model { try Model.open(Expected.sample(name)) }

  private func collected(
    _ model: Model, samples: Int = 4, threads: Int = 2, limit: Int? = nil
  ) throws -> CollectedHessians {
    // The held-out text is short to read; nothing is evaluated on what is taken here.
    let data = try DataReader(model).read(nil, context: 64)
    return try CollectedHessians(
      WeightSource(model: model),
      data: EvaluationData(samples: Array(data.samples.suffix(samples)), name: data.name),
      threads: threads, memoryLimit: limit)
  }

  @Test func hessiansAreMeansOfProducts() throws {
    let model = try model("austen")
    let data = try DataReader(model).read(nil, context: 64)
    let found = try collected(model)
    #expect(found.inputs.count == 5 * 4 + 1 && found.sequences == 4)
    #expect(model.tensors.allSatisfy { $0.suitability.isQuantizable == found.covers($0) })
    let importance = try CollectedImportance(
      WeightSource(model: model),
      data: EvaluationData(samples: Array(data.samples.suffix(4)), name: ""), sequences: 4,
      threads: 1)
    for entry in importance.entries {
      let input = try #require(found.input(of: entry.tensor))
      let hessian = found.hessians[input]
      for (column, sum) in entry.sums.enumerated() {
        let mean = sum / Double(4 * 64)
        #expect(abs(Double(hessian[column, column]) - mean) <= 1e-4 * mean)
        #expect(hessian[0, column] == hessian[column, 0])
      }
    }
    // The same on any number of threads.
    let again = try collected(model, threads: 3)
    #expect(zip(found.hessians, again.hessians).allSatisfy { $0.values == $1.values })
  }

  @Test func tooMuchMemoryIsRefused() throws {
    #expect(throws: EvaluationError.self) {
      try collected(model("austen"), limit: 1 << 20)
    }
  }

  @Test func outputsComeOutBetter() throws {
    let model = try model("austen")
    let found = try collected(model, samples: 48)
    let source = WeightSource(model: model, activations: found)
    let evaluator = try Evaluator(source, data: DataReader(model).read(nil, context: 64))
    func divergence(_ name: String) throws -> Double {
      let format = try Format(parsing: name)
      let plan = model.tensors.map {
        $0.suitability.isQuantizable && $0.role != .tokenEmbedding ? format : nil
      }
      let error = try evaluator.weightError(plan)
      #expect(error > 0 && error < 0.2)
      return try evaluator.evaluate(plan, sequences: 4).distance
    }
    let plain = try divergence("int3:mse")
    #expect(try divergence("int3:gptq") < plain)
    #expect(try divergence("int3:gptq-act") < plain)
    #expect(try divergence("int3:awq") < plain)
    // Without activations nothing is made up.
    let bare = try Evaluator(
      WeightSource(model: model), data: DataReader(model).read(nil, context: 64))
    let plan = model.tensors.map { _ in try? Format(parsing: "int4:gptq") }
    #expect(throws: EvaluationError.self) { try bare.evaluate(plan, sequences: 1) }
  }

  @Test func classifiersAreCalibratedToo() throws {
    let model = try model("digits")
    let reader = try DataReader(model)
    let data = try reader.readCalibration(nil, count: 100)
    #expect(data.samples.count == 100 && data.name == "train.safetensors")
    let found = try CollectedHessians(WeightSource(model: model), data: data, threads: 2)
    // One row for each place of each picture.
    #expect(found.hessians.map(\.width) == [9, 288, 1024, 256])
    #expect(found.inputs.map { $0.channels == nil } == [true, false, false, false])
    let source = WeightSource(model: model, activations: found)
    let evaluator = try Evaluator(source, data: reader.read(nil))
    func divergence(_ name: String) throws -> Double {
      let format = try Format(parsing: name)
      return try evaluator.evaluate(
        model.tensors.map { $0.suitability.isQuantizable ? format : nil }
      ).distance
    }
    let plain = try divergence("int2:g64:mse")
    for name in ["int2:g64:gptq", "int2:g64:gptq-act", "int2:g64:awq"] {
      #expect(try divergence(name) < plain, "\(name)")
    }
  }

  /// Weights of which some are replaced.
  private struct Replaced: WeightProvider {
    let source: WeightSource
    var values: [Int: [Float]] = [:]

    func values(of tensor: Int) throws(EvaluationError) -> [Float] {
      if let values = values[tensor] { return values }
      return try source.values(of: source.model.tensors[tensor], in: nil)
    }

    /// Multiplies columns, and divides rows (or numbers) of another tensor.
    mutating func scale(
      _ tensors: [String], by scales: [Float], _ channels: [Int], dividing before: [String]
    ) throws {
      for tensor in source.model.tensors where tensors.contains(tensor.name) {
        var all = try values(of: tensor.id)
        for index in all.indices { all[index] *= scales[channels[index % channels.count]] }
        values[tensor.id] = all
      }
      for tensor in source.model.tensors where before.contains(tensor.name) {
        var all = try values(of: tensor.id)
        let length = tensor.shape.count == 1 ? 1 : tensor.rowLength
        for index in all.indices { all[index] /= scales[index / length] }
        values[tensor.id] = all
      }
    }
  }

  @Test func scalesCanBeMovedIntoWhatComesBefore() throws {
    let llama = try model("austen")
    let block = "model.layers.1."
    let parts: [([String], String)] = [
      (["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], "input_layernorm"),
      (["self_attn.o_proj"], "self_attn.v_proj"),
      (["mlp.gate_proj", "mlp.up_proj"], "post_attention_layernorm"),
      (["mlp.down_proj"], "mlp.up_proj"),
    ]
    try check(
      llama, try DataReader(llama).read(nil, context: 32).samples[0],
      parts.map { ($0.map { block + $0 + ".weight" }, [block + $1 + ".weight"]) })
    let digits = try model("digits")
    try check(
      digits, try DataReader(digits).read(nil).samples[0],
      [("conv2", "conv1"), ("fc1", "conv2"), ("fc2", "fc1")].map {
        (["\($0).weight"], ["\($1).weight", "\($1).bias"])
      })
  }

  /// The outputs stay what they are when inputs are scaled, channel by channel.
  private func check(
    _ model: Model, _ sample: Sample, _ parts: [(tensors: [String], before: [String])]
  ) throws {
    let network = try NetworkFinder.network(of: model)
    let inputs = network.inputs.flatMap { $0 }
    let source = WeightSource(model: model)
    var weights = Replaced(source: source)
    for (tensors, before) in parts {
      let input = try #require(
        inputs.first { input in
          Set(input.tensors.map { model.tensors[$0].name }) == Set(tensors)
        })
      let channels = try #require(input.channels)
      let scales = (0...(channels.max() ?? 0)).map { Float(1 + $0 % 5) / 2 }
      try weights.scale(tensors, by: scales, channels, dividing: before)
    }
    let room = Workspace()
    func outputs(_ weights: any WeightProvider) throws -> [Float] {
      var state = Activations.none
      for stage in network.stages.indices {
        state = try network.load(stage, weights).apply(state, sample, room)
      }
      return state.values
    }
    let plain = try outputs(StoredWeights(source: source))
    let scaled = try outputs(weights)
    #expect(zip(plain, scaled).allSatisfy { abs($0 - $1) < 1e-3 } && plain.count == scaled.count)
  }
}
