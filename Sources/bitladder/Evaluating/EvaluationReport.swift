import Evaluation
import Explorer
import Foundation
import ModelFiles
import Planning

/// The figures of plans, as a table and in JSON.
struct EvaluationReport {
  let model: Model
  let data: EvaluationData
  let samples: Int
  let results: [Result]

  struct Result {
    let plan: EvaluatedPlan
    /// The NMSE of the weights.
    let error: Double
    let figures: EvaluationFigures
  }

  // MARK: - The table

  var table: String {
    guard let first = results.first else { return "" }
    var table = Table(["plan", "size", "bpw", "NMSE"] + Self.head(first.figures))
    table.rightAligned = Set(1...12)
    for result in results {
      let bytes = result.plan.byteCount(model)
      let bits = 8 * Double(bytes) / Double(max(1, model.weightCount))
      table.add(
        [
          result.plan.name, Figures.bytes(bytes), Figures.bits(bits), Figures.percent(result.error),
        ] + Self.cells(result.figures))
    }
    return "\(Self.caption(first.figures, of: data))\n\n\(table.text)"
  }

  /// What was run.
  static func caption(_ figures: EvaluationFigures, of data: EvaluationData) -> String {
    let name = data.name.sanitised
    switch figures {
    case .language(let figures):
      let sequences = Figures.counted(figures.sequences, "sequence")
      return "\(name): \(sequences), \(Figures.counted(figures.positions, "token")) scored; "
        + "± is one standard error, ... the 95 % interval over sequences"
    case .classification(let figures):
      return "\(name): \(Figures.counted(figures.samples, "sample")); ... is the 95 % interval"
    case .embedding(let figures):
      return "\(name): \(Figures.counted(figures.texts, "text"))"
    }
  }

  static func head(_ figures: EvaluationFigures) -> [String] {
    switch figures {
    case .language: ["perplexity", "ratio", "KL", "95 %", "KL 99 %", "same top", "RMS Δp"]
    case .classification: ["accuracy", "95 %", "loss", "KL", "95 %", "flips", "lost"]
    case .embedding: ["cosine", "least", "rank", "same nearest"]
    }
  }

  static func cells(_ figures: EvaluationFigures) -> [String] {
    switch figures {
    case .language(let figures):
      [
        "\(decimals(figures.perplexity.value, 3)) ± \(decimals(figures.perplexity.error, 3))",
        "\(decimals(figures.ratio.value, 4)) ± \(decimals(figures.ratio.error, 4))",
        Figures.divergence(figures.divergence.value), interval(figures.divergenceInterval),
        Figures.divergence(figures.divergences[0.99]), percent(figures.sameTop.value),
        percent(figures.probabilityChange.value),
      ]
    case .classification(let figures):
      [
        percent(figures.accuracy),
        "\(percent(figures.accuracyInterval.lowerBound)) ... "
          + percent(figures.accuracyInterval.upperBound),
        decimals(figures.loss.value, 4), Figures.divergence(figures.divergence.value),
        interval(figures.divergenceInterval), "\(figures.flips)", "\(figures.lost)",
      ]
    case .embedding(let figures):
      [
        decimals(figures.cosine.value, 5), decimals(figures.leastCosine, 5),
        figures.rankAgreement.map { decimals($0, 4) } ?? "",
        "\(figures.sameNearest) of \(figures.texts)",
      ]
    }
  }

  private static func decimals(_ value: Double, _ count: Int) -> String {
    String(format: "%.\(count)f", value)
  }

  private static func percent(_ share: Double) -> String { decimals(100 * share, 2) + " %" }

  private static func interval(_ interval: ClosedRange<Double>?) -> String {
    interval.map { "\(Figures.divergence($0.lowerBound)) ... \(Figures.divergence($0.upperBound))" }
      ?? ""
  }

  // MARK: - JSON

  func json(_ identity: Plan.ModelIdentity) -> JSONValue {
    [
      "model": PlanFile.json(of: identity),
      "data": [
        "name": .string(data.name), "samples": JSONValue(samples),
        "context": Self.context(data),
      ],
      "results": .array(
        results.map { result in
          let bytes = result.plan.byteCount(model)
          return .object(
            JSONObject(
              [
                .init(key: "name", value: .string(result.plan.name)),
                .init(key: "bytes", value: JSONValue(bytes)),
                .init(
                  key: "bitsPerWeight",
                  value: JSONValue(8 * Double(bytes) / Double(max(1, model.weightCount)))),
                .init(key: "nmse", value: JSONValue(result.error)),
              ] + Self.members(result.figures)))
        }),
    ]
  }

  static func context(_ data: EvaluationData) -> JSONValue {
    guard case .tokens(let tokens) = data.samples.first else { return .null }
    return JSONValue(tokens.count)
  }

  static func members(_ figures: EvaluationFigures) -> [JSONObject.Member] {
    let values: [(String, JSONValue)]
    switch figures {
    case .language(let figures):
      let shares = [0.001, 0.01, 0.05, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1]
      values = [
        ("positions", JSONValue(figures.positions)), ("perplexity", pair(figures.perplexity)),
        ("sourcePerplexity", pair(figures.sourcePerplexity)), ("logRatio", pair(figures.logRatio)),
        ("ratio", pair(figures.ratio)), ("divergence", pair(figures.divergence)),
        ("divergenceInterval", list(figures.divergenceInterval)),
        (
          "divergencePercentiles",
          .array(shares.map { .array([JSONValue($0), JSONValue(figures.divergences[$0])]) })
        ), ("sameTop", pair(figures.sameTop)),
        ("probabilityChange", pair(figures.probabilityChange)),
        ("meanProbabilityChange", pair(figures.meanProbabilityChange)),
      ]
    case .classification(let figures):
      values = [
        ("samples", JSONValue(figures.samples)), ("right", JSONValue(figures.right)),
        ("sourceRight", JSONValue(figures.sourceRight)),
        ("accuracy", JSONValue(figures.accuracy)),
        ("accuracyInterval", list(figures.accuracyInterval)), ("loss", pair(figures.loss)),
        ("sourceLoss", pair(figures.sourceLoss)), ("divergence", pair(figures.divergence)),
        ("divergenceInterval", list(figures.divergenceInterval)),
        ("flips", JSONValue(figures.flips)), ("lost", JSONValue(figures.lost)),
      ]
    case .embedding(let figures):
      values = [
        ("texts", JSONValue(figures.texts)), ("cosine", pair(figures.cosine)),
        ("leastCosine", JSONValue(figures.leastCosine)),
        ("rankAgreement", figures.rankAgreement.map { JSONValue($0) } ?? .null),
        ("sameNearest", JSONValue(figures.sameNearest)),
      ]
    }
    return values.map { JSONObject.Member(key: $0.0, value: $0.1) }
  }

  /// A mean and its standard error.
  private static func pair(_ estimate: Estimate) -> JSONValue {
    ["value": JSONValue(estimate.value), "error": JSONValue(estimate.error)]
  }

  private static func list(_ interval: ClosedRange<Double>?) -> JSONValue {
    interval.map { .array([JSONValue($0.lowerBound), JSONValue($0.upperBound)]) } ?? .null
  }
}
