/// Recognises files that are no model but are often found in the place of one.
enum ForeignFile {
  /// The error that names what a file is instead; nil if it is nothing known.
  static func flaw(_ bytes: UnsafeRawBufferPointer, name: String) -> Flaw? {
    let expected = "a safetensors or GGUF file"
    for (isLike, found, remedy) in kinds where isLike(bytes) {
      return Flaw(.file, found: found, expected: expected, remedy: remedy)
    }
    let unfinished = [".incomplete", ".part", ".crdownload", ".aria2", ".download", ".tmp"]
    if unfinished.contains(where: name.hasSuffix) {
      return Flaw(.file, found: "an unfinished download", expected: expected, remedy: "finish it")
    }
    if bytes.count >= 64, bytes.prefix(4096).allSatisfy({ $0 == 0 }) {
      return Flaw(
        .file, found: "zeros", expected: expected, remedy: "an unfinished download? fetch it again")
    }
    return nil
  }

  private typealias Kind = (
    isLike: @Sendable (UnsafeRawBufferPointer) -> Bool, found: String, remedy: String
  )

  private static let convert = "save the model as safetensors, or convert it to GGUF"

  private static let kinds: [Kind] = [
    (
      { $0.starts(with: "version https://git-lfs".utf8) },
      "a git-lfs pointer, not the file it stands for", "run: git lfs pull"
    ),
    (isHTML, "an HTML page", "a download that needed a login? fetch the file again"),
    ({ $0.starts(with: "<?xml".utf8) }, "an XML page", "a failed download? fetch the file again"),
    ({ $0.starts(with: [0x50, 0x4B, 3, 4]) }, "a zip archive (a PyTorch checkpoint?)", convert),
    ({ $0.starts(with: [0x50, 0x4B, 5, 6]) }, "an empty zip archive", convert),
    (
      { $0.count >= 2 && $0[0] == 0x80 && (2...5).contains($0[1]) },
      "a pickle (an old PyTorch checkpoint?)", convert
    ),
    ({ $0.starts(with: [0x89, 0x48, 0x44, 0x46]) }, "an HDF5 file (a Keras model?)", convert),
    ({ $0.starts(with: [0x93] + Array("NUMPY".utf8)) }, "a NumPy array", convert),
    ({ $0.starts(with: [0x1F, 0x8B]) }, "a gzip archive", "unpack it first"),
    ({ $0.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) }, "a zstd archive", "unpack it first"),
    ({ $0.starts(with: [0xFD, 0x37, 0x7A, 0x58]) }, "an xz archive", "unpack it first"),
    (isTar, "a tar archive", "unpack it first"),
    (
      { bytes in ["lmgg", "tjgg", "fmgg", "algg"].contains { bytes.starts(with: $0.utf8) } },
      "a GGML file, older than GGUF", "convert the model again with a current llama.cpp"
    ),
    ({ $0.starts(with: "FUGG".utf8) }, "a GGUF with its bytes swapped", "fetch the file again"),
  ]

  private static let isHTML: @Sendable (UnsafeRawBufferPointer) -> Bool = { bytes in
    let start = bytes.prefix(256).drop { $0 <= 0x20 || $0 >= 0x80 }.prefix(14)
    let text = String(decoding: start, as: UTF8.self).lowercased()
    return text == "<!doctype html" || text.hasPrefix("<html") || text.hasPrefix("<head")
  }

  private static let isTar: @Sendable (UnsafeRawBufferPointer) -> Bool = { bytes in
    bytes.count >= 512 && bytes[257..<262].elementsEqual("ustar".utf8)
  }
}
