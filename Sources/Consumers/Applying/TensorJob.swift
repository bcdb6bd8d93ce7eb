import Measurement
import ModelFiles
import Quantization

/// What is made of one tensor of the model, and where it goes in the file that is written.
///
/// It is done in steps, in any order and by several threads, each of which reads some of the weights and writes what
/// becomes of them.
struct TensorJob: Sendable {
  enum Making: Sendable {
    /// The stored bytes as they are.
    case copy
    /// The weights in a format.
    case encode(Format)
    /// What comes back of the weights in a format, in a type of floating-point numbers.
    case reconstruct(Format, in: FloatFormat)
    /// The weights as integers in words of 32 bits, with their scales elsewhere in the file.
    case pack(IntegerFormat, PackedPlaces)
  }

  let tensor: Tensor
  let making: Making
  /// Where its first byte goes.
  let offset: Int
  /// The order in which the rows are written, if it isn't the model's.
  let order: RowPermutation?
  /// What encodes, once the whole tensor was looked at where that is needed.
  var codec: (any Codec)?
  /// The importance of the input channels, those of stacked matrices one after another.
  let importance: [Float]
  let steps: Steps

  /// How the weights are cut into steps.
  enum Steps: Sendable {
    /// Bytes of the source, so many at a time.
    case bytes(Int)
    /// The pieces of the reader.
    case pieces(WeightReader)
    /// So many rows at a time.
    case rows(WeightReader, Int)
    /// So many rows at a time, without looking at the weights.
    case storedRows(Int)
  }

  /// Bytes that are copied at a time.
  private static let copyLength = 1 << 18

  /// - Throws: ``ApplyFailure`` if the weights can't be read.
  init(
    _ tensor: Tensor, _ making: Making, at offset: Int, model: Model,
    order: RowPermutation? = nil, importance: TensorImportance? = nil
  ) throws(ApplyFailure) {
    self.tensor = tensor
    self.making = making
    self.offset = offset
    self.order = order
    self.importance = importance?.values ?? []
    let format = making.format
    codec = format?.scan() == nil ? format?.codec() : nil
    guard let format else {
      steps = order == nil ? .bytes(Self.copyLength) : .storedRows(Self.rowCount(tensor))
      return
    }
    guard
      let reader = WeightReader(
        model: model, tensor: tensor, wholeRows: format.pieceAlignment == nil,
        matrices: importance?.matrices ?? 1)
    else {
      throw ApplyFailure("\(tensor.label): \(tensor.sourceName) can't be read as weights")
    }
    if case .pack = making {
      // Zero points are packed down the columns, 32 to a whole number of words.
      let rows = Self.rowCount(tensor)
      steps = .rows(reader, max(32, rows / 32 * 32))
    } else {
      steps = order == nil ? .pieces(reader) : .rows(reader, Self.rowCount(tensor))
    }
  }

  private static func rowCount(_ tensor: Tensor) -> Int {
    max(1, WeightReader.pieceLength / max(1, tensor.orderedRowLength))
  }

  /// The number of steps.
  var stepCount: Int {
    guard tensor.weightCount > 0 else { return 0 }
    return switch steps {
    case .bytes(let count): (tensor.byteCount + count - 1) / count
    case .pieces(let reader): reader.pieceCount
    case .rows(_, let rows), .storedRows(let rows): (tensor.orderedRows + rows - 1) / rows
    }
  }

  /// About how many weights a step takes.
  var weightsPerStep: Int { tensor.weightCount / max(1, stepCount) }

  /// The rows of a step.
  func rows(of step: Int, _ count: Int) -> Range<Int> {
    step * count..<min(tensor.orderedRows, (step + 1) * count)
  }

  /// Where a row that is written comes from.
  func source(ofRow row: Int) -> Int {
    guard let order else { return row }
    // Checked for the last row when the file was laid out: it fits all.
    return order.source(of: row, sourceRows: tensor.orderedRows) ?? row
  }
}

extension TensorJob.Making {
  /// The format that the weights go through; nil where nobody looks at them.
  var format: Format? {
    switch self {
    case .copy: nil
    case .encode(let format), .reconstruct(let format, _): format
    case .pack(let format, _): .integer(format)
    }
  }
}

extension Tensor {
  /// The rows that can be reordered: of a vector its numbers.
  var orderedRows: Int { shape.count == 1 ? rowLength : rows }
  /// The weights of such a row.
  var orderedRowLength: Int { shape.count == 1 ? 1 : rowLength }
}
