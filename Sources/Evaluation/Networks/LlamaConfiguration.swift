import Foundation
import ModelFiles

/// The sizes and settings of a language model of the llama family.
struct LlamaConfiguration: Sendable, Equatable {
  /// The families that can be run, by the names that config.json and GGUF have for them.
  enum Family: String, CaseIterable, Sendable {
    case llama, mistral, qwen2, qwen3, gemma, gemma2
    case gemma3 = "gemma3_text"

    init?(architecture: String) {
      if architecture == "gemma3" { self = .gemma3 } else { self.init(rawValue: architecture) }
    }

    var isGemma: Bool { self == .gemma || self == .gemma2 || self == .gemma3 }
    /// Whether queries and keys are normalised, head by head.
    var normalisesHeads: Bool { self == .qwen3 || self == .gemma3 }
    /// Whether the results of attention and of the feed-forward part are normalised as well.
    var normalisesResults: Bool { self == .gemma2 || self == .gemma3 }
  }

  var family: Family
  var hidden = 0
  var layers = 0
  var heads = 0
  var keyValueHeads = 0
  var headSize = 0
  var intermediate = 0
  var vocabulary = 0
  var contextLength: Int?
  var epsilon: Float = 1e-6
  /// What is added to the weights of norms: gemma's checkpoints store them without their 1.
  var normOffset: Float = 0
  var embeddingScale: Float = 1
  var activation = Activation.silu
  var attentionScale: Float = 0
  var attentionCap: Float = 0
  var logitCap: Float = 0
  /// How far the blocks of the second kind see; nil: there are none.
  var window: Int?
  /// Whether a block sees only the window.
  var isWindowed: [Bool] = []
  var rotation = Rotation(headSize: 0, base: 1)
  /// The rotation of blocks that see only the window, where it is another one.
  var windowRotation: Rotation?
  /// Whether pairs that turn together are neighbours: llama's GGUFs have their rows so.
  var areNeighbours = false
  /// Whether the output is the embedding, whatever else is there; nil: if there is no output of its own.
  var isTied: Bool?

  init(_ model: Model, _ family: Family) throws(EvaluationError) {
    self.family = family
    if model.container == .gguf {
      try read(GGUFSettings(model))
    } else if let configuration = model.configuration {
      try read(ConfigurationSettings(model, configuration))
    } else {
      throw .setting("\(model.name): no config.json beside it, which tells the model's sizes")
    }
    try check(model)
  }

  mutating func take(_ sizes: Hyperparameters) {
    hidden = sizes.hiddenSize ?? 0
    layers = sizes.layers ?? 0
    heads = sizes.heads ?? 0
    keyValueHeads = sizes.keyValueHeads ?? heads
    headSize = sizes.headSize ?? 0
    intermediate = sizes.intermediateSize ?? 0
    vocabulary = sizes.vocabulary ?? 0
    contextLength = sizes.contextLength
  }

  private func check(_ model: Model) throws(EvaluationError) {
    let sizes = [
      ("hidden size", hidden), ("number of blocks", layers), ("number of heads", heads),
      ("number of heads for keys", keyValueHeads), ("size of a head", headSize),
      ("feed-forward size", intermediate), ("vocabulary", vocabulary),
    ]
    for (name, size) in sizes where !(1...1 << 30).contains(size) {
      throw .setting("\(model.name): found \(size) as its \(name), expected a number from 1 on")
    }
    guard heads % keyValueHeads == 0, headSize % 2 == 0 else {
      throw .setting(
        "\(model.name): found \(heads) heads of \(headSize) on \(keyValueHeads) for keys, expected"
          + " an even size and a multiple")
    }
    guard window ?? 1 >= 1 else {
      throw .setting("\(model.name): found a window of \(window ?? 0) positions")
    }
    guard epsilon.isFinite, attentionScale.isFinite, layers <= 100_000 else {
      throw .setting("\(model.name): its norms' epsilon or scale isn't a number")
    }
  }
}
