/// What there is to open in a folder.
enum FolderContents {
  /// A file that says where the rest is, or is all; or shards without an index.
  case file(String, note: String?)
  case shards([String], note: String?)

  /// Chooses the model in a folder: model.safetensors, an index, the only .safetensors file or the
  /// only set of shards; else the only .gguf or the only set of its parts.
  static func choose(in folder: String) throws(ModelFileError) -> FolderContents {
    guard let names = Platform.names(inFolder: folder) else {
      throw ModelFileError(
        path: folder, found: "a folder that can't be listed", expected: "a readable folder")
    }
    let safetensors = names.filter { $0.hasSuffix(".safetensors") }
    let ggufs = names.filter { $0.hasSuffix(".gguf") }
    let indexes = names.filter { $0.hasSuffix(".safetensors.index.json") }
    let also = safetensors.isEmpty || ggufs.isEmpty ? nil : "the folder also holds \(list(ggufs))"

    if safetensors.contains("model.safetensors") { return .file("model.safetensors", note: also) }
    if indexes.contains("model.safetensors.index.json") {
      return .file("model.safetensors.index.json", note: also)
    }
    if indexes.count == 1 { return .file(indexes[0], note: also) }
    if !safetensors.isEmpty {
      return try choose(among: safetensors, in: folder, note: also)
    }
    if !ggufs.isEmpty { return try choose(among: ggufs, in: folder, note: nil) }
    throw nothing(in: folder, names)
  }

  /// The only file or set of parts among files of one kind.
  private static func choose(
    among names: [String], in folder: String, note: String?
  ) throws(ModelFileError) -> FolderContents {
    if names.count == 1, PartName(names[0]) == nil { return .file(names[0], note: note) }
    var sets: [String: [PartName]] = [:]
    for case let part? in names.map(PartName.init) {
      sets["\(part.stem)/\(part.count)\(part.suffix)", default: []].append(part)
    }
    let alone = names.filter { PartName($0) == nil }
    guard alone.isEmpty, sets.count == 1, let parts = sets.values.first, let first = parts.first
    else {
      throw ModelFileError(
        path: folder, found: "several models: \(list(names))", expected: "one",
        remedy: "open one of these files")
    }
    if first.suffix == ".gguf" { return .file(names[0], note: note) }
    let present = Set(parts.map(\.number))
    let missing = (1...first.count).filter { !present.contains($0) }
    guard missing.isEmpty else {
      throw ModelFileError(
        path: folder, found: "no \(list(missing.map(first.name)))",
        expected: "all \(first.count) shards", remedy: "fetch the missing ones")
    }
    let joined = "there is no index; opened all \(first.count) shards"
    return .shards(names, note: note.map { "\(joined); \($0)" } ?? joined)
  }

  private static func nothing(in folder: String, _ names: [String]) -> ModelFileError {
    let expected = "a .safetensors or .gguf file in it"
    let pickled = names.filter { name in
      [".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack"].contains(where: name.hasSuffix)
    }
    if !pickled.isEmpty {
      return ModelFileError(
        path: folder, found: "only \(list(pickled))", expected: expected,
        remedy: "save the model as safetensors")
    }
    let inner = names.prefix(200).filter { name in
      let path = Path.join(folder, name)
      guard Platform.kind(of: path) == .folder else { return false }
      return Platform.names(inFolder: path)?.contains { file in
        file.hasSuffix(".safetensors") || file.hasSuffix(".gguf")
      } ?? false
    }
    return ModelFileError(
      path: folder, found: names.isEmpty ? "an empty folder" : "neither", expected: expected,
      remedy: inner.isEmpty ? nil : "open a folder within it: \(list(inner))")
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(6).joined(separator: ", ")
    return names.count > 6 ? "\(shown) and \(names.count - 6) more" : shown
  }
}
