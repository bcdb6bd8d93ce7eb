import Measurement
import ModelFiles
import Quantization
import SampleSupport

/// All the weights of a tensor, read piece by piece.
func weights(of tensor: Tensor, in model: Model) -> [Float] {
  guard let reader = WeightReader(model: model, tensor: tensor) else { return [] }
  var all: [Float] = []
  var piece: [Float] = []
  for index in 0..<reader.pieceCount {
    reader.read(piece: index, into: &piece)
    all += piece
  }
  return all
}

/// A model of one tensor of values that rise by one from -n/2 on.
func ramp(_ shape: [Int]) throws -> (model: Model, values: [Float]) {
  let count = shape.reduce(1, *)
  let values = (0..<count).map { Float($0 - count / 2) }
  return (try SampleModel([SampleTensor("w", shape, values: values)]).open(), values)
}

/// Large enough for several pieces, some rows of which are unlike the others.
func uneven(rows: Int = 300, rowLength: Int = 257, seed: UInt64 = 9) -> [Float] {
  var generator = SeededGenerator(seed: seed)
  return (0..<rows).flatMap { row in
    let width: Float = row % 7 == 0 ? 3 : 0.02
    return (0..<rowLength).map { _ in generator.bell() * width + (row % 5 == 0 ? 0.1 : 0) }
  }
}
