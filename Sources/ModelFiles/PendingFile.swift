import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that is being written, and gets its name when it is whole.
///
/// Until then it is a temporary one in the same folder, so that at any moment the path holds either what was there
/// or all of the new bytes. A symbolic link to a regular file of the user's is written through; a temporary file
/// that an earlier, killed run left behind for the same name is replaced. Several threads may write at once.
public final class PendingFile: Sendable {
  /// Where the bytes are until the file is whole.
  public let temporaryPath: String
  private let target: String
  private let expected: ExpectedFile
  private let descriptor: Int32
  private let isOpen = Mutex(true)

  /// Begins a file.
  /// - Parameter expected: what must be at the path, now and when the file is whole.
  public init(_ path: String, expecting expected: ExpectedFile) throws(SaveFailure) {
    target = try Self.resolve(path)
    self.expected = expected
    try Self.check(target, expected)
    let folder = Path.folder(target)
    let name = Path.name(target)
    // A name has at most 255 bytes; two targets that share so long a beginning only take turns.
    let beginning = String(decoding: Array(name.utf8.prefix(200)), as: UTF8.self)
    temporaryPath = Path.join(folder, ".\(beginning).bitladder-saving")
    descriptor = try Self.openTemporary(
      temporaryPath, mode: Self.existingMode(target), target: target)
  }

  deinit { discard() }

  /// The bytes that are free where it lies; nil if the system doesn't say.
  public var freeBytes: Int? {
    var status = statvfs()
    guard fstatvfs(descriptor, &status) == 0 else { return nil }
    return Int(exactly: (Double(status.f_bavail) * Double(status.f_frsize)).rounded(.down))
  }

  /// Takes the room on the disk that so many bytes need, where the system can do so: a full disk then shows at once.
  public func reserve(_ byteCount: Int) throws(SaveFailure) {
    #if os(Linux)
      guard byteCount > 0 else { return }
      let code = posix_fallocate(descriptor, 0, off_t(byteCount))
      if [ENOSPC, EFBIG, EDQUOT].contains(code) {
        throw .system(operation: "write to", path: target, code: code)
      }
    #endif
  }

  /// Makes the file this long; what nobody writes is zeros.
  public func extend(to byteCount: Int) throws(SaveFailure) {
    guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
      throw Self.failure("write to", target)
    }
  }

  /// Writes bytes to a place in the file.
  public func write(_ bytes: RawSpan, at offset: Int) throws(SaveFailure) {
    let code = bytes.withUnsafeBytes { buffer -> Int32? in
      var written = 0
      while written < buffer.count {
        let count = pwrite(
          descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written,
          off_t(offset + written))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return count < 0 ? errno : EIO }
        written += count
      }
      return nil
    }
    if let code { throw .system(operation: "write to", path: target, code: code) }
  }

  /// Gives the file its name: it is whole now.
  /// - Returns: the stamp of the new file.
  public func commit() throws(SaveFailure) -> FileStamp {
    do throws(SaveFailure) {
      guard fsync(descriptor) == 0 else { throw Self.failure("write to", target) }
      // Looked at again: somebody may have saved while we wrote.
      try Self.check(target, expected)
      guard rename(temporaryPath, target) == 0 else { throw Self.failure("replace", target) }
    } catch {
      discard()
      throw error
    }
    end(unlinking: false)
    Self.syncFolder(Path.folder(target))
    guard let stamp = FileStamp(path: target) else { throw Self.failure("look at", target) }
    return stamp
  }

  /// Gives the file up, and leaves nothing behind.
  public func discard() { end(unlinking: true) }

  private func end(unlinking: Bool) {
    isOpen.withLock { isOpen in
      guard isOpen else { return }
      isOpen = false
      // Before the lock goes: afterwards the name may be another program's.
      if unlinking { unlink(temporaryPath) }
      close(descriptor)
    }
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
    case S_IFREG:
      if isOfOthers(link: path, to: status) {
        throw .refused(path: path, found: "a link of another user's, or to a file of one")
      }
    case S_IFDIR: throw .refused(path: path, found: "a folder")
    case S_IFIFO: throw .refused(path: path, found: "a pipe")
    default: throw .refused(path: path, found: "a device or socket")
    }
    guard let resolved = realpath(path, nil) else { throw failure("reach", path) }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Whether a path is a link that others laid, or that leads to what is theirs; root's links are trusted.
  private static func isOfOthers(link path: String, to target: stat) -> Bool {
    var link = stat()
    guard lstat(path, &link) == 0, link.st_mode & S_IFMT == S_IFLNK else { return false }
    let user = geteuid()
    return target.st_uid != user || ![user, 0].contains(link.st_uid)
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

  static func syncFolder(_ folder: String) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    // Some file systems can't; the file itself is safe by now.
    _ = fsync(descriptor)
    close(descriptor)
  }

  private static func failure(_ operation: String, _ path: String) -> SaveFailure {
    .system(operation: operation, path: path, code: errno)
  }
}
