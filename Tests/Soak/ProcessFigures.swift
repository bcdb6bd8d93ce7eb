import Foundation

/// What the system says of a process (Linux).
struct ProcessFigures {
  /// Memory of its own, in bytes.
  var anonymous = 0
  /// All memory that is in use, mapped files included, in bytes.
  var resident = 0
  /// Open descriptors.
  var descriptors = 0

  init?(of process: pid_t) {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
      let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd")
    else { return nil }
    for line in status.split(separator: "\n") {
      let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard fields.count > 1, let number = Int(fields[1]) else { continue }
      if fields[0] == "RssAnon:" { anonymous = number << 10 }
      if fields[0] == "VmRSS:" { resident = number << 10 }
    }
    descriptors = open.count
  }

  /// A line for the log.
  var line: String {
    "\(anonymous >> 10) KiB anonymous, \(resident >> 10) KiB resident, \(descriptors) descriptors"
  }

  /// Whether a process was stopped.
  static func isStopped(_ process: pid_t) -> Bool { state(of: process) == "T" }

  /// Whether a process is there and hasn't ended.
  static func isRunning(_ process: pid_t) -> Bool {
    state(of: process).map { $0 != "Z" } ?? false
  }

  private static func state(of process: pid_t) -> Character? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let name = text.lastIndex(of: ")")
    else { return nil }
    return text[name...].dropFirst(2).first
  }
}
