/// How weights are stored: the unit in which a plan is made.
///
/// A format is a value: its name says all of it, and two formats are equal if their names are. Families of
/// formats (plain floating-point types, integer grids, code books, palettes, ...) are cases here and entries of
/// `FormatFamily.all`; each family's rules are in its own file.
public enum Format: Hashable, Sendable, CustomStringConvertible {
  /// A plain cast to a floating-point type, without scales.
  case float(FloatFormat)
  /// Integers of 2 to 8 bits with scales, and zero points where affine.
  case integer(IntegerFormat)
  /// A block type of ggml.
  case ggml(GGMLType)
  /// Sixteen levels times a scale: the 4-bit types of bitsandbytes.
  case codeBook(CodeBookFormat)
  /// Small floating-point elements times a scale: microscaling types, NVFP4.
  case scaledFloat(ScaledFloatFormat)
  /// Levels that a tensor has for its own.
  case palette(PaletteFormat)
  /// Codes with a scale and a bias for each group: MLX's affine types.
  case mlx(MLXFormat)

  /// The family's rules for this format.
  private var scheme: any FormatScheme {
    switch self {
    case .float(let format): format
    case .integer(let format): format
    case .ggml(let type): type
    case .codeBook(let format): format
    case .scaledFloat(let format): format
    case .palette(let format): format
    case .mlx(let format): format
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
  /// The codec can be used on the pieces of a tensor in any order, unless the format needs a scan of the whole
  /// tensor first: then this one takes each piece it is given for a tensor of its own.
  public func codec() -> any Codec { scheme.makeCodec() }

  /// The passes over the whole tensor that the format needs, which end in its codec; nil where `codec()` will do.
  public func scan() -> (any TensorScan)? { scheme.makeScan() }

  /// How many weights of a row must be kept together when a row is cut into pieces; nil: the whole row.
  ///
  /// A piece that starts at a multiple of this within its row gives the same result as the whole row.
  public var pieceAlignment: Int? { scheme.pieceAlignment }

  /// Whether encoding takes the importance of input channels into account.
  public var usesImportance: Bool { scheme.usesImportance }

  /// Whether weights can be encoded only with importance. Without it all of them come back as NaN.
  public var needsImportance: Bool { scheme.needsImportance }

  /// Whether codes are chosen by what flows through the model on some data. A codec, which knows nothing of that,
  /// takes all input channels for equal.
  public var needsActivations: Bool { scheme.needsActivations }
}

/// The rules of one format of a family; the family's own type conforms.
protocol FormatScheme: Hashable, Sendable, CustomStringConvertible {
  func storedByteCount(rows: Int, rowLength: Int) -> Int
  func makeCodec() -> any Codec
  func makeScan() -> (any TensorScan)?
  var pieceAlignment: Int? { get }
  func objection(rowLength: Int) -> String?
  var usesImportance: Bool { get }
  var needsImportance: Bool { get }
  var needsActivations: Bool { get }
}

extension FormatScheme {
  var usesImportance: Bool { false }
  var needsImportance: Bool { false }
  var needsActivations: Bool { false }
  func makeScan() -> (any TensorScan)? { nil }

  func objection(rowLength: Int) -> String? { nil }
}
