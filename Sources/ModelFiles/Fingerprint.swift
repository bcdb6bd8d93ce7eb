extension Model {
  /// How many tensors the fingerprint samples, and how many bytes of each.
  private static let sampledTensors = 64
  private static let sampledBytes = 4096

  /// "sha256:" and the digest of all names, shapes and types, and of a bounded sample of the data:
  /// up to 4,096 bytes from the middle of each of up to 64 tensors, spread over the model.
  ///
  /// It takes tensors in the order of their names, so the same weights give the same fingerprint in
  /// one file and in shards. Reads at most 256 KiB of data.
  public func fingerprint() -> String {
    var hash = SHA256()
    let ordered = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    hash.update(ordered.count)
    for tensor in ordered {
      hash.update(tensor.name.utf8.count)
      hash.update(tensor.name)
      hash.update(tensor.sourceName)
      hash.update(tensor.shape.count)
      for dimension in tensor.shape { hash.update(dimension) }
    }
    let filled = ordered.filter { $0.byteCount > 0 }
    let sampled = min(filled.count, Self.sampledTensors)
    for index in 0..<sampled {
      // The first and the last are among them; products of a count and 63 don't overflow.
      let position = sampled == 1 ? 0 : index * (filled.count - 1) / (sampled - 1)
      let tensor = filled[position]
      guard files.indices.contains(tensor.file) else { continue }
      let length = tensor.packing?.parts.first?.byteCount ?? tensor.byteCount
      let count = min(Self.sampledBytes, length)
      let start = tensor.offset + (length - count) / 2
      files[tensor.file].withBytes(in: start..<start + count) { bytes in
        bytes.withUnsafeBytes { hash.update($0) }
      }
    }
    return "sha256:" + hash.hexDigest()
  }
}
