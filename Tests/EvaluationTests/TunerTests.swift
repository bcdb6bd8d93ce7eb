import Foundation
import ModelFiles
import Quantization
import Synchronization
import Testing

@testable import Evaluation

@Suite("Tuning")
struct TunerTests {
  private let digits: Model
  private let training: EvaluationData

  init() throws {
    digits = try Model.open(Expected.sample("digits"))
    training = try DataReader(digits).readTraining(nil)
  }

  private func formats(_ name: String, _ model: Model) throws -> [Format?] {
    let format = try Format(parsing: name)
    return model.tensors.map { $0.suitability.isQuantizable ? format : nil }
  }

  private func settings(
    steps: Int = 12, loss: TuningLoss = .kl, threads: Int = 2, batch: Int = 48
  ) -> TuningSettings {
    TuningSettings(steps: steps, batch: batch, rate: 1e-3, loss: loss, threads: threads)
  }

  @Test func theLossOfTheSampleClassifierFalls() throws {
    var tuner = try Tuner(
      WeightSource(model: digits), formats: formats("int2:g64", digits), data: training,
      settings())
    let told = Mutex<[Int]>([])
    let tuned = try tuner.run(progress: { progress in told.withLock { $0.append(progress.step) } })
    #expect(told.withLock { $0 } == Array(1...12))
    #expect(tuned.validation.best < tuned.validation.first / 2)
    #expect(tuned.step > 0)
    #expect(Set(tuned.values.keys) == Set(digits.tensors.map(\.id)))
    // What is kept can be stored as the tensors are.
    for (tensor, values) in tuned.values {
      #expect(digits.tensors[tensor].source == .f16)
      #expect(values.allSatisfy { Float(Float16($0)) == $0 })
    }
  }

  @Test func theResultDoesNotDependOnThreads() throws {
    func tune(_ threads: Int) throws -> TunedWeights {
      var tuner = try Tuner(
        WeightSource(model: digits), formats: formats("int3:g64", digits), data: training,
        settings(steps: 3, threads: threads))
      return try tuner.run()
    }
    let (one, three) = (try tune(1), try tune(3))
    #expect(one.values == three.values && one.validation == three.validation)
  }

  @Test func aFormatThatLosesNothingIsPlainTraining() throws {
    func tune(_ formats: [Format?]) throws -> TunedWeights {
      var tuner = try Tuner(
        WeightSource(model: digits), formats: formats, data: training,
        settings(steps: 3, loss: .ce))
      return try tuner.run()
    }
    let plain = try tune(digits.tensors.map { _ in nil })
    let lossless = try tune(formats("f32", digits))
    #expect(plain.values == lossless.values && plain.validation == lossless.validation)
  }

  @Test func whatMakesNothingBetterIsNotTaken() throws {
    // The model is its own best approximation.
    var tuner = try Tuner(
      WeightSource(model: digits), formats: digits.tensors.map { _ in nil }, data: training,
      settings(steps: 2))
    let tuned = try tuner.run()
    #expect(tuned.step == 0 && tuned.validation.first < 1e-9)
    for tensor in digits.tensors {
      let stored = try WeightSource(model: digits).values(of: tensor, in: nil)
      #expect(tuned.values[tensor.id] == stored)
    }
  }

  @Test func theSampleLanguageModelLearns() throws {
    let model = try Model.open(Expected.sample("austen"))
    let text = try String(contentsOfFile: Expected.sample("austen/train.txt"), encoding: .utf8)
    let tokens = try Tokenizer(of: model).tokens(String(text.prefix(8000)), readsSpecial: false)
    let data = EvaluationData(tokens: tokens, context: 32, beginning: nil, name: "x")
    let source = WeightSource(model: model)
    var settings = settings(steps: 8, batch: 8)
    settings.rate = 5e-4
    var tuner = try Tuner(source, formats: formats("int3:g64", model), data: data, settings)
    let tuned = try tuner.run()
    #expect(tuned.validation.best < tuned.validation.first)
    // The tuned weights under the plan, compared with the source: what validation said.
    let evaluator = try Evaluator(
      source.replacing(tuned.values), reference: source, data: data)
    let plain = try Evaluator(source, data: data)
    let after = try evaluator.evaluate(formats("int3:g64", model))
    let before = try plain.evaluate(formats("int3:g64", model))
    #expect(after.distance < before.distance)
    // And unquantized they are another model than the source.
    let unquantized = try evaluator.evaluate(model.tensors.map { _ in nil })
    #expect(unquantized.distance > 1e-6)
  }

  @Test func comparedWithItselfASourceIsAsBefore() throws {
    let source = WeightSource(model: digits)
    let data = try DataReader(digits).read(nil)
    let own = try Evaluator(source, data: data)
    let other = try Evaluator(source, reference: source, data: data)
    for formats in [digits.tensors.map { _ in nil }, try formats("int3", digits)] {
      #expect(try own.evaluate(formats) == other.evaluate(formats))
    }
    #expect(throws: EvaluationError.self) {
      try Evaluator(
        source, reference: WeightSource(model: Model.open(Expected.sample("austen"))), data: data)
    }
  }

  @Test func whatCannotBeTunedSaysWhy() throws {
    func refusal(_ name: String) throws -> String? {
      let model = try Model.open(Expected.folder(name))
      do {
        try Tuner.check(model)
        return nil
      } catch {
        return "\(error)"
      }
    }
    let end = "can't be tuned yet; llama, mistral, qwen2, gemma and sequential can"
    #expect(try refusal("bert") == "bert: models of the architecture 'bert' \(end)")
    #expect(try refusal("gemma2") == "gemma2: models of the architecture 'gemma2' \(end)")
    #expect(try refusal("llama") == nil)
    let one = EvaluationData(
      samples: Array(training.samples.prefix(1)), labels: [training.labels[0]], name: "x")
    #expect(throws: EvaluationError.data("x: found 1 samples, expected 2 at least to tune on")) {
      try Tuner(
        WeightSource(model: digits), formats: formats("int3", digits), data: one, settings())
    }
  }

  @Test func canBeCancelled() throws {
    var tuner = try Tuner(
      WeightSource(model: digits), formats: formats("int3", digits), data: training, settings())
    #expect(throws: EvaluationError.cancelled) { try tuner.run(isCancelled: { true }) }
  }
}
