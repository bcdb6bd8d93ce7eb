import Foundation

/// What was done, for whoever has to find out what went wrong.
final class Log {
  let path: String
  private let file: FileHandle?
  private let start = ContinuousClock.now

  init(_ path: String) {
    self.path = path
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    file = FileHandle(forWritingAtPath: path)
  }

  deinit { try? file?.close() }

  func write(_ line: String) {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let text = String(format: "%8.2f ", seconds) + line + "\n"
    try? file?.write(contentsOf: Data(text.utf8))
  }
}

/// How much was done.
struct Figures {
  var sessions = 0
  var keys = 0
  var mouse = 0
  var pastes = 0
  var pastedBytes = 0
  var resizes = 0
  var signals = 0
  var checks = 0
  var kills = 0
  var recoveries = 0
  var failures = 0

  var line: String {
    "\(sessions) sessions, \(keys) keys, \(mouse) mouse events, \(pastes) pastes "
      + "(\(pastedBytes) bytes), \(resizes) resizes, \(signals) signals, \(checks) checks, "
      + "\(kills) kills, \(recoveries) recoveries, \(failures) failures"
  }
}

/// Something that must not happen did.
struct Broken: Error {
  let words: String
  init(_ words: String) { self.words = words }
}
