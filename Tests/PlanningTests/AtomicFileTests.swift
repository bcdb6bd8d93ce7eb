import Dispatch
import Foundation
import ModelFiles
import SampleSupport
import Synchronization
import Testing

struct AtomicFileTests {
  private let folder: ScratchFolder
  private let text = Array("the new text".utf8)

  init() throws { folder = try ScratchFolder() }

  private func failure(_ path: String, _ expected: ExpectedFile = .anything) -> SaveFailure? {
    do throws(SaveFailure) {
      try AtomicFile.write(text, to: path, expecting: expected)
      return nil
    } catch {
      return error
    }
  }

  @Test func aNewFileIsWritten() throws {
    let stamp = try AtomicFile.write(text, to: folder["plan"], expecting: .absent)
    #expect(folder.read("plan") == text)
    #expect(stamp == FileStamp(path: folder["plan"]))
    #expect(folder.names == ["plan"])
  }

  /// A name may take all the bytes that a file system gives it.
  @Test func aNameOf255BytesIsWritten() throws {
    let name = String(repeating: "n", count: 255)
    try AtomicFile.write(text, to: folder[name], expecting: .absent)
    #expect(folder.read(name) == text)
  }

  @Test func anEmptyFileIsWritten() throws {
    try AtomicFile.write([], to: folder["plan"], expecting: .absent)
    #expect(folder.read("plan") == [])
  }

  @Test func aFileIsReplacedWhole() throws {
    let path = try folder.write("plan", String(repeating: "old ", count: 10_000))
    let stamp = try #require(FileStamp(path: path))
    let new = try AtomicFile.write(text, to: path, expecting: .unchanged(stamp))
    #expect(folder.read("plan") == text)
    #expect(new != stamp)
    #expect(folder.names == ["plan"])
  }

  @Test func aFileThatIsThereIsNoAbsentOne() throws {
    let path = try folder.write("plan", "theirs")
    #expect(failure(path, .absent) == .exists)
    #expect(folder.text("plan") == "theirs")
    #expect(folder.names == ["plan"])
  }

  @Test func aChangedFileIsNoticed() throws {
    let path = try folder.write("plan", "mine")
    let stamp = try #require(FileStamp(path: path))
    try folder.write("plan", "theirs, longer")
    #expect(failure(path, .unchanged(stamp)) == .changedOnDisk)
    #expect(folder.text("plan") == "theirs, longer")
    #expect(folder.names == ["plan"])
  }

  @Test func anotherFileOfTheSameSizeIsNoticed() throws {
    let path = try folder.write("plan", "mine")
    let stamp = try #require(FileStamp(path: path))
    // Both exist at once, so that they can't share an inode.
    try folder.write("other", "hers")
    #expect(rename(folder["other"], path) == 0)
    #expect(failure(path, .unchanged(stamp)) == .changedOnDisk)
    #expect(folder.text("plan") == "hers")
  }

  @Test func aRemovedFileIsWrittenAnew() throws {
    let path = try folder.write("plan", "mine")
    let stamp = try #require(FileStamp(path: path))
    try FileManager.default.removeItem(atPath: path)
    try AtomicFile.write(text, to: path, expecting: .unchanged(stamp))
    #expect(folder.read("plan") == text)
  }

  @Test func aLinkIsWrittenThrough() throws {
    try folder.write("real", "old")
    #expect(symlink("real", folder["link"]) == 0)
    try AtomicFile.write(text, to: folder["link"], expecting: .anything)
    #expect(folder.read("real") == text)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder["link"]) == "real")
    #expect(folder.names == ["link", "real"])
  }

  @Test func aDanglingLinkIsRefused() throws {
    #expect(symlink("nowhere", folder["link"]) == 0)
    #expect(
      failure(folder["link"])?.description
        == "\(folder["link"]) is a link that leads nowhere; expected a regular file or a new name.")
    #expect(folder.names == ["link"])
  }

  /// Only root can make such files for a test.
  @Test(.enabled(if: getuid() == 0), arguments: [true, false])
  func aLinkOfOthersIsRefused(isTheirLink: Bool) throws {
    try folder.write("real", "old")
    #expect(symlink("real", folder["link"]) == 0)
    #expect(lchown(folder[isTheirLink ? "link" : "real"], 65_534, 65_534) == 0)
    #expect(
      failure(folder["link"])
        == .refused(
          path: folder["link"], found: "a link of another user's, or to a file of one"))
    #expect(folder.text("real") == "old")
    #expect(folder.names == ["link", "real"])
  }

  @Test func aFolderIsRefused() throws {
    #expect(
      failure(folder.path)?.description
        == "\(folder.path) is a folder; expected a regular file or a new name.")
    #expect(failure(folder.path + "/") != nil)
    #expect(folder.names == [])
  }

  @Test func aPipeIsRefusedWithoutWaiting() {
    #expect(mkfifo(folder["pipe"], 0o600) == 0)
    #expect(failure(folder["pipe"]) == .refused(path: folder["pipe"], found: "a pipe"))
  }

  @Test(arguments: ["/dev/null", "/dev/full"])
  func devicesAreRefused(path: String) {
    #expect(failure(path) == .refused(path: path, found: "a device or socket"))
  }

  @Test(arguments: ["", "a\u{0}b"])
  func namesThatAreNoneAreRefused(path: String) {
    guard case .refused = failure(path) else {
      Issue.record("\(path.debugDescription) was accepted")
      return
    }
  }

  @Test func aFolderThatIsNotThereIsAnError() {
    let failure = failure(folder["no/such/plan"])
    #expect(failure?.description.hasSuffix("no such file or directory.") == true)
    #expect(self.failure(folder["plan"] + "/x") != nil)
  }

  @Test(.enabled(if: getuid() != 0)) func aReadOnlyFolderIsAnError() throws {
    let path = try folder.write("plan", "old")
    #expect(chmod(folder.path, 0o500) == 0)
    defer { chmod(folder.path, 0o700) }
    #expect(failure(path)?.description.hasSuffix("permission denied.") == true)
    #expect(folder.text("plan") == "old")
  }

  @Test(arguments: [0o600, 0o640, 0o644, 0o755] as [mode_t])
  func theModeIsKept(mode: mode_t) throws {
    let path = try folder.write("plan", "old")
    #expect(chmod(path, mode) == 0)
    try AtomicFile.write(text, to: path, expecting: .anything)
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == mode)
  }

  @Test func aTemporaryFileOfAKilledRunIsNoObstacle() throws {
    try folder.write(".plan.bitladder-saving", String(repeating: "half of ", count: 1_000))
    try AtomicFile.write(text, to: folder["plan"], expecting: .absent)
    #expect(folder.read("plan") == text)
    #expect(folder.names == ["plan"])
  }

  @Test func aTrapInPlaceOfTheTemporaryFileIsNotFollowed() throws {
    try folder.write("precious", "precious")
    #expect(symlink("precious", folder[".plan.bitladder-saving"]) == 0)
    #expect(failure(folder["plan"]) != nil)
    #expect(folder.text("precious") == "precious")
    #expect(folder.text("plan") == nil)
  }

  /// Many threads write texts of their own: what is there in the end, and at any moment before, is
  /// one of them, whole.
  @Test func writersAtOnceNeverMix() throws {
    let path = try folder.write("plan", String(repeating: "x", count: 50_000))
    let mixed = Mutex(0)
    let saved = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 8) { writer in
      let own = [UInt8](repeating: UInt8(ascii: "a") + UInt8(writer), count: 50_000 + writer)
      for _ in 0..<20 {
        if (try? AtomicFile.write(own, to: path, expecting: .anything)) != nil {
          saved.withLock { $0 += 1 }
        }
        let found = folder.read("plan") ?? []
        if found.count < 50_000 || Set(found).count != 1 { mixed.withLock { $0 += 1 } }
      }
    }
    #expect(mixed.withLock { $0 } == 0)
    #expect(saved.withLock { $0 } > 0)
    #expect(folder.names == ["plan"])
  }

  @Test func ofTwoNewFilesOnlyOneIsFirst() throws {
    let firsts = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 8) { writer in
      let own = [UInt8](repeating: UInt8(writer), count: 1_000)
      if (try? AtomicFile.write(own, to: folder["plan"], expecting: .absent)) != nil {
        firsts.withLock { $0 += 1 }
      }
    }
    #expect(firsts.withLock { $0 } == 1)
    #expect(folder.names == ["plan"])
  }

  @Test func failuresAreOneSafeLine() {
    let failures: [SaveFailure] = [
      .exists, .changedOnDisk, .refused(path: "a\u{1B}b", found: "a folder"),
      .system(operation: "create a file beside", path: "a\nb", code: ENOSPC),
    ]
    for failure in failures {
      #expect(!failure.description.unicodeScalars.contains { $0.value < 0x20 })
    }
    #expect(
      failures[3].description == "a\\x0ab: can't create a file beside: no space left on device.")
  }
}
