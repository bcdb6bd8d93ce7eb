import CKernels

extension SequentialNetwork: TrainableNetwork {
  var obstacle: String? { nil }

  func pass(_ weights: any WeightProvider) throws(EvaluationError) -> any TrainablePass {
    var linears: [Linear?] = []
    for step in steps {
      switch step.kind {
      case .linear(let place), .convolution(let place, _):
        linears.append(try place.load(weights))
      default: linears.append(nil)
      }
    }
    return SequentialPass(network: self, linears: linears)
  }
}

/// A sequential classifier with weights, for training: several pictures at a time.
struct SequentialPass: TrainablePass {
  let network: SequentialNetwork
  /// The matrices of the steps that have one.
  let linears: [Linear?]

  var portion: Int { 16 }

  func outputs(of samples: [Sample], _ room: Workspace) -> [Float] {
    run(samples, room) { _ in }
  }

  func learn(
    from samples: [Sample], _ sums: ParameterRow, _ room: Workspace,
    loss: (inout [Float]) -> Double
  ) -> Double {
    var records: [Record] = []
    var gradient = run(samples, room) { records.append($0) }
    let result = loss(&gradient)
    for index in network.steps.indices.reversed() {
      back(&gradient, index, records[index], samples.count, sums, room)
    }
    return result
  }

  /// What the backward pass needs of a step: what came in, or what was made of it.
  private enum Record {
    case nothing
    /// What came in; for a convolution its patches.
    case input([Float])
    case places([Int?])
  }

  // MARK: - Forward

  private func run(
    _ samples: [Sample], _ room: Workspace, _ keep: (Record) -> Void
  ) -> [Float] {
    var x: [Float] = []
    for case .picture(let picture) in samples {
      x += picture.map { $0 * network.inputScale }
    }
    for (step, linear) in zip(network.steps, linears) {
      switch step.kind {
      case .flatten: keep(.nothing)
      case .activation(let activation):
        keep(.input(x))
        activation.apply(&x)
      case .linear:
        keep(.input(x))
        x = product(linear, x, rows: samples.count, room)
      case .convolution(_, let window):
        let patches = samples.indices.flatMap {
          step.patches(of: x, from: $0 * step.input.count, window)
        }
        let places = samples.count * step.output.rows * step.output.columns
        let rows = product(linear, patches, rows: places, room)
        keep(.input(patches))
        x = samples.indices.flatMap { step.channelsFirst(rows, from: $0 * step.output.count) }
      case .maximum(let window):
        let places = samples.indices.flatMap {
          step.placesOfMaxima(of: x, from: $0 * step.input.count, window)
        }
        keep(.places(places))
        x = places.map { [x] in $0.map { x[$0] } ?? -.infinity }
      }
    }
    return x
  }

  private func product(
    _ linear: Linear?, _ x: [Float], rows: Int, _ room: Workspace
  ) -> [Float] {
    guard let linear else { return [] }
    var out = [Float](repeating: 0, count: rows * linear.outputs)
    linear.apply(x, rows: rows, into: &out, room)
    return out
  }

  // MARK: - Back

  /// The gradient of what left a step becomes that of what came in.
  private func back(
    _ gradient: inout [Float], _ index: Int, _ record: Record, _ count: Int,
    _ sums: ParameterRow, _ room: Workspace
  ) {
    let step = network.steps[index]
    switch (step.kind, record) {
    case (.activation(let activation), .input(let x)): activation.back(&gradient, of: x)
    case (.maximum, .places(let places)):
      var out = [Float](repeating: 0, count: count * step.input.count)
      for (place, value) in zip(places, gradient) {
        if let place { out[place] += value }
      }
      gradient = out
    case (.linear(let place), .input(let x)):
      linears[index]?.addGradients(gradient, of: x, rows: count, place, sums, room)
      gradient = inputGradient(gradient, index, rows: count, room)
    case (.convolution(let place, let window), .input(let patches)):
      let rows = (0..<count).flatMap { step.placesFirst(gradient, from: $0 * step.output.count) }
      let places = count * step.output.rows * step.output.columns
      linears[index]?.addGradients(rows, of: patches, rows: places, place, sums, room)
      let spread = inputGradient(rows, index, rows: places, room)
      guard !spread.isEmpty else { return }
      let length = spread.count / max(1, count)
      gradient = (0..<count).flatMap { step.picture(spread, from: $0 * length, window) }
    default: break
    }
  }

  /// Nothing for the first step: nobody asks for that of the pictures.
  private func inputGradient(
    _ gradient: [Float], _ index: Int, rows: Int, _ room: Workspace
  ) -> [Float] {
    guard let linear = linears[index], index > 0 else { return [] }
    var out = [Float](repeating: 0, count: rows * linear.inputs)
    linear.back(gradient, rows: rows, adding: false, into: &out, room)
    return out
  }
}

extension SequentialNetwork.Step {
  /// Planes of places to rows of channels: what `channelsFirst` undoes.
  fileprivate func placesFirst(_ planes: [Float], from start: Int) -> [Float] {
    let places = output.rows * output.columns
    var rows = [Float](repeating: 0, count: output.count)
    for place in 0..<places {
      for channel in 0..<output.channels {
        rows[place * output.channels + channel] = planes[start + channel * places + place]
      }
    }
    return rows
  }

  /// The sums of patches where they overlap.
  fileprivate func picture(
    _ patches: [Float], from start: Int, _ window: SequentialNetwork.Window
  ) -> [Float] {
    var out = [Float](repeating: 0, count: input.count)
    var index = start
    for row in 0..<output.rows {
      for column in 0..<output.columns {
        for channel in 0..<input.channels {
          for r in 0..<window.size {
            for c in 0..<window.size {
              if let place = place(row, column, channel, r, c, window) {
                out[place] += patches[index]
              }
              index += 1
            }
          }
        }
      }
    }
    return out
  }
}
