import Evaluation
import Foundation
import ModelFiles
import Quantization

/// How fast a model is run, beside transformers where python3 has it, and how long after a change its KL divergence
/// is there again: on 4 sequences, as the explorer shows it first, and on all 32 of them.
///
/// On the models that are given, or on the sample model. A model without a text beside it is run on made-up tokens.
enum EvaluationBenchmark {
  static func run(_ options: BenchmarkOptions) {
    print("Forward passes, \(MatrixProduct.best.description); all processors")
    let models = options.models.isEmpty ? ["SampleModels/austen"] : options.models
    for path in models {
      do {
        try run(path, options)
      } catch {
        print("\(path): \(error)")
      }
    }
    print("")
  }

  private static func run(_ path: String, _ options: BenchmarkOptions) throws {
    let model = try Model.open(path)
    let context = min(256, model.hyperparameters.contextLength ?? 256)
    let vocabulary = model.hyperparameters.vocabulary ?? 1000
    let samples = (0..<32).map { sequence in
      Sample.tokens((0..<context).map { ($0 * 7919 + sequence * 104_729) % vocabulary })
    }
    let source = WeightSource(model: model)
    let int4 = try Format(parsing: "int4")
    let int3 = try Format(parsing: "int3")
    let uniform = model.tensors.map { tensor -> Format? in
      tensor.suitability.isQuantizable && int4.objection(rowLength: tensor.rowLength) == nil
        ? int4 : nil
    }
    let evaluator = try Evaluator(source, data: EvaluationData(samples: samples, name: "made up"))
    _ = try evaluator.evaluate(uniform.map { _ in nil })
    let seconds = try time { _ = try evaluator.evaluate(uniform) }
    let again = try time {
      var formats = uniform
      formats[embedding(evaluator)] = nil
      _ = try evaluator.evaluate(formats)
    }
    let tokens = Double(samples.count * context)
    var line = "\(model.name): \(Int(tokens / again)) tokens/s (\(seconds.digits) s with encoding)"
    if let peer = peer(path, context) {
      line += ", transformers \(Int(peer)): ratio \((tokens / again / peer).digits)"
    }
    print(line)
    _ = try evaluator.evaluate(uniform)
    let few = 4
    for share in [0.0, 0.5, 1] {
      let stages = evaluator.stages
      let stage = min(stages.count - 2, max(1, Int(share * Double(stages.count - 1))))
      guard let tensor = stages[stage].tensors.first(where: { uniform[$0] != nil }) else {
        continue
      }
      var formats = uniform
      formats[tensor] = int3
      let first = try time { _ = try evaluator.evaluate(formats, sequences: few) }
      let rest = try time { _ = try evaluator.evaluate(formats) }
      print(
        "  KL after a change in \(stages[stage].name): \(Int(first * 1000)) ms on \(few) sequences, "
          + "\(Int((first + rest) * 1000)) ms on \(samples.count)")
      _ = try evaluator.evaluate(uniform)
    }
    print("  kept: \(evaluator.byteCount >> 20) MiB")
  }

  /// A tensor of the first stage: without it all is run again.
  private static func embedding(_ evaluator: Evaluator) -> Int {
    evaluator.stages.first?.tensors.first ?? 0
  }

  private static func time(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    let time = (ContinuousClock.now - start).components
    return Double(time.seconds) + Double(time.attoseconds) * 1e-18
  }

  /// Tokens a second of transformers, all logits of 16 sequences worked out.
  private static func peer(_ path: String, _ context: Int) -> Double? {
    let script = """
      import os, sys, time
      import torch, transformers
      torch.set_num_threads(os.cpu_count())
      model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
      context = int(sys.argv[2])
      ids = torch.randint(0, model.config.vocab_size, (16, context))
      with torch.no_grad():
          model(ids[:4])
          start = time.time()
          for i in range(0, 16, 4):
              model(ids[i:i + 4])
          print(16 * context / (time.time() - start))
      """
    guard let text = python(script, [path, String(context)]) else {
      print("No comparison with transformers: python3 hasn't it, or failed.")
      return nil
    }
    return Double(text.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}

extension Double {
  fileprivate var digits: String { String(format: "%.2f", self) }
}
