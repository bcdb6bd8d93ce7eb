import Foundation
import ModelFiles
import Quantization
import SampleSupport
import Synchronization
import Testing

@testable import Evaluation

@Suite("Evaluators")
struct EvaluatorTests {
  /// The same for all tensors that can have it.
  private func uniform(_ name: String, _ model: Model) throws -> [Format?] {
    let format = try Format(parsing: name)
    return model.tensors.map {
      $0.suitability.isQuantizable && format.objection(rowLength: $0.rowLength) == nil
        ? format : nil
    }
  }

  private func evaluator(
    _ path: String, context: Int? = nil, threads: Int = 2, limit: Int? = nil,
    rounding: SourceRounding = .none
  ) throws -> Evaluator {
    let model = try Model.open(Expected.sample(path))
    return try Evaluator(
      WeightSource(model: model), data: DataReader(model).read(nil, context: context),
      rounding: rounding, threads: threads, memoryLimit: limit)
  }

  private func language(_ figures: EvaluationFigures) throws -> LanguageFigures {
    guard case .language(let figures) = figures else { throw Wrong() }
    return figures
  }

  private struct Wrong: Error {}

  @Test func ofTheSampleClassifier() throws {
    let evaluator = try evaluator("digits")
    let model = evaluator.model
    guard case .classification(let source) = try evaluator.evaluate(model.tensors.map { _ in nil })
    else { throw Wrong() }
    #expect(source.samples == 360 && source.right == 360 && source.flips == 0)
    #expect(abs(source.loss.value - 0.030467) < 5e-6)
    #expect(source.divergence.value == 0)
    #expect(abs(source.accuracyInterval.lowerBound - 0.98944) < 1e-4)
    guard case .classification(let coarse) = try evaluator.evaluate(uniform("int2", model)) else {
      throw Wrong()
    }
    #expect(coarse.right < 360 && coarse.flips >= 360 - coarse.right)
    #expect(coarse.lost == 360 - coarse.right)
    #expect(coarse.divergence.value > 0.01)
  }

  @Test func ofTheSampleModelAsLlamaPerplexityHasThem() throws {
    // llama-perplexity -c 256 -ctk f32 -ctv f32 -fa off, of this model as F32 and of what comes back of
    // llama-quantize --pure Q4_K_S, written as F32: its line after 12 sequences, to its last digits.
    let evaluator = try evaluator("austen/austen-bf16.gguf", context: 256, rounding: .sixteenBits)
    let figures = try language(
      evaluator.evaluate(uniform("q4_K", evaluator.model), sequences: 12))
    #expect(figures.positions == 12 * 127)
    #expect(abs(figures.perplexity.value - 31.4834) < 1e-4)
    #expect(abs(figures.perplexity.error - 2.2704) < 1e-4)
    #expect(abs(figures.logRatio.value - 0.00908) < 1e-5)
    #expect(abs(figures.logRatio.error - 0.00409) < 1e-5)
    #expect(abs(figures.divergence.value - 0.01197) < 1e-5)
    #expect(abs(figures.divergence.error - 0.00026) < 1e-5)
    #expect(abs(figures.probabilityChange.value - 0.02204) < 1e-5)
    #expect(abs(figures.probabilityChange.error - 0.00087) < 1e-5)
    #expect(abs(figures.sameTop.value - 0.90617) < 1e-5)
    #expect(abs(figures.sameTop.error - 0.00747) < 1e-5)
  }

  @Test func changesRunOnlyWhatLiesBehindThem() throws {
    let evaluator = try evaluator("austen")
    let model = evaluator.model
    var formats = try uniform("int4", model)
    let first = try evaluator.evaluate(formats, sequences: 3)
    let tensor = try #require(
      model.tensors.first { $0.name == "model.layers.3.mlp.up_proj.weight" })
    formats[tensor.id] = try Format(parsing: "int2")
    let changed = try evaluator.evaluate(formats, sequences: 3)
    #expect(changed.distance > first.distance)
    let fresh = try self.evaluator("austen", threads: 1)
    #expect(try fresh.evaluate(formats, sequences: 3) == changed)
    // And back, and to more sequences.
    #expect(try evaluator.evaluate(uniform("int4", model), sequences: 3) == first)
    let more = try language(evaluator.evaluate(uniform("int4", model), sequences: 5))
    #expect(more.sequences == 5)
    #expect(try language(fresh.evaluate(uniform("int4", model), sequences: 5)) == more)
    #expect(evaluator.byteCount > 0)
  }

  @Test func littleMemoryGivesTheSameFigures() throws {
    let rich = try evaluator("austen")
    let poor = try evaluator("austen", limit: 6 << 20)
    for name in ["int4", "q3_K"] {
      let formats = try uniform(name, rich.model)
      #expect(
        try rich.evaluate(formats, sequences: 6) == poor.evaluate(formats, sequences: 6))
    }
    #expect(poor.byteCount < 6 << 20)
    #expect(rich.byteCount > poor.byteCount)
  }

  @Test func canBeCancelled() throws {
    let evaluator = try evaluator("austen")
    let formats = try uniform("int4", evaluator.model)
    #expect(throws: EvaluationError.cancelled) {
      try evaluator.evaluate(formats, sequences: 4, isCancelled: { true })
    }
    final class Count: Sendable { let asked = Atomic<Int>(0) }
    let count = Count()
    #expect(throws: EvaluationError.cancelled) {
      try evaluator.evaluate(formats, sequences: 4) {
        count.asked.add(1, ordering: .relaxed).newValue > 40
      }
    }
    let fresh = try self.evaluator("austen")
    #expect(
      try evaluator.evaluate(formats, sequences: 4) == fresh.evaluate(formats, sequences: 4))
  }

  @Test func unsuitableDataSaysWhy() throws {
    let model = try Model.open(Expected.sample("austen"))
    let source = WeightSource(model: model)
    func refusal(_ data: EvaluationData) -> String? {
      do {
        _ = try Evaluator(source, data: data)
        return nil
      } catch {
        return error.description
      }
    }
    #expect(
      refusal(EvaluationData(samples: [.tokens([1, 2, 4000])], name: "x"))
        == "x: austen can't be run on it: the token 4000 isn't among its 2048")
    #expect(
      refusal(EvaluationData(samples: [], name: "x")) == "x: found nothing to run austen on")
    #expect(
      refusal(EvaluationData(samples: [.tokens([1, 2])], name: "x"))
        == "x: sequences of fewer than 3 tokens can't be scored")
  }

  @Test func embeddingsAgreeWithThemselves() throws {
    let model = try Model.open(Expected("bert").path)
    let expected = try Expected("bert")
    let evaluator = try Evaluator(
      WeightSource(model: model),
      data: EvaluationData(samples: expected.sequences.map { .tokens($0) }, name: "x"))
    guard case .embedding(let same) = try evaluator.evaluate(model.tensors.map { _ in nil }),
      case .embedding(let coarse) = try evaluator.evaluate(uniform("int2", model))
    else { throw Wrong() }
    #expect(same.texts == 3 && same.sameNearest == 3 && same.rankAgreement == 1)
    #expect(abs(same.cosine.value - 1) < 1e-6)
    #expect(coarse.cosine.value < 0.99 && coarse.leastCosine <= coarse.cosine.value)
  }
}

@Suite("Statistics of evaluation")
struct StatisticsTests {
  @Test func wilsonIsThatOfTheLiterature() {
    // 81 of 263: 0.2553 ... 0.3662 (Newcombe, 1998).
    let interval = Interval.wilson(81, of: 263)
    #expect(abs(interval.lowerBound - 0.2553) < 5e-5)
    #expect(abs(interval.upperBound - 0.3662) < 5e-5)
    #expect(Interval.wilson(0, of: 0) == 0...1)
    #expect(abs(Interval.wilson(10, of: 10).upperBound - 1) < 1e-12)
  }

  @Test func percentilesLieOnALine() {
    let values = Percentiles([4, 1, 3, 2])
    #expect(values.least == 1 && values.greatest == 4 && values.median == 2.5)
    #expect(abs(values[0.9] - 3.7) < 1e-12)
  }

  @Test func intervalsOfMeansUseStudentsQuantile() throws {
    // Mean 2, deviation 1, three values: 4.303 / sqrt 3.
    let few = try #require(Interval.mean(of: [1, 2, 3]))
    #expect(abs(few.upperBound - 2 - 4.303 / 3.0.squareRoot()) < 1e-3)
    let many = try #require(Interval.mean(of: (0..<31).map { Double($0 % 2) }))
    // Student's 0.975 quantile for 30 degrees is 2.0423.
    let deviation = 0.508
    let mean = 15.0 / 31
    #expect(abs(many.upperBound - mean - 2.0423 * deviation / 31.0.squareRoot()) < 1e-3)
    #expect(Interval.mean(of: [1]) == nil)
  }
}
