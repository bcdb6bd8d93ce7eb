import Evaluation
import ModelFiles
import Planning
import Quantization

/// How a model is run for its true quality.
public struct QualityOptions: Sendable {
  /// What it is run on: a file; nil: what lies beside the model.
  public var data: String?
  /// Tokens in a sequence; nil: as many as the model was made for, 256 at most.
  public var context: Int?
  /// The most sequences of a language model that are run.
  public var sequences = 32
  /// Whether it is run from the start on; otherwise once somebody asks for it.
  public var isAutomatic = false
  /// The folder where what was measured of single tensors is kept; nil: nowhere.
  public var folder: String?

  /// Models with more weights than this aren't run unless somebody asks for it.
  public static let automaticWeights = 200_000_000

  /// The defaults.
  public init() {}
}

/// What is run, and on what.
public struct QualitySubject: Sendable, Equatable {
  let task: Evaluation.Task
  /// The data, for people.
  let data: String
  /// Tokens in a sequence; nil where samples are none.
  let context: Int?
  /// How many samples are run at most.
  let samples: Int
  /// The tensors that the forward pass uses.
  let tensors: Set<Int>
}

/// The figures of a plan, from so many of the samples.
struct QualityReading: Sendable, Equatable {
  let figures: EvaluationFigures
  let samples: Int
  let all: Int

  var isComplete: Bool { samples >= all }
}

/// A tensor in a format.
public struct TensorFormat: Sendable, Hashable {
  let tensor: Int
  let format: Format
}

/// What quantizing one tensor alone does to the outputs.
struct TensorEffect: Sendable, Equatable {
  /// The mean divergence from the source, or 1 - the mean cosine.
  let distance: Double
  let interval: ClosedRange<Double>?
}

/// A plan that is to be run.
public struct QualityOrder: Sendable {
  let number: Int
  /// What each tensor goes through; nil: nothing is to be run any more.
  let formats: [Format?]?
}

/// What comes of running a model; opaque outside the explorer.
public struct QualityNews: Sendable {
  enum Kind: Sendable {
    /// It can be run; and what is known of its tensors from before.
    case ready(QualitySubject, known: [TensorFormat: TensorEffect])
    /// It can't be run, and why: one sentence.
    case unavailable(String)
    case reading(order: Int, QualityReading)
    case effects([TensorFormat: TensorEffect])
    /// A plan can't be run, or a tensor's format.
    case failed(order: Int?, TensorFormat?, String)
  }

  let kind: Kind
}
