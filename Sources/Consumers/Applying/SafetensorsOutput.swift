import ModelFiles
import Planning
import Quantization

/// Lays out safetensors files: weights as they come back from their formats, or integers packed as the PyPI package
/// compressed-tensors packs them.
public struct SafetensorsOutput: Sendable {
  /// The file.
  public let file: OutputFile
  /// What `quantization_config` of config.json says of it; nil where the weights aren't quantized.
  public let configuration: JSONValue?

  // MARK: - Weights as they come back

  /// The weights as they come back from their formats, in the type that each tensor has; packed ones in that of the
  /// model.
  public static func dequantized(
    model: Model, choices: [Int: Choice], importance: ModelImportance?
  ) throws(ApplyFailure) -> Self {
    var layout = Layout(model: model)
    try layout.refuseGGUF()
    for tensor in model.tensors {
      let choice = choices[tensor.id] ?? .source
      guard choice != .source || tensor.packing != nil else {
        try layout.add(tensor, tensor.source, .copy)
        continue
      }
      let type = layout.floatType(of: tensor)
      try layout.add(
        tensor, type.source, .reconstruct(choice.format ?? .float(.f32), in: type),
        importance: importance?[tensor])
    }
    return Self(file: try layout.file(), configuration: nil)
  }

  // MARK: - Other weights

  /// A model with other weights in some tensors, in the types that they have.
  /// - Parameter values: all of a tensor, by its index.
  public static func replacing(
    _ values: [Int: [Float]], in model: Model
  ) throws(ApplyFailure) -> Self {
    var layout = Layout(model: model)
    try layout.refuseGGUF()
    for tensor in model.tensors {
      if let values = values[tensor.id] {
        try layout.addGiven(tensor, values)
      } else {
        try layout.add(tensor, tensor.source, .copy)
      }
    }
    return Self(file: try layout.file(), configuration: nil)
  }

  // MARK: - Packed

  /// Integers packed; tensors that keep their source, or are cast to 16 or 32 bits, as they are.
  public static func packed(
    model: Model, choices: [Int: Choice]
  ) throws(ApplyFailure) -> Self {
    var layout = Layout(model: model)
    try layout.refuseGGUF()
    var groups = CompressedGroups()
    for tensor in model.tensors {
      switch choices[tensor.id] ?? .source {
      case .source:
        guard tensor.packing == nil else {
          throw ApplyFailure(
            "\(tensor.label) keeps its source, \(tensor.sourceName), which can't stand beside others "
              + "in one file; give it a format, or use --dequantized")
        }
        try layout.add(tensor, tensor.source, .copy)
        groups.keep(tensor)
      case .format(.float(let type)) where [.f32, .f16, .bf16].contains(type):
        try layout.add(
          tensor, type.source, type.source == tensor.source ? .copy : .encode(.float(type)))
        groups.keep(tensor)
      case .format(.integer(let format)):
        try layout.addPacked(tensor, format)
        groups.add(tensor, format)
      case .format(let format):
        throw ApplyFailure(
          "\(tensor.label): \(format) is none of compressed-tensors' packed integers; expected intB "
            + "(--dequantized takes all formats)")
      }
    }
    let configuration = groups.configuration
    let text = JSONWriter(.compact).string(configuration)
    return Self(
      file: try layout.file(metadata: [("quantization_config", text)]),
      configuration: configuration)
  }

  // MARK: - Places

  /// Gathers tensors, then gives all of them their places.
  private struct Layout {
    private struct Pending {
      let tensor: Tensor
      let making: Making
      let importance: TensorImportance?
    }

    private enum Making {
      case plain(TensorJob.Making)
      case packed(IntegerFormat)
      case given([UInt8])
    }

    let model: Model
    private var header: [SafetensorsHeader.Tensor] = []
    private var pending: [Pending] = []

    init(model: Model) { self.model = model }

    func refuseGGUF() throws(ApplyFailure) {
      guard model.container == .gguf else { return }
      throw ApplyFailure(
        "\(model.path.sanitised): found a GGUF, expected a safetensors checkpoint for this output; "
          + "-o OUT.gguf takes it")
    }

    /// The type that weights come back in.
    func floatType(of tensor: Tensor) -> FloatFormat {
      switch tensor.source {
      case .f32, .f64: return .f32
      case .f16: return .f16
      case .packed:
        let told = (model.configuration?["dtype"] ?? model.configuration?["torch_dtype"])?.string
        return told == "float16" ? .f16 : told == "float32" ? .f32 : .bf16
      default: return .bf16
      }
    }

    mutating func add(
      _ tensor: Tensor, _ type: SourceType, _ making: TensorJob.Making,
      importance: TensorImportance? = nil
    ) throws(ApplyFailure) {
      try add(tensor.name, tensor.shape, type)
      pending.append(Pending(tensor: tensor, making: .plain(making), importance: importance))
    }

    mutating func addGiven(_ tensor: Tensor, _ values: [Float]) throws(ApplyFailure) {
      let type = floatType(of: tensor)
      let encoded = Format.float(type).codec().encode(
        values.span, rowLength: max(1, tensor.rowLength))
      guard type.source == tensor.source, encoded.bytes.count == tensor.byteCount else {
        throw ApplyFailure("\(tensor.label): other weights can't be stored as \(tensor.sourceName)")
      }
      try add(tensor.name, tensor.shape, type.source)
      pending.append(Pending(tensor: tensor, making: .given(encoded.bytes), importance: nil))
    }

    mutating func addPacked(
      _ tensor: Tensor, _ format: IntegerFormat
    ) throws(ApplyFailure) {
      let (rows, columns) = (tensor.rows, tensor.rowLength)
      func refusal(_ reason: String) -> ApplyFailure {
        ApplyFailure(
          "\(tensor.label) can't be \(format) in compressed-tensors' form: \(reason); --dequantized "
            + "takes it")
      }
      guard tensor.shape.count == 2, tensor.name.hasSuffix(".weight") else {
        throw refusal("expected a matrix whose name ends in .weight")
      }
      guard format.calibration != .hqq else {
        throw refusal("its zero points aren't whole numbers")
      }
      guard tensor.role != .tokenEmbedding || model.configuration?["tie_word_embeddings"] != true
      else {
        throw refusal(
          "config.json ties the output to it, which loaders can't do with packed weights; let it "
            + "keep its source (--pin '\(tensor.label)=source')")
      }
      var groups = 1
      if case .group(let length) = format.granularity {
        guard columns % length == 0 else {
          throw refusal("rows of \(columns) aren't whole groups of \(length)")
        }
        groups = columns / length
      }
      let hasOneScale = format.granularity == .tensor
      try add(tensor.name + "_packed", [rows, Self.words(columns, format)], .i32)
      try add(
        tensor.name + "_scale", hasOneScale ? [1] : [rows, groups], format.scaleType.source)
      if format.scheme == .affine {
        try add(
          tensor.name + "_zero_point", hasOneScale ? [1] : [Self.words(rows, format), groups],
          hasOneScale ? .i8 : .i32)
      }
      try add(tensor.name + "_shape", [2], .i64)
      pending.append(Pending(tensor: tensor, making: .packed(format), importance: nil))
    }

    private static func words(_ count: Int, _ format: IntegerFormat) -> Int {
      count / 32 * format.bits + (count % 32 * format.bits + 31) / 32
    }

    private mutating func add(
      _ name: String, _ shape: [Int], _ type: SourceType
    ) throws(ApplyFailure) {
      guard let entry = SafetensorsHeader.Tensor(name: name, shape: shape, type: type) else {
        throw ApplyFailure("\(name.sanitised): \(type) is no type of safetensors")
      }
      header.append(entry)
    }

    func file(metadata: [(key: String, value: String)] = []) throws(ApplyFailure) -> OutputFile {
      let names = Set(header.map(\.name))
      guard names.count == header.count else {
        throw ApplyFailure("\(model.name): two tensors would have the same name")
      }
      let head = SafetensorsHeader(metadata: [("format", "pt")] + metadata, tensors: header)
      func place(_ name: String) -> Int { head.offsets[name] ?? 0 }
      var fixed = [(offset: 0, bytes: head.bytes)]
      var jobs: [TensorJob] = []
      for entry in pending {
        let tensor = entry.tensor
        switch entry.making {
        case .plain(let making):
          jobs.append(
            try TensorJob(
              tensor, making, at: place(tensor.name), model: model, importance: entry.importance))
        case .given(let bytes): fixed.append((place(tensor.name), bytes))
        case .packed(let format):
          let shape = [tensor.rows, tensor.rowLength]
          fixed.append((place(tensor.name + "_shape"), shape.flatMap(Self.bytes)))
          let scaleCount = format.scaleCount(rows: 1, rowLength: tensor.rowLength)
          let places = PackedPlaces(
            bytesPerRow: 4 * Self.words(tensor.rowLength, format),
            scales: place(tensor.name + "_scale"),
            scaleBytesPerRow: scaleCount * format.scaleType.byteCount,
            zeroPoints: format.scheme == .affine ? place(tensor.name + "_zero_point") : nil,
            zeroPointBytesPerLine: 4 * scaleCount, hasOneScale: format.granularity == .tensor)
          jobs.append(
            try TensorJob(
              tensor, .pack(format, places), at: place(tensor.name + "_packed"), model: model))
        }
      }
      return OutputFile(fixed: fixed, jobs: jobs, byteCount: head.byteCount)
    }

    private static func bytes(_ number: Int) -> [UInt8] {
      withUnsafeBytes(of: Int64(number).littleEndian) { Array($0) }
    }
  }
}

extension FloatFormat {
  fileprivate var source: SourceType {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .f8E4M3: .f8E4M3
    case .f8E5M2: .f8E5M2
    }
  }
}

extension IntegerFormat.ScaleType {
  fileprivate var source: SourceType {
    switch self {
    case .f16: .f16
    case .bf16: .bf16
    case .f32: .f32
    }
  }
}
