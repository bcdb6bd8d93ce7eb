import Foundation
import ModelFiles

/// Writes results to standard output, all of them or with a word about what is in the way.
func emit(_ text: String) throws(Failure) {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else {
      throw Failure(
        "standard output: can't write the results: \(String(cString: strerror(errno)).lowercased())"
      )
    }
    bytes = bytes.dropFirst(count)
  }
}

/// Prints a line to standard error.
func tell(_ text: String) {
  FileHandle.standardError.write(Data((text + "\n").utf8))
}

/// A file that a command writes, whole or not at all; `-` is standard output.
struct ResultFile {
  let path: String
  /// Whether to overwrite one that is there.
  let force: Bool

  /// Before anything is measured: the work would be in vain.
  func refuseOverwriting() throws(Failure) {
    guard path != "-", !force, FileStamp(path: path) != nil else { return }
    throw .exists(path)
  }

  func write(_ text: String) throws(Failure) {
    if path == "-" {
      try emit(text)
      return
    }
    do throws(SaveFailure) {
      try AtomicFile.write(
        Array(text.utf8), to: path, expecting: force ? .anything : .absent)
    } catch {
      throw error == .exists ? .exists(path) : Failure("\(path.sanitised): \(error.description)")
    }
  }
}

extension Failure {
  /// A file is there that wasn't to be overwritten.
  static func exists(_ path: String) -> Failure {
    Failure("\(path.sanitised): there is a file of that name already; --force overwrites it")
  }
}
