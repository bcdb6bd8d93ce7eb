import Synchronization

/// Runs samples through a network, stage by stage and weights as they are stored, for observers to see what goes into
/// its matrices.
///
/// Each observer sees the same samples in the same order, however many threads there are: what they sum up doesn't
/// depend on it.
final class StageRun {
  private let network: any Network
  private let source: WeightSource
  private let samples: [Sample]
  private let workers: Workers
  private let rooms: [Workspace]
  private let isCancelled: @Sendable () -> Bool
  private let states: States
  private var stage = 0

  /// - Throws: why the network can't be run on the samples.
  init(
    _ network: any Network, _ source: WeightSource, samples: [Sample], of data: String,
    observers: [any ActivationObserver], threads: Int,
    isCancelled: @escaping @Sendable () -> Bool
  ) throws(EvaluationError) {
    for sample in samples {
      if let reason = network.objection(to: sample) {
        throw .data("\(data.sanitised): \(source.model.name) can't be run on it: \(reason)")
      }
    }
    self.network = network
    self.source = source
    self.samples = samples
    self.isCancelled = isCancelled
    workers = Workers(min(threads, observers.count))
    rooms = observers.map { Workspace(observer: $0) }
    states = States(samples.count)
  }

  /// Runs the next stage; of the last one only as much as is needed to see what goes in.
  func advance() throws(EvaluationError) {
    let layer = try network.load(stage, StoredWeights(source: source))
    let isLast = stage == network.stages.count - 1
    // Each observer is with one thread at a time.
    nonisolated(unsafe) let rooms = rooms
    workers.run(rooms.count) { [samples, states, isCancelled] _, part in
      let room = rooms[part]
      for index in stride(from: part, to: samples.count, by: rooms.count) {
        guard !isCancelled() else { return }
        if isLast, let head = layer as? any OutputLayer {
          head.observe(states[index], room)
        } else {
          states[index] = layer.apply(states[index], samples[index], room)
        }
      }
    }
    if isCancelled() { throw .cancelled }
    stage += 1
  }

  /// Activations that threads hand over to each other.
  private final class States: Sendable {
    private let values: Mutex<[Activations]>

    init(_ count: Int) { values = Mutex(Array(repeating: .none, count: count)) }

    subscript(index: Int) -> Activations {
      get { values.withLock { $0[index] } }
      set { values.withLock { $0[index] = newValue } }
    }
  }
}
