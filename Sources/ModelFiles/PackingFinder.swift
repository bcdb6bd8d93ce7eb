/// Finds the weights of a model that are packed in several tensors, and joins their parts.
///
/// What isn't decoded, or doesn't fit, stays as the files have it, with a reason.
struct PackingFinder {
  /// What becomes of a tensor of the files; of most nothing.
  enum Verdict {
    /// It holds the codes of this packed tensor and stands for all of it.
    case joined(StoredTensor, TensorPacking)
    /// It is part of a packed tensor.
    case absorbed
    /// It is part of packed weights that stay as they are, and why.
    case left(String)
  }

  /// By the position of a tensor among those of all files.
  private(set) var verdicts: [Int: Verdict] = [:]

  private let forms: PackingForms
  private let contents: [FileContents]
  private let files: [MappedFile]
  private let firsts: [Int]
  private var positions: [String: Int] = [:]
  private var joined: Set<String> = []

  init(
    _ contents: [FileContents], files: [MappedFile], configuration: QuantizationConfiguration
  ) {
    self.contents = contents
    self.files = files
    forms = PackingForms(configuration: configuration)
    var first = 0
    firsts = contents.map { content in
      defer { first += content.tensors.count }
      return first
    }
    var marks: [(position: Int, mark: Mark)] = []
    for (file, content) in contents.enumerated() {
      for (index, tensor) in content.tensors.enumerated() {
        if let mark = Mark(tensor.name) { marks.append((firsts[file] + index, mark)) }
      }
    }
    guard !marks.isEmpty else { return }
    index()
    for (position, mark) in marks where verdicts[position] == nil { judge(position, mark) }
  }

  private mutating func index() {
    positions.reserveCapacity(contents.reduce(0) { $0 + $1.tensors.count })
    for (file, content) in contents.enumerated() {
      for (index, tensor) in content.tensors.enumerated() {
        positions[tensor.name] = firsts[file] + index
      }
    }
  }

  // MARK: - Names

  /// A name by which packed weights are known, in the order in which names are tried.
  private enum Mark: CaseIterable {
    case qweight, weightPacked, scaleInverse, scale, blocks, scales
    case bitsandbytes, bitsandbytes8, hqq, exl2, exl3, torchao, aqlm

    var end: String {
      switch self {
      case .qweight: ".qweight"
      case .weightPacked: ".weight_packed"
      case .scaleInverse: "_scale_inv"
      case .scale: "_scale"
      case .blocks: "_blocks"
      case .scales: ".scales"
      case .bitsandbytes: ".weight.absmax"
      case .bitsandbytes8: ".SCB"
      case .hqq: ".W_q"
      case .exl2: ".q_weight"
      case .exl3: ".trellis"
      case .torchao: "weight_qdata"
      case .aqlm: ".codebooks"
      }
    }

    /// The last letters of all ends, so that most names are passed by at a glance.
    private static let lastBytes = Set(allCases.compactMap(\.end.utf8.last))

    init?(_ name: String) {
      guard let last = name.utf8.last, Self.lastBytes.contains(last),
        let mark = Self.allCases.first(where: { name.hasSuffix($0.end) })
      else { return nil }
      self = mark
    }
  }

  /// The position of a tensor by its name, unless it is taken.
  private func position(_ name: String) -> Int? {
    positions[name].flatMap { verdicts[$0] == nil ? $0 : nil }
  }

  private func stored(_ position: Int) -> (tensor: StoredTensor, file: Int) {
    var file = (firsts.firstIndex { $0 > position } ?? firsts.count) - 1
    while contents[file].tensors.isEmpty { file -= 1 }
    return (contents[file].tensors[position - firsts[file]], file)
  }

  private func part(_ kind: TensorPacking.Kind, _ name: String) -> TensorPacking.Part? {
    position(name).map { part(kind, $0) }
  }

  private func part(_ kind: TensorPacking.Kind, _ position: Int) -> TensorPacking.Part {
    let (tensor, file) = stored(position)
    return TensorPacking.Part(
      kind: kind, name: tensor.name, source: tensor.source, shape: tensor.shape, file: file,
      offset: tensor.offset, byteCount: tensor.byteCount)
  }

  // MARK: - Judging

  private mutating func judge(_ position: Int, _ mark: Mark) {
    let name = stored(position).tensor.name
    let stem = String(name.dropLast(mark.end.count))
    let codes = part(.codes, position)
    switch mark {
    case .qweight: judgeWords(codes, stem)
    case .weightPacked: judgeCompressed(codes, stem)
    case .scaleInverse, .scale: judgeScaled(scales: part(.scales, position), stem)
    case .blocks:
      guard let scales = part(.scales, stem + "_scales") else { return }
      join("MXFP4", as: stem, [codes, scales]) { forms throws(Misfit) in
        try forms.blocks(codes: codes, scales: scales)
      }
    case .scales: judgeMLX(scales: part(.scales, position), stem)
    case .bitsandbytes:
      let kinds = ["nf4", "fp4"].filter {
        positions["\(stem).weight.quant_state.bitsandbytes__\($0)"] != nil
      }
      leave(
        "bitsandbytes \(kinds.first ?? "4 bits")", stem + ".weight",
        ["", ".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map"]
          + kinds.map { ".quant_state.bitsandbytes__\($0)" })
    case .bitsandbytes8: leave("bitsandbytes int8", stem, [".weight", ".SCB", ".weight_format"])
    case .hqq:
      leave("HQQ", stem, [".W_q", ".scale", ".zero", ".meta", ".nbits", ".group_size", ".axis"])
    case .exl2:
      leave(
        "EXL2", stem,
        [
          ".q_weight", ".q_scale", ".q_scale_max", ".q_groups", ".q_perm", ".q_invperm",
          ".q_group_map",
        ])
    case .exl3:
      leave("EXL3", stem, [".trellis", ".suh", ".svh", ".su", ".sv", ".mcg", ".mul1"])
    case .torchao:
      leave("torchao", stem, ["weight_qdata", "weight_scale", "weight_zero_point"])
    case .aqlm: leave("AQLM", stem, [".codebooks", ".codes", ".scales"])
    }
  }

  /// GPTQ or AWQ, which share their names: their shapes tell.
  private mutating func judgeWords(_ codes: TensorPacking.Part, _ stem: String) {
    let scales = part(.scales, stem + ".scales")
    let zeroPoints = part(.zeroPoints, stem + ".qzeros")
    let groupIndex = part(.groupIndex, stem + ".g_idx")
    let parts = [codes, scales, zeroPoints, groupIndex].compactMap(\.self)
    let isAsWide = scales?.shape.last == codes.shape.last
    let isAWQ = scales == nil ? forms.configuration.method == "awq" : !isAsWide
    join(isAWQ ? "AWQ" : "GPTQ", as: stem + ".weight", parts) { forms throws(Misfit) in
      isAWQ
        ? try forms.awq(codes: codes, zeroPoints: zeroPoints, scales: scales)
        : try forms.gptq(
          codes: codes, zeroPoints: zeroPoints, scales: scales, groupIndex: groupIndex)
    }
  }

  private mutating func judgeCompressed(_ codes: TensorPacking.Part, _ stem: String) {
    let scales = part(.scales, stem + ".weight_scale")
    let global = part(.globalScale, stem + ".weight_global_scale")
    let zeroPoints = part(.zeroPoints, stem + ".weight_zero_point")
    let groupIndex = part(.groupIndex, stem + ".weight_g_idx")
    let shape = part(.shape, stem + ".weight_shape")
    let parts = [codes, scales, zeroPoints, groupIndex, shape, global].compactMap(\.self)
    let stored = shape.map(numbers)
    join("compressed-tensors", as: stem + ".weight", parts) { forms throws(Misfit) in
      codes.source == .u8
        ? try forms.float4(codes: codes, scales: scales, global: global, isDivided: true)
        : try forms.packedIntegers(
          codes: codes, scales: scales, zeroPoints: zeroPoints, groupIndex: groupIndex,
          shape: shape, stored: stored)
    }
  }

  /// Weights under their own name, with scales beside them.
  private mutating func judgeScaled(scales: TensorPacking.Part, _ stem: String) {
    guard let codes = part(.codes, stem) else { return }
    let zeroPoints = part(.zeroPoints, stem + "_zero_point")
    let global = part(.globalScale, stem + "_scale_2")
    let parts = [codes, scales]
    switch codes.source {
    case .f8E4M3, .f8E5M2:
      join("\(codes.source)", as: stem, parts) { forms throws(Misfit) in
        try forms.float8(codes: codes, scales: scales)
      }
    case .i8:
      join("int8", as: stem, parts + [zeroPoints].compactMap(\.self)) { forms throws(Misfit) in
        try forms.int8(codes: codes, scales: scales, zeroPoints: zeroPoints)
      }
    case .u8:
      let method = forms.configuration.method.map(\.sanitised) ?? "packed weights"
      let isFloat4 = [.f8E4M3, .u8, .f8E8M0].contains(scales.source)
      join(isFloat4 ? "FP4" : method, as: stem, parts + [global].compactMap(\.self)) {
        forms throws(Misfit) in
        try forms.float4(codes: codes, scales: scales, global: global, isDivided: false)
      }
    default: return
    }
  }

  private mutating func judgeMLX(scales: TensorPacking.Part, _ stem: String) {
    guard let codes = part(.codes, stem + ".weight"), codes.source == .u32 else { return }
    let biases = part(.zeroPoints, stem + ".biases")
    join("MLX", as: codes.name, [codes, scales, biases].compactMap(\.self)) {
      forms throws(Misfit) in
      try forms.mlx(codes: codes, scales: scales, biases: biases, module: stem)
    }
  }

  /// The whole numbers in a short part; none if it is no short list of them.
  private func numbers(_ part: TensorPacking.Part) -> [Int] {
    guard part.source == .i64 || part.source == .i32, part.byteCount <= 64,
      files.indices.contains(part.file)
    else { return [] }
    let range = part.offset..<part.offset + part.byteCount
    return files[part.file].withBytes(in: range) { bytes in
      bytes.withUnsafeBytes { bytes in
        part.source == .i64
          ? (0..<bytes.count / 8).map {
            Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)))
          }
          : (0..<bytes.count / 4).map {
            Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)))
          }
      }
    }
  }

  /// Checks that a list of groups, 32-bit numbers, names none that isn't there.
  private func checkGroups(_ index: TensorPacking.Part, count: Int) throws(Misfit) {
    guard files.indices.contains(index.file) else { return }
    let range = index.offset..<index.offset + index.byteCount
    let wrong: Int32? = files[index.file].withBytes(in: range) { bytes in
      bytes.withUnsafeBytes { bytes in
        for place in 0..<bytes.count / 4 {
          let group = Int32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * place, as: Int32.self))
          if group < 0 || Int(group) >= count { return group }
        }
        return nil
      }
    }
    if let wrong { throw Misfit(text: "group \(wrong) of \(count)") }
  }

  // MARK: - Verdicts

  private mutating func join(
    _ label: String, as name: String, _ parts: [TensorPacking.Part],
    _ recognise: (PackingForms) throws(Misfit) -> PackingForms.Form
  ) {
    do throws(Misfit) {
      let form = try recognise(forms)
      if joined.contains(name) || name != parts[0].name && positions[name] != nil {
        throw Misfit(text: "\(name.sanitised) exists beside them")
      }
      if let index = form.parts.first(where: { $0.kind == .groupIndex }) {
        try checkGroups(index, count: form.scaleColumns)
      }
      let (stored, packing) = try logical(name, form)
      joined.insert(name)
      for part in form.parts { set(.absorbed, part.name) }
      set(.joined(stored, packing), form.parts[0].name)
    } catch {
      for part in parts { set(.left("\(label), not decoded: \(error.text)"), part.name) }
    }
  }

  private func logical(
    _ name: String, _ form: PackingForms.Form
  ) throws(Misfit) -> (StoredTensor, TensorPacking) {
    guard let weightCount = elementCount(form.shape), let columns = form.shape.last,
      weightCount > 0
    else { throw Misfit(text: "the shape \(shown(form.shape))") }
    let rows = form.scheme == .float8 ? form.shape[form.shape.count - 2] : weightCount / columns
    let packing = TensorPacking(form, matrixRows: rows, columns: columns)
    let stored = StoredTensor(
      name: name, shape: form.shape, source: .packed, offset: form.parts[0].offset,
      byteCount: form.parts.reduce(0) { $0 + $1.byteCount }, weightCount: weightCount)
    return (stored, packing)
  }

  private mutating func leave(_ label: String, _ stem: String, _ ends: [String]) {
    for end in ends { set(.left("\(label), not decoded"), stem + end) }
  }

  private mutating func set(_ verdict: Verdict, _ name: String) {
    if let position = positions[name] { verdicts[position] = verdict }
  }
}
