import ModelFiles
import Quantization

@testable import Evaluation
@testable import Explorer

/// Answers as a model would that is run: what each tensor does depends on its number and its format, and adds up.
struct MadeUpQuality {
  let subject: QualitySubject
  /// Whether plans are run to the end.
  var isComplete = true
  private(set) var plans: [[Format?]] = []
  private(set) var tensors: [TensorFormat] = []
  private var isReady = false

  init(_ model: Model, task: Evaluation.Task = .language(vocabulary: 2)) {
    subject = QualitySubject(
      task: task, data: "heldout.txt", context: 8, samples: 8,
      tensors: Set(model.tensors.filter(\.suitability.isQuantizable).map(\.id)))
  }

  /// The third tensor does twenty times what its error makes one expect.
  static func distance(_ tensor: Int, _ format: Format) -> Double {
    MadeUp.squaredError(tensor, format) / MadeUp.squares(tensor) * (tensor == 3 ? 0.2 : 0.01)
  }

  mutating func run(_ order: QualityOrder) -> [QualityNews.Kind] {
    let ready = becomeReady()
    guard let formats = order.formats else { return ready }
    plans.append(formats)
    let distance = formats.enumerated().reduce(0.0) { sum, item in
      sum + (item.element.map { Self.distance(item.offset, $0) } ?? 0)
    }
    return ready + [.reading(order: order.number, reading(distance))]
  }

  func reading(_ distance: Double) -> QualityReading {
    let samples = isComplete ? subject.samples : 4
    let scores = (0..<samples).map { sample in
      let spread = sample % 2 == 0 ? 1.1 : 0.9
      var score = LanguageScore()
      score.losses = [3 + distance * spread, 2 + distance]
      score.sourceLosses = [3, 2]
      score.divergences = [distance * spread, distance * spread]
      score.sameTop = distance > 0.01 && sample % 2 == 0 ? 1 : 2
      return score
    }
    let figures: EvaluationFigures =
      switch subject.task {
      case .language: .language(LanguageFigures(scores))
      case .classification:
        .classification(
          ClassificationFigures(
            outputs: scores.indices.map { $0 == 0 && distance > 0 ? [0, 1] : [1, 0] },
            source: scores.map { _ in [1, 0] }, labels: scores.map { _ in 0 }))
      case .embedding:
        .embedding(
          EmbeddingFigures(
            outputs: scores.indices.map(Self.vector),
            source: scores.indices.map(Self.vector)))
      }
    return QualityReading(figures: figures, samples: samples, all: subject.samples)
  }

  /// Of length 1, in some direction.
  private static func vector(_ index: Int) -> [Float] {
    index % 2 == 0 ? [0.6, 0.8] : [0.8, Float(index % 4 == 1 ? 0.6 : -0.6)]
  }

  mutating func measure(_ tensors: [TensorFormat]) -> [QualityNews.Kind] {
    let ready = becomeReady()
    guard !tensors.isEmpty, isComplete else { return ready }
    self.tensors += tensors
    var effects: [TensorFormat: TensorEffect] = [:]
    for key in tensors {
      effects[key] = TensorEffect(distance: Self.distance(key.tensor, key.format), interval: nil)
    }
    return ready + [.effects(effects)]
  }

  private mutating func becomeReady() -> [QualityNews.Kind] {
    guard !isReady else { return [] }
    isReady = true
    return [.ready(subject, known: [:])]
  }
}
