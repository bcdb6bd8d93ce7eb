/// Where a model is: what the text given by the user stands for.
struct ModelLocation: Equatable {
  /// The file or folder.
  var path: String
  var isFolder: Bool
  /// The name in the Hugging Face cache that led here: `owner/name`.
  var repository: String?
  var notes: [String] = []

  /// The variables that say where the cache of Hugging Face is.
  static let variables = [
    "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME",
  ]

  /// A path that leads somewhere is taken as one; anything else of the form `owner/name` is
  /// looked up in the local cache.
  ///
  /// Nothing is downloaded.
  static func find(
    _ text: String, environment: [String: String]
  ) throws(ModelFileError) -> ModelLocation {
    switch Platform.kind(of: text) {
    case .folder: return ModelLocation(path: text, isFolder: true)
    case .file, .other: return ModelLocation(path: text, isFolder: false)
    case .missing: break
    }
    guard let repository = Repository(text) else {
      throw ModelFileError(
        path: text, found: "no such file or folder",
        expected:
          "a .safetensors or .gguf file, a folder, or owner/name from the Hugging Face cache")
    }
    let caches = caches(environment)
    for cache in caches {
      let folder = Path.join(cache, repository.folderName)
      if Platform.kind(of: folder) == .folder {
        return try snapshot(of: repository, in: folder)
      }
    }
    throw ModelFileError(
      path: text,
      found: "no such file, and no such model in "
        + (caches.isEmpty ? "a Hugging Face cache" : caches.joined(separator: ", ")),
      expected: "a .safetensors or .gguf file, a folder, or owner/name from the Hugging Face cache",
      remedy: "to fetch it, run: hf download \(repository.name)")
  }

  /// The folders that may be the cache, the most particular setting first.
  static func caches(_ environment: [String: String]) -> [String] {
    let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
    func expanded(_ name: String, _ rest: String = "") -> String? {
      guard var path = environment[name], !path.isEmpty else { return nil }
      if let home, path == "~" || path.hasPrefix("~/") { path = home + path.dropFirst() }
      return rest.isEmpty ? path : Path.join(path, rest)
    }
    let candidates = [
      expanded("HF_HUB_CACHE"), expanded("HUGGINGFACE_HUB_CACHE"), expanded("HF_HOME", "hub"),
      expanded("XDG_CACHE_HOME", "huggingface/hub"),
      home.map { Path.join($0, ".cache/huggingface/hub") },
    ]
    var caches: [String] = []
    for case let cache? in candidates where !caches.contains(cache) { caches.append(cache) }
    return caches
  }

  /// The snapshot of a repository that `refs/main` (or the revision asked for) names.
  private static func snapshot(
    of repository: Repository, in folder: String
  ) throws(ModelFileError) -> ModelLocation {
    let snapshots = Path.join(folder, "snapshots")
    var notes: [String] = []
    var commit: String?
    let reference = Path.join(folder, "refs/" + repository.revision)
    if Platform.kind(of: reference) == .file {
      commit = try readReference(reference)
    } else if Platform.kind(of: Path.join(snapshots, repository.revision)) == .folder {
      commit = repository.revision
    } else if repository.revision == Repository.mainRevision,
      let found = Platform.names(inFolder: snapshots), found.count == 1
    {
      commit = found[0]
      notes.append("the cache has no \(repository.revision) of it; took its only snapshot")
    }
    guard let commit else {
      throw ModelFileError(
        path: reference, found: "no such revision in the cache", expected: "the name of a snapshot",
        remedy: "to fetch it, run: hf download \(repository.name)")
    }
    var path = Path.join(snapshots, commit)
    if !repository.file.isEmpty { path = Path.join(path, repository.file) }
    let kind = Platform.kind(of: path)
    guard kind != .missing else {
      throw ModelFileError(
        path: path, found: "no such file in the cache", expected: "a file of the snapshot",
        remedy: "to fetch it, run: hf download \(repository.name)")
    }
    return ModelLocation(
      path: path, isFolder: kind == .folder, repository: repository.name, notes: notes)
  }

  /// The commit that a reference holds: the name of a folder, never a path.
  private static func readReference(_ path: String) throws(ModelFileError) -> String {
    let file = try MappedFile(path)
    let text = file.withUnsafeBytes { String(decoding: $0.prefix(200), as: UTF8.self) }
    let commit = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    guard Repository.isPlainName(commit) else {
      throw ModelFileError(
        path: path, found: quoted(commit, limit: 60), expected: "the hash of a commit",
        remedy: "download the model again")
    }
    return commit
  }
}

/// `owner/name`, or `name` alone as for the oldest models, with `@revision` and a file below it if
/// wanted.
struct Repository: Equatable {
  static let mainRevision = "main"

  var name: String
  var revision = Self.mainRevision
  /// A path within the repository; empty for all of it.
  var file = ""

  init?(_ text: String) {
    var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let last = min(1, parts.count - 1)
    if let at = parts[last].firstIndex(of: "@") {
      revision = String(parts[last][parts[last].index(after: at)...])
      parts[last] = String(parts[last][..<at])
    }
    guard parts.allSatisfy(Self.isPlainName), Self.isPlainName(revision) else { return nil }
    name = parts.prefix(2).joined(separator: "/")
    file = parts.dropFirst(2).joined(separator: "/")
  }

  /// The folder of the repository in the cache.
  var folderName: String {
    "models--" + name.split(separator: "/").joined(separator: "--")
  }

  /// Letters, digits, "-", "_" and "."; not "." or "..".
  static func isPlainName(_ name: String) -> Bool {
    let isPlain = name.utf8.allSatisfy { byte in
      isDigit(byte) || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A
        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }
    return isPlain && !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 128
  }
}
