import ModelFiles

/// One run of a whole network, nothing kept: for tests and for looking.
public struct ForwardPass: Sendable {
  private let network: any Network
  private let source: WeightSource

  /// - Throws: why the model can't be run.
  public init(_ source: WeightSource) throws(EvaluationError) {
    self.source = source
    network = try NetworkFinder.network(of: source.model)
  }

  /// What the outputs are.
  public var task: Task { network.task }

  /// The outputs for some samples, weights as they are stored.
  public func outputs(_ samples: [Sample]) throws(EvaluationError) -> [Activations] {
    for sample in samples {
      if let reason = network.objection(to: sample) {
        throw .data("\(source.model.name): \(reason)")
      }
    }
    let room = Workspace()
    var states = samples.map { _ in Activations.none }
    for stage in network.stages.indices {
      let layer = try network.load(stage, StoredWeights(source: source))
      for index in states.indices {
        states[index] = layer.apply(states[index], samples[index], room)
      }
    }
    return states
  }
}

/// Weights as they are stored.
struct StoredWeights: WeightProvider {
  let source: WeightSource

  func values(of tensor: Int) throws(EvaluationError) -> [Float] {
    try source.values(of: source.model.tensors[tensor], in: nil)
  }
}
