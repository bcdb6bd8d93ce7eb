import Evaluation
import Foundation
import Measurement
import ModelFiles
import Planning
import Quantization
import Synchronization

/// Runs the model on a thread of its own: the newest plan first, single tensors in the time that is left.
final class QualityRunner: Sendable {
  private struct Orders {
    var plan: QualityOrder?
    var tensors: [TensorFormat] = []
    var isStarted = false
  }

  private let model: Model
  private let weights: WeightSource
  private let importance: ModelImportance?
  private let options: QualityOptions
  private let post: @Sendable (QualityNews.Kind) -> Void
  private let orders = Mutex(Orders())
  private let wake = DispatchSemaphore(value: 0)
  /// The number of the newest order for a plan: work for older ones is given up.
  private let newest = Atomic<Int>(0)
  private let isStopped = Atomic<Bool>(false)
  private let ended = DispatchGroup()

  init(
    _ weights: WeightSource, importance: ModelImportance?, options: QualityOptions,
    post: @escaping @Sendable (QualityNews.Kind) -> Void
  ) {
    model = weights.model
    self.weights = weights
    self.importance = importance
    self.options = options
    self.post = post
  }

  /// Runs a plan, whatever is being run.
  func run(_ order: QualityOrder) {
    newest.store(order.number, ordering: .releasing)
    give { $0.plan = order.formats == nil ? nil : order }
  }

  /// Replaces the single tensors that are measured when no plan waits.
  func measure(_ tensors: [TensorFormat]) { give { $0.tensors = tensors } }

  /// Ends: what is being run is given up.
  func stop() {
    isStopped.store(true, ordering: .releasing)
    wake.signal()
    _ = ended.wait(timeout: .now() + .seconds(1))
  }

  private func give(_ change: (inout sending Orders) -> Void) {
    let isFirst = orders.withLock { orders in
      change(&orders)
      defer { orders.isStarted = true }
      return !orders.isStarted
    }
    wake.signal()
    guard isFirst else { return }
    ended.enter()
    let thread = Thread { [self] in
      lowerPriorityOfThisThread()
      serve()
      ended.leave()
    }
    thread.name = "quality"
    thread.stackSize = 1 << 23
    thread.start()
  }

  // MARK: - On the thread

  private enum Job {
    case plan(QualityOrder)
    case tensor(TensorFormat)
  }

  private func serve() {
    let evaluator: Evaluator
    let file: SensitivityFile?
    do throws(EvaluationError) {
      let data = try DataReader(model).read(options.data, context: try context)
      evaluator = try Evaluator(weights, data: data, isBackground: true)
      file = options.folder.map {
        SensitivityFile(
          folder: $0, model: model, data: data, samples: tensorSamples(evaluator),
          importance: importance)
      }
      post(.ready(subject(evaluator), known: file?.known(model) ?? [:]))
    } catch {
      post(.unavailable(error.description))
      return
    }
    var found: [TensorFormat: TensorEffect] = [:]
    var done: Set<TensorFormat> = []
    while !isStopped.load(ordering: .acquiring) {
      wake.wait()
      while let job = next() {
        switch job {
        case .plan(let order): run(order, evaluator)
        case .tensor(let subject):
          // A list may name again what was being measured when it was made.
          guard !done.contains(subject), let effect = measure(subject, evaluator) else { break }
          found[subject] = effect
          done.insert(subject)
        }
      }
      if !found.isEmpty {
        file?.add(found, model)
        found = [:]
      }
    }
  }

  private func next() -> Job? {
    guard !isStopped.load(ordering: .acquiring) else { return nil }
    return orders.withLock { orders in
      if let plan = orders.plan {
        orders.plan = nil
        return .plan(plan)
      }
      return orders.tensors.isEmpty ? nil : .tensor(orders.tensors.removeFirst())
    }
  }

  /// Tokens in a sequence: shorter ones than for llama-perplexity's figures, for an answer at once.
  private var context: Int? {
    get throws(EvaluationError) {
      if let context = options.context { return context }
      guard let most = try DataReader(model).contextLength else { return nil }
      return min(256, most)
    }
  }

  private func subject(_ evaluator: Evaluator) -> QualitySubject {
    var context: Int?
    if case .language = evaluator.task, case .tokens(let tokens)? = evaluator.data.samples.first {
      context = tokens.count
    }
    return QualitySubject(
      task: evaluator.task, data: evaluator.data.name.sanitised, context: context,
      samples: rounds(evaluator).last ?? 0, tensors: Set(evaluator.stagesOfTensors.keys))
  }

  /// How many samples are run at first, then, and in the end.
  private func rounds(_ evaluator: Evaluator) -> [Int] {
    let all = evaluator.data.samples.count
    switch evaluator.task {
    case .language:
      let most = min(all, options.sequences)
      return [4, 12].filter { $0 < most } + [most]
    case .classification: return [256].filter { 2 * $0 < all } + [all]
    case .embedding: return [all]
    }
  }

  /// How many samples a single tensor's effect is measured on.
  private func tensorSamples(_ evaluator: Evaluator) -> Int {
    let all = evaluator.data.samples.count
    if case .language = evaluator.task { return min(all, options.sequences, 16) }
    return min(all, 512)
  }

  private func run(_ order: QualityOrder, _ evaluator: Evaluator) {
    let isCancelled: @Sendable () -> Bool = { [self] in
      isStopped.load(ordering: .relaxed) || newest.load(ordering: .relaxed) != order.number
    }
    guard let formats = order.formats else { return }
    let rounds = rounds(evaluator)
    for samples in rounds {
      do throws(EvaluationError) {
        let figures = try evaluator.evaluate(
          formats, sequences: samples, isCancelled: isCancelled)
        post(
          .reading(
            order: order.number,
            QualityReading(figures: figures, samples: samples, all: rounds.last ?? samples)))
      } catch {
        if error != .cancelled { post(.failed(order: order.number, nil, error.description)) }
        return
      }
    }
  }

  private func measure(_ subject: TensorFormat, _ evaluator: Evaluator) -> TensorEffect? {
    let before = newest.load(ordering: .relaxed)
    do throws(EvaluationError) {
      let found = try evaluator.sensitivities(
        [(subject.tensor, [subject.format])], sequences: tensorSamples(evaluator),
        isCancelled: { [self] in
          isStopped.load(ordering: .relaxed) || newest.load(ordering: .relaxed) != before
        })
      guard let entry = found.first else { return nil }
      let effect = TensorEffect(distance: entry.distance, interval: entry.interval)
      post(.effects([subject: effect]))
      return effect
    } catch {
      if error == .cancelled {
        // A plan goes first; this is still wanted, unless the list was replaced.
        orders.withLock { if !$0.tensors.contains(subject) { $0.tensors.insert(subject, at: 0) } }
        return nil
      }
      post(.failed(order: nil, subject, error.description))
      return nil
    }
  }
}
