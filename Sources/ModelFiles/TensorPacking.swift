/// How weights that were quantized before lie in several tensors of their files: codes, scales, and
/// often zero points and more.
///
/// The catalogue shows them as one tensor of the shape that the layer has; this is what it takes to
/// read it. Shapes and types of the parts fit each other: that was checked when the model was opened.
public struct TensorPacking: Sendable, Hashable {
  /// What the codes and scales mean.
  public enum Scheme: Sendable, Hashable {
    /// Bytes of 8-bit floating point with scales for blocks, rows or the whole tensor.
    case float8
    /// The microscaling type: bytes of E4M3 with a power of two for each 32.
    case mxfp8
    /// The microscaling type: E2M1 with a power of two for each 32.
    case mxfp4
    /// NVIDIA's type: E2M1 with a scale of E4M3 for each 16, and mostly one for the tensor, which
    /// scales are divided by (compressed-tensors) or multiplied with (ModelOpt).
    case nvfp4(isDivided: Bool)
    /// Signed bytes with scales.
    case int8
    /// compressed-tensors: codes along rows, about the middle of their range or about zero points
    /// packed down the columns.
    case packedIntegers(bits: Int)
    /// GPTQ: codes packed along the inputs; the first format (`gptq`) stores zero points less one.
    case gptq(bits: Int, isFirstFormat: Bool)
    /// AWQ of the kind gemm: 4-bit codes packed along the outputs in an order of their own.
    case awq
    /// MLX: codes along rows, with a scale and a bias for each group.
    case mlx(bits: Int)
  }

  /// A tensor of the file that is part of the packed one.
  public struct Part: Sendable, Hashable {
    /// What it is in the whole.
    public let kind: Kind
    /// Its name in the file.
    public let name: String
    /// Its own type.
    public let source: SourceType
    /// Its own shape.
    public let shape: [Int]
    /// The index in `Model.files`.
    public let file: Int
    /// Where its data begins, in bytes from the start of that file.
    public let offset: Int
    /// The size of its data in bytes.
    public let byteCount: Int
  }

  /// What a part is.
  public enum Kind: Sendable, Hashable {
    /// The codes; always the first part.
    case codes
    /// The scales, one for each group.
    case scales
    /// Zero points, or biases.
    case zeroPoints
    /// The group of each input, where they don't follow each other.
    case groupIndex
    /// The one scale for all of it.
    case globalScale
    /// The shape, stored because the codes are padded.
    case shape
  }

  /// What the codes and scales mean.
  public let scheme: Scheme
  /// The tensors it consists of, the codes first.
  public let parts: [Part]
  /// The rows of each matrix, for there may be several: scales begin anew with each.
  public let matrixRows: Int
  /// The weights of a row.
  public let columns: Int
  /// The rows that share a scale.
  public let groupRows: Int
  /// The weights of a row that share a scale.
  public let groupColumns: Int
  /// The lines of scales for each matrix.
  public let scaleRows: Int
  /// The scales in such a line.
  public let scaleColumns: Int

  /// The name shown as the type: "GPTQ int4 g128", "F8_E4M3 128x128", "MXFP4".
  public let name: String

  init(_ form: PackingForms.Form, matrixRows: Int, columns: Int) {
    scheme = form.scheme
    parts = form.parts
    self.matrixRows = matrixRows
    self.columns = columns
    groupRows = form.groupRows
    groupColumns = form.groupColumns
    scaleRows = form.scaleRows
    scaleColumns = form.scaleColumns
    name = Self.name(form, matrixRows: matrixRows, columns: columns)
  }

  /// The part of this kind, if there is one.
  public func part(_ kind: Kind) -> Part? { parts.first { $0.kind == kind } }

  private static func name(
    _ form: PackingForms.Form, matrixRows: Int, columns: Int
  ) -> String {
    let isWholeRow = form.groupColumns >= columns
    let granularity =
      isWholeRow && form.groupRows >= matrixRows && matrixRows > 1
      ? "tensor"
      : form.groupRows > 1
        ? "\(form.groupRows)x\(form.groupColumns)"
        : isWholeRow ? "channel" : "g\(form.groupColumns)"
    return switch form.scheme {
    case .float8: "\(form.parts[0].source) \(granularity)"
    case .mxfp8: "MXFP8"
    case .mxfp4: "MXFP4"
    case .nvfp4: "NVFP4"
    case .int8: "int8 \(granularity)"
    case .packedIntegers(let bits): "int\(bits) \(granularity)"
    case .gptq(let bits, _): "GPTQ int\(bits) \(granularity)"
    case .awq: "AWQ int4 \(granularity)"
    case .mlx(let bits): "MLX int\(bits) \(granularity)"
    }
  }
}

extension Model {
  /// The bytes of a part of a packed tensor, whole; none if its file was cut short meanwhile.
  public func withBytes<R>(of part: TensorPacking.Part, _ body: (RawSpan) throws -> R) rethrows -> R
  {
    guard files.indices.contains(part.file) else { return try body(RawSpan()) }
    return try files[part.file].withBytes(in: part.offset..<part.offset + part.byteCount, body)
  }
}
