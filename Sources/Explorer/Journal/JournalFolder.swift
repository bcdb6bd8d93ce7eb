import Foundation
import ModelFiles

/// The folder of journals.
public struct JournalFolder: Sendable {
  /// Longer files are no journals of ours.
  private static let maximumByteCount = 256 << 20
  /// More files than these, the newest, aren't looked at.
  private static let maximumCount = 200
  /// Journals that nobody came back for are removed after these seconds.
  private static let maximumAge = 90.0 * 24 * 3600

  let path: String

  /// A folder; it need not be there yet.
  public init(path: String) { self.path = path }

  /// `bitladder/journals` under $XDG_STATE_HOME or, without that, ~/.local/state; nil if there is neither.
  public init?(_ environment: [String: String]) {
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
      path = "\(state)/bitladder/journals"
    } else if let home = environment["HOME"], home.hasPrefix("/") {
      path = "\(home)/.local/state/bitladder/journals"
    } else {
      return nil
    }
  }

  /// What a journal that nobody holds is to us.
  enum Content {
    /// Unsaved work on this model.
    case work(RecoveredWork)
    /// Work on another model.
    case otherModel
    /// Nothing that could be taken up.
    case nothing
  }

  func makeFile() throws(SaveFailure) -> LockedFile {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw .refused(path: path, found: "a place where no folder can be made")
    }
    return try LockedFile(creating: "\(path)/\(UUID().uuidString).journal")
  }

  /// The journals, newest first.
  func paths() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0.hasSuffix(".journal") }.map { "\(path)/\($0)" }
      .map { (path: $0, time: Self.modified($0) ?? .distantPast) }
      .sorted { ($0.time, $0.path) > ($1.time, $1.path) }.prefix(Self.maximumCount).map(\.path)
  }

  /// Whose journal it is; nil if that can't be told.
  func header(_ path: String) -> JournalHeader? {
    lines(of: path).flatMap { $0.header }
  }

  /// Reads a journal that nobody holds.
  func read(
    _ path: String, _ coder: JournalCoder, fingerprint: String, name: String
  ) -> Content {
    guard let (header, lines) = lines(of: path) else { return .nothing }
    guard let header, header.bitladderJournal <= JournalHeader.currentVersion else {
      return .otherModel
    }
    let time = Self.modified(path) ?? .distantPast
    guard header.fingerprint == fingerprint || header.model == name else {
      return Date.now.timeIntervalSince(time) > Self.maximumAge ? .nothing : .otherModel
    }
    var skipped = 0
    var entries: [JournalEntry] = []
    let decoder = JSONDecoder()
    for line in lines {
      // What a crash has torn ends the journal.
      guard let line = try? decoder.decode(JournalLine.self, from: Data(line)),
        let entry = coder.entry(line, skipped: &skipped)
      else { break }
      entries.append(entry)
    }
    let work = RecoveredWork(
      journal: path, time: Self.text(of: time), header: header,
      isSameModel: header.fingerprint == fingerprint, skipped: skipped, entries: entries,
      tensorCount: coder.tensorCount)
    return work.unsavedCount > 0 ? .work(work) : .nothing
  }

  /// The header and the other lines; nil if the file is empty or can't be read.
  private func lines(of path: String) -> (
    header: JournalHeader?, rest: ArraySlice<Data.SubSequence>
  )? {
    guard let size = FileStamp(path: path)?.byteCount, size <= Self.maximumByteCount,
      let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    else { return nil }
    let lines = data.split(separator: 0x0A)
    guard let first = lines.first else { return nil }
    return (try? JSONDecoder().decode(JournalHeader.self, from: first), lines.dropFirst())
  }

  private static func modified(_ path: String) -> Date? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
  }

  private static func text(of time: Date) -> String {
    let form = DateFormatter()
    form.locale = Locale(identifier: "en_US_POSIX")
    form.dateFormat = "yyyy-MM-dd 'at' HH:mm"
    return form.string(from: time)
  }

  /// A path that means the same in every folder.
  static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  }
}
