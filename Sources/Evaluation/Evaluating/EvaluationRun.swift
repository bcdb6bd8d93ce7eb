import Foundation
import ModelFiles
import Quantization
import Synchronization

/// The state of an evaluator: the trails of the source and of the last plan, weights, and threads.
struct EvaluationRun {
  let network: any Network
  private let source: WeightSource
  /// What it is compared with, as it is stored.
  private let reference: WeightSource
  private let data: EvaluationData
  private let workers: Workers
  private let rooms: [Workspace]
  private var weights: WeightCache
  private var sourceTrail: Trail
  private var planTrail: Trail
  /// The source's logits by sample, where they are kept.
  private var sourceLogits: [[Float]?]
  private let limit: Int
  private let rounding: SourceRounding
  /// Every so many borders are kept.
  private let borderStride: Int
  private let keepsLogits: Bool
  /// Whether what a plan leaves as it is, is the source's: not where this is another model.
  private let sharesBeginning: Bool
  /// Samples that are on their way together.
  private let batch: Int

  init(
    network: any Network, source: WeightSource, reference: WeightSource?, data: EvaluationData,
    rounding: SourceRounding, threads: Int, isBackground: Bool, limit: Int
  ) {
    self.network = network
    self.source = source
    self.reference = reference ?? source
    sharesBeginning = reference == nil
    self.data = data
    self.rounding = rounding
    self.limit = limit
    workers = Workers(threads, isBackground: isBackground)
    rooms = (0..<workers.count).map { _ in Workspace() }
    weights = WeightCache(limit: limit / 2)
    let plain = network.stages.map { $0.tensors.map { _ in Format?.none } }
    sourceTrail = Trail(plain, samples: data.samples.count)
    planTrail = sourceTrail
    sourceLogits = Array(repeating: nil, count: data.samples.count)
    let sizes = Self.sizes(network, data)
    // A quarter of the memory for the borders of both trails, a quarter for the source's logits.
    let all = 2 * sizes.border * Double(data.samples.count * network.stages.count)
    borderStride = max(1, Int((all / Double(max(1, limit / 4))).rounded(.up)))
    keepsLogits = sizes.logits * Double(data.samples.count) <= Double(limit / 4)
    batch = max(workers.count, min(256, Int(Double(limit / 8) / max(1, sizes.border))))
  }

  /// The bytes that are kept.
  var byteCount: Int {
    weights.byteCount + sourceTrail.byteCount + planTrail.byteCount
      + sourceLogits.reduce(0) { $0 + ($1?.count ?? 0) * MemoryLayout<Float>.stride }
  }

  /// The bytes of one sample's activations, and of its logits.
  private static func sizes(
    _ network: any Network, _ data: EvaluationData
  ) -> (border: Double, logits: Double) {
    guard case .tokens(let tokens) = data.samples.first else { return (65_536, 0) }
    let longest = Double(
      data.samples.reduce(tokens.count) {
        if case .tokens(let tokens) = $1 { max($0, tokens.count) } else { $0 }
      })
    guard case .language(let vocabulary) = network.task else { return (longest * 4096, 0) }
    return (longest * Double(network.width) * 4, longest / 2 * Double(vocabulary) * 4)
  }

  // MARK: - Figures

  mutating func figures(
    _ formats: [Format?], samples: Int, _ watch: Watch
  ) throws(EvaluationError) -> EvaluationFigures {
    let plan = network.stages.map { $0.tensors.map { $0 < formats.count ? formats[$0] : nil } }
    let unknown = (0..<samples).filter { sourceTrail.results[$0] == nil }
    try advance(.source, unknown, watch.part(0..<0.5))
    planTrail.turn(to: plan)
    let missing = (0..<samples).filter { planTrail.results[$0] == nil }
    try advance(.plan, missing, unknown.isEmpty ? watch : watch.part(0.5..<1))
    return summary(samples)
  }

  private func summary(_ samples: Int) -> EvaluationFigures {
    func outputs(_ trail: Trail) -> [[Float]] {
      trail.results.prefix(samples).map {
        if case .outputs(let values)? = $0 { values } else { [] }
      }
    }
    switch network.task {
    case .language:
      return .language(
        LanguageFigures(
          planTrail.results.prefix(samples).compactMap {
            if case .language(let score)? = $0 { score } else { nil }
          }))
    case .classification:
      return .classification(
        ClassificationFigures(
          outputs: outputs(planTrail), source: outputs(sourceTrail),
          labels: Array(data.labels.prefix(samples))))
    case .embedding:
      return .embedding(
        EmbeddingFigures(outputs: outputs(planTrail), source: outputs(sourceTrail)))
    }
  }

  // MARK: - Running

  private enum Side { case source, plan }

  /// Runs samples to the end, from where they are kept.
  private mutating func advance(
    _ side: Side, _ samples: [Int], _ watch: Watch
  ) throws(EvaluationError) {
    var done = 0
    for start in stride(from: 0, to: samples.count, by: batch) {
      let part = Array(samples[start..<min(samples.count, start + batch)])
      try advanceBatch(side, part, watch) { share in
        watch.progress?((Double(done) + share * Double(part.count)) / Double(samples.count))
      }
      done += part.count
    }
  }

  private mutating func advanceBatch(
    _ side: Side, _ samples: [Int], _ watch: Watch, _ progress: (Double) -> Void
  ) throws(EvaluationError) {
    let trail = side == .source ? sourceTrail : planTrail
    let last = network.stages.count - 1
    // What the plan leaves as it is at the beginning is known from the source.
    let shared = sharesBeginning ? min(last, sourceTrail.common(with: trail.formats)) : 0
    var states = samples.map { sample in
      let own = trail.last(sample, upTo: last)
      let other = sourceTrail.last(sample, upTo: shared)
      return [own, other].compactMap { $0 }.max { $0.stage < $1.stage }
        ?? (stage: 0, activations: .none)
    }
    let first = states.map(\.stage).min() ?? last
    for stage in first..<last {
      let layer = try load(side, stage, trail.formats[stage])
      let waiting = states.indices.filter { states[$0].stage == stage }
      let out = try parallel(waiting, watch) { [data, states] index, room in
        layer.apply(states[index].activations, data.samples[samples[index]], room)
      }
      for (place, index) in waiting.enumerated() {
        states[index] = (stage + 1, out[place])
        if isKept(stage + 1) { keep(out[place], before: stage + 1, of: samples[index], side) }
      }
      progress(Double(stage + 1 - first) / Double(last + 1 - first))
    }
    let results = try finish(side, samples, states.map(\.activations), trail, watch)
    for (index, result) in results.enumerated() {
      if side == .source {
        sourceTrail.finish(samples[index], result.result)
        if keepsLogits { sourceLogits[samples[index]] = result.logits }
      } else {
        planTrail.finish(samples[index], result.result)
      }
    }
    progress(1)
  }

  private func isKept(_ stage: Int) -> Bool {
    stage == network.stages.count - 1 || stage % borderStride == 0
  }

  private mutating func keep(
    _ activations: Activations, before stage: Int, of sample: Int, _ side: Side
  ) {
    switch side {
    case .source: sourceTrail.keep(activations, before: stage, of: sample)
    case .plan: planTrail.keep(activations, before: stage, of: sample)
    }
  }

  private mutating func load(
    _ side: Side, _ stage: Int, _ formats: [Format?]
  ) throws(EvaluationError) -> any Layer {
    let tensors = network.stages[stage].tensors
    var provided = ProvidedWeights()
    for (tensor, format) in zip(tensors, formats) {
      provided.values[tensor] = try values(side, of: tensor, in: format)
    }
    return try network.load(stage, provided)
  }

  private mutating func values(
    _ side: Side, of tensor: Int, in format: Format?
  ) throws(EvaluationError) -> [Float] {
    let source = side == .source ? reference : source
    return try weights.values(
      of: tensor, in: format, ofOther: side == .source && !sharesBeginning
    ) { [workers] () throws(EvaluationError) in
      try source.values(of: source.model.tensors[tensor], in: format, by: workers)
    }
  }

  /// Σ(w-ŵ)²/Σw² over all tensors worth quantizing, w being those that the plan is compared with.
  mutating func weightError(_ formats: [Format?]) throws(EvaluationError) -> Double {
    var sums = ErrorSums()
    for tensor in source.model.tensors
    where tensor.suitability.isQuantizable && tensor.id < formats.count {
      let weights = try values(.source, of: tensor.id, in: nil)
      let reconstructed = try values(.plan, of: tensor.id, in: formats[tensor.id])
      sums.add(weights.span, reconstructed.span)
    }
    return sums.figures.nmse
  }

  // MARK: - Outputs

  private typealias Finished = (result: Trail.Result, logits: [Float]?)

  /// The last stage, and what is made of its outputs.
  private mutating func finish(
    _ side: Side, _ samples: [Int], _ states: [Activations], _ trail: Trail, _ watch: Watch
  ) throws(EvaluationError) -> [Finished] {
    let last = network.stages.count - 1
    let head = try outputLayer(side, last, trail.formats[last])
    guard case .language(let vocabulary) = network.task else {
      return try parallel(Array(states.indices), watch) { index, room in
        (.outputs(head.outputs(states[index], rows: 0..<1, room)), nil)
      }
    }
    if side == .source {
      // Scored against itself when the source is a plan; here only the logits are wanted.
      let keepsLogits = keepsLogits
      return try parallel(Array(states.indices), watch) { index, room in
        let rows = Sample.scoredRows(of: states[index].rows)
        return (.outputs([]), keepsLogits ? head.outputs(states[index], rows: rows, room) : nil)
      }
    }
    let plain = trail.formats[last].map { _ in Format?.none }
    let sourceHead = keepsLogits ? nil : try outputLayer(.source, last, plain)
    let sources = samples.map { sourceTrail.last($0, upTo: last)?.activations }
    let kept = samples.map { sourceLogits[$0] }
    return try parallel(Array(states.indices), watch) { [data, rounding, states] index, room in
      guard case .tokens(let tokens) = data.samples[samples[index]] else {
        return (.outputs([]), nil)
      }
      var score = LanguageScore()
      let rows = Sample.scoredRows(of: tokens.count)
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.rowsAtOnce) {
        let part = start..<min(rows.upperBound, start + Self.rowsAtOnce)
        let base: ArraySlice<Float>
        if let logits = kept[index] {
          let place = (start - rows.lowerBound) * vocabulary
          base = logits[place..<place + part.count * vocabulary]
        } else if let sourceHead, let state = sources[index] {
          base = sourceHead.outputs(state, rows: part, room)[...]
        } else {
          continue
        }
        score.add(
          logits: head.outputs(states[index], rows: part, room), source: base,
          targets: tokens[part.lowerBound + 1..<part.upperBound + 1], vocabulary: vocabulary,
          rounding: rounding)
      }
      return (.language(score), nil)
    }
  }

  /// Rows of logits that are there at a time: with a large vocabulary they take much room.
  private static let rowsAtOnce = 64

  private mutating func outputLayer(
    _ side: Side, _ stage: Int, _ formats: [Format?]
  ) throws(EvaluationError) -> any OutputLayer {
    guard let layer = try load(side, stage, formats) as? any OutputLayer else {
      throw .setting("\(source.model.name): its last layer makes no outputs")
    }
    return layer
  }

  /// Does something for each index, on all threads.
  private func parallel<R: Sendable>(
    _ indices: [Int], _ watch: Watch, _ body: @escaping @Sendable (Int, Workspace) -> R
  ) throws(EvaluationError) -> [R] {
    // Each thread has a room of its own.
    nonisolated(unsafe) let rooms = rooms
    let outcome = Outcome<R>(count: indices.count)
    workers.run(indices.count) { worker, piece in
      guard !outcome.isCancelled.load(ordering: .relaxed) else { return }
      guard !watch.isCancelled() else {
        outcome.isCancelled.store(true, ordering: .relaxed)
        return
      }
      let result = body(indices[piece], rooms[worker])
      outcome.results.withLock { $0[piece] = result }
    }
    let found = outcome.results.withLock { $0.compactMap { $0 } }
    guard found.count == indices.count else { throw .cancelled }
    return found
  }
}

/// What threads found.
private final class Outcome<R: Sendable>: Sendable {
  let results: Mutex<[R?]>
  let isCancelled = Atomic<Bool>(false)

  init(count: Int) { results = Mutex([R?](repeating: nil, count: count)) }
}

/// Weights that were made ready.
private struct ProvidedWeights: WeightProvider {
  var values: [Int: [Float]] = [:]

  func values(of tensor: Int) throws(EvaluationError) -> [Float] {
    guard let values = values[tensor] else {
      throw .tensor("the tensor \(tensor) isn't among those of its stage")
    }
    return values
  }
}
