import Evaluation
import ModelFiles
import Planning
import Quantization
import SampleSupport

/// What is read to run a model.
let evaluationTargets: [FuzzTarget] = [
  // A tokenizer.json, then a text for it.
  FuzzTarget(name: "vocabulary") { bytes in
    let files = parts(bytes, count: 2)
    let folder = FuzzFolder.vocabulary
    try SmallModel.file.withUnsafeBytes {
      try folder.fill([("tokenizer.json", files[0]), ("model.safetensors", $0)])
    }
    guard let model = try? Model.open(folder.path, environment: [:]) else { return false }
    let tokenizer = try parsed { () throws(EvaluationError) in try Tokenizer(of: model) }
    guard let tokenizer else { return false }
    let text = files.count > 1 ? String(decoding: files[1], as: UTF8.self) : "one 2 three's\n"
    let tokens = tokenizer.tokens(text)
    try expect(tokenizer.tokens(text) == tokens, "another time it gives others")
    return true
  },
  // A config.json for a small model, which is run under it.
  FuzzTarget(name: "network") { bytes in
    let folder = FuzzFolder.network
    try SmallModel.file.withUnsafeBytes {
      try folder.fill([("config.json", bytes), ("model.safetensors", $0)])
    }
    guard let model = try? Model.open(folder.path, environment: [:]) else { return false }
    let data = EvaluationData(
      tokens: (0..<16).map { $0 * 5 }, context: 8, beginning: nil, name: "tokens")
    let figures = try parsed { () throws(EvaluationError) in
      let evaluator = try Evaluator(WeightSource(model: model), data: data, threads: 1)
      return try evaluator.evaluate([Format?](repeating: nil, count: model.tensors.count))
    }
    return figures != nil
  },
  FuzzTarget(name: "sensitivities") { bytes in
    func parse(_ bytes: [UInt8]) throws(Violation) -> Sensitivities? {
      try parsed { () throws(ModelFileError) in try Sensitivities(parsing: bytes, path: "s.json") }
    }
    guard let read = try parse(Array(bytes)) else { return false }
    let text = JSONWriter(.pretty).string(read.json)
    try expect(try parse(Array(text.utf8)) == read, "it reads back as something else: \(text)")
    return true
  },
]
