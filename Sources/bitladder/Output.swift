import Foundation

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
