import CKernels
import Foundation
import ModelFiles
import Quantization
import Synchronization
import Testing

@testable import Evaluation

/// Gradients beside torch's, and beside differences of losses.
@Suite("Gradients")
struct GradientTests {
  /// The weights of a model, all times a factor, some of them others.
  private struct Weights: WeightProvider {
    let source: WeightSource
    var factor: Float = 1
    var others: [Int: [Float]] = [:]

    func values(of tensor: Int) throws(EvaluationError) -> [Float] {
      if let other = others[tensor] { return other }
      return try source.values(of: source.model.tensors[tensor], in: nil).map { $0 * factor }
    }
  }

  /// A file of Golden/gradients with the network and the samples that it is about.
  private struct Golden {
    let json: JSONValue
    let source: WeightSource
    let network: any TrainableNetwork
    let samples: [Sample]
    let targets: [Int]

    init(_ name: String) throws {
      json = try GradientTests.read(name)
      let folder = name == "sequential" ? "gradients/sequential" : name
      source = WeightSource(model: try Model.open(Expected.folder(folder)))
      network = try #require(
        try NetworkFinder.network(of: source.model) as? any TrainableNetwork)
      if let pictures = json["pictures"]?.array {
        samples = pictures.map { .picture(GradientTests.numbers($0)) }
        targets = json["labels"]?.array?.compactMap(\.int) ?? []
      } else {
        let sequences = json["sequences"]?.array?.map { $0.array?.compactMap(\.int) ?? [] } ?? []
        samples = sequences.map { .tokens($0) }
        targets = sequences.flatMap { $0.dropFirst() }
      }
    }

    /// The mean loss over all rows, and the gradients.
    func learn(
      _ loss: TuningLoss, _ weights: Weights, product: MatrixProduct = .best
    ) throws -> (loss: Double, sums: ParameterRow) {
      let room = Workspace(product)
      let layout = ParameterLayout(source.model.tensors.map { ($0.id, $0.weightCount) })
      let sums = ParameterRow(layout)
      let pass = try network.pass(weights)
      let teacher = try network.pass(Weights(source: source, factor: 1.1))
      let base = loss == .kl ? teacher.outputs(of: samples, room) : nil
      let width = teacher.outputs(of: samples, room).count / targets.count
      var row = 0
      let total = pass.learn(from: samples, sums, room) { logits in
        let count = logits.count / width
        defer { row += count }
        return Tuner.loss(
          &logits, base.map { Array($0[row * width..<(row + count) * width]) },
          Array(targets[row..<row + count]), share: 1 / Float(targets.count))
      }
      return (total / Double(targets.count), sums)
    }
  }

  private static func read(_ name: String) throws -> JSONValue {
    let path = try Expected.folder("gradients") + "/\(name).json"
    return try JSONParser.parse([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
  }

  private static func numbers(_ json: JSONValue?) -> [Float] {
    json?.array?.compactMap { $0.double.map { Float($0) } } ?? []
  }

  /// |a - b| / |b|
  private static func difference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    let squares = zip(a, b).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (squares / max(1e-12, b.reduce(0) { $0 + $1 * $1 })).squareRoot()
  }

  @Test(
    arguments: ["llama", "llama3", "mistral", "qwen2", "gemma", "sequential"],
    TuningLoss.allCases)
  func areTorchs(_ name: String, _ loss: TuningLoss) throws {
    let golden = try Golden(name)
    let place = loss == .kl ? 0 : 1
    let expected = try #require(golden.json["losses"]?.array?[place].double)
    for product in [MatrixProduct.best, .own] {
      let found = try golden.learn(loss, Weights(source: golden.source), product: product)
      #expect(abs(found.loss - expected) < 1e-5 * max(1, expected))
      for tensor in golden.source.model.tensors {
        let wanted = Self.numbers(golden.json["gradients"]?[tensor.name]?.array?[place])
        let all = found.sums[tensor.id]
        let kept = stride(from: 0, to: all.count, by: max(1, all.count / 64)).map { all[$0] }
        // In the mean these are a thousand times finer; a key's bias has a gradient of nothing but rounding.
        let isRounding = wanted.allSatisfy { abs($0) < 1e-6 }
        #expect(
          isRounding || Self.difference(kept, wanted) < 1e-4, "\(tensor.name)")
      }
    }
  }

  @Test(arguments: ["llama", "sequential"])
  func areDifferencesOfLosses(_ name: String) throws {
    let golden = try Golden(name)
    let sums = try golden.learn(.ce, Weights(source: golden.source)).sums
    // Along each tensor's own gradient the loss grows by its length; in single precision that shows to a percent.
    for tensor in golden.source.model.tensors {
      let slope = sums[tensor.id]
      let length = slope.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
      guard length > 1e-4 else { continue }
      let stored = try golden.source.values(of: tensor, in: nil)
      func loss(_ distance: Float) throws -> Double {
        var weights = Weights(source: golden.source)
        weights.others[tensor.id] = zip(stored, slope).map { $0 + distance * $1 / length }
        return try golden.learn(.ce, weights).loss
      }
      let step: Float = 0.003
      let rise = Float(try loss(step) - loss(-step)) / (2 * step)
      #expect(abs(rise - length) < 1e-2 * length + 1e-4, "\(tensor.name): \(rise), \(length)")
    }
  }

  @Test func stepsOfAdamAreTorchs() throws {
    let json = try Self.read("adam")
    let gradients = try #require(json["gradients"]?.array).map { Self.numbers($0) }
    let wanted = try #require(json["weights"]?.array).map { Self.numbers($0) }
    let layout = ParameterLayout([(7, 40)])
    let weights = ParameterRow(layout)
    weights[7] = Self.numbers(json["start"])
    var adam = Adam(layout)
    let workers = Workers(2)
    for (gradient, wanted) in zip(gradients, wanted) {
      // Halves of it in two sums.
      let sums = [ParameterRow(layout), ParameterRow(layout)]
      for sum in sums { sum[7] = gradient.map { $0 / 2 } }
      adam.step(weights, sums, rate: 0.01, decay: 0.1, longest: 1, by: workers)
      let worst = zip(weights[7], wanted).map { abs($0 - $1) }.max() ?? 1
      #expect(worst < 1e-6)
    }
  }

  @Test func turnedProductsAreThoseOfTheDefinition() {
    let (rows, columns, depth) = (37, 21, 50)
    let a = (0..<rows * depth).map { Float($0 % 13) - 6 }
    let b = (0..<columns * depth).map { Float($0 % 7) - 3 }
    for product in [MatrixProduct.own, .best] {
      var out = [Float](repeating: 1, count: rows * columns)
      let room = Workspace(product)
      out.withUnsafeMutableBufferPointer { out in
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            room.multiply(
              turned: bl_product(
                rows: rows, columns: columns, depth: depth, a: a.baseAddress, a_stride: rows,
                b: b.baseAddress, b_stride: columns, b_is_transposed: false, adds: true,
                out: out.baseAddress, out_stride: columns))
          }
        }
      }
      for row in 0..<rows {
        for column in 0..<columns {
          let sum = (0..<depth).reduce(Float(1)) {
            $0 + a[$1 * rows + row] * b[$1 * columns + column]
          }
          #expect(out[row * columns + column] == sum)
        }
      }
    }
  }
}
