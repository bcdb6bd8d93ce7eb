import CKernels
import ModelFiles

/// The forward pass of a classifier whose config.json lists its layers: convolutions, pooling, linear layers.
struct SequentialNetwork: Network {
  let stages: [Stage]
  let task: Task
  var contextLength: Int? { nil }
  /// Channels, rows and columns of a picture.
  let input: Shape
  /// What stored numbers are multiplied by.
  let inputScale: Float

  let steps: [Step]

  /// The shape of what flows between layers.
  struct Shape: Sendable, Equatable {
    var channels: Int
    var rows = 1
    var columns = 1

    var count: Int { channels * rows * columns }
  }

  /// A layer with the shape of what goes in.
  struct Step: Sendable {
    let kind: Kind
    let input: Shape
    let output: Shape
  }

  enum Kind: Sendable {
    case linear(LinearPlace)
    case convolution(LinearPlace, Window)
    case activation(Activation)
    case maximum(Window)
    case flatten
  }

  /// What moves over a picture.
  struct Window: Sendable {
    var size: Int
    var stride: Int
    var padding: Int

    func places(_ length: Int) -> Int { (length + 2 * padding - size) / stride + 1 }
  }

  var width: Int { input.count }
  var lookups: [Int] { [] }

  /// What the matrices read. A scale of a channel passes rectifiers, maxima and flattening, and ends in the rows of
  /// the matrix before.
  var inputs: [[MatrixInput]] {
    var place: Int?
    return steps.map { step in
      let before = place
      switch step.kind {
      case .linear(let matrix):
        place = 1
        return [input(of: matrix, place: before)]
      case .convolution(let matrix, let window):
        place = step.output.rows * step.output.columns
        // A channel is whole where it comes from a picture of the same size.
        let isWhole = before == step.input.rows * step.input.columns
        return [input(of: matrix, place: isWhole ? window.size * window.size : nil)]
      case .maximum:
        let isWhole = before == step.input.rows * step.input.columns
        place = isWhole ? step.output.rows * step.output.columns : nil
      case .activation(.relu), .flatten: break
      case .activation: place = nil
      }
      return []
    }
  }

  /// - Parameter place: how many numbers one after another are of one channel.
  private func input(of matrix: LinearPlace, place: Int?) -> MatrixInput {
    MatrixInput(
      [matrix.weight], width: matrix.inputs,
      channels: place.map { place in (0..<matrix.inputs).map { $0 / place } })
  }

  init(_ model: Model) throws(EvaluationError) {
    guard let configuration = model.configuration,
      let layers = configuration["layers"]?.array,
      let shape = configuration["input"]?["shape"]?.array?.map({ $0.int ?? 0 }),
      (1...3).contains(shape.count), shape.allSatisfy({ (1...1 << 16).contains($0) })
    else {
      throw .setting("\(model.name): its config.json doesn't list its layers and its input's shape")
    }
    input = Shape(
      channels: shape[0], rows: shape.count > 1 ? shape[1] : 1,
      columns: shape.count > 2 ? shape[2] : 1)
    inputScale = Float(configuration["input"]?["scale"]?.double ?? 1)
    var reader = SequentialReader(model: model, shape: input)
    for layer in layers { try reader.add(layer) }
    steps = reader.steps
    guard reader.shape.count >= 2, !steps.isEmpty else {
      throw .setting(
        "\(model.name): its layers end in \(reader.shape.count) numbers, not in classes")
    }
    stages = steps.enumerated().map { index, step in
      Stage(name: "layer \(index)", block: nil, tensors: step.tensors)
    }
    task = .classification(classes: reader.shape.count)
  }

  func objection(to sample: Sample) -> String? {
    guard case .picture(let values) = sample, values.count == input.count else {
      return "it needs pictures of \(input.channels)×\(input.rows)×\(input.columns)"
    }
    return nil
  }

  func load(_ stage: Int, _ weights: any WeightProvider) throws(EvaluationError) -> any Layer {
    let step = steps[stage]
    var linear: Linear?
    switch step.kind {
    case .linear(let place), .convolution(let place, _): linear = try place.load(weights)
    default: break
    }
    return SequentialLayer(
      step: step, linear: linear, scale: stage == 0 ? inputScale : nil)
  }
}

extension SequentialNetwork.Step {
  var tensors: [Int] {
    switch kind {
    case .linear(let place), .convolution(let place, _): place.tensors
    default: []
    }
  }
}

/// Reads the list of layers, keeping track of the shape.
private struct SequentialReader {
  let model: Model
  var shape: SequentialNetwork.Shape
  var steps: [SequentialNetwork.Step] = []

  mutating func add(_ layer: JSONValue) throws(EvaluationError) {
    let type = layer["type"]?.string ?? ""
    let name = layer["name"]?.string ?? ""
    var output = shape
    let kind: SequentialNetwork.Kind
    switch type {
    case "linear":
      output = .init(channels: try size(layer, "out_features", name))
      kind = .linear(try place(name, [output.channels, shape.count]))
    case "conv2d":
      output.channels = try size(layer, "out_channels", name)
      let window = try self.window(layer, name)
      let kernel = [output.channels, shape.channels, window.size, window.size]
      kind = .convolution(try place(name, kernel), window)
      output.rows = window.places(shape.rows)
      output.columns = window.places(shape.columns)
    case "max_pool2d":
      let window = try self.window(layer, name)
      kind = .maximum(window)
      output.rows = window.places(shape.rows)
      output.columns = window.places(shape.columns)
    case "flatten":
      output = .init(channels: shape.count)
      kind = .flatten
    case "dropout": return
    default:
      guard let activation = Activation(name: type) else {
        throw .setting("\(model.name): layers of the type '\(type.sanitised)' aren't supported")
      }
      kind = .activation(activation)
    }
    var patches = 1
    if case .convolution(let place, _) = kind { patches = place.inputs }
    // A place's patch is a row of numbers while it is worked on.
    guard output.rows > 0, output.columns > 0, output.count < 1 << 28,
      output.rows * output.columns < (1 << 28) / patches
    else {
      throw .setting(
        "\(model.name): the layer '\(name.sanitised)' leaves nothing of its input, or makes too much of it"
      )
    }
    steps.append(.init(kind: kind, input: shape, output: output))
    shape = output
  }

  private func size(
    _ layer: JSONValue, _ key: String, _ name: String
  ) throws(EvaluationError) -> Int {
    guard let size = layer[key]?.int, (1...1 << 20).contains(size) else {
      throw .setting("\(model.name): the layer '\(name.sanitised)' has no \(key)")
    }
    return size
  }

  private func window(
    _ layer: JSONValue, _ name: String
  ) throws(EvaluationError) -> SequentialNetwork.Window {
    let size = try size(layer, "kernel_size", name)
    let isPooling = layer["type"]?.string == "max_pool2d"
    let window = SequentialNetwork.Window(
      size: size, stride: layer["stride"]?.int ?? (isPooling ? size : 1),
      padding: layer["padding"]?.int ?? 0)
    guard (1...1 << 16).contains(window.stride), (0...1 << 16).contains(window.padding),
      window.size <= min(shape.rows, shape.columns) + 2 * window.padding
    else {
      throw .setting("\(model.name): the layer '\(name.sanitised)' doesn't fit its input")
    }
    return window
  }

  /// The weights and the bias of a layer, by its own name.
  private func place(_ name: String, _ shape: [Int]) throws(EvaluationError) -> LinearPlace {
    func index(_ part: String, _ shape: [Int]) throws(EvaluationError) -> Int? {
      guard let tensor = model.tensors.first(where: { $0.name == name + part }) else { return nil }
      guard tensor.shape == shape else {
        throw .tensor("\(tensor.label): found the shape \(tensor.shape), expected \(shape)")
      }
      return tensor.id
    }
    guard let weight = try index(".weight", shape) else {
      throw .tensor("\(model.name): there is no tensor \(name.sanitised).weight")
    }
    return LinearPlace(
      inputs: shape.dropFirst().reduce(1, *), outputs: shape[0], weight: weight,
      bias: try index(".bias", [shape[0]]))
  }
}

/// One layer of a sequence with its weights.
struct SequentialLayer: OutputLayer {
  let step: SequentialNetwork.Step
  let linear: Linear?
  /// What the numbers of a sample are multiplied by, in the first layer.
  let scale: Float?

  func apply(_ x: Activations, _ sample: Sample, _ room: Workspace) -> Activations {
    var values = x.values
    if let scale, case .picture(let picture) = sample { values = picture.map { $0 * scale } }
    switch step.kind {
    case .flatten: break
    case .activation(let activation): activation.apply(&values)
    case .linear:
      var out = [Float](repeating: 0, count: step.output.count)
      linear?.apply(values, rows: 1, into: &out, room)
      values = out
    case .convolution(_, let window): values = convolve(values, window, room)
    case .maximum(let window): values = maxima(values, window)
    }
    return Activations(rows: 1, width: step.output.count, values: values)
  }

  func observe(_ x: Activations, _ room: Workspace) { _ = outputs(x, rows: 0..<1, room) }

  func outputs(_ x: Activations, rows: Range<Int>, _ room: Workspace) -> [Float] {
    apply(x, .picture(x.values), room).values
  }

  /// Each place's patch as a row, times the kernels; then channels first again.
  private func convolve(
    _ x: [Float], _ window: SequentialNetwork.Window, _ room: Workspace
  ) -> [Float] {
    guard let linear else { return [] }
    let places = step.output.rows * step.output.columns
    var products = [Float](repeating: 0, count: places * step.output.channels)
    linear.apply(
      step.patches(of: x, from: 0, window), rows: places, into: &products, room)
    return step.channelsFirst(products, from: 0)
  }

  private func maxima(_ x: [Float], _ window: SequentialNetwork.Window) -> [Float] {
    step.placesOfMaxima(of: x, from: 0, window).map { $0.map { x[$0] } ?? -.infinity }
  }
}

extension SequentialNetwork.Step {
  /// The patch that each place of the output sees, a row each; what is outside of the picture is 0.
  /// - Parameter start: where the picture begins.
  func patches(
    of x: [Float], from start: Int, _ window: SequentialNetwork.Window
  ) -> [Float] {
    var patches: [Float] = []
    patches.reserveCapacity(
      output.rows * output.columns * input.channels * window.size * window.size)
    for row in 0..<output.rows {
      for column in 0..<output.columns {
        for channel in 0..<input.channels {
          for r in 0..<window.size {
            for c in 0..<window.size {
              let place = self.place(row, column, channel, r, c, window)
              patches.append(place.map { x[start + $0] } ?? 0)
            }
          }
        }
      }
    }
    return patches
  }

  /// Where in the input an output's window has a number; nil outside of it.
  func place(
    _ row: Int, _ column: Int, _ channel: Int, _ r: Int, _ c: Int,
    _ window: SequentialNetwork.Window
  ) -> Int? {
    let y = row * window.stride + r - window.padding
    let z = column * window.stride + c - window.padding
    guard y >= 0, y < input.rows, z >= 0, z < input.columns else { return nil }
    return (channel * input.rows + y) * input.columns + z
  }

  /// Rows of channels, one for each place, to planes of places, one for each channel.
  func channelsFirst(_ rows: [Float], from start: Int) -> [Float] {
    let places = output.rows * output.columns
    var planes = [Float](repeating: 0, count: output.count)
    for place in 0..<places {
      for channel in 0..<output.channels {
        planes[channel * places + place] = rows[start + place * output.channels + channel]
      }
    }
    return planes
  }

  /// Where in `x` each window's greatest number is; nil for windows that see none.
  func placesOfMaxima(
    of x: [Float], from start: Int, _ window: SequentialNetwork.Window
  ) -> [Int?] {
    var found: [Int?] = []
    found.reserveCapacity(output.count)
    for channel in 0..<output.channels {
      for row in 0..<output.rows {
        for column in 0..<output.columns {
          var best: Int?
          for r in 0..<window.size {
            for c in 0..<window.size {
              guard let place = place(row, column, channel, r, c, window) else { continue }
              if best.map({ x[start + place] > x[$0] }) ?? true { best = start + place }
            }
          }
          found.append(best)
        }
      }
    }
    return found
  }
}
