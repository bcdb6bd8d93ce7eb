import CKernels
import ModelFiles

/// The forward pass of the llama family: RMSNorm, rotary positions, grouped-query attention, gated feed-forward.
struct LlamaNetwork: Network {
  let configuration: LlamaConfiguration
  let stages: [Stage]
  let task: Task
  var contextLength: Int? { configuration.contextLength }

  let embedding: Int
  let blocks: [BlockPlaces]
  let finalNorm: Int
  let output: LinearPlace?
  private let rotation: RotationTable
  private let windowRotation: RotationTable

  var width: Int { configuration.hidden }
  var lookups: [Int] { [embedding] }

  var inputs: [[MatrixInput]] {
    // A tied embedding is looked up as well, where nothing takes a scale.
    let last =
      output.map { MatrixInput([$0], canBeScaled: true) }
      ?? MatrixInput([embedding], width: width, channels: nil)
    return [[]] + blocks.map { $0.inputs(configuration) } + [[last]]
  }

  /// - Throws: what the model lacks, or has and isn't supported.
  init(_ model: Model, _ family: LlamaConfiguration.Family) throws(EvaluationError) {
    var configuration = try LlamaConfiguration(model, family)
    let table = TensorTable(model)
    let c = configuration
    embedding = try table.index("token_embd.weight", [c.vocabulary, c.hidden])
    var blocks: [BlockPlaces] = []
    for layer in 0..<c.layers { blocks.append(try BlockPlaces(layer, c, table)) }
    self.blocks = blocks
    finalNorm = try table.index("output_norm.weight", [c.hidden])
    let isTied = c.isTied ?? !table.contains("output.weight")
    output =
      isTied
      ? nil : try LinearPlace("output", inputs: c.hidden, outputs: c.vocabulary, table)
    if let factors = try table.optional("rope_freqs.weight", [c.headSize / 2]) {
      configuration.rotation.divide(
        by: try WeightSource(model: model).values(of: model.tensors[factors], in: nil))
    }
    self.configuration = configuration
    rotation = RotationTable(configuration.rotation)
    windowRotation = RotationTable(configuration.windowRotation ?? configuration.rotation)
    task = .language(vocabulary: c.vocabulary)
    stages =
      [Stage(name: "embedding", block: nil, tensors: [embedding])]
      + blocks.enumerated().map {
        Stage(name: "block \($0)", block: $0, tensors: $1.tensors)
      } + [
        Stage(
          name: "output", block: nil, tensors: [finalNorm] + (output?.tensors ?? [embedding]))
      ]
  }

  func objection(to sample: Sample) -> String? {
    guard case .tokens(let tokens) = sample else { return "it needs tokens" }
    if let token = tokens.first(where: { !(0..<configuration.vocabulary).contains($0) }) {
      return "the token \(token) isn't among its \(configuration.vocabulary)"
    }
    return nil
  }

  func load(_ stage: Int, _ weights: any WeightProvider) throws(EvaluationError) -> any Layer {
    if stage == 0 {
      return TokenEmbedding(
        values: try weights.values(of: embedding), width: configuration.hidden,
        scale: configuration.embeddingScale)
    }
    if stage <= blocks.count {
      return try LlamaBlock(
        blocks[stage - 1], layer: stage - 1, configuration,
        configuration.isWindowed[stage - 1] ? windowRotation : rotation, weights)
    }
    let projection: Linear
    if let output {
      projection = try output.load(weights)
    } else {
      projection = Linear(
        inputs: configuration.hidden, outputs: configuration.vocabulary,
        weights: try weights.values(of: embedding), bias: nil, tensor: embedding)
    }
    return LanguageHead(
      norm: RMSNorm(try weights.values(of: finalNorm), configuration), projection: projection,
      cap: configuration.logitCap)
  }
}

/// The tensors of one block.
struct BlockPlaces: Sendable {
  let attentionNorm: Int
  let queries: LinearPlace
  let keys: LinearPlace
  let values: LinearPlace
  let attentionOutput: LinearPlace
  let queryNorm: Int?
  let keyNorm: Int?
  let attentionResultNorm: Int?
  let feedForwardNorm: Int
  let gate: LinearPlace
  let up: LinearPlace
  let down: LinearPlace
  let feedForwardResultNorm: Int?

  init(
    _ layer: Int, _ c: LlamaConfiguration, _ table: TensorTable
  ) throws(EvaluationError) {
    func linear(_ part: String, _ inputs: Int, _ outputs: Int) throws(EvaluationError)
      -> LinearPlace
    {
      try LinearPlace("blk.\(layer).\(part)", inputs: inputs, outputs: outputs, table)
    }
    func norm(_ part: String, _ width: Int) throws(EvaluationError) -> Int {
      try table.index("blk.\(layer).\(part).weight", [width])
    }
    let queryWidth = c.heads * c.headSize
    let keyWidth = c.keyValueHeads * c.headSize
    attentionNorm = try norm("attn_norm", c.hidden)
    queries = try linear("attn_q", c.hidden, queryWidth)
    keys = try linear("attn_k", c.hidden, keyWidth)
    values = try linear("attn_v", c.hidden, keyWidth)
    attentionOutput = try linear("attn_output", queryWidth, c.hidden)
    queryNorm = c.family.normalisesHeads ? try norm("attn_q_norm", c.headSize) : nil
    keyNorm = c.family.normalisesHeads ? try norm("attn_k_norm", c.headSize) : nil
    attentionResultNorm =
      c.family.normalisesResults ? try norm("post_attention_norm", c.hidden) : nil
    feedForwardNorm = try norm("ffn_norm", c.hidden)
    gate = try linear("ffn_gate", c.hidden, c.intermediate)
    up = try linear("ffn_up", c.hidden, c.intermediate)
    down = try linear("ffn_down", c.intermediate, c.hidden)
    feedForwardResultNorm =
      c.family.normalisesResults ? try norm("post_ffw_norm", c.hidden) : nil
  }

  /// What the matrices read: norms take the scales of what comes out of them, the rows of values and of the way up
  /// those of what comes out of attention and of the gate.
  func inputs(_ c: LlamaConfiguration) -> [MatrixInput] {
    let heads = c.heads / c.keyValueHeads
    // Heads that share values share their scales.
    let mixed = (0..<attentionOutput.inputs).map {
      $0 / c.headSize / heads * c.headSize + $0 % c.headSize
    }
    return [
      MatrixInput([queries, keys, values], canBeScaled: true),
      MatrixInput([attentionOutput.weight], width: attentionOutput.inputs, channels: mixed),
      MatrixInput([gate, up], canBeScaled: true), MatrixInput([down], canBeScaled: true),
    ]
  }

  var tensors: [Int] {
    let norms = [
      attentionNorm, queryNorm, keyNorm, attentionResultNorm, feedForwardNorm,
      feedForwardResultNorm,
    ]
    return norms.compactMap { $0 }
      + [queries, keys, values, attentionOutput, gate, up, down].flatMap(\.tensors)
  }
}

/// Rows divided by their root mean square.
struct RMSNorm: Sendable {
  let weights: [Float]
  let offset: Float
  let epsilon: Float

  init(_ weights: [Float], _ configuration: LlamaConfiguration) {
    self.weights = weights
    offset = configuration.normOffset
    epsilon = configuration.epsilon
  }

  func apply(_ x: [Float], into out: inout [Float]) {
    precondition(out.count >= x.count)
    bl_rms_norm(x, x.count / weights.count, weights.count, weights, offset, epsilon, &out)
  }

  func apply(inPlace x: inout [Float]) {
    x.withUnsafeMutableBufferPointer { x in
      guard let base = x.baseAddress else { return }
      bl_rms_norm(base, x.count / weights.count, weights.count, weights, offset, epsilon, base)
    }
  }
}

/// The rows of a table that stand for tokens.
struct TokenEmbedding: Layer {
  let values: [Float]
  let width: Int
  var scale: Float = 1

  func apply(_ x: Activations, _ sample: Sample, _ room: Workspace) -> Activations {
    guard case .tokens(let tokens) = sample else { return .none }
    var out: [Float] = []
    out.reserveCapacity(tokens.count * width)
    for token in tokens { out += values[token * width..<(token + 1) * width] }
    if scale != 1 { for index in out.indices { out[index] *= scale } }
    return Activations(rows: tokens.count, width: width, values: out)
  }
}

/// A block with its weights.
struct LlamaBlock: Layer {
  let attentionNorm: RMSNorm
  let queries: Linear
  let keys: Linear
  let values: Linear
  let attentionOutput: Linear
  let queryNorm: RMSNorm?
  let keyNorm: RMSNorm?
  let attentionResultNorm: RMSNorm?
  let feedForwardNorm: RMSNorm
  let gate: Linear
  let up: Linear
  let down: Linear
  let feedForwardResultNorm: RMSNorm?
  let attention: Attention
  let activation: Activation
  let rotation: RotationTable
  let areNeighbours: Bool

  init(
    _ places: BlockPlaces, layer: Int, _ c: LlamaConfiguration, _ rotation: RotationTable,
    _ weights: any WeightProvider
  ) throws(EvaluationError) {
    func norm(_ index: Int) throws(EvaluationError) -> RMSNorm {
      RMSNorm(try weights.values(of: index), c)
    }
    func optionalNorm(_ index: Int?) throws(EvaluationError) -> RMSNorm? {
      guard let index else { return nil }
      return try norm(index)
    }
    attentionNorm = try norm(places.attentionNorm)
    queries = try places.queries.load(weights)
    keys = try places.keys.load(weights)
    values = try places.values.load(weights)
    attentionOutput = try places.attentionOutput.load(weights)
    queryNorm = try optionalNorm(places.queryNorm)
    keyNorm = try optionalNorm(places.keyNorm)
    attentionResultNorm = try optionalNorm(places.attentionResultNorm)
    feedForwardNorm = try norm(places.feedForwardNorm)
    gate = try places.gate.load(weights)
    up = try places.up.load(weights)
    down = try places.down.load(weights)
    feedForwardResultNorm = try optionalNorm(places.feedForwardResultNorm)
    attention = Attention(
      heads: c.heads, keyValueHeads: c.keyValueHeads, headSize: c.headSize,
      scale: c.attentionScale, cap: c.attentionCap, window: c.isWindowed[layer] ? c.window : nil)
    activation = c.activation
    self.rotation = rotation
    areNeighbours = c.areNeighbours
  }

  func apply(_ x: Activations, _ sample: Sample, _ room: Workspace) -> Activations {
    var x = x
    attend(&x, room)
    feedForward(&x, room)
    return x
  }

  private func attend(_ x: inout Activations, _ room: Workspace) {
    let rows = x.rows
    var normalised = room.lend(.normalised, x.values.count)
    var q = room.lend(.queries, rows * attention.queryWidth)
    var k = room.lend(.keys, rows * attention.keyWidth)
    var v = room.lend(.values, rows * attention.keyWidth)
    attentionNorm.apply(x.values, into: &normalised)
    project(normalised, rows: rows, &q, &k, &v, room)
    var mixed = room.lend(.mixed, rows * attention.queryWidth)
    attention.mix(queries: q, keys: k, values: v, rows: rows, into: &mixed, room)
    add(attentionOutput, of: mixed, attentionResultNorm, to: &x, room)
    room.take(mixed, .mixed)
    room.take(v, .values)
    room.take(k, .keys)
    room.take(q, .queries)
    room.take(normalised, .normalised)
  }

  /// Queries and keys, turned by their positions, and values.
  func project(
    _ normalised: [Float], rows: Int, _ q: inout [Float], _ k: inout [Float], _ v: inout [Float],
    _ room: Workspace
  ) {
    queries.apply(normalised, rows: rows, into: &q, room)
    keys.apply(normalised, rows: rows, into: &k, room)
    values.apply(normalised, rows: rows, into: &v, room)
    queryNorm?.apply(inPlace: &q)
    keyNorm?.apply(inPlace: &k)
    turn(&q, &k, rows: rows, rotation.values(rows: rows))
  }

  /// Turns queries and keys by a table's angles.
  func turn(
    _ q: inout [Float], _ k: inout [Float], rows: Int, _ table: RotationTable.Values
  ) {
    rotate(
      &q, rows: rows, heads: attention.heads, headSize: attention.headSize, table,
      areNeighbours: areNeighbours)
    rotate(
      &k, rows: rows, heads: attention.keyValueHeads, headSize: attention.headSize, table,
      areNeighbours: areNeighbours)
  }

  private func feedForward(_ x: inout Activations, _ room: Workspace) {
    let rows = x.rows
    var normalised = room.lend(.normalised, x.values.count)
    var inner = room.lend(.gate, rows * gate.outputs)
    var other = room.lend(.up, rows * up.outputs)
    feedForwardNorm.apply(x.values, into: &normalised)
    gate.apply(normalised, rows: rows, into: &inner, room)
    up.apply(normalised, rows: rows, into: &other, room)
    activation.apply(gate: &inner, up: other)
    add(down, of: inner, feedForwardResultNorm, to: &x, room)
    room.take(other, .up)
    room.take(inner, .gate)
    room.take(normalised, .normalised)
  }

  /// Adds what a layer makes of something to the residual stream.
  private func add(
    _ layer: Linear, of inner: [Float], _ norm: RMSNorm?, to x: inout Activations,
    _ room: Workspace
  ) {
    guard let norm else {
      layer.apply(inner, rows: x.rows, adding: true, into: &x.values, room)
      return
    }
    var result = room.lend(.output, x.values.count)
    layer.apply(inner, rows: x.rows, into: &result, room)
    norm.apply(inPlace: &result)
    for index in result.indices { x.values[index] += result[index] }
    room.take(result, .output)
  }
}

/// The last norm and the projection to tokens.
struct LanguageHead: OutputLayer {
  let norm: RMSNorm
  let projection: Linear
  let cap: Float

  func apply(_ x: Activations, _ sample: Sample, _ room: Workspace) -> Activations {
    Activations(
      rows: x.rows, width: projection.outputs, values: outputs(x, rows: 0..<x.rows, room))
  }

  func observe(_ x: Activations, _ room: Workspace) {
    var normalised = room.lend(.normalised, x.values.count)
    norm.apply(x.values, into: &normalised)
    projection.observe(normalised, rows: x.rows, room)
    room.take(normalised, .normalised)
  }

  func outputs(_ x: Activations, rows: Range<Int>, _ room: Workspace) -> [Float] {
    let part = Array(x.values[rows.lowerBound * x.width..<rows.upperBound * x.width])
    var normalised = room.lend(.normalised, part.count)
    norm.apply(part, into: &normalised)
    var logits = [Float](repeating: 0, count: rows.count * projection.outputs)
    projection.apply(normalised, rows: rows.count, into: &logits, room)
    room.take(normalised, .normalised)
    if cap != 0 { bl_cap(&logits, logits.count, cap) }
    return logits
  }
}
