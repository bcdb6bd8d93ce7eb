import CKernels

extension LlamaNetwork: TrainableNetwork {
  /// What can be tuned, for messages.
  static let tunable = "llama, mistral, qwen2, gemma and sequential"

  var obstacle: String? {
    let c = configuration
    if c.family.normalisesHeads || c.family.normalisesResults || c.attentionCap != 0
      || c.logitCap != 0
    {
      return
        "models of the architecture '\(c.family.rawValue)' can't be tuned yet; \(Self.tunable) can"
    }
    return nil
  }

  func pass(_ weights: any WeightProvider) throws(EvaluationError) -> any TrainablePass {
    var layers: [any Layer] = []
    for stage in stages.indices { layers.append(try load(stage, weights)) }
    guard let embedding = layers.first as? TokenEmbedding,
      let head = layers.last as? LanguageHead
    else { throw .setting("its stages aren't those of a language model") }
    return LlamaPass(
      network: self, embedding: embedding,
      layers: layers.compactMap { $0 as? LlamaBlock }, head: head)
  }
}

/// A model of the llama family with weights, for training.
struct LlamaPass: TrainablePass {
  let network: LlamaNetwork
  let embedding: TokenEmbedding
  let layers: [LlamaBlock]
  let head: LanguageHead

  /// A text fills the matrices.
  var portion: Int { 1 }

  func outputs(of samples: [Sample], _ room: Workspace) -> [Float] {
    samples.flatMap { sample in
      var x = embedding.apply(.none, sample, room)
      for layer in layers { x = layer.apply(x, sample, room) }
      return head.outputs(x, rows: 0..<max(0, x.rows - 1), room)
    }
  }

  func learn(
    from samples: [Sample], _ sums: ParameterRow, _ room: Workspace,
    loss: (inout [Float]) -> Double
  ) -> Double {
    samples.reduce(0) { $0 + learn(from: $1, sums, room, loss: loss) }
  }

  private func learn(
    from sample: Sample, _ sums: ParameterRow, _ room: Workspace, loss: (inout [Float]) -> Double
  ) -> Double {
    guard case .tokens(let tokens) = sample, tokens.count > 1 else { return 0 }
    var x = embedding.apply(.none, sample, room)
    var records: [LlamaBlock.Record] = []
    for layer in layers { records.append(layer.record(&x, room)) }
    let scored = tokens.count - 1
    let last = Array(x.values.prefix(scored * x.width))
    var normalised = [Float](repeating: 0, count: last.count)
    head.norm.apply(last, into: &normalised)
    var logits = [Float](repeating: 0, count: scored * head.projection.outputs)
    head.projection.apply(normalised, rows: scored, into: &logits, room)
    let result = loss(&logits)

    head.projection.addGradients(
      logits, of: normalised, rows: scored, projectionPlace, sums, room)
    head.projection.back(logits, rows: scored, adding: false, into: &normalised, room)
    var gradient = [Float](repeating: 0, count: x.values.count)
    head.norm.back(
      normalised, of: last, adding: false, into: &gradient, network.finalNorm, sums)
    for (index, layer) in layers.enumerated().reversed() {
      layer.back(&gradient, records[index], network.blocks[index], sums, room)
      records[index] = .empty
    }
    addEmbedding(gradient, tokens, sums)
    return result
  }

  /// The projection's tensors; those of the embedding where there are no others.
  private var projectionPlace: LinearPlace {
    network.output
      ?? LinearPlace(
        inputs: head.projection.inputs, outputs: head.projection.outputs,
        weight: network.embedding, bias: nil)
  }

  private func addEmbedding(_ gradient: [Float], _ tokens: [Int], _ sums: ParameterRow) {
    guard let out = sums.place(of: network.embedding) else { return }
    let width = embedding.width
    for (row, token) in tokens.enumerated() {
      for column in 0..<width {
        out[token * width + column] += embedding.scale * gradient[row * width + column]
      }
    }
  }
}

extension LlamaBlock {
  /// What the backward pass needs of the forward one.
  struct Record {
    let rows: Int
    /// What came into the block, and what was there between its halves.
    var input: [Float] = []
    var middle: [Float] = []
    /// What the norms made of them.
    var attentionInput: [Float] = []
    var feedForwardInput: [Float] = []
    var parts = Attention.Parts(queries: [], keys: [], values: [])
    var mixed: [Float] = []
    /// What the gate is before its activation, what it is applied to, and what comes of both.
    var gate: [Float] = []
    var up: [Float] = []
    var inner: [Float] = []

    static let empty = Record(rows: 0)
  }

  /// Runs the block as `apply` does, and keeps what lies between.
  func record(_ x: inout Activations, _ room: Workspace) -> Record {
    let rows = x.rows
    func numbers(_ width: Int) -> [Float] { [Float](repeating: 0, count: rows * width) }
    var record = Record(rows: rows, input: x.values)
    record.attentionInput = numbers(x.width)
    attentionNorm.apply(x.values, into: &record.attentionInput)
    record.parts = Attention.Parts(
      queries: numbers(attention.queryWidth), keys: numbers(attention.keyWidth),
      values: numbers(attention.keyWidth))
    project(
      record.attentionInput, rows: rows, &record.parts.queries, &record.parts.keys,
      &record.parts.values, room)
    record.mixed = numbers(attention.queryWidth)
    attention.mix(
      queries: record.parts.queries, keys: record.parts.keys, values: record.parts.values,
      rows: rows, into: &record.mixed, room)
    attentionOutput.apply(record.mixed, rows: rows, adding: true, into: &x.values, room)

    record.middle = x.values
    record.feedForwardInput = numbers(x.width)
    feedForwardNorm.apply(x.values, into: &record.feedForwardInput)
    record.gate = numbers(gate.outputs)
    record.up = numbers(up.outputs)
    gate.apply(record.feedForwardInput, rows: rows, into: &record.gate, room)
    up.apply(record.feedForwardInput, rows: rows, into: &record.up, room)
    record.inner = record.gate
    activation.apply(gate: &record.inner, up: record.up)
    down.apply(record.inner, rows: rows, adding: true, into: &x.values, room)
    return record
  }

  /// The gradient of what left the block becomes that of what came in; those of its weights are added to the sums.
  func back(
    _ gradient: inout [Float], _ record: Record, _ places: BlockPlaces, _ sums: ParameterRow,
    _ room: Workspace
  ) {
    backFeedForward(&gradient, record, places, sums, room)
    backAttention(&gradient, record, places, sums, room)
  }

  private func backFeedForward(
    _ gradient: inout [Float], _ record: Record, _ places: BlockPlaces, _ sums: ParameterRow,
    _ room: Workspace
  ) {
    let rows = record.rows
    var inner = [Float](repeating: 0, count: record.inner.count)
    down.addGradients(gradient, of: record.inner, rows: rows, places.down, sums, room)
    down.back(gradient, rows: rows, adding: false, into: &inner, room)
    var (gated, upper) = (record.gate, record.up)
    activation.back(gate: &gated, up: &upper, inner)
    gate.addGradients(gated, of: record.feedForwardInput, rows: rows, places.gate, sums, room)
    up.addGradients(upper, of: record.feedForwardInput, rows: rows, places.up, sums, room)
    var normalised = [Float](repeating: 0, count: gradient.count)
    gate.back(gated, rows: rows, adding: false, into: &normalised, room)
    up.back(upper, rows: rows, adding: true, into: &normalised, room)
    feedForwardNorm.back(
      normalised, of: record.middle, adding: true, into: &gradient, places.feedForwardNorm, sums)
  }

  private func backAttention(
    _ gradient: inout [Float], _ record: Record, _ places: BlockPlaces, _ sums: ParameterRow,
    _ room: Workspace
  ) {
    let rows = record.rows
    var mixed = [Float](repeating: 0, count: record.mixed.count)
    attentionOutput.addGradients(
      gradient, of: record.mixed, rows: rows, places.attentionOutput, sums, room)
    attentionOutput.back(gradient, rows: rows, adding: false, into: &mixed, room)
    var parts = attention.back(mixed, of: record.parts, rows: rows, room)
    // Turned back by the same angles.
    var table = rotation.values(rows: rows)
    table.sines = table.sines.map { -$0 }
    turn(&parts.queries, &parts.keys, rows: rows, table)
    var normalised = [Float](repeating: 0, count: gradient.count)
    let branches = [
      (queries, parts.queries, places.queries), (keys, parts.keys, places.keys),
      (values, parts.values, places.values),
    ]
    for (index, (layer, part, place)) in branches.enumerated() {
      layer.addGradients(part, of: record.attentionInput, rows: rows, place, sums, room)
      layer.back(part, rows: rows, adding: index > 0, into: &normalised, room)
    }
    attentionNorm.back(
      normalised, of: record.input, adding: true, into: &gradient, places.attentionNorm, sums)
  }
}

extension Activation {
  /// The gradient of f(x) becomes that of x.
  func back(_ gradient: inout [Float], of x: [Float]) {
    precondition(gradient.count == x.count)
    bl_activate_back(kind, x, &gradient, x.count)
  }

  /// From the gradient of f(gate) · up: gate and up become their own gradients.
  func back(gate: inout [Float], up: inout [Float], _ gradient: [Float]) {
    precondition(gate.count == up.count && gate.count == gradient.count)
    bl_activate_gate_back(kind, &gate, &up, gradient, gate.count)
  }
}
