/// The true figures of a plan: what the network says under it, beside what the source says.
public enum EvaluationFigures: Sendable, Equatable {
  /// Of a language model.
  case language(LanguageFigures)
  /// Of a classifier.
  case classification(ClassificationFigures)
  /// Of an encoder.
  case embedding(EmbeddingFigures)

  /// How far the outputs are from the source's, in one number from 0 on: the mean divergence, or 1 - the mean
  /// cosine.
  public var distance: Double {
    switch self {
    case .language(let figures): figures.divergence.value
    case .classification(let figures): figures.divergence.value
    case .embedding(let figures): 1 - figures.cosine.value
    }
  }

  /// An interval that holds it in 95 of 100 cases, where one is known.
  public var distanceInterval: ClosedRange<Double>? {
    switch self {
    case .language(let figures): figures.divergenceInterval
    case .classification(let figures): figures.divergenceInterval
    case .embedding: nil
    }
  }
}
