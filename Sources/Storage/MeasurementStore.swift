import Dispatch
import Foundation
import GRDB
import Measurement
import ModelFiles
import Quantization
import Synchronization

/// Remembers measurements between runs, in an SQLite database that several programs share.
///
/// Findings are filed under what they were made of (`TensorContent`), not under the path of a model: a copy, a
/// renamed file, a shard of the same weights find what is known. `ModelStore` is the view of it for one model.
///
/// Nothing here throws or waits for the disk where a user would notice: work goes to a queue of its own, and
/// whatever is wrong with the file costs no more than what it would have saved. A damaged store is set aside and
/// begun anew, one that can't be written to is read, one that can't be read is done without. `notes` says so,
/// once each.
///
///     let store = MeasurementStore(path: path)
///     store.watch { print($0) }
///     let findings = ModelStore(store, model: model)
///     for (work, finding) in findings.recall() { ... }
///     findings.record(work, finding)
///     store.close()
public final class MeasurementStore: MeasurementMemory {
  /// The version of codecs and sums: to be raised whenever a codec's bytes or an error sum changes, so that
  /// what was measured before is measured again.
  public static let currentEngine = 1
  /// The greatest size, unless another is asked for.
  public static let standardLimit = 256 << 20

  /// Its file.
  public let path: String
  /// The size in bytes from which on the least recently used is dropped.
  public let limit: Int
  let engine: Int

  private struct State {
    var file: StoreFile?
    var number: FileStamp.Number?
    var isOpened = false
    var canWrite = false
    var notes: [String] = []
    var watcher: (@Sendable (String) -> Void)?
    var batchesSinceCheck = 0
  }

  private let state = Mutex(State())
  let queue = DispatchQueue(label: "store", qos: .utility)

  /// A store at a path; it is opened, or made, in the background.
  /// - Parameters:
  ///   - limit: of its size in bytes.
  ///   - engine: the version under which findings are filed and looked for.
  public init(
    path: String, limit: Int = MeasurementStore.standardLimit,
    engine: Int = MeasurementStore.currentEngine
  ) {
    self.path = path
    self.limit = limit
    self.engine = engine
    queue.async { _ = self.opened() }
  }

  /// Where the store is by default: `bitladder/measurements.sqlite` under $XDG_CACHE_HOME or, without that,
  /// under .cache in the home folder; nil if neither is known.
  public static func defaultPath(environment: [String: String]) -> String? {
    let name = "bitladder/measurements.sqlite"
    // A relative one is to be ignored, says the XDG base directory specification.
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return "\(cache)/\(name)" }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return "\(home)/.cache/\(name)"
  }

  /// What the user should be told, in sentences safe for a terminal.
  public var notes: [String] { state.withLock { $0.notes } }

  /// Hands all notes to `report`, those that were made before and each new one, on any thread.
  public func watch(_ report: @escaping @Sendable (String) -> Void) {
    let before = state.withLock { state in
      state.watcher = report
      return state.notes
    }
    before.forEach(report)
  }

  /// What it knows of one model, and what it is told of it.
  public func memory(of model: Model, importance: ModelImportance?) -> any ModelMemory {
    ModelStore(self, model: model, importance: importance)
  }

  /// Waits until all that was asked for before is done, and lets go of the file.
  public func close() {
    queue.sync {
      let file = state.withLock { state in
        let file = state.file
        state.file = nil
        state.isOpened = true
        return file
      }
      try? file?.queue.close()
    }
  }

  // MARK: - For the store's other parts, on its queue

  /// Reads; nil if there is nothing to read from.
  func read<R>(_ body: (StoreTables) throws -> R) -> R? {
    attempt { file in
      try file.queue.inDatabase { try body(StoreTables(database: $0, engine: engine)) }
    }
  }

  /// Writes in one transaction; nil if it couldn't.
  func write<R>(_ body: (StoreTables) throws -> R) -> R? {
    guard opened() != nil, state.withLock({ $0.canWrite }) else { return nil }
    return attempt { file in
      var result: R?
      try file.queue.inDatabase { database in
        try database.inTransaction(.immediate) {
          result = try body(StoreTables(database: database, engine: engine))
          return .commit
        }
      }
      return result
    } ?? nil
  }

  /// Whether writing makes sense.
  var canWrite: Bool { opened() != nil && state.withLock { $0.canWrite } }

  /// Keeps the size under the limit; now and then, since counting costs something.
  func keepUnderLimit(always: Bool = false) {
    let isDue = state.withLock { state in
      state.batchesSinceCheck += 1
      guard always || state.batchesSinceCheck >= 16 else { return false }
      state.batchesSinceCheck = 0
      return true
    }
    guard isDue, let size = read({ try $0.byteCount() }), size > limit else { return }
    guard write({ try $0.shrink(to: limit) }) != nil else { return }
    giveBackSpace()
  }

  /// Gives free pages back to the disk.
  func giveBackSpace() {
    _ = attempt { file in
      try file.queue.inDatabase { database in
        // A row for each page: all of them have to be stepped through.
        _ = try Row.fetchAll(database, sql: "PRAGMA incremental_vacuum")
        _ = try Row.fetchAll(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
      }
    }
  }

  /// Does something with the file; if that turns out damaged, once more with a new one.
  func attempt<R>(_ body: (StoreFile) throws -> R) -> R? {
    for isLastTry in [false, true] {
      guard let file = opened() else { return nil }
      do {
        return try body(file)
      } catch {
        let failure = StoreFailure(error, path: path)
        if failure.isDamage, !isLastTry, replace(failure) { continue }
        handle(failure)
        return nil
      }
    }
    return nil
  }

  /// The file, opened if it wasn't yet.
  func opened() -> StoreFile? {
    let (file, isOpened) = state.withLock { ($0.file, $0.isOpened) }
    if isOpened { return file }
    let number = FileStamp(path: path)?.number
    state.withLock {
      $0.isOpened = true
      $0.number = number
    }
    do throws(StoreFailure) {
      return keep(try StoreFile(path: path))
    } catch {
      if error.isDamage, replace(error) { return state.withLock { $0.file } }
      note("\(error.description): going on without it")
      return nil
    }
  }

  private func keep(_ file: StoreFile) -> StoreFile {
    let number = FileStamp(path: path)?.number
    state.withLock { state in
      state.file = file
      state.number = number
      state.canWrite = !file.isReadOnly
    }
    if file.isReadOnly { note("\(StoreFailure.readOnly(path: path)): nothing new is remembered") }
    return file
  }

  /// Sets a damaged file aside and makes a new one; whether there is one now.
  private func replace(_ failure: StoreFailure) -> Bool {
    let (file, number) = state.withLock { state in
      let before = (state.file, state.number)
      state.file = nil
      return before
    }
    try? file?.queue.close()
    do throws(StoreFailure) {
      if let aside = try StoreFile.setAside(path, damaged: number) {
        let name = Path.name(aside)
        note("\(failure): set aside as \(name.sanitised), begun anew")
      }
      _ = keep(try StoreFile(path: path))
      return true
    } catch {
      note("\(failure): going on without it (\(error))")
      state.withLock { $0.canWrite = false }
      return false
    }
  }

  private func handle(_ failure: StoreFailure) {
    switch failure {
    case .busy: note("\(failure): some findings aren't remembered")
    case .full, .readOnly:
      state.withLock { $0.canWrite = false }
      note("\(failure): nothing more is remembered")
    default:
      state.withLock {
        $0.canWrite = false
        $0.file = nil
      }
      note("\(failure): going on without it")
    }
  }

  private func note(_ text: String) {
    let text = "store: " + text
    let watcher = state.withLock { state in
      guard !state.notes.contains(text) else { return nil as (@Sendable (String) -> Void)? }
      state.notes.append(text)
      return state.watcher
    }
    watcher?(text)
  }
}
