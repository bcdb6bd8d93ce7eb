/// How weights are stored: the unit in which a plan is made.
///
/// A format is a value: its name says all of it, and two formats are equal if their names are. Families of
/// formats (plain floating-point types, integer grids, block types of ggml) are cases here and entries of
/// `FormatFamily.all`; each family's rules are in its own file.
public enum Format: Hashable, Sendable, CustomStringConvertible {
  /// A plain cast to a floating-point type, without scales.
  case float(FloatFormat)
  /// Integers of 2 to 8 bits with scales, and zero points where affine.
  case integer(IntegerFormat)
  /// A block type of ggml.
  case ggml(GGMLType)

  /// The family's rules for this format.
  private var scheme: any FormatScheme {
    switch self {
    case .float(let format): format
    case .integer(let format): format
    case .ggml(let type): type
    }
  }

  /// The canonical name (DESIGN.md, 4): parts in order, parts at their default left out.
  public var description: String { scheme.description }

  /// The bytes that `rows` rows of `rowLength` weights take: codes, scales, zero points and padding.
  public func storedByteCount(rows: Int, rowLength: Int) -> Int {
    scheme.storedByteCount(rows: rows, rowLength: rowLength)
  }

  /// Why rows of this length can't be stored in this format, in a few words; nil if they can.
  ///
  /// A format is offered only for tensors whose rows it can store. Asked to encode others all the same, a
  /// codec leaves the weights out that don't fit, and reconstructs them as NaN.
  public func objection(rowLength: Int) -> String? { scheme.objection(rowLength: rowLength) }

  /// 8 x stored bytes / weights; 0 where there are no weights.
  public func bitsPerWeight(rows: Int, rowLength: Int) -> Double {
    let weights = Double(rows) * Double(rowLength)
    guard weights > 0 else { return 0 }
    return 8 * Double(storedByteCount(rows: rows, rowLength: rowLength)) / weights
  }

  /// What encodes, decodes and reconstructs weights in this format.
  ///
  /// What holds for a whole tensor goes in here, so that the codec can then be used on its pieces in any
  /// order. `range` is needed by formats with one range for the tensor (`needsTensorRange`) and ignored by
  /// the others; such a format without one takes the range of each piece it is given.
  public func codec(range: ClippingRange? = nil) -> any Codec { scheme.makeCodec(range: range) }

  /// True where `codec(range:)` needs the range that a `RangeFinder` finds over the whole tensor.
  public var needsTensorRange: Bool { scheme.needsTensorRange }

  /// How many weights of a row must be kept together when a row is cut into pieces; nil: the whole row.
  ///
  /// A piece that starts at a multiple of this within its row gives the same result as the whole row.
  public var pieceAlignment: Int? { scheme.pieceAlignment }

  /// Whether encoding takes the importance of input channels into account.
  public var usesImportance: Bool { scheme.usesImportance }

  /// Whether weights can be encoded only with importance. Without it all of them come back as NaN.
  public var needsImportance: Bool { scheme.needsImportance }
}

/// The rules of one format of a family; the family's own type conforms.
protocol FormatScheme: Hashable, Sendable, CustomStringConvertible {
  func storedByteCount(rows: Int, rowLength: Int) -> Int
  func makeCodec(range: ClippingRange?) -> any Codec
  var needsTensorRange: Bool { get }
  var pieceAlignment: Int? { get }
  func objection(rowLength: Int) -> String?
  var usesImportance: Bool { get }
  var needsImportance: Bool { get }
}

extension FormatScheme {
  var usesImportance: Bool { false }
  var needsImportance: Bool { false }
  func objection(rowLength: Int) -> String? { nil }
}
