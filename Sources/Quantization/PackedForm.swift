/// How a matrix of weights is packed into codes, scales and often zero points that lie apart from each other:
/// the forms of quantized checkpoints in safetensors.
///
/// A weight is (code - zero point) x scale, or code x scale + bias. The matrix has `rows` x `columns` weights,
/// row by row as the layer has them: a row makes one output. Matrices of several experts may lie one after the
/// other. Sources: compressed-tensors 0.20, GPTQModel 7.7, AutoAWQ 0.2.9, MLX 0.32, transformers 5.24.
public struct PackedForm: Hashable, Sendable {
  /// What a code stands for before it is scaled.
  public enum Code: Hashable, Sendable {
    /// A whole number from 0 of 1 to 8 bits, the lowest bits first.
    case unsigned(bits: Int)
    /// A signed byte.
    case signed8
    /// A byte of OCP E4M3.
    case f8E4M3
    /// A byte of OCP E5M2.
    case f8E5M2
    /// Four bits of E2M1, the lower half of a byte first.
    case f4E2M1

    /// The bits of a code.
    public var bits: Int {
      switch self {
      case .unsigned(let bits): bits
      case .signed8, .f8E4M3, .f8E5M2: 8
      case .f4E2M1: 4
      }
    }
  }

  /// How codes follow each other.
  public enum Order: Hashable, Sendable {
    /// Along each row, which begins at a byte.
    case rows
    /// GPTQ: 32-bit words of consecutive weights of one row; a line of them holds one word for each row.
    case columns
    /// AWQ: 32-bit words of one weight of each of eight rows, in the order 0, 2, 4, 6, 1, 3, 5, 7.
    case interleaved
  }

  /// How a scale is stored.
  public enum ScaleType: Hashable, Sendable {
    /// IEEE 754 binary32.
    case f32
    /// IEEE 754 binary16.
    case f16
    /// bfloat16.
    case bf16
    /// OCP E4M3.
    case f8E4M3
    /// A power of two, 2^(byte - 127); 255 is NaN.
    case f8E8M0

    /// The bytes of a scale.
    public var byteCount: Int {
      switch self {
      case .f32: 4
      case .f16, .bf16: 2
      case .f8E4M3, .f8E8M0: 1
      }
    }
  }

  /// What is subtracted from codes, or added.
  public enum ZeroPoint: Hashable, Sendable {
    /// The same for all, stored nowhere.
    case constant(Int)
    /// Codes of the same width, packed across rows into 32-bit words; one more than the code is meant where
    /// `plusOne` (GPTQ's first format).
    case packed(plusOne: Bool)
    /// Signed bytes that lie as the scales do.
    case signed8
    /// Numbers of the scales' type that lie as they do, added to the scaled code.
    case bias
  }

  /// What is done with the one scale of a whole tensor.
  public enum GlobalScale: Hashable, Sendable {
    /// There is none.
    case none
    /// Scales are multiplied with it.
    case multiplies
    /// Scales are divided by it.
    case divides
  }

  /// What a code stands for.
  public var code: Code
  /// How codes follow each other.
  public var order = Order.rows
  /// The rows of all matrices.
  public var rows: Int
  /// The weights of a row.
  public var columns: Int
  /// The bytes from one row's codes to the next, where codes lie along rows.
  public var rowByteCount = 0
  /// The rows of one matrix; scales begin anew with each.
  public var matrixRows: Int
  /// The rows that share a scale.
  public var groupRows = 1
  /// The weights of a row that share a scale.
  public var groupColumns: Int
  /// The scales of a matrix, down and across. `order` says which of both comes first: across is contiguous with
  /// `.rows`, down with the others.
  public var scaleRows: Int
  /// The scales across.
  public var scaleColumns: Int
  /// How scales are stored.
  public var scaleType: ScaleType
  /// What is subtracted or added.
  public var zeroPoint = ZeroPoint.constant(0)
  /// Whether a list of 32-bit numbers says which column of scales each column of weights has.
  public var hasGroupIndex = false
  /// The scale of the whole tensor.
  public var globalScale = GlobalScale.none

  /// A form of one matrix whose scales are shared by groups along its rows.
  public init(
    code: Code, rows: Int, columns: Int, groupColumns: Int, scaleColumns: Int, scaleType: ScaleType
  ) {
    self.code = code
    self.rows = rows
    self.columns = columns
    matrixRows = rows
    self.groupColumns = groupColumns
    scaleRows = rows
    self.scaleColumns = scaleColumns
    self.scaleType = scaleType
    rowByteCount = columns / 8 * code.bits + (columns % 8 * code.bits + 7) / 8
  }
}

extension PackedForm {
  /// The sizes of the parts in bytes.
  public struct Sizes: Hashable, Sendable {
    /// Of the codes.
    public var codes: Int
    /// Of the scales.
    public var scales: Int
    /// Of the zero points or biases; 0 if there are none.
    public var zeroPoints: Int
    /// Of the group index; 0 if there is none.
    public var groupIndex: Int
  }

  /// The sizes of the parts, nil if the form makes no sense: a size that overflows, no rows, groups that
  /// don't cover a row.
  ///
  /// Decoding reads nothing beyond them.
  public var sizes: Sizes? {
    let positive = [rows, columns, matrixRows, groupRows, groupColumns, scaleRows, scaleColumns]
    // Below 2^40 no sum or product with a small number overflows.
    guard positive.allSatisfy({ (1..<1 << 40).contains($0) }), (1...8).contains(code.bits),
      rows % matrixRows == 0, (scaleColumns - 1) < columns,
      (columns - 1) / groupColumns < scaleColumns || hasGroupIndex,
      (matrixRows - 1) / groupRows < scaleRows, isOrderSound
    else { return nil }
    guard
      let codes =
        order == .rows
        ? product(rows, rowByteCount)
        : order == .columns
          ? product(words(columns), rows, 4) : product(columns, rows / 8, 4),
      let count = product(rows / matrixRows, scaleRows, scaleColumns),
      let scales = product(count, scaleType.byteCount)
    else { return nil }
    var zeroPoints: Int? = 0
    switch zeroPoint {
    case .constant: break
    case .packed:
      zeroPoints = product(order == .interleaved ? rows / 8 : words(rows), scaleColumns, 4)
    case .signed8: zeroPoints = count
    case .bias: zeroPoints = scales
    }
    return zeroPoints.map {
      Sizes(
        codes: codes, scales: scales, zeroPoints: $0, groupIndex: hasGroupIndex ? 4 * columns : 0)
    }
  }

  private var isOrderSound: Bool {
    let isOneMatrix = matrixRows == rows && scaleRows == rows && groupRows == 1
    switch order {
    case .rows:
      let needed = columns / 8 * code.bits + (columns % 8 * code.bits + 7) / 8
      if case .packed = zeroPoint, !isOneMatrix { return false }
      return (needed..<1 << 44).contains(rowByteCount)
    case .columns, .interleaved:
      guard case .unsigned(let bits) = code, isOneMatrix else { return false }
      return order == .columns || bits == 4 && rows % 8 == 0
    }
  }

  /// The 32-bit words that so many codes fill.
  func words(_ count: Int) -> Int { count / 32 * code.bits + (count % 32 * code.bits + 31) / 32 }

  private func product(_ factors: Int...) -> Int? {
    var product = 1
    for factor in factors {
      let (next, overflow) = product.multipliedReportingOverflow(by: factor)
      if overflow { return nil }
      product = next
    }
    return product
  }
}
