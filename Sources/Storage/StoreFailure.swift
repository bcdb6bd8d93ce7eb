import GRDB
import Measurement
import ModelFiles

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Why a store can't be used, wholly or in part.
public enum StoreFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// Its file isn't what a store's should be: cut short, overwritten, no database at all.
  case damaged(path: String, found: String)
  /// It is of a later program.
  case newer(path: String, version: Int)
  /// There is something else at its path, which isn't ours to touch.
  case foreign(path: String, found: String)
  /// It may be read but not written.
  case readOnly(path: String)
  /// There is no room for more.
  case full(path: String)
  /// Others held it for too long.
  case busy(path: String)
  /// The system's word.
  case system(path: String, found: String)

  /// A sentence for people, safe for a terminal.
  public var description: String {
    switch self {
    case .damaged(let path, let found):
      "\(path.sanitised): found \(found.sanitised), expected a store of measurements"
    case .newer(let path, let version):
      "\(path.sanitised): found a store of version \(version), expected at most "
        + "\(StoreSchema.version): it is of a later bitladder"
    case .foreign(let path, let found):
      "\(path.sanitised): found \(found.sanitised), expected a store of measurements or a new name"
    case .readOnly(let path): "\(path.sanitised): can't write: it is read-only"
    case .full(let path): "\(path.sanitised): can't write: no space left"
    case .busy(let path): "\(path.sanitised): can't write: other programs hold it"
    case .system(let path, let found): "\(path.sanitised): \(found.sanitised)"
    }
  }

  /// Whether setting the file aside and making a new one helps.
  var isDamage: Bool { if case .damaged = self { true } else { false } }

  /// What an error of the database comes to.
  init(_ error: any Error, path: String) {
    guard let error = error as? DatabaseError else {
      self = (error as? StoreFailure) ?? .system(path: path, found: "\(error)")
      return
    }
    let text = error.message ?? "\(error.resultCode)"
    switch error.resultCode {
    // A table or a column that is missing is an SQLITE_ERROR: all our statements are fixed.
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_FORMAT, .SQLITE_MISMATCH,
      .SQLITE_CONSTRAINT:
      self = .damaged(path: path, found: text)
    case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHORT_READ:
      self = .damaged(path: path, found: "an end too early")
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: self = .readOnly(path: path)
    case .SQLITE_FULL: self = .full(path: path)
    case .SQLITE_IOERR where errno == ENOSPC || errno == EDQUOT || errno == EFBIG:
      self = .full(path: path)
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL: self = .busy(path: path)
    default: self = .system(path: path, found: text)
    }
  }
}
