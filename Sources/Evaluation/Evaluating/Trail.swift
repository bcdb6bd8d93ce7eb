import Quantization

/// How far the samples have come under one plan: what lies between stages, and what came out.
struct Trail {
  /// What the tensors of each stage go through.
  private(set) var formats: [[Format?]]
  /// By sample and stage: what goes into the stage; nil where it isn't kept.
  private var borders: [[Activations?]]
  /// By sample: what came out; nil where it hasn't been run.
  private(set) var results: [Result?]

  /// What is kept of a sample's outputs.
  enum Result: Sendable {
    case language(LanguageScore)
    case outputs([Float])
  }

  init(_ formats: [[Format?]], samples: Int) {
    self.formats = formats
    borders = Array(repeating: Array(repeating: nil, count: formats.count), count: samples)
    results = Array(repeating: nil, count: samples)
  }

  /// The bytes that the borders take.
  var byteCount: Int {
    borders.reduce(0) { $0 + $1.reduce(0) { $0 + ($1?.byteCount ?? 0) } }
  }

  /// How many stages, from the first one on, are the same under a plan.
  func common(with other: [[Format?]]) -> Int {
    zip(formats, other).prefix { $0 == $1 }.count
  }

  /// Takes another plan's formats, keeping what holds for it too.
  mutating func turn(to other: [[Format?]]) {
    let common = common(with: other)
    guard common < formats.count else { return }
    formats = other
    for sample in borders.indices {
      for stage in common + 1..<max(common + 1, formats.count) { borders[sample][stage] = nil }
      results[sample] = nil
    }
  }

  /// The last stage before which a sample's activations are kept, with them.
  func last(_ sample: Int, upTo stage: Int) -> (stage: Int, activations: Activations)? {
    for place in stride(from: min(stage, formats.count - 1), to: 0, by: -1) {
      if let kept = borders[sample][place] { return (place, kept) }
    }
    return nil
  }

  mutating func keep(_ activations: Activations, before stage: Int, of sample: Int) {
    borders[sample][stage] = activations
  }

  mutating func finish(_ sample: Int, _ result: Result) { results[sample] = result }
}
