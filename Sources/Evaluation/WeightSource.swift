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
  /// Numbers that stand in the place of those that are stored.
  private var replacements: [Int: [Float]] = [:]

  /// - Parameter importance: of the model's input channels, for the formats that use it.
  public init(model: Model, importance: ModelImportance? = nil) {
    self.model = model
    self.importance = importance
  }

  /// The same with other numbers in the place of some tensors': all of each, by its index in the model.
  public func replacing(_ values: [Int: [Float]]) -> WeightSource {
    var source = self
    source.replacements.merge(values) { $1 }
    return source
  }

  /// Σ(w-ŵ)²/Σw² over all tensors that can be read, w another source's weights as they are stored.
  /// - Parameter formats: what each tensor goes through here, by its index.
  public func relativeError(
    _ formats: [Format?], against other: WeightSource
  ) throws(EvaluationError) -> Double {
    let sums = try errorSums(model.tensors, formats, against: other, by: Workers(1))
    return sums.squares > 0 ? sums.errors / sums.squares : 0
  }

  /// Σ(w-ŵ)², Σw² and the number of weights, over those of some tensors that can be read.
  func errorSums(
    _ tensors: [Tensor], _ formats: [Format?], against other: WeightSource, by workers: Workers
  ) throws(EvaluationError) -> (errors: Double, squares: Double, count: Int) {
    var sums = (errors: 0.0, squares: 0.0, count: 0)
    for tensor in tensors where WeightReader.canRead(tensor) && tensor.id < formats.count {
      let exact = try other.values(of: other.model.tensors[tensor.id], in: nil, by: workers)
      let found = try values(of: tensor, in: formats[tensor.id], by: workers)
      for (w, v) in zip(exact, found) where w.isFinite {
        sums.errors += (Double(w) - Double(v)) * (Double(w) - Double(v))
        sums.squares += Double(w) * Double(w)
        sums.count += 1
      }
    }
    return sums
  }

  /// The numbers of a tensor, row by row.
  /// - Parameter format: what it goes through; nil: nothing, as it is stored.
  public func values(of tensor: Tensor, in format: Format?) throws(EvaluationError) -> [Float] {
    try values(of: tensor, in: format, by: Workers(1))
  }

  func values(
    of tensor: Tensor, in format: Format?, by workers: Workers
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
