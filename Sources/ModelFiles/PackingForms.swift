/// Parts that don't make up packed weights, and why, in a few words.
struct Misfit: Error {
  var text: String
}

/// Recognises the forms of packed weights by the names, types and shapes of their parts.
///
/// Each function takes tensors whose sizes in bytes were checked against their shapes, and checks
/// what they are to each other.
struct PackingForms {
  typealias Part = TensorPacking.Part

  /// What a form was found to be.
  struct Form {
    var scheme: TensorPacking.Scheme
    var parts: [Part]
    /// The shape of the logical tensor.
    var shape: [Int]
    var groupRows = 1
    var groupColumns: Int
    var scaleRows: Int
    var scaleColumns: Int
  }

  var configuration: QuantizationConfiguration

  private static let floats: Set<SourceType> = [.f32, .f16, .bf16]
  private static let words: Set<SourceType> = [.i32, .u32]

  /// The 32-bit words that so many codes fill.
  static func words(_ count: Int, bits: Int) -> Int {
    count / 32 * bits + (count % 32 * bits + 31) / 32
  }

  // MARK: - GPTQ and AWQ

  func gptq(
    codes: Part, zeroPoints: Part?, scales: Part?, groupIndex: Part?
  ) throws(Misfit) -> Form {
    guard let scales, let zeroPoints else {
      throw Misfit(text: "no \(scales == nil ? "scales" : "qzeros")")
    }
    try check(codes, Self.words, rank: 2)
    try check(scales, Self.floats, rank: 2)
    try check(zeroPoints, Self.words, rank: 2)
    let (lines, rows) = (codes.shape[0], codes.shape[1])
    let groups = scales.shape[0]
    guard scales.shape[1] == rows, zeroPoints.shape[0] == groups else {
      throw Misfit(text: shapes(codes, zeroPoints, scales))
    }
    if let groupIndex { try check(groupIndex, [.i32], rank: 1) }
    let format = configuration.format ?? "gptq"
    guard format == "gptq" || format == "gptq_v2" else {
      throw Misfit(text: "the format \(format.sanitised)")
    }
    let possible = [2, 3, 4, 8].filter { bits in
      zeroPoints.shape[1] == Self.words(rows, bits: bits)
        && (groupIndex.map { Self.words($0.shape[0], bits: bits) == lines }
          ?? (lines % bits == 0))
    }
    guard
      let bits = possible.first(where: { $0 == configuration.bits })
        ?? (possible.count == 1 ? possible[0] : nil)
    else { throw Misfit(text: shapes(codes, zeroPoints, scales)) }
    let columns = groupIndex?.shape[0] ?? lines / bits * 32
    return Form(
      scheme: .gptq(bits: bits, isFirstFormat: format == "gptq"),
      parts: [codes, scales, zeroPoints] + (groupIndex.map { [$0] } ?? []),
      shape: [rows, columns],
      groupColumns: try groupColumns(columns, groups, isIndexed: groupIndex != nil),
      scaleRows: rows, scaleColumns: groups)
  }

  func awq(codes: Part, zeroPoints: Part?, scales: Part?) throws(Misfit) -> Form {
    guard let scales, let zeroPoints else {
      throw Misfit(text: "no \(scales == nil ? "scales" : "qzeros")")
    }
    try check(codes, Self.words, rank: 2)
    try check(scales, Self.floats, rank: 2)
    try check(zeroPoints, Self.words, rank: 2)
    if let format = configuration.format, format != "gemm" {
      throw Misfit(text: "the format \(format.sanitised)")
    }
    let (columns, rows) = (codes.shape[0], scales.shape[1])
    let groups = scales.shape[0]
    guard rows % 8 == 0, codes.shape[1] == rows / 8, zeroPoints.shape == [groups, rows / 8] else {
      throw Misfit(text: shapes(codes, zeroPoints, scales))
    }
    return Form(
      scheme: .awq, parts: [codes, scales, zeroPoints], shape: [rows, columns],
      groupColumns: try groupColumns(columns, groups, isIndexed: false), scaleRows: rows,
      scaleColumns: groups)
  }

  /// The inputs that share a scale: as configured, if that makes so many groups, else in equal parts.
  private func groupColumns(
    _ columns: Int, _ groups: Int, isIndexed: Bool
  ) throws(Misfit) -> Int {
    if let size = configuration.groupSize, (columns - 1) / size + 1 == groups { return size }
    guard groups <= columns, isIndexed || columns % groups == 0 else {
      throw Misfit(text: "\(groups) groups of \(columns) weights")
    }
    return (columns - 1) / groups + 1
  }

  // MARK: - compressed-tensors

  /// - Parameter stored: the numbers in `weight_shape`.
  func packedIntegers(
    codes: Part, scales: Part?, zeroPoints: Part?, groupIndex: Part?, shape: Part?, stored: [Int]?
  ) throws(Misfit) -> Form {
    guard let scales else { throw Misfit(text: "no weight_scale") }
    try check(codes, Self.words, rank: 2)
    let (rows, lines) = (codes.shape[0], codes.shape[1])
    if let stored, stored.count != 2 || stored[0] != rows || !(1...1 << 40).contains(stored[1]) {
      throw Misfit(text: "weight_shape says \(shown(stored)) of \(shown(codes.shape))")
    }
    let widths = configuration.widths
    let possible = (1...8).filter { bits in
      let columns = stored?[1] ?? lines / bits * 32
      return Self.words(columns, bits: bits) == lines && (widths.isEmpty || widths.contains(bits))
    }
    guard possible.count == 1 || stored != nil, let bits = possible.last else {
      let width = stored.map { "\($0[1])" } ?? "unknown"
      throw Misfit(text: "rows of \(lines) words for \(width) weights")
    }
    let columns = stored?[1] ?? lines / bits * 32
    let grid = try grid(scales, Self.floats, rows: rows, columns: columns)
    var parts = [codes, scales]
    if let zeroPoints {
      let expected = [Self.words(rows, bits: bits), grid.across]
      guard grid.down == rows, Self.words.contains(zeroPoints.source),
        zeroPoints.shape == expected
      else { throw Misfit(text: shapes(codes, zeroPoints, scales)) }
      parts.append(zeroPoints)
    }
    if let groupIndex {
      try check(groupIndex, [.i32], rank: 1)
      guard groupIndex.shape == [columns], grid.down == rows else {
        throw Misfit(text: "weight_g_idx is \(shown(groupIndex.shape))")
      }
      parts.append(groupIndex)
    }
    if let shape { parts.append(shape) }
    return Form(
      scheme: .packedIntegers(bits: bits), parts: parts, shape: [rows, columns],
      groupRows: grid.down == 1 ? rows : 1, groupColumns: columns / grid.across,
      scaleRows: grid.down, scaleColumns: grid.across)
  }

  func int8(codes: Part, scales: Part, zeroPoints: Part?) throws(Misfit) -> Form {
    try check(codes, [.i8], rank: 2)
    let (rows, columns) = (codes.shape[0], codes.shape[1])
    let grid = try grid(scales, Self.floats, rows: rows, columns: columns)
    if let zeroPoints, zeroPoints.source != .i8 || zeroPoints.shape != scales.shape {
      throw Misfit(text: shapes(codes, zeroPoints, scales))
    }
    return Form(
      scheme: .int8, parts: [codes, scales] + (zeroPoints.map { [$0] } ?? []),
      shape: codes.shape, groupRows: grid.down == 1 ? rows : 1,
      groupColumns: columns / grid.across, scaleRows: grid.down, scaleColumns: grid.across)
  }

  /// Scales for the whole matrix, for rows, or for equal groups along rows.
  private func grid(
    _ scales: Part, _ types: Set<SourceType>, rows: Int, columns: Int
  ) throws(Misfit) -> (down: Int, across: Int) {
    try check(scales, types, rank: nil)
    if scales.shape.allSatisfy({ $0 == 1 }) { return (1, 1) }
    let across = scales.shape.count == 2 ? scales.shape[1] : 1
    guard scales.shape.count <= 2, scales.shape[0] == rows, columns % across == 0 else {
      throw Misfit(text: "scales \(shown(scales.shape)) for \(shown([rows, columns]))")
    }
    return (rows, across)
  }

  // MARK: - Floating point

  func float8(codes: Part, scales: Part) throws(Misfit) -> Form {
    try check(codes, [.f8E4M3, .f8E5M2], rank: nil)
    try check(scales, Self.floats.union([.f8E8M0]), rank: nil)
    let shape = codes.shape
    guard shape.count >= 2 else { throw Misfit(text: "codes of shape \(shown(shape))") }
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    func form(_ block: (rows: Int, columns: Int)) -> Form? {
      let (down, across) = ((rows - 1) / block.rows + 1, (columns - 1) / block.columns + 1)
      // Dimensions of 1 at the end are written or left out.
      let grid = shape.dropLast(2) + [down, across]
      guard trimmed(grid) == trimmed(scales.shape[...]) else { return nil }
      return Form(
        scheme: .float8, parts: [codes, scales], shape: shape, groupRows: block.rows,
        groupColumns: block.columns, scaleRows: down, scaleColumns: across)
    }
    let candidates = [
      configuration.block, (rows, columns), (1, columns), (128, 128), (1, 128),
    ].compactMap(\.self)
    for block in candidates {
      if let form = form(block) { return form }
    }
    throw Misfit(text: "scales \(shown(scales.shape)) for \(shown(shape))")
  }

  /// gpt-oss: blocks of 16 bytes, which are 32 weights.
  func blocks(codes: Part, scales: Part?) throws(Misfit) -> Form {
    guard let scales else { throw Misfit(text: "no _scales") }
    try check(codes, [.u8], rank: nil)
    try check(scales, [.u8, .f8E8M0], rank: nil)
    guard codes.shape.count >= 3, codes.shape.last == 16,
      scales.shape == Array(codes.shape.dropLast())
    else { throw Misfit(text: shapes(codes, scales)) }
    return try groups(.mxfp4, [codes, scales], leading: codes.shape.dropLast(2), bits: 4)
  }

  /// Four-bit floats along rows: two in a byte, or eight in MLX's words.
  ///
  /// Scales of a byte's type decide: a power of two for MXFP4, E4M3 for NVFP4.
  func float4(codes: Part, scales: Part?, global: Part?, isDivided: Bool) throws(Misfit) -> Form {
    guard let scales else { throw Misfit(text: "no scales") }
    try check(codes, [.u8], rank: nil)
    try check(scales, [.u8, .f8E8M0, .f8E4M3], rank: nil)
    let leading = codes.shape.dropLast()
    if scales.source != .f8E4M3 {
      return try groups(.mxfp4, [codes, scales], leading: leading, bits: 4, size: 32)
    }
    if let global {
      try check(global, [.f32], rank: nil)
      guard global.shape.allSatisfy({ $0 == 1 }) else { throw Misfit(text: shapes(global)) }
    }
    return try groups(
      .nvfp4(isDivided: isDivided), [codes, scales] + (global.map { [$0] } ?? []),
      leading: leading, bits: 4, size: 16)
  }

  // MARK: - MLX

  func mlx(codes: Part, scales: Part, biases: Part?, module: String) throws(Misfit) -> Form {
    guard let (bits, groupSize, mode) = configuration.mlx(of: module) else {
      throw Misfit(text: "config.json says nothing of its bits")
    }
    try check(codes, [.u32], rank: nil)
    let leading = codes.shape.dropLast()
    switch mode {
    case "affine":
      guard let biases else { throw Misfit(text: "no biases") }
      try check(scales, Self.floats, rank: nil)
      guard biases.source == scales.source, biases.shape == scales.shape else {
        throw Misfit(text: shapes(scales, biases))
      }
      return try groups(
        .mlx(bits: bits), [codes, scales, biases], leading: leading, bits: bits, size: groupSize)
    case "mxfp4" where bits == 4, "mxfp8" where bits == 8, "nvfp4" where bits == 4:
      try check(scales, [.u8], rank: nil)
      let scheme: TensorPacking.Scheme =
        mode == "mxfp4" ? .mxfp4 : mode == "mxfp8" ? .mxfp8 : .nvfp4(isDivided: false)
      return try groups(scheme, [codes, scales], leading: leading, bits: bits, size: groupSize)
    default: throw Misfit(text: "the mode \(mode.sanitised)")
    }
  }

  /// Codes along rows without padding, with scales for equal groups.
  private func groups(
    _ scheme: TensorPacking.Scheme, _ parts: [Part], leading: ArraySlice<Int>, bits: Int,
    size: Int? = nil
  ) throws(Misfit) -> Form {
    let (codes, scales) = (parts[0], parts[1])
    let rows = leading.reduce(1, *)
    guard !leading.isEmpty, scales.shape.count == leading.count + 1,
      scales.shape.dropLast() == leading, codes.byteCount / rows * 8 % bits == 0
    else { throw Misfit(text: shapes(codes, scales)) }
    let columns = codes.byteCount / rows * 8 / bits
    let across = scales.shape[leading.count]
    guard columns % across == 0, size == nil || columns / across == size else {
      throw Misfit(text: "\(across) scales for rows of \(columns) weights")
    }
    return Form(
      scheme: scheme, parts: parts, shape: leading + [columns], groupColumns: columns / across,
      scaleRows: rows, scaleColumns: across)
  }

  // MARK: - Checks

  private func trimmed(_ shape: ArraySlice<Int>) -> ArraySlice<Int> {
    shape.prefix((shape.lastIndex { $0 != 1 } ?? shape.startIndex - 1) + 1 - shape.startIndex)
  }

  /// Checks a part's type and rank, and that it isn't empty.
  private func check(_ part: Part, _ types: Set<SourceType>, rank: Int?) throws(Misfit) {
    guard types.contains(part.source), rank == nil || part.shape.count == rank,
      !part.shape.contains(0)
    else { throw Misfit(text: shapes(part)) }
  }

  private func shapes(_ parts: Part...) -> String {
    let words = parts.map { part in
      let name = part.name.split(separator: ".").last.map(String.init) ?? part.name
      return "\(name.sanitised) \(shown(part.shape)) \(part.source)"
    }
    return words.joined(separator: ", ")
  }
}
