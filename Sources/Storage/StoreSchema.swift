import GRDB
import Measurement

/// The tables of a store.
///
/// A **content** is a tensor's bytes with their type and shape, by a digest of all of them; it has **findings**,
/// one for each format (the statistics of the weights are filed under the format ""), importance and version of
/// the engine. A **place** says which content a file has at an offset, so that a file that was seen before needs
/// no pass over its bytes. Findings are clustered by content: those of one model are read in one go.
///
/// The value of a finding is a few numbers in one blob, with a digest over them and their key (`StoredValue`).
enum StoreSchema {
  /// "BLst": tells our databases from others.
  static let applicationID = 0x424C_7374
  /// Of the tables. A store of an earlier version is set aside, one of a later version left alone.
  static let version = 1

  static let tables: Set<String> = [
    "content", "format", "importance", "finding", "file", "place",
  ]

  static let sql = """
    CREATE TABLE content (
      id INTEGER PRIMARY KEY,
      hash BLOB NOT NULL UNIQUE,
      sample BLOB NOT NULL,
      bytes INTEGER NOT NULL,
      used INTEGER NOT NULL
    );
    CREATE INDEX content_sample ON content(sample);
    CREATE INDEX content_used ON content(used);
    CREATE TABLE format (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE importance (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE);
    CREATE TABLE finding (
      content INTEGER NOT NULL,
      importance INTEGER NOT NULL,
      format INTEGER NOT NULL,
      engine INTEGER NOT NULL,
      exact INTEGER NOT NULL,
      weights INTEGER NOT NULL,
      time INTEGER NOT NULL,
      value BLOB NOT NULL,
      PRIMARY KEY (content, importance, format, engine)
    ) WITHOUT ROWID;
    CREATE TABLE file (
      id INTEGER PRIMARY KEY,
      device INTEGER NOT NULL,
      inode INTEGER NOT NULL,
      size INTEGER NOT NULL,
      modified INTEGER NOT NULL,
      changed INTEGER NOT NULL,
      sample BLOB NOT NULL,
      UNIQUE (device, inode, size, modified, changed, sample)
    );
    CREATE TABLE place (
      file INTEGER NOT NULL,
      offset INTEGER NOT NULL,
      shape BLOB NOT NULL,
      content INTEGER NOT NULL,
      PRIMARY KEY (file, offset)
    ) WITHOUT ROWID;
    CREATE INDEX place_content ON place(content);
    """

  /// Makes the tables if there is nothing yet; who comes second finds them made.
  static func create(_ database: Database) throws {
    if try Int.fetchOne(database, sql: "PRAGMA page_count") == 0 {
      // Only an empty database takes this, and not within a transaction.
      try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
    }
    try database.inTransaction(.immediate) {
      if try Int.fetchOne(database, sql: "PRAGMA user_version") == 0 {
        try database.execute(sql: sql)
        try database.execute(sql: "PRAGMA application_id = \(applicationID)")
        try database.execute(sql: "PRAGMA user_version = \(version)")
      }
      return .commit
    }
  }

  /// What a database is.
  enum Kind { case empty, ours, older, newer(Int), incomplete, foreign }

  static func kind(of database: Database) throws -> Kind {
    var kind = Kind.empty
    // As it is at one moment: another program may be making the tables.
    try database.inTransaction(.deferred) {
      kind = try kindNow(of: database)
      return .commit
    }
    return kind
  }

  private static func kindNow(of database: Database) throws -> Kind {
    let tables = Set(
      try String.fetchAll(
        database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> ''"))
    let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
    let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    if application == applicationID {
      if version > Self.version { return .newer(version) }
      if version < Self.version { return .older }
      return tables.isSuperset(of: Self.tables) ? .ours : .incomplete
    }
    return tables.isEmpty && application == 0 && version == 0 ? .empty : .foreign
  }
}
