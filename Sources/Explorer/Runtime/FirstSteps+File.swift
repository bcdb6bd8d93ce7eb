import Foundation
import ModelFiles

extension FirstSteps {
  /// What is left of them by the file that remembers them: all if there is none.
  public init(path: String) {
    guard let data = FileManager.default.contents(atPath: path), data.count <= 4096 else {
      self.init()
      return
    }
    self.init(remembered: String(decoding: data, as: UTF8.self))
  }

  /// Writes what was done; what went wrong, for the log.
  func save(to path: String) -> String? {
    let folder = Path.folder(path)
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      try AtomicFile.write(Array(remembered.utf8), to: path, expecting: .anything)
      return nil
    } catch let failure as SaveFailure {
      return "the first steps will be shown again: \(failure.description)"
    } catch {
      return "the first steps will be shown again: \(folder.sanitised) can't be made"
    }
  }
}

extension ClockTime {
  /// The present one.
  static var now: ClockTime {
    var seconds = time(nil)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return ClockTime(
      hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
  }
}
