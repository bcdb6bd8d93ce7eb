import ModelFiles

/// What a network is given.
public enum Sample: Sendable, Hashable {
  /// Tokens of a text, by their numbers.
  case tokens([Int])
  /// The numbers of a picture: channels, rows, columns.
  case picture([Float])
}

/// The numbers between two stages of a network, for one sample: a row for each position.
public struct Activations: Sendable, Equatable {
  /// How many rows there are.
  public var rows: Int
  /// The numbers of a row.
  public var width: Int
  /// All of them, row by row.
  public var values: [Float]

  /// The memory that they take.
  public var byteCount: Int { values.count * MemoryLayout<Float>.stride }

  static let none = Activations(rows: 0, width: 0, values: [])
}

/// One of the parts of a network that run one after the other: the embedding, a block, the output.
public struct Stage: Sendable {
  /// What to call it.
  public let name: String
  /// The block of the model; nil before the first and behind the last one.
  public let block: Int?
  /// The tensors that it needs, by their indices in the model.
  public let tensors: [Int]
}

/// What a network's outputs are.
public enum Task: Sendable, Hashable {
  /// Logits of the next token, a row for each position.
  case language(vocabulary: Int)
  /// One vector of length 1 for each text.
  case embedding(width: Int)
  /// Logits of classes, one row for each sample.
  case classification(classes: Int)
}

/// A forward pass, stage by stage.
protocol Network: Sendable {
  /// Its parts; the last one makes the outputs.
  var stages: [Stage] { get }
  var task: Task { get }
  /// The most positions that it was made for; nil: no limit.
  var contextLength: Int? { get }
  /// The numbers of a row between blocks, about.
  var width: Int { get }

  /// What matrices read, stage by stage.
  var inputs: [[MatrixInput]] { get }
  /// The tensors whose rows are looked up; a tied embedding is a matrix as well.
  var lookups: [Int] { get }

  /// What is wrong with a sample; nil if it can be run.
  func objection(to sample: Sample) -> String?

  /// Makes a stage ready to run.
  func load(_ stage: Int, _ weights: any WeightProvider) throws(EvaluationError) -> any Layer
}

/// The numbers that one or more matrices read.
struct MatrixInput: Sendable {
  /// The matrices, by their tensors.
  let tensors: [Int]
  /// How many numbers there are in a row.
  let width: Int
  /// Each number belongs to a channel of what makes them: numbers of one channel can be scaled together, the opposite
  /// going into the weights before (a norm's, the rows of a matrix). Nil where nothing before can take a scale.
  var channels: [Int]?

  init(_ tensors: [Int], width: Int, channels: [Int]?) {
    self.tensors = tensors
    self.width = width
    self.channels = channels
  }

  /// Each number is a channel of its own, or can't be scaled.
  init(_ matrices: [LinearPlace], canBeScaled: Bool) {
    let width = matrices[0].inputs
    self.init(
      matrices.map(\.weight), width: width, channels: canBeScaled ? Array(0..<width) : nil)
  }
}

/// Gives the weights of tensors under a plan.
protocol WeightProvider {
  func values(of tensor: Int) throws(EvaluationError) -> [Float]
}

/// A stage with its weights, used by several threads at once.
protocol Layer: Sendable {
  /// The activations behind the stage. The first stage looks at the sample alone.
  func apply(_ x: Activations, _ sample: Sample, _ room: Workspace) -> Activations
}

/// The last stage.
protocol OutputLayer: Layer {
  /// The outputs at some of the rows of what comes into the stage.
  func outputs(_ x: Activations, rows: Range<Int>, _ room: Workspace) -> [Float]

  /// Shows the room what goes into the stage's matrices.
  func observe(_ x: Activations, _ room: Workspace)
}
