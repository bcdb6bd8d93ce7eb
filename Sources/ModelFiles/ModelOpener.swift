/// Opens a model from where it is: finds its files, reads their headers, and makes the catalogue.
struct ModelOpener {
  private let location: ModelLocation
  private var notes: [String]
  private var files: [MappedFile] = []
  private var contents: [FileContents] = []

  init(_ location: ModelLocation) {
    self.location = location
    notes = location.notes
  }

  /// The model.
  ///
  /// Every file is read by what it holds, whatever its name says.
  mutating func open() throws(ModelFileError) -> Model {
    let container: Container
    var file = location.path
    if location.isFolder {
      switch try FolderContents.choose(in: location.path) {
      case .file(let name, let note):
        file = Path.join(location.path, name)
        if let note { notes.append(note) }
        container = try openFile(try MappedFile(file))
      case .shards(let names, let note):
        if let note { notes.append(note) }
        container = .safetensors
        for name in names { try openShard(Path.join(location.path, name)) }
      }
    } else {
      container = try openFile(try MappedFile(file))
    }
    let folder = location.isFolder ? location.path : Path.folder(file)
    return try model(
      container, file: file, configuration: readConfiguration("config.json", in: folder))
  }

  /// The model in a file that is open, with the configuration that lies beside it.
  mutating func open(
    _ file: MappedFile, configuration: JSONValue?
  ) throws(ModelFileError) -> Model {
    try model(try openFile(file), file: file.path, configuration: configuration)
  }

  // MARK: - Files

  private mutating func openFile(_ file: MappedFile) throws(ModelFileError) -> Container {
    switch try Self.kind(of: file) {
    case .gguf:
      try openGGUF(file)
      return .gguf
    case .safetensors:
      if let index = Self.index(ofShard: file.path) {
        notes.append("\(file.name) is one shard of several; opened all of them by their index")
        try openIndex(index)
      } else {
        if let part = PartName(file.name), part.count > 1 {
          notes.append(
            "\(file.name) is one shard of \(part.count), opened alone: no index beside it lists it")
        }
        add(file, try Safetensors.read(file))
      }
      return .safetensors
    case .index:
      try openIndex(file)
      return .safetensors
    }
  }

  private enum Kind { case safetensors, gguf, index }

  /// What a file is, by its first bytes; throws if it is something else that is known.
  private static func kind(of file: MappedFile) throws(ModelFileError) -> Kind {
    let result = file.withUnsafeBytes { bytes -> Result<Kind, Flaw> in
      if GGUF.isLikely(bytes) { return .success(.gguf) }
      if Safetensors.isLikely(bytes) { return .success(.safetensors) }
      let isNamedJSON = file.name.hasSuffix(".json")
      if isNamedJSON || bytes.first == UInt8(ascii: "{") && !file.name.hasSuffix(".gguf") {
        return .success(.index)
      }
      if let flaw = ForeignFile.flaw(bytes, name: file.name) { return .failure(flaw) }
      return .success(file.name.hasSuffix(".gguf") ? .gguf : .safetensors)
    }
    do throws(Flaw) {
      return try result.get()
    } catch {
      throw error.inFile(file.path)
    }
  }

  private mutating func add(_ file: MappedFile, _ content: FileContents) {
    files.append(file)
    contents.append(content)
  }

  // MARK: - Shards of safetensors

  /// The index that lies beside a shard `model-00001-of-00003.safetensors` and lists it, if there
  /// is one.
  private static func index(ofShard path: String) -> MappedFile? {
    let name = Path.name(path)
    guard let part = PartName(name), part.count > 1 else { return nil }
    let path = Path.join(Path.folder(path), part.stem + ".safetensors.index.json")
    guard let file = try? MappedFile(path), let index = try? SafetensorsIndex.read(file),
      index.shards.contains(name)
    else { return nil }
    return file
  }

  private mutating func openShard(_ path: String) throws(ModelFileError) {
    let file = try MappedFile(path)
    guard try Self.kind(of: file) == .safetensors else {
      throw ModelFileError(
        path: path, found: "no safetensors file", expected: "a shard in safetensors format")
    }
    add(file, try Safetensors.read(file))
  }

  private mutating func openIndex(_ file: MappedFile) throws(ModelFileError) {
    let index = try SafetensorsIndex.read(file)
    let folder = Path.folder(file.path)
    var unlisted = 0
    for (position, shard) in index.shards.enumerated() {
      let path = Path.join(folder, shard)
      if Platform.kind(of: path) == .missing {
        throw ModelFileError(
          path: file.path, found: "no shard \(quoted(shard)) beside it",
          expected: "all \(index.shards.count) of its shards", remedy: "fetch the missing ones")
      }
      try openShard(path)
      for tensor in contents[contents.count - 1].tensors {
        guard let listed = index.shardOfTensor[tensor.name] else {
          unlisted += 1
          continue
        }
        if listed != position {
          throw ModelFileError(
            path: path, place: .tensor(tensor.name), found: "it in this shard",
            expected: "it in \(index.shards[listed]), as the index says")
        }
      }
    }
    try checkComplete(index, indexPath: file.path)
    if unlisted > 0 {
      notes.append("the index does not list \(counted(unlisted, "tensor")) of the shards")
    }
  }

  /// Checks that every tensor that an index lists is in its shard.
  private func checkComplete(
    _ index: SafetensorsIndex, indexPath: String
  ) throws(ModelFileError) {
    var present = Set<String>()
    for content in contents {
      for tensor in content.tensors { present.insert(tensor.name) }
    }
    let missing = index.shardOfTensor.filter { !present.contains($0.key) }
    guard let (name, shard) = missing.min(by: { naturalOrder($0.key, $1.key) }) else { return }
    throw ModelFileError(
      path: indexPath, place: .tensor(name), found: "no such tensor in \(index.shards[shard])",
      expected: "it there, as weight_map says")
  }

  // MARK: - Splits of GGUF

  private mutating func openGGUF(_ file: MappedFile) throws(ModelFileError) {
    let first = try GGUF.read(file)
    let count = first.metadata["split.count"]?.int ?? 0
    guard count > 1 else {
      if let part = PartName(file.name), part.count > 1 {
        notes.append("\(file.name) is named as a part, but its metadata knows of no others")
      }
      return add(file, first)
    }
    guard let part = PartName(file.name), part.count == count else {
      throw ModelFileError(
        path: file.path, place: .key("split.count"), found: "a part of a model split in \(count)",
        expected: "a name that ends in -00001-of-\(PartName.padded(count)).gguf",
        remedy: "give the parts back the names they had")
    }
    let folder = Path.folder(file.path)
    let missing = (1...count).prefix(100_000).filter { number in
      number != part.number
        && Platform.kind(of: Path.join(folder, part.name(number))) == .missing
    }
    if !missing.isEmpty {
      let shown = missing.prefix(5).map(part.name).joined(separator: ", ")
      throw ModelFileError(
        path: file.path,
        found: "no \(shown)" + (missing.count > 5 ? " and \(missing.count - 5) more" : ""),
        expected: "all \(count) parts of the model", remedy: "fetch the missing ones")
    }
    for number in 1...count {
      let isGiven = number == part.number
      let other = isGiven ? file : try MappedFile(Path.join(folder, part.name(number)))
      let content = isGiven ? first : try GGUF.read(other)
      try checkPart(other, content, number: number, count: count)
      add(other, content)
    }
    try checkTotal(file)
  }

  private func checkPart(
    _ file: MappedFile, _ content: FileContents, number: Int, count: Int
  ) throws(ModelFileError) {
    let claims = [("split.count", count), ("split.no", number - 1)]
    for (key, expected) in claims {
      let found = content.metadata[key]?.int
      guard found == expected else {
        throw ModelFileError(
          path: file.path, place: .key(key), found: found.map(String.init) ?? "nothing",
          expected: "\(expected) for part \(number) of \(count)")
      }
    }
  }

  private func checkTotal(_ file: MappedFile) throws(ModelFileError) {
    let key = "split.tensors.count"
    let total = contents.reduce(0) { $0 + $1.tensors.count }
    for (file, content) in zip(files, contents) {
      guard let claimed = content.metadata[key]?.int, claimed != total else { continue }
      throw ModelFileError(
        path: file.path, place: .key(key), found: "\(claimed)",
        expected: "\(total), the number of tensors in all parts")
    }
  }

  // MARK: - The catalogue

  private mutating func model(
    _ container: Container, file: String, configuration: JSONValue?
  ) throws(ModelFileError) -> Model {
    let folder = location.isFolder ? location.path : Path.folder(file)
    let metadata = contents.first { !$0.metadata.isEmpty }?.metadata ?? Metadata()
    try checkNames()
    let tensors = catalogue(container == .safetensors ? packed(configuration, in: folder) : [:])
    let architecture =
      configuration?["model_type"]?.string ?? metadata["general.architecture"]?.string
      ?? configuration?["architectures"]?.array?.first?.string
    let naming = ModelNaming(
      location: location, file: file, configuration: configuration, metadata: metadata)
    return Model(
      name: naming.name, path: location.path, container: container,
      architecture: architecture.map(\.sanitised), configuration: configuration,
      metadata: metadata, files: files, tensors: tensors, notes: notes.map(\.sanitised))
  }

  /// What becomes of tensors that are parts of packed weights, by their position among all.
  private mutating func packed(
    _ configuration: JSONValue?, in folder: String
  ) -> [Int: PackingFinder.Verdict] {
    let isTold = ["quantization_config", "quantization"].contains { configuration?[$0] != nil }
    let separate = isTold ? nil : readConfiguration("quantize_config.json", in: folder)
    let told = QuantizationConfiguration(configuration, separate: separate)
    return PackingFinder(contents, files: files, configuration: told).verdicts
  }

  /// All tensors with their roles, in order, packed ones as one.
  private func catalogue(_ packed: [Int: PackingFinder.Verdict]) -> [Tensor] {
    let count = contents.reduce(0) { $0 + $1.tensors.count }
    var finder = RoleFinder()
    var found: [(stored: StoredTensor, file: Int, packing: TensorPacking?)] = []
    var placements: [Placement] = []
    found.reserveCapacity(count)
    placements.reserveCapacity(count)
    var position = 0
    for (file, content) in contents.enumerated() {
      for tensor in content.tensors {
        let verdict = packed.isEmpty ? nil : packed[position]
        position += 1
        switch verdict {
        case .absorbed?: continue
        case .joined(let whole, let packing)?:
          placements.append(finder.placement(of: whole.name, shape: whole.shape))
          found.append((whole, file, packing))
        case nil:
          placements.append(finder.placement(of: tensor.name, shape: tensor.shape))
          found.append((tensor, file, nil))
        case .left(let reason)?:
          var placement = finder.placement(of: tensor.name, shape: tensor.shape)
          placement.partOf = .found(reason)
          placements.append(placement)
          found.append((tensor, file, nil))
        }
      }
    }
    // One stack needs no name.
    var stack: String??
    var hasSeveral = false
    for placement in placements where placement.block != nil {
      if let known = stack { hasSeveral = hasSeveral || known != placement.stack }
      stack = .some(placement.stack)
    }
    return found.enumerated().map { index, tensor in
      var placement = placements[index]
      if !hasSeveral { placement.stack = nil }
      return Tensor(
        tensor.stored, id: index, file: tensor.file, placement, packing: tensor.packing)
    }
  }

  /// Checks that each tensor is in one file only; within a file its reader has checked.
  private func checkNames() throws(ModelFileError) {
    guard contents.count > 1 else { return }
    var fileOfName = [String: Int](minimumCapacity: contents.reduce(0) { $0 + $1.tensors.count })
    for (file, content) in contents.enumerated() {
      for tensor in content.tensors {
        guard let other = fileOfName.updateValue(file, forKey: tensor.name) else { continue }
        throw ModelFileError(
          path: files[file].path, place: .tensor(tensor.name),
          found: "it again, after \(files[other].name)", expected: "each tensor in one file only")
      }
    }
  }

  /// A configuration in a folder, such as its config.json.
  ///
  /// A model opens without one, and with one that can't be read.
  private mutating func readConfiguration(_ name: String, in folder: String) -> JSONValue? {
    let path = Path.join(folder, name)
    guard Platform.kind(of: path) == .file else { return nil }
    do throws(ModelFileError) {
      let file = try MappedFile(path)
      let value = try file.withUnsafeBytes { (bytes) throws(ModelFileError) -> JSONValue in
        guard bytes.count <= 16 << 20 else {
          throw ModelFileError(
            path: name, found: counted(bytes.count, "byte"), expected: "at most 16 MiB")
        }
        do throws(Flaw) {
          return try JSONParser.parse(bytes, maximumDepth: 64)
        } catch {
          throw error.inFile(name)
        }
      }
      guard value.object != nil else {
        throw ModelFileError(path: name, found: value.kind, expected: "an object")
      }
      return value
    } catch {
      notes.append("left out a configuration that can't be read: \(error)")
      return nil
    }
  }
}
