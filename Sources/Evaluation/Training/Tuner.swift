import CKernels
import Foundation
import ModelFiles
import Quantization
import Synchronization

/// Fine-tunes a model for a plan: quantization-aware training by the straight-through estimator.
///
/// Before each step the weights, kept in single precision, are rounded to the type they are stored in and go through
/// encode and decode of the plan's formats, by the code that measures and applies them. The loss is that of the
/// quantized model, its gradient is taken as that of the weights that it was made from (Bengio and others, 2013).
public struct Tuner {
  /// How it is done.
  public let settings: TuningSettings
  /// The greatest learning rate.
  public let rate: Double

  private let source: WeightSource
  private let formats: [Format?]
  private let network: any TrainableNetwork
  private var samples: TrainingSamples
  private let teacher: (any TrainablePass)?
  private let workers: Workers
  private let rooms: [Workspace]

  private let weights: ParameterRow
  private let best: ParameterRow
  private let sums: [ParameterRow]
  private var adam: Adam

  /// The most gradients that are summed apart, and the most bytes that they take. Their number doesn't depend on
  /// that of threads, so that the results don't either.
  private static let sumLimits = (count: 8, bytes: 1 << 30)

  /// - Parameters:
  ///   - formats: what each tensor of the model goes through, by its index; nil: it stays as it is stored.
  ///   - data: what to learn from; some of it is kept for validation.
  /// - Throws: why the model can't be tuned on the data.
  public init(
    _ source: WeightSource, formats: [Format?], data: EvaluationData, _ settings: TuningSettings
  ) throws(EvaluationError) {
    let network = try Self.network(of: source.model)
    try Evaluator.check(data, network, source.model)
    self.settings = settings
    self.source = source
    self.formats = formats
    self.network = network
    samples = try TrainingSamples(data, network.task, seed: settings.seed)
    workers = Workers(settings.threads)
    rooms = (0..<workers.count).map { _ in Workspace() }
    teacher = settings.loss == .kl ? try network.pass(StoredWeights(source: source)) : nil

    let tensors = Set(network.stages.flatMap(\.tensors)).sorted().map { source.model.tensors[$0] }
    for tensor in tensors where Self.type(of: tensor) == nil {
      throw .setting(
        "\(tensor.label): stored as \(tensor.sourceName); only models of F32, F16 or BF16 can be tuned"
      )
    }
    let layout = ParameterLayout(tensors.map { ($0.id, $0.weightCount) })
    let room = Self.sumLimits.bytes / max(1, layout.count * MemoryLayout<Float>.stride)
    let count = max(1, min(Self.sumLimits.count, room, settings.batch))
    try Self.checkMemory(rows: count + 8, layout, source.model)
    weights = ParameterRow(layout)
    for tensor in tensors { weights[tensor.id] = try source.values(of: tensor, in: nil) }
    if let rate = settings.rate {
      self.rate = rate
    } else {
      rate = try Self.usualRate(source, formats, tensors, workers)
    }
    best = ParameterRow(layout)
    best.copy(weights)
    sums = (0..<count).map { _ in ParameterRow(layout) }
    adam = Adam(layout)
  }

  /// Throws why a model can't be tuned, if it can't.
  public static func check(_ model: Model) throws(EvaluationError) { _ = try network(of: model) }

  private static func network(of model: Model) throws(EvaluationError) -> any TrainableNetwork {
    let found = try NetworkFinder.network(of: model)
    guard let network = found as? any TrainableNetwork else {
      throw .architecture(
        "\(model.name): models of the architecture '\(model.architecture?.sanitised ?? "")' can't be "
          + "tuned yet; \(LlamaNetwork.tunable) can")
    }
    if let obstacle = network.obstacle { throw .architecture("\(model.name): \(obstacle)") }
    return network
  }

  /// Weights, the best ones, two means for the optimizer, the sums, and what the network runs on.
  private static func checkMemory(
    rows: Int, _ layout: ParameterLayout, _ model: Model
  ) throws(EvaluationError) {
    let needed = Double(rows) * Double(layout.count) * Double(MemoryLayout<Float>.stride)
    guard needed <= Double(ProcessInfo.processInfo.physicalMemory) else {
      throw .setting(
        "\(model.name): tuning its \(layout.count) weights takes \(Int(needed) >> 30) GiB of memory, "
          + "more than this machine has")
    }
  }

  private static func usualRate(
    _ source: WeightSource, _ formats: [Format?], _ tensors: [Tensor], _ workers: Workers
  ) throws(EvaluationError) -> Double {
    var sums = ErrorSums()
    for tensor in tensors where tensor.id < formats.count {
      guard let format = formats[tensor.id] else { continue }
      let exact = try source.values(of: tensor, in: nil, by: workers)
      let found = try source.values(of: tensor, in: format, by: workers)
      sums.add(exact.span, found.span)
    }
    let rate = (sums.squaredError / Double(max(1, sums.count))).squareRoot() / 30
    // Where nothing is lost there is little to learn.
    return max(rate, 1e-6)
  }

  private static func type(of tensor: Tensor) -> FloatFormat? {
    guard tensor.packing == nil else { return nil }
    return switch tensor.source {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    default: nil
    }
  }

  // MARK: - Running

  /// Trains, and gives the weights that did best on the samples kept for validation.
  /// - Parameters:
  ///   - isCancelled: asked between steps.
  ///   - progress: told after each step.
  public mutating func run(
    isCancelled: () -> Bool = { false }, progress: (TuningProgress) -> Void = { _ in }
  ) throws(EvaluationError) -> TunedWeights {
    let first = try validate(try pass())
    var (lowest, bestStep, recent) = (first, 0, first)
    for step in 0..<settings.steps {
      if isCancelled() { throw .cancelled }
      let loss = try takeStep(step)
      recent += (loss - recent) / Double(min(step + 1, 20))
      if isValidated(step + 1) {
        let found = try validate(try pass())
        if found < lowest {
          (lowest, bestStep) = (found, step + 1)
          best.copy(weights)
        }
      }
      progress(
        TuningProgress(
          step: step + 1, steps: settings.steps, loss: recent, validation: (first, lowest)))
    }
    var values: [Int: [Float]] = [:]
    for tensor in best.layout.tensors { values[tensor] = stored(best, tensor) }
    return TunedWeights(values: values, validation: (first, lowest), step: bestStep)
  }

  private func isValidated(_ step: Int) -> Bool {
    step == settings.steps || step % max(1, settings.steps / 10) == 0
  }

  /// One step; the loss before it.
  mutating func takeStep(_ step: Int) throws(EvaluationError) -> Double {
    let batch = samples.draw(settings.batch)
    let loss = try learn(try pass(), batch)
    guard loss.isFinite else {
      throw .setting("the loss is no number any more after \(step) steps; try a lower --rate")
    }
    adam.step(
      weights, sums, rate: rate * settings.share(at: step), decay: settings.decay,
      longest: settings.longestGradient, by: workers)
    return loss
  }

  // MARK: - Weights

  /// The network under the plan.
  private func pass() throws(EvaluationError) -> any TrainablePass {
    var masters: [Int: [Float]] = [:]
    for tensor in weights.layout.tensors { masters[tensor] = stored(weights, tensor) }
    return try network.pass(
      PlannedWeights(source: source.replacing(masters), formats: formats, workers: workers))
  }

  /// A tensor's weights as they can be stored.
  private func stored(_ row: ParameterRow, _ tensor: Int) -> [Float] {
    var values = row[tensor]
    let tensor = source.model.tensors[tensor]
    guard let type = Self.type(of: tensor), type != .f32 else { return values }
    let exact = values
    values.withUnsafeMutableBufferPointer { values in
      var out = MutableSpan(_unsafeElements: values)
      Format.float(type).codec().reconstruct(
        exact.span, rowLength: max(1, tensor.rowLength), into: &out)
    }
    return values
  }

  // MARK: - Losses

  /// Runs a batch forward and back; the sums hold the gradients then.
  private func learn(
    _ pass: any TrainablePass, _ batch: [Int]
  ) throws(EvaluationError) -> Double {
    let rows = samples.rowCount(batch[...])
    let portions = Self.portions(batch, pass.portion)
    let losses = Mutex([Double](repeating: 0, count: portions.count))
    // Each sum and each room is one thread's at a time.
    nonisolated(unsafe) let (sums, rooms) = (sums, rooms)
    workers.run(sums.count) { [samples, teacher] worker, index in
      sums[index].clear()
      for place in stride(from: index, to: portions.count, by: sums.count) {
        let examples = samples.samples(portions[place])
        let base = teacher?.outputs(of: examples, rooms[worker])
        let loss = pass.learn(from: examples, sums[index], rooms[worker]) { logits in
          Self.loss(
            &logits, base, samples.targets(portions[place]), share: 1 / Float(max(1, rows)))
        }
        losses.withLock { $0[place] = loss }
      }
    }
    return losses.withLock { $0.reduce(0, +) } / Double(max(1, rows))
  }

  /// The mean loss on the samples kept for validation.
  private func validate(_ pass: any TrainablePass) throws(EvaluationError) -> Double {
    let rows = samples.rowCount(samples.validation[...])
    let portions = Self.portions(samples.validation, pass.portion)
    let losses = Mutex([Double](repeating: 0, count: portions.count))
    nonisolated(unsafe) let rooms = rooms
    workers.run(portions.count) { [samples, teacher] worker, index in
      let examples = samples.samples(portions[index])
      var outputs = pass.outputs(of: examples, rooms[worker])
      let base = teacher?.outputs(of: examples, rooms[worker])
      let loss = Self.loss(&outputs, base, samples.targets(portions[index]), share: 1)
      losses.withLock { $0[index] = loss }
    }
    return losses.withLock { $0.reduce(0, +) } / Double(max(1, rows))
  }

  private static func portions(_ indices: [Int], _ length: Int) -> [ArraySlice<Int>] {
    stride(from: 0, to: indices.count, by: max(1, length)).map {
      indices[$0..<min(indices.count, $0 + max(1, length))]
    }
  }

  /// The sum of the losses of all rows; the logits become its gradient, times `share`.
  /// - Parameter base: the logits of the source; nil: what counts are the targets.
  static func loss(
    _ logits: inout [Float], _ base: [Float]?, _ targets: [Int], share: Float
  ) -> Double {
    let width = logits.count / max(1, targets.count)
    precondition(logits.count == width * targets.count)
    precondition(base.map { $0.count == logits.count } ?? true)
    return logits.withUnsafeMutableBufferPointer { logits in
      guard let start = logits.baseAddress else { return 0 }
      guard let base else {
        return targets.enumerated().reduce(0) { sum, target in
          sum
            + bl_cross_entropy_back(
              target.element, start + target.offset * width, width, share)
        }
      }
      return base.withUnsafeBufferPointer { base in
        guard let base = base.baseAddress else { return 0 }
        return targets.indices.reduce(0) { sum, row in
          sum + bl_divergence_back(base + row * width, start + row * width, width, share)
        }
      }
    }
  }
}

/// Weights as they come back from a plan's formats.
private struct PlannedWeights: WeightProvider {
  let source: WeightSource
  let formats: [Format?]
  let workers: Workers

  func values(of tensor: Int) throws(EvaluationError) -> [Float] {
    try source.values(
      of: source.model.tensors[tensor], in: tensor < formats.count ? formats[tensor] : nil,
      by: workers)
  }
}
