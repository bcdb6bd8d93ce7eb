import Foundation
import ModelFiles
import Quantization
import Synchronization

/// Runs a model under plans and says how its outputs differ from the source's.
///
/// What flows between blocks is kept, of the source and of the last plan: when a tensor changes, only its block and
/// those behind it are run again, on the same samples. Any thread may call it; calls wait for each other.
public final class Evaluator: Sendable {
  /// The model.
  public let model: Model
  /// What it is run on.
  public let data: EvaluationData
  /// What the model's outputs are.
  public let task: Task
  /// The parts that run one after the other, and the tensors of each.
  public let stages: [Stage]
  /// The tensors that the forward pass uses, each with the stages that use it.
  public let stagesOfTensors: [Int: [Int]]

  private let run: Mutex<EvaluationRun>
  private let bytes = Atomic<Int>(0)

  /// - Parameters:
  ///   - reference: what plans are compared with, as it is stored, if not with the source: a model of the same
  ///     tensors.
  ///   - rounding: how exactly the source's distribution is kept.
  ///   - threads: all processors by default.
  ///   - isBackground: whether its threads let others go first.
  ///   - memoryLimit: the most bytes that are kept; a quarter of the machine's memory by default.
  /// - Throws: why the model can't be run on the data.
  public init(
    _ source: WeightSource, reference: WeightSource? = nil, data: EvaluationData,
    rounding: SourceRounding = .none,
    threads: Int = ProcessInfo.processInfo.activeProcessorCount, isBackground: Bool = false,
    memoryLimit: Int? = nil
  ) throws(EvaluationError) {
    let network = try NetworkFinder.network(of: source.model)
    if let reference { try Self.check(reference.model, isLike: source.model) }
    model = source.model
    self.data = data
    task = network.task
    try Self.check(data, network, source.model)
    stages = network.stages
    var places: [Int: [Int]] = [:]
    for (index, stage) in network.stages.enumerated() {
      for tensor in stage.tensors { places[tensor, default: []].append(index) }
    }
    stagesOfTensors = places
    let limit =
      memoryLimit ?? Int(clamping: ProcessInfo.processInfo.physicalMemory / 4)
    run = Mutex(
      EvaluationRun(
        network: network, source: source, reference: reference, data: data, rounding: rounding,
        threads: threads, isBackground: isBackground, limit: limit))
  }

  /// The bytes that are kept: activations, outputs and weights.
  public var byteCount: Int { bytes.load(ordering: .relaxed) }

  /// The figures of a plan.
  /// - Parameters:
  ///   - formats: what each tensor of the model goes through, by its index; nil: it stays as it is stored.
  ///   - sequences: how many of the samples are run, from the first one on; nil: all.
  ///   - isCancelled: asked between blocks and between samples.
  ///   - progress: told the share of the work that is done.
  public func evaluate(
    _ formats: [Format?], sequences: Int? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false },
    progress: (@Sendable (Double) -> Void)? = nil
  ) throws(EvaluationError) -> EvaluationFigures {
    let count = min(data.samples.count, max(1, sequences ?? data.samples.count))
    // Typed errors don't pass through a lock.
    let result = run.withLock { run -> Swift.Result<EvaluationFigures, EvaluationError> in
      defer { bytes.store(run.byteCount, ordering: .relaxed) }
      do throws(EvaluationError) {
        let watch = Watch(isCancelled: isCancelled, progress: progress)
        return .success(try run.figures(formats, samples: count, watch))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// The errors of the weights themselves under a plan: the sum of their squares, over that of the weights.
  /// - Parameter formats: as in `evaluate`.
  public func weightError(_ formats: [Format?]) throws(EvaluationError) -> Double {
    let result = run.withLock { run -> Swift.Result<Double, EvaluationError> in
      do throws(EvaluationError) {
        return .success(try run.weightError(formats))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private static func check(
    _ reference: Model, isLike model: Model
  ) throws(EvaluationError) {
    let isLike =
      reference.architecture == model.architecture
      && reference.tensors.map(\.name) == model.tensors.map(\.name)
      && reference.tensors.map(\.shape) == model.tensors.map(\.shape)
    guard isLike else {
      throw .data(
        "\(reference.name): its tensors aren't those of \(model.name), which can't be compared with it"
      )
    }
  }

  /// Refuses data that a network can't be run on or that can't be scored.
  static func check(
    _ data: EvaluationData, _ network: any Network, _ model: Model
  ) throws(EvaluationError) {
    guard let first = data.samples.first else {
      throw .data("\(data.name.sanitised): found nothing to run \(model.name) on")
    }
    for sample in data.samples {
      if let reason = network.objection(to: sample) {
        throw .data("\(data.name.sanitised): \(model.name) can't be run on it: \(reason)")
      }
    }
    switch network.task {
    case .language:
      guard case .tokens(let tokens) = first, !Sample.scoredRows(of: tokens.count).isEmpty else {
        throw .data("\(data.name.sanitised): sequences of fewer than 3 tokens can't be scored")
      }
    case .classification(let classes):
      guard data.labels.count == data.samples.count,
        data.labels.allSatisfy({ (0..<classes).contains($0) })
      else {
        throw .data("\(data.name.sanitised): expected a class from 0 to \(classes - 1) per sample")
      }
    case .embedding: break
    }
  }
}

/// Who waits for the work.
struct Watch: Sendable {
  let isCancelled: @Sendable () -> Bool
  let progress: (@Sendable (Double) -> Void)?

  /// Who is told of a part of the work as if it were all.
  func part(_ part: Range<Double>) -> Watch {
    guard let progress else { return self }
    return Watch(
      isCancelled: isCancelled,
      progress: { progress(part.lowerBound + $0 * (part.upperBound - part.lowerBound)) })
  }
}
