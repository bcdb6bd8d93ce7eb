import ModelFiles

/// What lies beside a checkpoint's weights and belongs to it: its configuration, its tokenizer.
public struct CheckpointFiles {
  private let model: Model

  /// Files of these names are copied, so that loaders find a whole checkpoint.
  private static let names: Set<String> = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt",
    "chat_template.jinja", "chat_template.json", "preprocessor_config.json",
    "processor_config.json",
  ]
  /// And code that a configuration names.
  private static let beginnings = ["configuration_", "modeling_", "tokenization_", "processing_"]
  private static let greatestFile = 256 << 20

  /// Those of an open model.
  public init(_ model: Model) { self.model = model }

  /// Writes them into a folder.
  /// - Parameter quantization: what config.json is to say of quantized weights; nil for nothing.
  public func write(
    to folder: PendingFolder, quantization: JSONValue?
  ) throws(ApplyFailure) {
    for path in model.filesBeside where Self.isTaken(Self.name(of: path)) {
      try copy(path, to: folder[Self.name(of: path)])
    }
    guard case .object(var configuration)? = model.configuration else { return }
    configuration["quantization_config"] = quantization
    configuration["compression_config"] = nil
    configuration["quantization"] = nil
    let text = JSONWriter(.pretty).bytes(.object(configuration))
    try Applier.saving { () throws(SaveFailure) in
      _ = try AtomicFile.write(text, to: folder["config.json"], expecting: .absent)
    }
  }

  private static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  private static func isTaken(_ name: String) -> Bool {
    names.contains(name) || name.hasSuffix(".py") && beginnings.contains { name.hasPrefix($0) }
  }

  private func copy(_ source: String, to target: String) throws(ApplyFailure) {
    let bytes: [UInt8]
    do throws(ModelFileError) {
      let file = try MappedFile(source)
      guard file.byteCount <= Self.greatestFile else { return }
      bytes = file.withBytes(in: 0..<file.byteCount) { span in
        span.withUnsafeBytes { Array($0) }
      }
    } catch {
      throw ApplyFailure(error.description)
    }
    try Applier.saving { () throws(SaveFailure) in
      _ = try AtomicFile.write(bytes, to: target, expecting: .absent)
    }
  }
}
