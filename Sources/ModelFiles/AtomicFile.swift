import Foundation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What tells one state of a file from another.
public struct FileStamp: Sendable, Hashable {
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
  /// Writes a file through a temporary one in the same folder, `fsync` and `rename`, so that at any
  /// moment the path holds either what was there or all of the new bytes. A symbolic link to a
  /// regular file is written through; a temporary file that an earlier, killed run left behind for
  /// the same name is replaced.
  /// - Returns: the stamp of the new file.
  /// - Throws: ``SaveFailure``.
  @discardableResult
  public static func write(
    _ bytes: [UInt8], to path: String, expecting expected: ExpectedFile
  ) throws(SaveFailure) -> FileStamp {
    let target = try resolve(path)
    try check(target, expected)
    let folder = (target as NSString).deletingLastPathComponent
    let name = (target as NSString).lastPathComponent
    // A name has at most 255 bytes; two targets that share so long a beginning only take turns.
    let beginning = String(decoding: Array(name.utf8.prefix(200)), as: UTF8.self)
    let temporary = (folder as NSString).appendingPathComponent(".\(beginning).bitladder-saving")
    let descriptor = try openTemporary(temporary, mode: existingMode(target), target: target)
    do throws(SaveFailure) {
      defer { close(descriptor) }
      try writeAll(bytes, descriptor, path: target)
      guard fsync(descriptor) == 0 else { throw failure("write to", target) }
      // Looked at again: somebody may have saved while we wrote.
      try check(target, expected)
      guard rename(temporary, target) == 0 else { throw failure("replace", target) }
    } catch {
      unlink(temporary)
      throw error
    }
    syncFolder(folder)
    guard let stamp = FileStamp(path: target) else { throw failure("look at", target) }
    return stamp
  }

  /// Opens and locks the temporary file, so that two programs that save at once don't mix their
  /// bytes; what a killed one left behind under that name is emptied.
  private static func openTemporary(
    _ path: String, mode: mode_t, target: String
  ) throws(SaveFailure) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode)
    guard descriptor >= 0 else { throw failure("create a file beside", target) }
    var ours = stat()
    var named = stat()
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &ours) == 0,
      lstat(path, &named) == 0, ours.st_ino == named.st_ino, ours.st_mode & S_IFMT == S_IFREG,
      ftruncate(descriptor, 0) == 0
    else {
      close(descriptor)
      throw .refused(path: target, found: "being saved by another program")
    }
    return descriptor
  }

  /// Follows symbolic links to where the file is or would be, and refuses what is no regular file.
  private static func resolve(_ path: String) throws(SaveFailure) -> String {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw .refused(path: path, found: path.isEmpty ? "empty" : "a name with a NUL in it")
    }
    var status = stat()
    guard stat(path, &status) == 0 else {
      var link = stat()
      if lstat(path, &link) == 0 {
        throw .refused(path: path, found: "a link that leads nowhere")
      }
      guard errno == ENOENT else { throw failure("reach", path) }
      return path
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .refused(path: path, found: "a folder")
    case S_IFIFO: throw .refused(path: path, found: "a pipe")
    default: throw .refused(path: path, found: "a device or socket")
    }
    guard let resolved = realpath(path, nil) else { throw failure("reach", path) }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func check(_ target: String, _ expected: ExpectedFile) throws(SaveFailure) {
    let stamp = FileStamp(path: target)
    switch expected {
    case .anything: return
    case .absent: if stamp != nil { throw .exists }
    case .unchanged(let before):
      // A file that was removed meanwhile is no loss to anyone: it is written anew.
      if let stamp, stamp != before { throw .changedOnDisk }
    }
  }

  private static func existingMode(_ target: String) -> mode_t {
    var status = stat()
    return stat(target, &status) == 0 ? status.st_mode & 0o777 : 0o644
  }

  private static func writeAll(
    _ bytes: [UInt8], _ descriptor: Int32, path: String
  ) throws(SaveFailure) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Foundation.write(
          descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("write to", path) }
      written += count
    }
  }

  private static func syncFolder(_ folder: String) {
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    // Some file systems can't; the file itself is safe by now.
    _ = fsync(descriptor)
    close(descriptor)
  }

  private static func failure(_ operation: String, _ path: String) -> SaveFailure {
    .system(operation: operation, path: path, code: errno)
  }
}
