import Foundation
import GRDB
import Measurement
import ModelFiles
import Quantization

/// Where a file is filed: its identity, and a digest of a sample of its bytes against the odd case that a file
/// system's numbers and times are less than unique.
struct FileKey: Hashable, Sendable {
  var identity: FileIdentity
  var sample: ContentHash

  fileprivate var arguments: StatementArguments {
    [
      identity.device, identity.inode, identity.size, identity.modified, identity.changed,
      sample.data,
    ]
  }
}

/// Findings that are to be written in one transaction.
struct StoreBatch: Sendable {
  struct Content: Hashable, Sendable {
    var hash: ContentHash
    var sample: ContentHash
    var byteCount: Int
  }

  struct Entry: Sendable {
    var content: ContentHash
    var key: FindingKey
    var isExact: Bool
    var weights: Int
    var value: Data
  }

  struct Place: Sendable {
    var file: FileKey
    var offset: Int
    var shape: ContentHash
    var content: ContentHash
  }

  var contents: [Content] = []
  var findings: [Entry] = []
  var places: [Place] = []

  var isEmpty: Bool { contents.isEmpty && findings.isEmpty && places.isEmpty }
}

/// A finding as it stands in a store, its key by the numbers of `StoreNames`.
struct StoredFinding {
  var content: Int64
  var format: Int64
  /// 0 where none was given.
  var importance: Int64
  var value: Data
}

/// What the numbers in a store stand for.
struct StoreNames {
  var formats: [Int64: String] = [:]
  var importances: [Int64: ContentHash] = [:]
}

/// All reading and writing of findings, within a transaction or access of the caller's.
struct StoreTables {
  let database: Database
  let engine: Int

  // MARK: - Reading

  func file(_ key: FileKey) throws -> Int64? {
    try Int64.fetchOne(
      database,
      sql: """
        SELECT id FROM file WHERE device = ? AND inode = ? AND size = ? AND modified = ?
        AND changed = ? AND sample = ?
        """, arguments: key.arguments)
  }

  /// What a file holds: its offsets with the digests of shape and content.
  func places(of file: Int64, _ body: (Int, ContentHash, Int64, ContentHash) -> Void) throws {
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT place.offset, place.shape, content.id, content.hash FROM place
        JOIN content ON content.id = place.content WHERE place.file = ?
        """, arguments: [file])
    while let row = try rows.next() {
      guard let shape = ContentHash(row[1]), let hash = ContentHash(row[3]) else { continue }
      body(row[0], shape, row[2], hash)
    }
  }

  /// All findings of a file's contents, in the order of their places; not those of other engines.
  func findings(of file: Int64, _ body: (Int, StoredFinding) -> Void) throws {
    try findings(
      sql: """
        SELECT finding.content, finding.format, finding.importance, finding.value, place.offset
        FROM place CROSS JOIN finding ON finding.content = place.content
        WHERE place.file = ? AND finding.engine = ?
        """, [file, engine], body)
  }

  /// The number of a content; nil if nothing is known of it.
  func content(_ hash: ContentHash) throws -> Int64? {
    try Int64.fetchOne(
      database.cachedStatement(sql: "SELECT id FROM content WHERE hash = ?"),
      arguments: [hash.data])
  }

  /// All findings of a content.
  func findings(of content: Int64, _ body: (StoredFinding) -> Void) throws {
    try findings(
      sql: """
        SELECT content, format, importance, value, 0 FROM finding WHERE content = ? AND engine = ?
        """, [content, engine]
    ) { body($1) }
  }

  /// Whether nothing is known of anything.
  func isEmpty() throws -> Bool {
    try Bool.fetchOne(database, sql: "SELECT NOT EXISTS (SELECT 1 FROM content)") ?? true
  }

  /// Whether there is a content with this sample.
  func hasContent(sample: ContentHash) throws -> Bool {
    try Bool.fetchOne(
      database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM content WHERE sample = ?)"),
      arguments: [sample.data]) ?? false
  }

  private func findings(
    sql: String, _ arguments: StatementArguments, _ body: (Int, StoredFinding) -> Void
  ) throws {
    let rows = try Row.fetchCursor(
      database.cachedStatement(sql: sql), arguments: arguments)
    while let row = try rows.next() {
      body(
        row[4],
        StoredFinding(content: row[0], format: row[1], importance: row[2], value: row[3]))
    }
  }

  /// What the numbers stand for that have been given out so far.
  func names() throws -> StoreNames {
    var names = StoreNames()
    for row in try Row.fetchAll(database, sql: "SELECT id, name FROM format") {
      names.formats[row[0]] = row[1]
    }
    for row in try Row.fetchAll(database, sql: "SELECT id, digest FROM importance") {
      names.importances[row[0]] = ContentHash(row[1])
    }
    return names
  }

  // MARK: - Writing

  /// Adds findings. One that is there stays, unless the new one is exact where it isn't, or looked at more
  /// weights.
  func write(_ batch: StoreBatch) throws {
    let now = Int(Date().timeIntervalSince1970)
    var contents: [ContentHash: Int64] = [:]
    let insert = try database.cachedStatement(
      sql: """
        INSERT INTO content (hash, sample, bytes, used) VALUES (?, ?, ?, ?)
        ON CONFLICT (hash) DO UPDATE SET used = excluded.used RETURNING id
        """)
    for content in batch.contents {
      contents[content.hash] = try Int64.fetchOne(
        insert, arguments: [content.hash.data, content.sample.data, content.byteCount, now])
    }
    func id(of content: ContentHash) throws -> Int64? {
      if let known = contents[content] { return known }
      let id = try self.content(content)
      contents[content] = id
      return id
    }
    var formats: [String: Int64] = [:]
    var importances: [ContentHash: Int64] = [:]
    for finding in batch.findings {
      guard let content = try id(of: finding.content) else { continue }
      let name = finding.key.format
      let format = try formats[name] ?? identifier("format", "name", of: name.databaseValue)
      formats[name] = format
      let importance = try finding.key.importance.map { digest in
        try importances[digest]
          ?? identifier("importance", "digest", of: digest.data.databaseValue)
      }
      if let digest = finding.key.importance { importances[digest] = importance }
      try write(finding, content, format: format, importance: importance ?? 0, now: now)
    }
    for place in batch.places {
      guard let content = try id(of: place.content) else { continue }
      try write(place, content: content)
    }
  }

  private func write(
    _ finding: StoreBatch.Entry, _ content: Int64, format: Int64, importance: Int64, now: Int
  ) throws {
    let insert = try database.cachedStatement(
      sql: """
        INSERT INTO finding (content, importance, format, engine, exact, weights, time, value)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (content, importance, format, engine) DO \(Self.better)
        """)
    try insert.execute(arguments: [
      content, importance, format, finding.key.engine, finding.isExact, finding.weights, now,
      finding.value,
    ])
  }

  /// What happens to a finding that is there already.
  static let better = """
    UPDATE SET exact = excluded.exact, weights = excluded.weights, time = excluded.time,
      value = excluded.value
    WHERE excluded.exact > exact OR excluded.exact = exact AND excluded.weights > weights
    """

  private func write(_ place: StoreBatch.Place, content: Int64) throws {
    let insert = try database.cachedStatement(
      sql: """
        INSERT INTO file (device, inode, size, modified, changed, sample) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """)
    var file = try file(place.file)
    if file == nil {
      try insert.execute(arguments: place.file.arguments)
      file = database.lastInsertedRowID
    }
    let replace = try database.cachedStatement(
      sql: "INSERT OR REPLACE INTO place (file, offset, shape, content) VALUES (?, ?, ?, ?)")
    try replace.execute(arguments: [file, place.offset, place.shape.data, content])
  }

  /// The number of a name in a table of names, which it is added to if need be.
  private func identifier(
    _ table: String, _ column: String, of value: DatabaseValue
  ) throws -> Int64 {
    let find = try database.cachedStatement(sql: "SELECT id FROM \(table) WHERE \(column) = ?")
    if let known = try Int64.fetchOne(find, arguments: [value]) { return known }
    try database.execute(
      sql: "INSERT INTO \(table) (\(column)) VALUES (?)", arguments: [value])
    return database.lastInsertedRowID
  }

  /// Notes that a file's contents were used, once a day.
  func touch(file: Int64) throws {
    let now = Int(Date().timeIntervalSince1970)
    try database.execute(
      sql: """
        UPDATE content SET used = ? WHERE used < ?
        AND id IN (SELECT content FROM place WHERE file = ?)
        """, arguments: [now, now - 86_400, file])
  }

  // MARK: - Size

  /// The bytes that the tables take.
  func byteCount() throws -> Int {
    let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
    let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
    let size = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 0
    return (pages - free) * size
  }

  /// Drops findings until the tables take less than nine tenths of `limit` bytes: those of earlier engines
  /// first, then the contents that were used least recently, each with all its findings.
  func shrink(to limit: Int) throws {
    guard try byteCount() > limit else { return }
    let goal = limit / 10 * 9
    try database.execute(sql: "DELETE FROM finding WHERE engine < ?", arguments: [engine])
    while try byteCount() > goal {
      let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM content") ?? 0
      guard count > 0 else { break }
      let oldest = try Int64.fetchAll(
        database, sql: "SELECT id FROM content ORDER BY used, id LIMIT ?",
        arguments: [max(1, count / 10)])
      for id in oldest {
        for sql in [
          "DELETE FROM finding WHERE content = ?", "DELETE FROM place WHERE content = ?",
          "DELETE FROM content WHERE id = ?",
        ] { try database.cachedStatement(sql: sql).execute(arguments: [id]) }
      }
    }
    try database.execute(sql: "DELETE FROM file WHERE id NOT IN (SELECT file FROM place)")
  }

  /// Drops all there is.
  func clear() throws {
    for table in StoreSchema.tables.sorted() { try database.execute(sql: "DELETE FROM \(table)") }
  }
}
