import Measurement
import ModelFiles
import Quantization
import Synchronization

/// Reads tensors as numbers: as they are stored, or as they come back from a format.
///
/// The same codecs, scans and importance as in measuring and applying: the numbers are those of the quantized model.
public struct WeightSource: Sendable {
  /// The model that is read.
  public let model: Model
  private let importance: ModelImportance?
  let activations: CollectedHessians?
  /// Numbers that stand in the place of those that are stored.
  private var replacements: [Int: [Float]] = [:]

  /// - Parameters:
  ///   - importance: of the model's input channels, for the formats that use it.
  ///   - activations: what flows into the model's matrices, for the formats that need it.
  public init(
    model: Model, importance: ModelImportance? = nil, activations: CollectedHessians? = nil
  ) {
    self.model = model
    self.importance = importance
    self.activations = activations
  }

  /// The same with other numbers in the place of some tensors': all of each, by its index in the model.
  public func replacing(_ values: [Int: [Float]]) -> WeightSource {
    var source = self
    source.replacements.merge(values) { $1 }
    return source
  }

  /// The numbers of a tensor, row by row.
  /// - Parameter format: what it goes through; nil: nothing, as it is stored.
  public func values(of tensor: Tensor, in format: Format?) throws(EvaluationError) -> [Float] {
    try values(of: tensor, in: format, by: Workers(1))
  }

  func values(
    of tensor: Tensor, in format: Format?, by workers: Workers
  ) throws(EvaluationError) -> [Float] {
    if case .integer(let integer)? = format, integer.calibration.needsActivations {
      return try calibrated(tensor, in: integer, by: workers)
    }
    return try rounded(tensor, in: format, by: workers)
  }

  /// Σ(w-ŵ)²/Σw² of a tensor.
  public func error(of tensor: Tensor, in format: Format) throws(EvaluationError) -> Double {
    let weights = try values(of: tensor, in: nil)
    let reconstructed = try values(of: tensor, in: format)
    var sums = ErrorSums()
    sums.add(weights.span, reconstructed.span)
    return sums.figures.nmse
  }

  /// What comes back of a tensor whose weights are encoded each for itself, or by their groups.
  func rounded(
    _ tensor: Tensor, in format: Format?, by workers: Workers
  ) throws(EvaluationError) -> [Float] {
    let importance = format?.usesImportance == true ? self.importance?[tensor] : nil
    guard
      let reader = WeightReader(
        model: model, tensor: tensor,
        wholeRows: format.map { $0.pieceAlignment == nil } ?? false,
        matrices: importance?.matrices ?? 1)
    else {
      throw .tensor("\(tensor.label): \(tensor.sourceName) can't be read as weights")
    }
    if let reason = format?.objection(rowLength: tensor.rowLength) {
      throw .tensor("\(tensor.label): \(reason), so not \(format?.description ?? "")")
    }
    var values = [Float](repeating: 0, count: tensor.weightCount)
    let codec = try format.map { format throws(EvaluationError) in
      try self.codec(format, reader)
    }
    values.withUnsafeMutableBufferPointer { values in
      // Pieces don't overlap.
      nonisolated(unsafe) let values = values
      workers.run(reader.pieceCount) { _, piece in
        var weights: [Float] = []
        let rowLength = read(reader, piece, into: &weights)
        let place = UnsafeMutableBufferPointer(rebasing: values[reader.elements(of: piece)])
        var out = MutableSpan(_unsafeElements: place)
        guard let codec else {
          for index in weights.indices { out[index] = weights[index] }
          return
        }
        let channels = reader.channels(of: piece)
        if let importance, channels.upperBound <= importance.values.count {
          codec.reconstruct(
            weights.span, rowLength: rowLength,
            importance: importance.values.span.extracting(channels), into: &out)
        } else {
          codec.reconstruct(weights.span, rowLength: rowLength, into: &out)
        }
      }
    }
    guard model.isIntact(tensor) else {
      throw .tensor("\(tensor.label): its file was cut short while it was read")
    }
    return values
  }

  /// The weights of a piece; the length of their rows.
  private func read(_ reader: WeightReader, _ piece: Int, into weights: inout [Float]) -> Int {
    let place = reader.elements(of: piece)
    guard let values = replacements[reader.tensor.id], values.count >= place.upperBound else {
      return reader.read(piece: piece, into: &weights)
    }
    weights = Array(values[place])
    return min(reader.tensor.rowLength, place.count)
  }

  /// What encodes, once the whole tensor was looked at where that is needed.
  private func codec(
    _ format: Format, _ reader: WeightReader
  ) throws(EvaluationError) -> any Codec {
    guard var scan = format.scan() else { return format.codec() }
    var weights: [Float] = []
    // A scan needs few passes; one that never ends would be a mistake of ours.
    for _ in 0..<64 {
      for piece in 0..<reader.pieceCount {
        _ = read(reader, piece, into: &weights)
        scan.observe(weights.span)
      }
      if let codec = scan.endPass() { return codec }
    }
    throw .tensor("\(reader.tensor.label): \(format) needs too many passes")
  }
}
