#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file in one of its states: two equal identities mean equal contents.
///
/// The time of the last change of the inode is part of it, which no program can set: so whoever writes into a
/// file and puts its time of modification back is noticed. Only a file that was changed within the last
/// moments may change once more without another time (`isSettled`).
public struct FileIdentity: Sendable, Hashable {
  /// The device it lies on.
  public let device: Int64
  /// Its number there.
  public let inode: Int64
  /// Its size in bytes.
  public let size: Int64
  /// When its contents were modified, in nanoseconds since 1970.
  public let modified: Int64
  /// When its contents or its inode changed, in nanoseconds since 1970.
  public let changed: Int64

  init(_ status: stat) {
    device = Int64(truncatingIfNeeded: status.st_dev)
    inode = Int64(truncatingIfNeeded: status.st_ino)
    size = Int64(status.st_size)
    func nanoseconds(_ time: timespec) -> Int64 {
      Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
    #if canImport(Darwin)
      modified = nanoseconds(status.st_mtimespec)
      changed = nanoseconds(status.st_ctimespec)
    #else
      modified = nanoseconds(status.st_mtim)
      changed = nanoseconds(status.st_ctim)
    #endif
  }

  /// Whether the last change is so long ago (two seconds: the coarsest clock of a usual file system) that
  /// another one now would show in the times.
  public var isSettled: Bool {
    var now = timespec()
    guard clock_gettime(CLOCK_REALTIME, &now) == 0 else { return false }
    let age = Int64(now.tv_sec) &* 1_000_000_000 &+ Int64(now.tv_nsec) &- max(modified, changed)
    return age > 2_000_000_000
  }
}
