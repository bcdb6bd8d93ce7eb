import Foundation
import ModelFiles

/// Where the unsaved work of sessions is kept: one file for each that runs, or that ended without leave.
///
/// A session writes what it does to its own file at once, and removes it when it ends with nothing unsaved, or with
/// the user's word that it may be lost. As long as it runs it holds a lock on it, which the system takes away with
/// the process, however that ends. So a journal that nobody holds is work that somebody lost.
///
///     {"bitladderJournal":1,"fingerprint":"sha256:…","model":"austen","plan":"…","process":4711}
///     {"step":{"changes":[{"from":{"format":"source"},"tensor":"…","to":{"format":"int4"}}],"label":"…"}}
///     {"undo":true}
///
/// Not thread-safe: one queue has it.
final class Journal {
  private let folder: JournalFolder
  private let coder: JournalCoder
  private let header: JournalHeader
  private let file: LockedFile?
  /// What is only worth writing once something is changed.
  private var prelude: JournalEntry?
  private var isBegun = false
  /// Held until the user has said what is to become of them.
  private var orphans: [String: LockedFile] = [:]
  /// Why nothing is written any more.
  private(set) var failure: SaveFailure?

  /// Begins a journal. Nothing is written yet but what says that the session is there.
  /// - Parameters:
  ///   - plan: the plan's file, if it has one.
  ///   - stamp: what that was when it was read.
  init(_ folder: JournalFolder, model: Model, plan: String?, stamp: FileStamp?) {
    self.folder = folder
    coder = JournalCoder(model)
    header = JournalHeader(
      model: model.name, fingerprint: model.fingerprint(), process: getpid(),
      plan: plan.map(JournalFolder.absolute), stamp: stamp)
    do throws(SaveFailure) {
      file = try folder.makeFile()
    } catch {
      file = nil
      failure = error
    }
    write([header])
  }

  /// Notes what was done.
  func append(_ entries: [JournalEntry]) {
    var lines: [JournalLine] = []
    for entry in entries {
      if case .base = entry, !isBegun {
        prelude = entry
        continue
      }
      if !isBegun, let prelude { lines.append(coder.line(prelude)) }
      isBegun = true
      lines.append(coder.line(entry))
    }
    write(lines)
  }

  private func write(_ lines: [some Encodable]) {
    guard failure == nil, let file, !lines.isEmpty else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var bytes: [UInt8] = []
    for line in lines {
      guard let data = try? encoder.encode(line) else { continue }
      bytes += data
      bytes.append(0x0A)
    }
    do throws(SaveFailure) {
      try file.append(bytes)
    } catch {
      failure = error
    }
  }

  /// Ends the journal.
  /// - Parameter isKept: whether there is something in it that the next session should offer.
  func end(isKept: Bool) {
    if !(isKept && isBegun) { file?.remove() }
    orphans = [:]
  }

  // MARK: - Others' journals

  /// Looks at what is there besides: work that was lost, newest first, and who else has the plan's file open.
  func look() -> (lost: RecoveredWork?, holders: [Int32]) {
    var found: [RecoveredWork] = []
    var holders: [Int32] = []
    for path in folder.paths() where path != file?.path {
      if let orphan = LockedFile(taking: path) {
        switch folder.read(path, coder, fingerprint: header.fingerprint, name: header.model) {
        case .work(let work):
          orphans[path] = orphan
          found.append(work)
        case .otherModel: break
        case .nothing: orphan.remove()
        }
      } else if let plan = header.plan, let other = folder.header(path), other.plan == plan {
        holders.append(other.process)
      }
    }
    guard var lost = found.first else { return (nil, holders) }
    lost.others = found.count - 1
    return (lost, holders)
  }

  /// Removes a journal whose work is taken up, or isn't wanted.
  func remove(_ path: String) { orphans.removeValue(forKey: path)?.remove() }
}
