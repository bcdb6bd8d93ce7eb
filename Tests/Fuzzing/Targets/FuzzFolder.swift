#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A folder of this process's own for inputs that stand for several files; in memory where the system has
/// such a place.
final class FuzzFolder: Sendable {
  static let shared = FuzzFolder("")
  /// For models that are run: tests try several targets at once.
  static let network = FuzzFolder("-network")
  static let vocabulary = FuzzFolder("-vocabulary")

  let path: String

  private init(_ suffix: String) {
    let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    path = "\(place)/bitladder-fuzz-\(getpid())\(suffix)"
    mkdir(path, 0o700)
    atexit {
      FuzzFolder.shared.remove()
      FuzzFolder.network.remove()
      FuzzFolder.vocabulary.remove()
    }
  }

  private func remove() {
    guard let folder = opendir(path) else { return }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      unlink("\(path)/\(name)")
    }
    closedir(folder)
    rmdir(path)
  }

  /// Writes these files; those without bytes are taken away.
  func fill(_ files: [(name: String, bytes: UnsafeRawBufferPointer?)]) throws(Violation) {
    for (name, bytes) in files {
      let file = "\(path)/\(name)"
      guard let bytes else {
        unlink(file)
        continue
      }
      let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
      let count = bytes.isEmpty ? 0 : write(descriptor, bytes.baseAddress, bytes.count)
      close(descriptor)
      try expect(count == bytes.count, "\(file) can't be written")
    }
  }
}
