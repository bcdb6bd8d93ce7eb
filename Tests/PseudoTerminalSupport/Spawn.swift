import CTerminal
import Foundation

extension PseudoTerminal {
  /// Starts a process as the leader of a session on a terminal; it can write reports to descriptor 9.
  static func spawn(
    _ command: [String], environment: [String], terminal: String
  ) throws -> (process: pid_t, reports: Int32) {
    var ends: [Int32] = [-1, -1]
    guard ct_pipe(&ends) else { throw Failure(description: "no pipe") }
    defer { close(ends[1]) }
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    // Opened by the leader of a session that has none, it becomes the session's terminal.
    posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0)
    posix_spawn_file_actions_adddup2(&actions, 0, 1)
    posix_spawn_file_actions_adddup2(&actions, 0, 2)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 9)
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    let startsSession: Int32 = 0x80  // POSIX_SPAWN_SETSID in glibc
    #if canImport(Darwin)
      let session = Int32(POSIX_SPAWN_SETSID)
    #else
      let session = startsSession
    #endif
    posix_spawnattr_setflags(
      &attributes, Int16(session | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)))

    var arguments = command.map { strdup($0) } + [nil]
    var variables = environment.map { strdup($0) } + [nil]
    defer { (arguments + variables).forEach { free($0) } }
    var process: pid_t = 0
    let status = posix_spawn(
      &process, command[0], &actions, &attributes, &arguments, &variables)
    guard status == 0 else {
      close(ends[0])
      throw Failure(description: "\(command[0]): \(String(cString: strerror(status)))")
    }
    return (process, ends[0])
  }
}
