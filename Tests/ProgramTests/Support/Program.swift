import Foundation
import PseudoTerminalSupport
import Testing

/// The program, run to its end with its streams in files.
enum Program {
  static let path = PseudoTerminal.product("bitladder")

  struct Outcome {
    /// The exit status; nil if a signal ended it.
    let status: Int32?
    let output: [UInt8]
    let errors: [UInt8]

    var text: String { String(decoding: output, as: UTF8.self) }
    var words: String { String(decoding: errors, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
    var errorLines: [String] { words.split(separator: "\n").map(String.init) }

    /// Standard output as a JSON object.
    func object() throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: Data(output)) as? [String: Any])
    }
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Runs the program. The environment holds nothing but PATH, HOME (an empty folder) and LC_ALL.
  static func run(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Outcome {
    try execute([path] + arguments, environment: environment)
  }

  /// Runs a line of the shell in which `$0` is the program and `$1`... are the arguments.
  static func shell(_ line: String, _ arguments: [String] = []) throws -> Outcome {
    try execute(["/bin/sh", "-c", line, path] + arguments, environment: [:])
  }

  private static func execute(
    _ command: [String], environment: [String: String]
  ) throws -> Outcome {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(
      atPath: scratch["home"], withIntermediateDirectories: false)
    var variables = ["HOME": scratch["home"], "LC_ALL": "C.UTF-8"]
    variables["PATH"] = ProcessInfo.processInfo.environment["PATH"]
    variables.merge(environment) { $1 }

    let process = try start(
      command, variables, output: scratch["output"], errors: scratch["errors"])
    let status = try ending(of: process)
    return Outcome(
      status: status & 0x7F == 0 ? status >> 8 & 0xFF : nil,
      output: Array(try Data(contentsOf: URL(fileURLWithPath: scratch["output"]))),
      errors: Array(try Data(contentsOf: URL(fileURLWithPath: scratch["errors"]))))
  }

  private static func start(
    _ command: [String], _ variables: [String: String], output: String, errors: String
  ) throws -> pid_t {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    // The threads that tests run on block signals, which a child would inherit.
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let writing = O_WRONLY | O_CREAT | O_TRUNC
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, writing, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, writing, 0o600)
    var arguments = command.map { strdup($0) } + [nil]
    var environment = variables.map { strdup("\($0)=\($1)") } + [nil]
    defer { (arguments + environment).forEach { free($0) } }
    var process: pid_t = 0
    let code = posix_spawn(
      &process, command[0], &actions, &attributes, &arguments, &environment)
    guard code == 0 else {
      throw Failure(description: "\(command[0]): \(String(cString: strerror(code)))")
    }
    return process
  }

  private static func ending(of process: pid_t) throws -> Int32 {
    var status: Int32 = 0
    let end = ContinuousClock.now + PseudoTerminal.patience
    while waitpid(process, &status, WNOHANG) == 0 {
      guard ContinuousClock.now < end else {
        kill(process, SIGKILL)
        waitpid(process, &status, 0)
        throw Failure(description: "it did not end")
      }
      usleep(2000)
    }
    return status
  }
}

/// Whether the words are one line that begins with the program's name.
func expectOneLine(_ outcome: Program.Outcome, _ comment: Comment? = nil) {
  #expect(outcome.errorLines.count == 1, comment)
  #expect(outcome.words.hasPrefix("bitladder: ") && outcome.words.hasSuffix("\n"), comment)
  #expect(outcome.text.isEmpty, comment)
  expectPrintable(outcome.errors, comment)
}

/// Whether there is no control character but line ends.
func expectPrintable(_ bytes: [UInt8], _ comment: Comment? = nil) {
  #expect(bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A }, comment)
  // C1 controls and direction marks, which some terminals obey.
  let text = String(decoding: bytes, as: UTF8.self)
  let forbidden = text.unicodeScalars.filter {
    (0x80..<0xA0).contains($0.value) || (0x202A...0x202E).contains($0.value)
      || (0x2066...0x2069).contains($0.value)
  }
  #expect(forbidden.isEmpty, comment)
}
