import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder that is being filled with files, and gets its name when all are whole.
///
/// Until then it is a hidden one beside it; what an earlier, killed run left behind there is removed.
public final class PendingFolder: Sendable {
  /// Where the files are until then.
  public let temporaryPath: String
  private let target: String
  private let descriptor: Int32
  private let isOpen = Mutex(true)

  /// Begins a folder.
  /// - Throws: ``SaveFailure`` if there is something of that name already, but for an empty folder.
  public init(_ path: String) throws(SaveFailure) {
    var trimmed = path
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    target = trimmed
    switch Platform.kind(of: target) {
    case .missing: break
    case .folder:
      let names = try? FileManager.default.contentsOfDirectory(atPath: target)
      guard names?.isEmpty == true else {
        throw .refused(path: path, found: "a folder that isn't empty")
      }
    case .file, .other: throw .exists
    }
    let name = String(decoding: Array(Path.name(target).utf8.prefix(200)), as: UTF8.self)
    temporaryPath = Path.join(Path.folder(target), ".\(name).bitladder-saving")
    guard mkdir(temporaryPath, 0o755) == 0 || errno == EEXIST else {
      throw .system(operation: "create a folder beside", path: target, code: errno)
    }
    let opened = open(temporaryPath, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard opened >= 0, flock(opened, LOCK_EX | LOCK_NB) == 0 else {
      if opened >= 0 { close(opened) }
      throw .refused(path: path, found: "being saved by another program")
    }
    // Last: an object without it isn't discarded, and the folder may be another's until here.
    descriptor = opened
    Self.empty(temporaryPath)
  }

  deinit { discard() }

  /// The path of a file in it.
  public subscript(name: String) -> String { Path.join(temporaryPath, name) }

  /// Gives the folder its name: all files are whole now.
  public func commit() throws(SaveFailure) {
    PendingFile.syncFolder(temporaryPath)
    guard rename(temporaryPath, target) == 0 else {
      let code = errno
      discard()
      throw .system(operation: "give its name to", path: target, code: code)
    }
    end(removing: false)
    PendingFile.syncFolder(Path.folder(target))
  }

  /// Gives the folder up, and leaves nothing behind.
  public func discard() { end(removing: true) }

  private func end(removing: Bool) {
    isOpen.withLock { isOpen in
      guard isOpen else { return }
      isOpen = false
      if removing {
        Self.empty(temporaryPath)
        rmdir(temporaryPath)
      }
      close(descriptor)
    }
  }

  /// Removes the files of a folder.
  private static func empty(_ path: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
      unlink(Path.join(path, name))
    }
  }
}
