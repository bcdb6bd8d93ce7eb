#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file of ours alone: others see that it is held, and that it no longer is once this process has ended, however.
public final class LockedFile: Sendable {
  /// Where it is.
  public let path: String
  private let descriptor: Int32

  /// Makes a file that isn't there yet, for its owner alone to read.
  /// - Throws: ``SaveFailure`` where that can't be done, or locked.
  public init(creating path: String) throws(SaveFailure) {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw .system(operation: "make", path: path, code: errno)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      throw .system(operation: "lock", path: path, code: code)
    }
  }

  /// Takes a file that is there; nil if somebody holds it, or it isn't a regular file.
  public init?(taking path: String) {
    self.path = path
    let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    var ours = stat()
    var named = stat()
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &ours) == 0,
      // Its owner may have removed it before the lock was ours.
      lstat(path, &named) == 0, ours.st_ino == named.st_ino, ours.st_mode & S_IFMT == S_IFREG
    else {
      close(descriptor)
      return nil
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Adds bytes at the end, and waits until the disk has them.
  public func append(_ bytes: [UInt8]) throws(SaveFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw .system(operation: "write to", path: path, code: count < 0 ? errno : EIO)
      }
      rest = rest.dropFirst(count)
    }
    // Some file systems can't; what was written outlives this process all the same.
    _ = fsync(descriptor)
  }

  /// Removes it.
  public func remove() { unlink(path) }
}
