import Foundation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What tells one state of a file from another.
public struct FileStamp: Sendable, Hashable, Codable {
  let device: UInt64
  let inode: UInt64
  let size: Int
  let seconds: Int
  let nanoseconds: Int

  /// What stays the same however the file is written to.
  public struct Number: Sendable, Hashable {
    let device: UInt64
    let inode: UInt64
  }

  /// Its length in bytes.
  public var byteCount: Int { size }

  /// Which file it is, in whatever state.
  public var number: Number { Number(device: device, inode: inode) }

  /// The stamp of the file at a path; nil if there is none.
  public init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(truncatingIfNeeded: status.st_ino)
    size = Int(status.st_size)
    #if os(Linux)
      let modified = status.st_mtim
    #else
      let modified = status.st_mtimespec
    #endif
    seconds = modified.tv_sec
    nanoseconds = modified.tv_nsec
  }
}

/// What must be at a path before it is written to.
public enum ExpectedFile: Sendable, Hashable {
  /// Nothing.
  case absent
  /// The same file as when the stamp was taken.
  case unchanged(FileStamp)
  /// Whatever there is.
  case anything
}

/// Why a file wasn't saved; what was there is as it was.
public enum SaveFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// There is a file where none was expected.
  case exists
  /// The file isn't the one that was expected.
  case changedOnDisk
  /// The target is no place for a file: the path and what it is.
  case refused(path: String, found: String)
  /// The system's word: what was tried, on which path, and its error number.
  case system(operation: String, path: String, code: Int32)

  /// One sentence for the user.
  public var description: String {
    switch self {
    case .exists: "There is a file of that name already."
    case .changedOnDisk: "The file was changed since it was read."
    case .refused(let path, let found):
      "\(path.sanitised) is \(found); expected a regular file or a new name."
    case .system(let operation, let path, let code):
      "\(path.sanitised): can't \(operation): \(String(cString: strerror(code)).lowercased())."
    }
  }
}

/// Files that are written whole or not at all.
public enum AtomicFile {
  /// Writes a file whose bytes are at hand, as a ``PendingFile`` is written.
  /// - Returns: the stamp of the new file.
  /// - Throws: ``SaveFailure``.
  @discardableResult
  public static func write(
    _ bytes: [UInt8], to path: String, expecting expected: ExpectedFile
  ) throws(SaveFailure) -> FileStamp {
    let file = try PendingFile(path, expecting: expected)
    try file.write(bytes.span.bytes, at: 0)
    return try file.commit()
  }
}
