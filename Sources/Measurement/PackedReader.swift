import ModelFiles
import Quantization

/// Decodes weights that are packed in several tensors, a few rows at a time.
struct PackedReader: Sendable {
  private let model: Model
  private let packing: TensorPacking
  private let form: PackedForm
  private let globalScale: Float

  /// A reader of a tensor, or nil if it isn't packed or can't be decoded.
  init?(model: Model, tensor: Tensor) {
    guard let packing = tensor.packing, let form = Self.form(of: tensor) else { return nil }
    self.model = model
    self.packing = packing
    self.form = form
    globalScale =
      packing.part(.globalScale).map { part in
        var scale: [Float] = [1]
        var room = scale.mutableSpan
        model.withBytes(of: part) { Decode.f32($0, into: &room) }
        return scale[0]
      } ?? 1
  }

  /// Where a row's codes lie across the lines of the file, reading few rows costs as much as many: each line is
  /// another page.
  var leastRows: Int { form.order == .rows ? 1 : 64 }

  /// Decodes whole rows, or a part of one row.
  func read(_ elements: Range<Int>, into weights: inout [Float]) {
    let first = elements.lowerBound / form.columns
    let start = elements.lowerBound % form.columns
    let rows = max(1, elements.count / form.columns)
    let columns = start..<(rows > 1 ? form.columns : min(form.columns, start + elements.count))
    var room = weights.mutableSpan
    withBytes(.codes) { codes in
      withBytes(.scales) { scales in
        withBytes(.zeroPoints) { zeroPoints in
          withBytes(.groupIndex) { groupIndex in
            form.decode(
              rows: first..<first + rows, columns: columns, codes: codes, scales: scales,
              zeroPoints: zeroPoints, groupIndex: groupIndex, globalScale: globalScale,
              into: &room)
          }
        }
      }
    }
  }

  private func withBytes(_ kind: TensorPacking.Kind, _ body: (RawSpan) -> Void) {
    guard let part = packing.part(kind) else { return body(RawSpan()) }
    model.withBytes(of: part, body)
  }

  // MARK: - The form

  /// What is to be computed, from what the parts are; nil if it can't be, or the tensor isn't packed.
  static func form(of tensor: Tensor) -> PackedForm? {
    guard let packing = tensor.packing, let codes = packing.part(.codes),
      let scales = packing.part(.scales), packing.columns == tensor.rowLength,
      let scaleType = scaleType(packing.scheme, scales.source)
    else { return nil }
    var form = PackedForm(
      code: code(packing.scheme, codes.source), rows: tensor.rows, columns: packing.columns,
      groupColumns: packing.groupColumns, scaleColumns: packing.scaleColumns, scaleType: scaleType)
    form.matrixRows = packing.matrixRows
    form.groupRows = packing.groupRows
    form.scaleRows = packing.scaleRows
    form.hasGroupIndex = packing.part(.groupIndex) != nil
    if form.rows > 0 { form.rowByteCount = codes.byteCount / form.rows }
    let hasZeroPoints = packing.part(.zeroPoints) != nil
    switch packing.scheme {
    case .float8, .mxfp8, .mxfp4: break
    case .nvfp4(let isDivided):
      if packing.part(.globalScale) != nil { form.globalScale = isDivided ? .divides : .multiplies }
    case .int8:
      if hasZeroPoints { form.zeroPoint = .signed8 }
    case .packedIntegers(let bits):
      form.zeroPoint =
        hasZeroPoints ? .packed(plusOne: false) : .constant(1 << max(0, bits - 1))
    case .gptq(_, let isFirstFormat):
      form.order = .columns
      form.zeroPoint = .packed(plusOne: isFirstFormat)
    case .awq:
      form.order = .interleaved
      form.zeroPoint = .packed(plusOne: false)
    case .mlx: form.zeroPoint = .bias
    }
    guard let sizes = form.sizes, sizes.codes == codes.byteCount, sizes.scales == scales.byteCount,
      sizes.zeroPoints == packing.part(.zeroPoints)?.byteCount ?? 0,
      sizes.groupIndex == packing.part(.groupIndex)?.byteCount ?? 0
    else { return nil }
    return form
  }

  private static func code(_ scheme: TensorPacking.Scheme, _ source: SourceType) -> PackedForm.Code
  {
    switch scheme {
    case .float8: source == .f8E5M2 ? .f8E5M2 : .f8E4M3
    case .mxfp8: .f8E4M3
    case .mxfp4, .nvfp4: .f4E2M1
    case .int8: .signed8
    case .packedIntegers(let bits), .gptq(let bits, _), .mlx(let bits): .unsigned(bits: bits)
    case .awq: .unsigned(bits: 4)
    }
  }

  private static func scaleType(
    _ scheme: TensorPacking.Scheme, _ source: SourceType
  ) -> PackedForm.ScaleType? {
    switch source {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .f8E4M3: .f8E4M3
    case .f8E8M0: .f8E8M0
    case .u8: if case .nvfp4 = scheme { .f8E4M3 } else { .f8E8M0 }
    default: nil
    }
  }
}
