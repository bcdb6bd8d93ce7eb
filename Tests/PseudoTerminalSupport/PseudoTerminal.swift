import CTerminal
import Foundation
import Terminal

/// A program in a terminal of its own, with the screen that its user would see.
///
/// A shell leads the session and runs the program as its child, as in life: so the terminal can be looked at
/// when the program is gone. For one thread.
///
///     let terminal = try PseudoTerminal(program, ["--ascii"], size: Size(columns: 80, rows: 24))
///     #expect(terminal.wait { $0.picture.contains("ready") })
///     terminal.send("q")
///     #expect(terminal.waitForExit() == .exited(0))
public final class PseudoTerminal {
  /// How the program ended.
  public enum Exit: Hashable, Sendable {
    /// With a status.
    case exited(Int32)
    /// By a signal.
    case signalled(Int32)
  }

  /// Where to send a standard stream of the program instead of the terminal.
  public struct Redirection: Sendable {
    /// Shell syntax such as `>/tmp/out`, `</dev/null`.
    public var shell: String
    /// Makes one.
    public init(_ shell: String) { self.shell = shell }
  }

  /// There's no pseudo-terminal to be had, or no such program.
  public struct Failure: Error, CustomStringConvertible {
    /// What went wrong.
    public let description: String
  }

  /// How long anything may take; machines can be slow and busy.
  public static let patience = Duration.seconds(60)

  /// What the program has sent, as its user sees it.
  public private(set) var screen: VirtualScreen
  /// All bytes that the program has sent.
  public private(set) var output: [UInt8] = []
  /// The program's process.
  public private(set) var process: pid_t = 0

  private let cache = NSTemporaryDirectory() + "/bitladder-cache-\(UUID().uuidString)"
  private var primary: Int32 = -1
  private var leader: pid_t = 0
  private var reports: Int32 = -1
  private var reported = ""
  private var lastRead = ContinuousClock.now

  /// Starts a program.
  ///
  /// The environment has nothing but PATH, HOME, TMPDIR, TERM (xterm-256color), LC_ALL (C.UTF-8) and
  /// XDG_CACHE_HOME, XDG_CONFIG_HOME and XDG_STATE_HOME (a folder of its own, so that the user's are never
  /// touched), changed by `environment`; nil takes a variable away. The user isn't a new one: no hints for
  /// those are shown.
  public init(
    _ program: String, _ arguments: [String] = [], environment: [String: String?] = [:],
    size: Size = Size(columns: 80, rows: 24), redirections: [Redirection] = []
  ) throws {
    screen = VirtualScreen(size: size)
    var name = [CChar](repeating: 0, count: 256)
    guard ct_pseudo_terminal(&primary, &name, name.count) else {
      throw Failure(description: "no pseudo-terminal")
    }
    // A program that reads nothing doesn't stop whoever types.
    _ = fcntl(primary, F_SETFL, O_NONBLOCK)
    _ = ct_set_size(primary, Int32(size.columns), Int32(size.rows))
    var variables: [String: String?] = ["TERM": "xterm-256color", "LC_ALL": "C.UTF-8"]
    for key in ["PATH", "HOME", "TMPDIR"] {
      variables[key] = ProcessInfo.processInfo.environment[key]
    }
    for name in ["CACHE", "CONFIG", "STATE"] { variables["XDG_\(name)_HOME"] = cache }
    try rememberFirstSteps()
    variables.merge(environment) { $1 }
    // The inner shell tells its number, then becomes the program; the outer one tells how it ended.
    let redirected = redirections.map(\.shell).joined(separator: " ")
    let inner = "echo $$ >&9; exec \"$@\" 9>&- \(redirected)"
    let outer = "ulimit -S -c 0; sh -c '\(inner)' sh \"$@\"; echo $? >&9; read -r line"
    let path = name.withUnsafeBufferPointer { buffer in
      String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
    (leader, reports) = try Self.spawn(
      ["/bin/sh", "-c", outer, "sh", program] + arguments,
      environment: variables.compactMap { key, value in value.map { "\(key)=\($0)" } },
      terminal: path)
    guard until(Self.patience, { self.reported.contains("\n") }),
      let number = pid_t(reported.prefix { $0 != "\n" })
    else { throw Failure(description: "the shell did not start") }
    process = number
  }

  private func rememberFirstSteps() throws {
    let folder = URL(fileURLWithPath: cache + "/bitladder")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data("move\nbits\nsolve\nsave\nhelp\n".utf8).write(
      to: folder.appendingPathComponent("first-steps"))
  }

  deinit {
    close(primary)
    if reports >= 0 { close(reports) }
    if process > 0, exit == nil { kill(process, SIGKILL) }
    if leader > 0 {
      kill(leader, SIGKILL)
      var status: Int32 = 0
      waitpid(leader, &status, 0)
    }
    try? FileManager.default.removeItem(atPath: cache)
  }

  /// The path of an executable of this package, beside the tests.
  public static func product(_ name: String) -> String {
    let folders =
      [Bundle.main.bundleURL, Bundle.main.executableURL?.deletingLastPathComponent()]
      + Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
      + [URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()]
    let paths = folders.compactMap { $0?.appendingPathComponent(name).path }
    return paths.first { FileManager.default.isExecutableFile(atPath: $0) } ?? name
  }

  // MARK: What the user does

  /// Types or pastes these bytes.
  public func send(_ bytes: [UInt8]) {
    var rest = bytes[...]
    let end = ContinuousClock.now + Self.patience
    while !rest.isEmpty, ContinuousClock.now < end {
      // In parts, and reading meanwhile, so that neither side waits for the other for ever.
      let sent = Array(rest.prefix(1024)).withUnsafeBytes {
        write(primary, $0.baseAddress, $0.count)
      }
      if sent > 0 { rest = rest.dropFirst(sent) }
      pump(milliseconds: sent > 0 ? 0 : 10)
    }
  }

  /// Types this text.
  public func send(_ text: String) { send(Array(text.utf8)) }

  /// Types this text and reads on until nothing has come for some milliseconds; gives how many bytes came,
  /// and when the last did.
  public func answer(to text: String, quiet: Int32 = 30) -> (bytes: Int, delay: Duration) {
    let count = output.count
    let start = ContinuousClock.now
    lastRead = start
    send(text)
    while pump(milliseconds: quiet) {}
    return (output.count - count, lastRead - start)
  }

  /// Gives the window another size.
  public func resize(to size: Size) {
    pump(milliseconds: 0)
    screen.resize(to: size)
    _ = ct_set_size(primary, Int32(size.columns), Int32(size.rows))
  }

  /// Sends the program a signal.
  public func signal(_ number: Int32) { kill(process, number) }

  /// Closes the window.
  public func hangUp() {
    close(primary)
    primary = -1
  }

  // MARK: What can be seen

  /// Forgets the bytes that were sent so far; the screen stays.
  public func forgetOutput() { output = [] }

  /// Reads on until the screen is as it should be; false if it isn't in time.
  public func wait(
    _ patience: Duration = patience, until condition: (VirtualScreen) -> Bool
  ) -> Bool {
    until(patience) { condition(self.screen) }
  }

  /// Reads on until the screen shows this text.
  public func wait(for text: String) -> Bool { wait { $0.picture.contains(text) } }

  /// Reads on for so long, whatever comes.
  public func watch(for duration: Duration) { _ = until(duration) { false } }

  /// Reads on until nothing more comes: a frame may arrive in parts.
  public func settle(quiet: Int32 = 100) { while pump(milliseconds: quiet) {} }

  /// Reads on until the program has ended; nil if it doesn't in time.
  public func waitForExit(_ patience: Duration = patience) -> Exit? {
    _ = until(patience) { self.exit != nil }
    // What it sent last.
    while pump(milliseconds: 50) {}
    return exit
  }

  /// Whether the terminal echoes and waits for whole lines, as shells have it.
  public var isInOrder: Bool {
    var state = termios()
    guard tcgetattr(primary, &state) == 0 else { return false }
    let flags = tcflag_t(ECHO) | tcflag_t(ICANON) | tcflag_t(ISIG)
    return state.c_lflag & flags == flags && state.c_oflag & tcflag_t(OPOST) != 0
  }

  /// The processor time that the program has used, in seconds (Linux; nil elsewhere).
  public var processorTime: Double? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let name = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[name...].split(separator: " ")
    guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
      return nil
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// How the program ended; nil while it runs, as far as has been read.
  public var exit: Exit? {
    let lines = reported.split(separator: "\n")
    guard lines.count > 1, reported.hasSuffix("\n"), let status = Int32(lines[1]) else {
      return nil
    }
    return status > 128 ? .signalled(status - 128) : .exited(status)
  }

  private func until(_ patience: Duration, _ condition: () -> Bool) -> Bool {
    let end = ContinuousClock.now + patience
    while true {
      if condition() { return true }
      if ContinuousClock.now >= end { return false }
      pump(milliseconds: 20)
    }
  }

  /// Reads what there is, waiting so long for it; false if there was nothing.
  @discardableResult
  private func pump(milliseconds: Int32) -> Bool {
    var polled = [primary, reports].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var hasRead = false
    if polled[1].revents != 0 {
      let count = read(reports, &buffer, buffer.count)
      if count > 0 {
        reported += String(decoding: buffer[..<count], as: UTF8.self)
      } else {
        close(reports)
        reports = -1
      }
      hasRead = count > 0
    }
    if polled[0].revents != 0 {
      let count = read(primary, &buffer, buffer.count)
      if count > 0 {
        lastRead = .now
        output += buffer[..<count]
        screen.feed(buffer[..<count])
        hasRead = true
      } else if polled[1].revents == 0 {
        usleep(5000)
      }
    }
    return hasRead
  }
}
