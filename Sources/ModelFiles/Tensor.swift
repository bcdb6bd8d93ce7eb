/// A named array in a model: what its file and its name say of it.
///
/// Its bytes stay in the file.
public struct Tensor: Sendable, Hashable, Identifiable {
  /// The index in `Model.tensors`.
  public let id: Int
  /// The name as in the file; may hold anything.
  public let name: String
  /// The name, safe for a terminal.
  public let label: String
  /// The dimensions, row-major: the last one is contiguous (GGUF lists it first).
  public let shape: [Int]
  /// How the elements are stored; `sourceName` is what to show of it.
  public let source: SourceType
  /// How the weights are packed in several tensors of the files, if they are: `source` is `packed`
  /// then, and `withBytes(of:elements:)` gives nothing.
  public let packing: TensorPacking?
  /// The index in `Model.files`; for packed weights that of their codes.
  public let file: Int
  /// Where the data begins, in bytes from the start of that file; for packed weights their codes.
  ///
  /// Any alignment.
  public let offset: Int
  /// The size of the data in bytes, of all parts of packed weights together.
  public let byteCount: Int
  /// The product of the dimensions; 1 for a scalar.
  public let weightCount: Int
  /// What the tensor does.
  public let role: Role
  /// The index of the repeated block that it belongs to.
  public let block: Int?
  /// The expert of a mixture that it belongs to, by its name; nil where experts are stacked in one
  /// tensor.
  public let expert: Int?
  /// How many experts of a mixture are stacked in it, one after the other; nil where none are.
  public let stackedExperts: Int?
  /// Which of several stacks of blocks it belongs to ("encoder", "decoder", "vision"); nil if the
  /// model has one only, and for the main one.
  public let stack: String?
  /// Whether it is worth quantizing.
  public let suitability: Suitability
  /// The weights of a row, which share a channel's scale: the last dimension; for convolutions
  /// everything but the first; for a vector all of it.
  public let rowLength: Int
  /// The number of rows: `rows * rowLength == weightCount`.
  public let rows: Int

  /// A tensor from its description; what it does is found by its name.
  public init(
    id: Int, name: String, shape: [Int], source: SourceType, file: Int = 0, offset: Int = 0
  ) {
    let weightCount = elementCount(shape) ?? 0
    let stored = StoredTensor(
      name: name, shape: shape, source: source, offset: offset,
      byteCount: source.byteCount(elements: weightCount) ?? 0, weightCount: weightCount)
    var finder = RoleFinder()
    self.init(stored, id: id, file: file, finder.placement(of: name, shape: shape))
  }

  /// The name of the type to show: "BF16", "Q4_K", "GPTQ int4 g128".
  public var sourceName: String { packing?.name ?? source.rawValue }

  init(
    _ stored: StoredTensor, id: Int, file: Int, _ placement: Placement,
    packing: TensorPacking? = nil
  ) {
    self.id = id
    self.file = file
    name = stored.name
    label = stored.name.sanitised
    shape = stored.shape
    source = stored.source
    self.packing = packing
    offset = stored.offset
    byteCount = stored.byteCount
    weightCount = stored.weightCount
    role = placement.role
    block = placement.block
    expert = placement.expert
    stackedExperts = placement.isStackedExperts ? stored.shape.first : nil
    stack = placement.stack
    suitability = .of(
      source: stored.source, role: placement.role, shape: stored.shape, packing: packing,
      partOf: placement.partOf)
    (rows, rowLength) = Self.rows(stored, isStackedExperts: placement.isStackedExperts)
  }

  private static func rows(
    _ stored: StoredTensor, isStackedExperts: Bool
  ) -> (rows: Int, rowLength: Int) {
    let shape = stored.shape
    guard let first = shape.first, let last = shape.last else { return (1, 1) }
    guard shape.count > 1 else { return (1, first) }
    let isConvolution =
      !isStackedExperts && !stored.source.isQuantized
      && (shape.count >= 4 || shape.count == 3 && last < 32)
    if stored.weightCount == 0 {
      return isConvolution ? (first, 0) : (0, last)
    }
    return isConvolution
      ? (first, stored.weightCount / first) : (stored.weightCount / last, last)
  }
}
