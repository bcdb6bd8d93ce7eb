import ModelFiles

/// A model's tensors by the names that GGUF has for them, whatever the model calls them.
struct TensorTable {
  let model: Model
  private var places: [String: Int] = [:]

  init(_ model: Model) {
    self.model = model
    let names = GGUFNames(model)
    for tensor in model.tensors {
      guard let name = names.name(of: tensor.name), places[name.name] == nil else { continue }
      places[name.name] = tensor.id
    }
  }

  func contains(_ name: String) -> Bool { places[name] != nil }

  /// The first dimension of a tensor, if it is there and is a matrix.
  func rows(_ name: String) -> Int? {
    guard let index = places[name], model.tensors[index].shape.count == 2 else { return nil }
    return model.tensors[index].shape[0]
  }

  /// The tensor of a name, which must be there and have this shape.
  func index(_ name: String, _ shape: [Int]) throws(EvaluationError) -> Int {
    guard let index = try optional(name, shape) else {
      throw .tensor("\(model.name): there is no tensor \(name), which the forward pass needs")
    }
    return index
  }

  /// The same for a tensor that may be missing.
  func optional(_ name: String, _ shape: [Int]) throws(EvaluationError) -> Int? {
    guard let index = places[name] else { return nil }
    let tensor = model.tensors[index]
    guard tensor.shape == shape else {
      let found = tensor.shape.map(String.init).joined(separator: "×")
      let expected = shape.map(String.init).joined(separator: "×")
      throw .tensor("\(tensor.label): found the shape \(found), expected \(expected)")
    }
    return index
  }
}

/// The tensors of a matrix and its bias.
struct LinearPlace: Sendable {
  let inputs: Int
  let outputs: Int
  let weight: Int
  let bias: Int?

  /// - Parameter name: as in GGUF, without `.weight`.
  init(
    _ name: String, inputs: Int, outputs: Int, _ table: TensorTable
  ) throws(EvaluationError) {
    self.inputs = inputs
    self.outputs = outputs
    weight = try table.index(name + ".weight", [outputs, inputs])
    bias = try table.optional(name + ".bias", [outputs])
  }

  init(inputs: Int, outputs: Int, weight: Int, bias: Int?) {
    self.inputs = inputs
    self.outputs = outputs
    self.weight = weight
    self.bias = bias
  }

  var tensors: [Int] { [weight] + (bias.map { [$0] } ?? []) }

  func load(_ weights: any WeightProvider) throws(EvaluationError) -> Linear {
    var biases: [Float]?
    if let bias { biases = try weights.values(of: bias) }
    return Linear(
      inputs: inputs, outputs: outputs, weights: try weights.values(of: weight), bias: biases,
      tensor: weight)
  }
}
