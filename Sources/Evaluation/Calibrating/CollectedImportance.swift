import CKernels
import ModelFiles

/// What the activations of a model were like on some data: the importance of the input channels of its matrices.
public struct CollectedImportance: Sendable {
  /// The sums of squared activations of one tensor's input channels.
  struct Entry: Sendable {
    let tensor: Int
    let sums: [Double]
  }

  private let model: Model
  private let dataset: String
  private let sequences: Int
  private let context: Int
  private let rows: Int
  let entries: [Entry]

  /// Runs a model on the first sequences of some data, weights as they are stored.
  /// - Parameters:
  ///   - isCancelled: asked between blocks and between sequences.
  ///   - progress: told the share of the work that is done.
  /// - Throws: why the model can't be run.
  public init(
    _ source: WeightSource, data: EvaluationData, sequences: Int, threads: Int,
    isCancelled: @escaping @Sendable () -> Bool = { false }, progress: ((Double) -> Void)? = nil
  ) throws(EvaluationError) {
    let network = try NetworkFinder.network(of: source.model)
    if case .classification = network.task {
      throw .setting("\(source.model.name): llama.cpp has no names for a classifier's tensors")
    }
    let samples = Array(data.samples.prefix(sequences))
    let observers = (0..<16).map { _ in SquareSums() }
    let run = try StageRun(
      network, source, samples: samples, of: data.name, observers: observers,
      threads: threads, isCancelled: isCancelled)
    // What goes into the output matrix is left out, as llama-imatrix does it.
    let last = network.stages.count - 1
    for stage in 0..<last {
      try run.advance()
      progress?(Double(stage + 1) / Double(last))
    }
    model = source.model
    dataset = data.name
    self.sequences = samples.count
    var counts = (longest: 0, rows: 0)
    for case .tokens(let tokens) in samples {
      counts = (max(counts.longest, tokens.count), counts.rows + tokens.count)
    }
    (context, rows) = counts
    var sums: [Int: [Double]] = [:]
    for observer in observers {
      for (tensor, squares) in observer.sums {
        sums[tensor] = sums[tensor].map { zip($0, squares).map(+) } ?? squares
      }
    }
    entries = sums.keys.sorted().map { Entry(tensor: $0, sums: sums[$0] ?? []) }
  }

  /// The bytes of an imatrix in GGUF, as `llama-imatrix` writes it and llama-quantize and bitladder read it.
  public var imatrix: [UInt8] {
    let names = GGUFNames(model)
    let named = entries.compactMap { entry in
      names.name(of: model.tensors[entry.tensor].name).map { (name: $0.name, sums: entry.sums) }
    }.sorted { $0.name < $1.name }
    var tensors: [GGUFHeader.Tensor] = []
    var data: [[Float]] = []
    for (name, sums) in named {
      let parts: [(String, [Float])] = [
        ("in_sum2", sums.map { Float($0) }), ("counts", [Float(rows)]),
      ]
      for (part, values) in parts {
        guard
          let tensor = GGUFHeader.Tensor(
            name: "\(name).\(part)", shape: [1, values.count], type: .f32)
        else { continue }
        tensors.append(tensor)
        data.append(values)
      }
    }
    let header = GGUFHeader(
      pairs: [
        GGUFPair("general.type", "imatrix"), GGUFPair("imatrix.datasets", [dataset]),
        GGUFPair("imatrix.chunk_count", UInt32(clamping: sequences)),
        GGUFPair("imatrix.chunk_size", UInt32(clamping: context)),
      ], tensors: tensors)
    var bytes = header.bytes
    for (offset, values) in zip(header.offsets, data) {
      bytes += repeatElement(0, count: offset - bytes.count)
      for value in values {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
      }
    }
    return bytes + repeatElement(0, count: header.byteCount - bytes.count)
  }
}

/// Sums of squares of what went into matrices, by the tensors of these.
private final class SquareSums: ActivationObserver {
  private(set) var sums: [Int: [Double]] = [:]

  func observe(
    _ x: UnsafeBufferPointer<Float>, rows: Int, inputs: Int, of tensor: Int, _ room: Workspace
  ) {
    var own = sums.removeValue(forKey: tensor) ?? [Double](repeating: 0, count: inputs)
    bl_add_squares(x.baseAddress, rows, inputs, &own)
    sums[tensor] = own
  }
}
