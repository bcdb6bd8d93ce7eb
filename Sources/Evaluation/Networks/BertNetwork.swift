import CKernels
import ModelFiles

/// The forward pass of BERT and of the sentence encoders that are built on it: the mean of the last block's
/// rows, brought to length 1.
struct BertNetwork: Network {
  let stages: [Stage]
  let task: Task
  let contextLength: Int?

  private let sizes: Sizes
  private let embeddings: [Int]
  private let blocks: [BertPlaces]

  /// The sizes and settings.
  struct Sizes: Sendable {
    var hidden = 0
    var intermediate = 0
    var heads = 0
    var vocabulary = 0
    var positions = 0
    var types = 0
    var epsilon: Float = 1e-12
    var activation = Activation.gelu
  }

  var width: Int { sizes.hidden }
  var lookups: [Int] { Array(embeddings.prefix(3)) }
  var inputs: [[MatrixInput]] { [[]] + blocks.map(\.inputs) + [[]] }

  init(_ model: Model) throws(EvaluationError) {
    let table = TensorTable(model)
    let sizes = try Self.sizes(model, table)
    self.sizes = sizes
    let hidden = sizes.hidden
    embeddings = [
      try table.index("token_embd.weight", [sizes.vocabulary, hidden]),
      try table.index("position_embd.weight", [sizes.positions, hidden]),
      try table.index("token_types.weight", [sizes.types, hidden]),
      try table.index("token_embd_norm.weight", [hidden]),
      try table.index("token_embd_norm.bias", [hidden]),
    ]
    var blocks: [BertPlaces] = []
    for layer in 0..<(model.hyperparameters.layers ?? 0) {
      blocks.append(try BertPlaces(layer, sizes, table))
    }
    self.blocks = blocks
    contextLength = sizes.positions
    task = .embedding(width: hidden)
    stages =
      [Stage(name: "embeddings", block: nil, tensors: embeddings)]
      + blocks.enumerated().map { Stage(name: "block \($0)", block: $0, tensors: $1.tensors) }
      + [Stage(name: "pooling", block: nil, tensors: [])]
  }

  private static func sizes(
    _ model: Model, _ table: TensorTable
  ) throws(EvaluationError) -> Sizes {
    let known = model.hyperparameters
    var sizes = Sizes()
    sizes.hidden = known.hiddenSize ?? 0
    sizes.heads = known.heads ?? 0
    sizes.intermediate = known.intermediateSize ?? 0
    sizes.vocabulary = table.rows("token_embd.weight") ?? 0
    sizes.positions = table.rows("position_embd.weight") ?? 0
    sizes.types = table.rows("token_types.weight") ?? 0
    let numbers = [sizes.hidden, sizes.heads, sizes.intermediate, sizes.vocabulary, sizes.types]
    guard numbers.allSatisfy({ $0 > 0 }), sizes.hidden % sizes.heads == 0 else {
      throw .setting("\(model.name): its configuration or its tensors don't tell BERT's sizes")
    }
    if model.container == .gguf {
      sizes.epsilon = Float(
        model.metadata["bert.attention.layer_norm_epsilon"]?.double ?? 1e-12)
      return sizes
    }
    sizes.epsilon = Float(model.configuration?["layer_norm_eps"]?.double ?? 1e-12)
    let kind = model.configuration?["position_embedding_type"]?.string ?? "absolute"
    guard kind == "absolute" else {
      throw .setting(
        "\(model.name): positions of the kind '\(kind.sanitised)' aren't supported in BERT")
    }
    let name = model.configuration?["hidden_act"]?.string ?? "gelu"
    guard let activation = Activation(name: name) else {
      throw .setting("\(model.name): the activation '\(name.sanitised)' isn't supported")
    }
    sizes.activation = activation
    return sizes
  }

  func objection(to sample: Sample) -> String? {
    guard case .tokens(let tokens) = sample else { return "it needs tokens" }
    if let token = tokens.first(where: { !(0..<sizes.vocabulary).contains($0) }) {
      return "the token \(token) isn't among its \(sizes.vocabulary)"
    }
    if tokens.isEmpty || tokens.count > sizes.positions {
      return "\(tokens.count) tokens are none, or more than its \(sizes.positions) positions"
    }
    return nil
  }

  func load(_ stage: Int, _ weights: any WeightProvider) throws(EvaluationError) -> any Layer {
    if stage == 0 {
      return BertEmbedding(
        tokens: TokenEmbedding(values: try weights.values(of: embeddings[0]), width: sizes.hidden),
        positions: try weights.values(of: embeddings[1]),
        type: Array(try weights.values(of: embeddings[2]).prefix(sizes.hidden)),
        norm: LayerNorm(
          weights: try weights.values(of: embeddings[3]),
          bias: try weights.values(of: embeddings[4]), epsilon: sizes.epsilon))
    }
    guard stage <= blocks.count else { return MeanPooling() }
    return try BertBlock(blocks[stage - 1], sizes, weights)
  }
}

/// The tensors of one block.
struct BertPlaces: Sendable {
  let queries: LinearPlace
  let keys: LinearPlace
  let values: LinearPlace
  let attentionOutput: LinearPlace
  let attentionNorm: [Int]
  let up: LinearPlace
  let down: LinearPlace
  let outputNorm: [Int]

  init(
    _ layer: Int, _ sizes: BertNetwork.Sizes, _ table: TensorTable
  ) throws(EvaluationError) {
    let (hidden, inner) = (sizes.hidden, sizes.intermediate)
    func linear(_ part: String, _ inputs: Int, _ outputs: Int) throws(EvaluationError)
      -> LinearPlace
    {
      try LinearPlace("blk.\(layer).\(part)", inputs: inputs, outputs: outputs, table)
    }
    func norm(_ part: String) throws(EvaluationError) -> [Int] {
      [
        try table.index("blk.\(layer).\(part).weight", [hidden]),
        try table.index("blk.\(layer).\(part).bias", [hidden]),
      ]
    }
    queries = try linear("attn_q", hidden, hidden)
    keys = try linear("attn_k", hidden, hidden)
    values = try linear("attn_v", hidden, hidden)
    attentionOutput = try linear("attn_output", hidden, hidden)
    attentionNorm = try norm("attn_output_norm")
    up = try linear("ffn_up", hidden, inner)
    down = try linear("ffn_down", inner, hidden)
    outputNorm = try norm("layer_output_norm")
  }

  /// What the matrices read. What leaves a norm is the residual stream as well, and nothing can be moved past the
  /// activation: only what attention mixes can be scaled, by the rows of values.
  var inputs: [MatrixInput] {
    [
      MatrixInput([queries, keys, values], canBeScaled: false),
      MatrixInput([attentionOutput], canBeScaled: true),
      MatrixInput([up], canBeScaled: false), MatrixInput([down], canBeScaled: false),
    ]
  }

  var tensors: [Int] {
    [queries, keys, values, attentionOutput, up, down].flatMap(\.tensors) + attentionNorm
      + outputNorm
  }
}

/// Rows brought to mean 0 and variance 1.
struct LayerNorm: Sendable {
  let weights: [Float]
  let bias: [Float]
  let epsilon: Float

  func apply(inPlace x: inout [Float]) {
    x.withUnsafeMutableBufferPointer { x in
      guard let base = x.baseAddress else { return }
      bl_layer_norm(
        base, x.count / weights.count, weights.count, weights, bias, epsilon, base)
    }
  }
}

/// Tokens, positions and the first type of token, added and normalised.
struct BertEmbedding: Layer {
  let tokens: TokenEmbedding
  let positions: [Float]
  let type: [Float]
  let norm: LayerNorm

  func apply(_ x: Activations, _ sample: Sample, _ room: Workspace) -> Activations {
    var x = tokens.apply(x, sample, room)
    for index in x.values.indices { x.values[index] += positions[index] }
    bl_add_row(&x.values, x.rows, x.width, type)
    norm.apply(inPlace: &x.values)
    return x
  }
}

/// A block with its weights: norms stand behind attention and behind the feed-forward part.
struct BertBlock: Layer {
  private let queries: Linear
  private let keys: Linear
  private let values: Linear
  private let attentionOutput: Linear
  private let attentionNorm: LayerNorm
  private let up: Linear
  private let down: Linear
  private let outputNorm: LayerNorm
  private let attention: Attention
  private let activation: Activation

  init(
    _ places: BertPlaces, _ sizes: BertNetwork.Sizes, _ weights: any WeightProvider
  ) throws(EvaluationError) {
    func norm(_ places: [Int]) throws(EvaluationError) -> LayerNorm {
      LayerNorm(
        weights: try weights.values(of: places[0]), bias: try weights.values(of: places[1]),
        epsilon: sizes.epsilon)
    }
    queries = try places.queries.load(weights)
    keys = try places.keys.load(weights)
    values = try places.values.load(weights)
    attentionOutput = try places.attentionOutput.load(weights)
    attentionNorm = try norm(places.attentionNorm)
    up = try places.up.load(weights)
    down = try places.down.load(weights)
    outputNorm = try norm(places.outputNorm)
    let headSize = sizes.hidden / sizes.heads
    attention = Attention(
      heads: sizes.heads, keyValueHeads: sizes.heads, headSize: headSize,
      scale: Float(1 / Double(headSize).squareRoot()), isCausal: false)
    activation = sizes.activation
  }

  func apply(_ x: Activations, _ sample: Sample, _ room: Workspace) -> Activations {
    var x = x
    let rows = x.rows
    var q = room.lend(.queries, x.values.count)
    var k = room.lend(.keys, x.values.count)
    var v = room.lend(.values, x.values.count)
    var mixed = room.lend(.mixed, x.values.count)
    queries.apply(x.values, rows: rows, into: &q, room)
    keys.apply(x.values, rows: rows, into: &k, room)
    values.apply(x.values, rows: rows, into: &v, room)
    attention.mix(queries: q, keys: k, values: v, rows: rows, into: &mixed, room)
    attentionOutput.apply(mixed, rows: rows, adding: true, into: &x.values, room)
    attentionNorm.apply(inPlace: &x.values)
    var inner = room.lend(.up, rows * up.outputs)
    up.apply(x.values, rows: rows, into: &inner, room)
    activation.apply(&inner)
    down.apply(inner, rows: rows, adding: true, into: &x.values, room)
    outputNorm.apply(inPlace: &x.values)
    room.take(inner, .up)
    room.take(mixed, .mixed)
    room.take(v, .values)
    room.take(k, .keys)
    room.take(q, .queries)
    return x
  }
}

/// The mean of all rows, brought to length 1.
struct MeanPooling: OutputLayer {
  func observe(_ x: Activations, _ room: Workspace) {}

  func apply(_ x: Activations, _ sample: Sample, _ room: Workspace) -> Activations {
    Activations(rows: 1, width: x.width, values: outputs(x, rows: 0..<1, room))
  }

  func outputs(_ x: Activations, rows: Range<Int>, _ room: Workspace) -> [Float] {
    var sums = [Double](repeating: 0, count: x.width)
    for row in 0..<x.rows {
      for column in 0..<x.width { sums[column] += Double(x.values[row * x.width + column]) }
    }
    // The mean's divisor is taken up in the length.
    let length = sums.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return sums.map { Float(length > 0 ? $0 / length : 0) }
  }
}
