import Foundation
import GRDB
import Measurement
import ModelFiles

/// A store's file: opening it, whatever state it is in, and setting it aside.
struct StoreFile: Sendable {
  let path: String
  let queue: DatabaseQueue
  let isReadOnly: Bool

  /// Opens a store, or makes a new one.
  /// - Throws: ``StoreFailure``, after which the file is as it was.
  init(path: String, reading: Bool = false) throws(StoreFailure) {
    self.path = path
    let exists = try Self.look(at: path)
    if !exists {
      if reading { throw .system(path: path, found: "found no such file, expected a store") }
      try Self.makeFolder(for: path)
    }
    let isReadOnly = reading || exists && access(path, W_OK) != 0
    self.isReadOnly = isReadOnly
    do {
      queue = try Self.open(path, isReadOnly: isReadOnly)
      let kind = try queue.inDatabase { try StoreSchema.kind(of: $0) }
      switch kind {
      case .ours: break
      case .empty where !isReadOnly:
        try queue.inDatabase { try StoreSchema.create($0) }
      case .empty: throw StoreFailure.damaged(path: path, found: "an empty file")
      case .older: throw StoreFailure.damaged(path: path, found: "a store of an earlier version")
      case .newer(let version): throw StoreFailure.newer(path: path, version: version)
      case .incomplete: throw StoreFailure.damaged(path: path, found: "a store without its tables")
      case .foreign: throw StoreFailure.foreign(path: path, found: "another program's database")
      }
    } catch {
      throw StoreFailure(error, path: path)
    }
    if !isReadOnly { try switchToLog() }
  }

  /// Sets the pace of writing: a log that readers and one writer share, and no waiting for the disk at each
  /// step. A crash of the machine may lose the last findings, never what was there before.
  private func switchToLog() throws(StoreFailure) {
    for attempt in 0... {
      do {
        try queue.inDatabase { database in
          // Where shared memory can't be had, as on some network file systems, the answer is another
          // mode, which serves as well.
          _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
          try database.execute(sql: "PRAGMA journal_size_limit = 16777216")
        }
        return
      } catch {
        let failure = StoreFailure(error, path: path)
        // Two programs that switch at once don't wait for each other by themselves.
        guard case .busy = failure, attempt < 100 else { throw failure }
        usleep(20_000)
      }
    }
  }

  private static func open(_ path: String, isReadOnly: Bool) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = "store"
    configuration.readonly = isReadOnly
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { database in
      try database.execute(
        sql: "PRAGMA synchronous = NORMAL; PRAGMA cell_size_check = ON; PRAGMA cache_size = -16000")
    }
    guard isReadOnly else { return try DatabaseQueue(path: path, configuration: configuration) }
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.inDatabase { _ = try Int.fetchOne($0, sql: "PRAGMA user_version") }
      return queue
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CANTOPEN {
      // A log in a folder that can't be written to: only the file itself is read.
      let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "/-._~"))
      let name = path.addingPercentEncoding(withAllowedCharacters: allowed) ?? path
      return try DatabaseQueue(path: "file:\(name)?immutable=1", configuration: configuration)
    }
  }

  /// Whether there is a file; refuses what is none, and what is plainly of another kind.
  private static func look(at path: String) throws(StoreFailure) -> Bool {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw .foreign(path: path, found: path.isEmpty ? "an empty name" : "a NUL in the name")
    }
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard errno == ENOENT else {
        throw .system(path: path, found: String(cString: strerror(errno)).lowercased())
      }
      return false
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .foreign(path: path, found: "a folder")
    default: throw .foreign(path: path, found: "a pipe or device")
    }
    let others = [".safetensors", ".gguf", ".json"]
    if status.st_size > 0, others.contains(where: { path.hasSuffix($0) }) {
      throw .foreign(path: path, found: "a file of another kind")
    }
    return true
  }

  private static func makeFolder(for path: String) throws(StoreFailure) {
    let folder = Path.folder(path)
    guard folder != "." else { return }
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      let word = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      let text = word.map { String(cString: strerror(Int32($0.code))).lowercased() }
      throw .system(path: folder, found: "can't make the folder: \(text ?? "the system refuses")")
    }
  }

  /// Moves a damaged store out of the way, with its log: to the same name with the date behind it, where an
  /// earlier one of that day is replaced, so that they don't pile up.
  ///
  /// Two programs may find the damage at once: who is second must not move the new store that the first has
  /// made meanwhile. So the damaged file is locked, and is moved only while it still is the one at the path.
  /// - Parameter damaged: the file that was found damaged.
  /// - Returns: where it is now; nil if another program was faster.
  static func setAside(_ path: String, damaged: FileStamp.Number?) throws(StoreFailure) -> String? {
    func failure() -> StoreFailure {
      .system(
        path: path, found: "can't set it aside: \(String(cString: strerror(errno)).lowercased())")
    }
    let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw failure()
    }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX) == 0 else { throw failure() }
    guard let there = FileStamp(path: path)?.number, damaged == nil || there == damaged else {
      return nil
    }
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    let date = String(
      format: "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday)
    let aside = "\(path).damaged-\(date)"
    unlink(path + "-shm")
    rename(path + "-wal", aside + "-wal")
    guard rename(path, aside) == 0 else { throw failure() }
    return aside
  }
}
