/// What a model is called: by itself, by its place, by its configuration.
struct ModelNaming {
  var location: ModelLocation
  var file: String
  var configuration: JSONValue?
  var metadata: Metadata

  /// The best name there is, safe for a terminal and not too long for a title.
  var name: String {
    let candidates = [
      metadata["general.name"]?.string,
      location.repository.map(Path.name),
      placeName,
      // Often the model that training began from: only where the place says nothing.
      configuration?["_name_or_path"]?.string.map(Path.name),
    ]
    let name = candidates.lazy.compactMap { $0 }.first(where: isTelling) ?? "model"
    return String(name.prefix(100)).sanitised
  }

  private func isTelling(_ name: String) -> Bool {
    !name.isEmpty && ![".", "..", "/", "model"].contains(name)
  }

  /// The name of the file, without the number of its part; of its folder, where files have the
  /// usual name.
  private var placeName: String {
    let real = Platform.realPath(location.isFolder ? location.path : Path.folder(file)) ?? "model"
    if location.isFolder { return repositoryName(in: real) ?? Path.name(real) }
    var stem = PartName(Path.name(file))?.stem ?? Path.name(file)
    for suffix in [".index.json", ".safetensors", ".gguf"] where stem.hasSuffix(suffix) {
      stem.removeLast(suffix.count)
    }
    let isUsual = ["model", "pytorch_model", "diffusion_pytorch_model"].contains(stem)
    return isUsual ? repositoryName(in: real) ?? Path.name(real) : stem
  }

  /// The name in a path of the Hugging Face cache, `.../models--owner--name/snapshots/<commit>`.
  private func repositoryName(in path: String) -> String? {
    let parts = path.split(separator: "/")
    guard parts.count >= 3, parts[parts.count - 2] == "snapshots",
      parts[parts.count - 3].hasPrefix("models--")
    else { return nil }
    // "--" stands for the "/" between owner and name.
    return parts[parts.count - 3].split(separator: "--").last.map(String.init)
  }
}
