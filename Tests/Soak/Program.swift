import Foundation

/// Runs the program to its end.
struct Program {
  let path: String

  struct Outcome {
    let status: Int32
    let output: String
  }

  /// Both streams go into the outcome's text, in the order they came.
  func run(
    _ arguments: [String], in folder: String, environment: [String: String], seconds: Int = 120
  ) -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    // No files of core; whoever doesn't end in time is ended.
    process.arguments = [
      "-c", "ulimit -S -c 0; cd \"$0\" && exec timeout -s KILL \(seconds) \"$@\" 2>&1", folder,
      path,
    ]
    process.arguments? += arguments
    process.environment = environment
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardInput = FileHandle.nullDevice
    guard (try? process.run()) != nil else {
      return Outcome(status: -1, output: "can't be started")
    }
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
  }
}
