import Foundation
import GRDB
import Measurement

/// What a store holds, in numbers.
public struct StoreInfo: Sendable, Equatable {
  /// Tensors, by their contents.
  public var contents = 0
  /// Findings of all kinds and engines.
  public var findings = 0
  /// Those that this version of the engine can use.
  public var usable = 0
  /// Files whose contents are known.
  public var files = 0
  /// The size of its tables in bytes.
  public var byteCount = 0
  /// The findings of each format; statistics of weights are under "".
  public var formats: [String: Int] = [:]
}

/// What came of a merge.
public struct MergeResult: Sendable, Equatable {
  /// Findings that the other store had.
  public var findings: Int
  /// Those of them that are new here, or better than what was here.
  public var taken: Int
}

extension MeasurementStore {
  /// What the store holds; nil if it can't be read, of which `notes` tells.
  public func info() -> StoreInfo? {
    queue.sync { read { try $0.info() } }
  }

  /// Drops all findings; whether it could.
  public func clear() -> Bool {
    queue.sync {
      guard write({ try $0.clear() }) != nil else { return false }
      giveBackSpace()
      return true
    }
  }

  /// Adds what another store knows; of two findings about the same the exact one stays, then the one that
  /// looked at more weights.
  /// - Throws: ``StoreFailure`` if the other one, or this one, can't be used.
  public func merge(from other: String) throws(StoreFailure) -> MergeResult {
    // Looked at first: attaching would make one.
    let source = try StoreFile(path: other, reading: true)
    try? source.queue.close()
    let result: Result<MergeResult, StoreFailure> = queue.sync {
      guard canWrite, let file = opened() else {
        return .failure(.system(path: path, found: notes.last ?? "can't be written to"))
      }
      do {
        let result = try file.queue.inDatabase { database in
          try database.execute(sql: "ATTACH DATABASE ? AS other", arguments: [other])
          defer { try? database.execute(sql: "DETACH DATABASE other") }
          return try StoreTables(database: database, engine: engine).merge()
        }
        keepUnderLimit(always: true)
        return .success(result)
      } catch {
        // Of which of the two it is told by looking at the other once more.
        return .failure(StoreFailure(error, path: other))
      }
    }
    return try result.get()
  }
}

extension StoreTables {
  func info() throws -> StoreInfo {
    func count(_ sql: String, _ arguments: StatementArguments = []) throws -> Int {
      try Int.fetchOne(database, sql: "SELECT count(*) FROM \(sql)", arguments: arguments) ?? 0
    }
    var info = StoreInfo()
    info.contents = try count("content")
    info.findings = try count("finding")
    info.usable = try count("finding WHERE engine = ?", [engine])
    info.files = try count("file")
    info.byteCount = try byteCount()
    let rows = try Row.fetchAll(
      database,
      sql: """
        SELECT format.name, count(*) FROM finding JOIN format ON format.id = finding.format
        GROUP BY format.id
        """)
    for row in rows { info.formats[row[0]] = row[1] }
    return info
  }

  /// Adds all of the attached database `other`.
  fileprivate func merge() throws -> MergeResult {
    var result = MergeResult(findings: 0, taken: 0)
    try database.inTransaction(.immediate) {
      let findings = try Int.fetchOne(database, sql: "SELECT count(*) FROM other.finding")
      result.findings = findings ?? 0
      // "WHERE true" tells SQLite's parser that the ON that follows is no join's.
      try database.execute(
        sql: """
          INSERT INTO main.content (hash, sample, bytes, used)
            SELECT hash, sample, bytes, used FROM other.content WHERE true
            ON CONFLICT (hash) DO UPDATE SET used = max(used, excluded.used);
          INSERT OR IGNORE INTO main.format (name) SELECT name FROM other.format;
          INSERT OR IGNORE INTO main.importance (digest) SELECT digest FROM other.importance;
          INSERT OR IGNORE INTO main.file (device, inode, size, modified, changed, sample)
            SELECT device, inode, size, modified, changed, sample FROM other.file;
          """)
      let before = database.totalChangesCount
      try database.execute(
        sql: """
          INSERT INTO main.finding
              (content, importance, format, engine, exact, weights, time, value)
            SELECT content.id, coalesce(importance.id, 0), format.id, theirs.engine, theirs.exact,
              theirs.weights, theirs.time, theirs.value
            FROM other.finding AS theirs
            JOIN other.content AS their_content ON their_content.id = theirs.content
            JOIN main.content AS content ON content.hash = their_content.hash
            JOIN other.format AS their_format ON their_format.id = theirs.format
            JOIN main.format AS format ON format.name = their_format.name
            LEFT JOIN other.importance AS their_importance
              ON their_importance.id = theirs.importance
            LEFT JOIN main.importance AS importance
              ON importance.digest = their_importance.digest
            WHERE theirs.importance = 0 OR importance.id IS NOT NULL
            ON CONFLICT (content, importance, format, engine) DO \(Self.better)
          """)
      result.taken = database.totalChangesCount - before
      try database.execute(
        sql: """
          INSERT OR REPLACE INTO main.place (file, offset, shape, content)
            SELECT file.id, theirs.offset, theirs.shape, content.id
            FROM other.place AS theirs
            JOIN other.file AS f ON f.id = theirs.file
            JOIN main.file AS file ON file.device = f.device AND file.inode = f.inode
              AND file.size = f.size AND file.modified = f.modified AND file.changed = f.changed
              AND file.sample = f.sample
            JOIN other.content AS their_content ON their_content.id = theirs.content
            JOIN main.content AS content ON content.hash = their_content.hash
          """)
      return .commit
    }
    return result
  }
}
