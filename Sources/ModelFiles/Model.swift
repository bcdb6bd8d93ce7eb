/// The formats of files that models come in.
public enum Container: String, Sendable, Hashable {
  /// Files of the safetensors library, as Hugging Face uses them.
  case safetensors
  /// Files of llama.cpp and ggml.
  case gguf
}

/// A model: the catalogue of its tensors.
///
/// Their weights stay in the files, mapped into memory.
public struct Model: Sendable {
  /// The name for people: what the model calls itself, else that of its folder or file.
  ///
  /// Safe for a terminal.
  public let name: String
  /// The file or folder that it was opened from.
  public let path: String
  /// The format of its files.
  public let container: Container
  /// The family it says it belongs to: `model_type` of its config.json, or `general.architecture`.
  public let architecture: String?
  /// The config.json beside it, if there is one and it can be read.
  public let configuration: JSONValue?
  /// The key-value pairs of its (first) file.
  public let metadata: Metadata
  /// The sizes its configuration or metadata tell.
  public let hyperparameters: Hyperparameters
  /// Its files, in the order of their names.
  public let files: [MappedFile]
  /// Its tensors by file, and within a file in the order of their data.
  public let tensors: [Tensor]
  /// What the user should be told about it, in sentences safe for a terminal.
  public let notes: [String]

  /// The weights of all tensors.
  public let weightCount: Int
  /// The bytes of all tensors' data.
  public let byteCount: Int

  /// Opens a model: a file, a shard, an index, a folder, or `owner/name` from the local Hugging
  /// Face cache.
  ///
  /// Reads only headers, and of packed weights the short lists that say their shapes and groups, so
  /// the time hardly depends on the size of the weights. Nothing is downloaded.
  /// - Parameter environment: where HF_HUB_CACHE, HF_HOME and HOME are looked up.
  public static func open(
    _ path: String, environment: [String: String] = processEnvironment()
  ) throws(ModelFileError) -> Model {
    let location = try ModelLocation.find(path, environment: environment)
    var opener = ModelOpener(location)
    return try opener.open()
  }

  /// Opens a model whose file is in memory.
  /// - Parameter configuration: what the config.json beside it says.
  package static func open(
    _ file: MappedFile, configuration: JSONValue? = nil
  ) throws(ModelFileError) -> Model {
    var opener = ModelOpener(ModelLocation(path: file.path, isFolder: false))
    return try opener.open(file, configuration: configuration)
  }

  /// The variables of this process that `open` looks at.
  public static func processEnvironment() -> [String: String] {
    Platform.environment(ModelLocation.variables)
  }

  /// A model from its parts.
  public init(
    name: String, path: String = "", container: Container = .safetensors,
    architecture: String? = nil, configuration: JSONValue? = nil, metadata: Metadata = Metadata(),
    files: [MappedFile] = [], tensors: [Tensor], notes: [String] = []
  ) {
    self.name = name
    self.path = path
    self.container = container
    self.architecture = architecture
    self.configuration = configuration
    self.metadata = metadata
    self.files = files
    self.tensors = tensors
    self.notes = notes
    hyperparameters =
      configuration.map(Hyperparameters.init(configuration:)) ?? Hyperparameters(metadata: metadata)
    // Every tensor lies in a file, but an empty one may have any shape, and many may add up.
    weightCount = tensors.reduce(0) { $0.addingSaturated($1.weightCount) }
    byteCount = tensors.reduce(0) { $0.addingSaturated($1.byteCount) }
  }

  /// The stored bytes of a range of a tensor's elements.
  ///
  /// The range is widened to whole blocks of the tensor's type and cut to the tensor. The bytes are
  /// as in the file: little-endian, at any alignment. There are none if the range lies outside of
  /// the tensor, or if the file was cut short since it was opened: compare `byteCount` with what
  /// you asked for.
  public func withBytes<R>(
    of tensor: Tensor, elements: Range<Int>, _ body: (RawSpan) throws -> R
  ) rethrows -> R {
    let length = tensor.source.blockLength
    let cut = elements.clamped(to: 0..<tensor.weightCount)
    guard files.indices.contains(tensor.file), !cut.isEmpty else {
      return try body(RawSpan())
    }
    // Within the tensor, whose size in bytes was checked: no overflow.
    let first = cut.lowerBound / length * tensor.source.bytesPerBlock
    let last = min(
      tensor.byteCount, ((cut.upperBound - 1) / length + 1) * tensor.source.bytesPerBlock)
    guard first <= last else { return try body(RawSpan()) }
    return try files[tensor.file].withBytes(
      in: tensor.offset + first..<tensor.offset + last, body)
  }

  /// Tells the kernel about coming reads of a range of a tensor's bytes; only a hint.
  public func advise(_ advice: MappedFile.Advice, _ tensor: Tensor, bytes: Range<Int>) {
    advise(advice, file: tensor.file, offset: tensor.offset, bytes, of: tensor.byteCount)
  }

  /// Whether the page that holds a byte of a tensor is in memory, as far as the system says.
  public func isResident(_ tensor: Tensor, byte: Int) -> Bool {
    guard files.indices.contains(tensor.file), 0..<tensor.byteCount ~= byte else { return true }
    return files[tensor.file].isResident(at: tensor.offset + byte)
  }

  /// Tells the kernel about coming reads of a range of a stored part's bytes; only a hint.
  public func advise(_ advice: MappedFile.Advice, _ part: TensorPacking.Part, bytes: Range<Int>) {
    advise(advice, file: part.file, offset: part.offset, bytes, of: part.byteCount)
  }

  private func advise(
    _ advice: MappedFile.Advice, file: Int, offset: Int, _ bytes: Range<Int>, of count: Int
  ) {
    let bytes = bytes.clamped(to: 0..<max(0, count))
    guard files.indices.contains(file), !bytes.isEmpty else { return }
    files[file].advise(advice, in: offset + bytes.lowerBound..<offset + bytes.upperBound)
  }

  /// Whether it is so large that what was read of it should be given back: all of it would take more than half of
  /// the memory, and push out what other programs need.
  public var isLargeForMemory: Bool {
    Platform.physicalMemory.map { byteCount > $0 / 2 } ?? false
  }

  /// The paths of the files in the folder that its files lie in.
  public var filesBeside: [String] {
    let folder = Path.folder(files.first?.path ?? path)
    return (Platform.names(inFolder: folder) ?? []).map { Path.join(folder, $0) }.filter {
      Platform.kind(of: $0) == .file
    }
  }

  /// Whether the file of a tensor still has all its bytes.
  ///
  /// Ask after reading: what was read of a file that was cut short meanwhile may be zeros.
  public func isIntact(_ tensor: Tensor) -> Bool {
    ([tensor.file] + (tensor.packing?.parts.map(\.file) ?? [])).allSatisfy {
      files.indices.contains($0) && files[$0].isIntact
    }
  }
}

extension Int {
  /// The sum, or the largest number if it does not fit.
  fileprivate func addingSaturated(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
