import CKernels
import Foundation
import ModelFiles
import Quantization
import Synchronization

/// What flowed into the matrices of a model on some data, weights as they are stored: what `gptq`, `gptq-act` and `awq`
/// choose codes by.
///
/// The Hessian of each input is kept, not its rows. Matrices that read the same numbers share it.
public final class CollectedHessians: Sendable {
  /// The model.
  public let model: Model
  /// The data's name.
  public let dataset: String
  /// How many sequences or samples were run.
  public let sequences: Int

  /// The inputs of all matrices.
  let inputs: [MatrixInput]
  /// Their Hessians.
  let hessians: [Hessian]
  private let places: [Int: Int]
  private let lookups: Set<Int>
  private let limit: Int
  private let memory = Mutex(Memory())

  /// What was worked out once.
  private struct Memory: Sendable {
    var factors: [FactorKey: InverseFactor?] = [:]
    var factorBytes = 0
    var scales: [ScaleKey: [Float]] = [:]
  }

  private struct FactorKey: Hashable {
    let input: Int
    let isOrdered: Bool
  }

  private struct ScaleKey: Hashable {
    let input: Int
    let format: IntegerFormat
  }

  /// Runs a model on samples.
  /// - Parameters:
  ///   - memoryLimit: the most bytes that Hessians take; a quarter of the machine's memory by default.
  ///   - isCancelled: asked between samples.
  ///   - progress: told the share of the work that is done.
  /// - Throws: why the model can't be run.
  public init(
    _ source: WeightSource, data: EvaluationData, threads: Int, memoryLimit: Int? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }, progress: ((Double) -> Void)? = nil
  ) throws(EvaluationError) {
    let network = try NetworkFinder.network(of: source.model)
    model = source.model
    dataset = data.name
    sequences = data.samples.count
    inputs = network.inputs.flatMap { $0 }
    lookups = Set(network.lookups)
    limit = memoryLimit ?? Int(clamping: ProcessInfo.processInfo.physicalMemory / 4)
    try Self.check(network.inputs, limit: limit, source.model)
    let observers = (0..<Self.parts).map { _ in ProductSums() }
    let run = try StageRun(
      network, source, samples: data.samples, of: data.name, observers: observers,
      threads: threads, isCancelled: isCancelled)
    var hessians: [Hessian] = []
    for (stage, inputs) in network.inputs.enumerated() {
      for observer in observers { observer.watch(inputs.map { ($0.tensors[0], $0.width) }) }
      try run.advance()
      hessians += inputs.map { [lookups] input in
        let found = ProductSums.hessian(of: input.tensors[0], width: input.width, observers)
        return input.tensors.contains(where: lookups.contains) ? found.withLookups : found
      }
      progress?(Double(stage + 1) / Double(network.inputs.count))
    }
    self.hessians = hessians
    var places: [Int: Int] = [:]
    for (place, input) in inputs.enumerated() {
      for tensor in input.tensors { places[tensor] = place }
    }
    self.places = places
  }

  /// In how many parts sums are made: as many threads can be of use.
  private static let parts = 4

  /// What will be kept, and what the parts need for a stage.
  private static func check(
    _ inputs: [[MatrixInput]], limit: Int, _ model: Model
  ) throws(EvaluationError) {
    let stages = inputs.map { $0.reduce(0.0) { $0 + 4 * Double($1.width) * Double($1.width) } }
    let bytes = stages.reduce(0, +) + Double(parts) * (stages.max() ?? 0)
    guard bytes <= Double(limit) else {
      let gibibyte = Double(1 << 30)
      throw .memory(
        "\(model.name): "
          + String(
            format:
              "the Hessians of its layers take %.1f GiB, more than the %.1f GiB that they may",
            bytes / gibibyte, Double(limit) / gibibyte))
    }
  }

  /// Whether it is known what flows into a tensor. Rows that are looked up, not multiplied, count as known: there all
  /// errors are equal.
  public func covers(_ tensor: Tensor) -> Bool {
    places[tensor.id] != nil || lookups.contains(tensor.id)
  }

  /// The tensors that formats which need activations can be had for, by their indices.
  public var tensors: Set<Int> { Set(places.keys).union(lookups) }

  /// The place of a matrix's input; nil for what is looked up, or isn't known.
  func input(of tensor: Int) -> Int? { places[tensor] }

  /// The factor of an input's inverse Hessian; nil if it has none.
  func factor(of input: Int, isOrdered: Bool) -> InverseFactor? {
    let key = FactorKey(input: input, isOrdered: isOrdered)
    return memory.withLock { memory in
      if let known = memory.factors[key] { return known }
      let factor = InverseFactor(
        hessians[input], order: isOrdered ? hessians[input].order : nil)
      let size = (factor?.values.count ?? 0) * MemoryLayout<Float>.stride
      if memory.factorBytes + size > limit / 2 {
        memory.factors = [:]
        memory.factorBytes = 0
      }
      memory.factors[key] = factor
      memory.factorBytes += size
      return factor
    }
  }

  /// The scales of an input's numbers, which `search` finds if they aren't known.
  func scales(
    of input: Int, in format: IntegerFormat, _ search: () throws(EvaluationError) -> [Float]
  ) throws(EvaluationError) -> [Float] {
    let key = ScaleKey(input: input, format: format)
    if let known = memory.withLock({ $0.scales[key] }) { return known }
    let found = try search()
    memory.withLock { $0.scales[key] = found }
    return found
  }
}

/// Sums up products of what goes into matrices.
private final class ProductSums: ActivationObserver {
  private var inputs: [Int: Sums] = [:]

  /// Rows that are multiplied at a time.
  private static let rowsAtOnce = 256

  private struct Sums {
    var products: [Float]
    var magnitudes: [Double]
    var rows = 0
    /// Rows that wait.
    var waiting: [Float] = []

    init(width: Int) {
      products = [Float](repeating: 0, count: width * width)
      magnitudes = [Double](repeating: 0, count: width)
    }
  }

  /// Forgets all, and looks at these tensors from now on.
  func watch(_ tensors: [(tensor: Int, width: Int)]) {
    inputs = [:]
    for (tensor, width) in tensors { inputs[tensor] = Sums(width: width) }
  }

  func observe(
    _ x: UnsafeBufferPointer<Float>, rows: Int, inputs width: Int, of tensor: Int, _ room: Workspace
  ) {
    guard var sums = inputs.removeValue(forKey: tensor) else { return }
    sums.waiting += x.prefix(rows * width)
    if sums.waiting.count >= Self.rowsAtOnce * width { Self.add(&sums, width, room) }
    inputs[tensor] = sums
  }

  private static func add(_ sums: inout Sums, _ width: Int, _ room: Workspace) {
    let rows = sums.waiting.count / width
    guard rows > 0 else { return }
    var turned = room.lend(.scores, rows * width)
    for row in 0..<rows {
      for column in 0..<width {
        let value = sums.waiting[row * width + column]
        turned[column * rows + row] = value
        sums.magnitudes[column] += Double(abs(value))
      }
    }
    sums.products.withUnsafeMutableBufferPointer { out in
      sums.waiting.withUnsafeBufferPointer { x in
        turned.withUnsafeBufferPointer { turned in
          room.multiply(
            bl_product(
              rows: width, columns: width, depth: rows, a: turned.baseAddress, a_stride: rows,
              b: x.baseAddress, b_stride: width, b_is_transposed: false, adds: true,
              out: out.baseAddress, out_stride: width))
        }
      }
    }
    room.take(turned, .scores)
    sums.rows += rows
    sums.waiting.removeAll(keepingCapacity: true)
  }

  /// What all threads have of a tensor.
  static func hessian(of tensor: Int, width: Int, _ observers: [ProductSums]) -> Hessian {
    var products = [Double](repeating: 0, count: width * width)
    var magnitudes = [Double](repeating: 0, count: width)
    var rows = 0
    let room = Workspace()
    for observer in observers {
      guard var sums = observer.inputs.removeValue(forKey: tensor) else { continue }
      add(&sums, width, room)
      for index in products.indices { products[index] += Double(sums.products[index]) }
      for index in magnitudes.indices { magnitudes[index] += sums.magnitudes[index] }
      rows += sums.rows
    }
    let share = 1 / Double(max(1, rows))
    var values = [Float](repeating: 0, count: width * width)
    for row in 0..<width {
      for column in 0...row {
        // A library may round the two halves otherwise.
        let sum = products[row * width + column] + products[column * width + row]
        values[row * width + column] = Float(sum / 2 * share)
        values[column * width + row] = Float(sum / 2 * share)
      }
    }
    return Hessian(width: width, values: values, magnitudes: magnitudes.map { Float($0 * share) })
  }
}
