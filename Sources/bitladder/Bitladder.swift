import ArgumentParser
import Foundation

/// The command line: DESIGN.md's section 7.
@main
struct Bitladder: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bitladder",
    abstract: "Explore what quantizing a model's weights saves and costs, tensor by tensor.",
    discussion: """
      Without a sub-command, MODEL is opened in the explorer. MODEL is a .safetensors or .gguf file, \
      a shard, its index.json, the folder that holds them, or owner/name in the local Hugging Face \
      cache. Nothing is ever downloaded.
      """,
    version: "0.1.0",
    subcommands: [Explore.self, Inspect.self, Measure.self, Show.self, Keys.self],
    defaultSubcommand: Explore.self)

  /// Exit status 0: done; 1: the work could not be done; 2: the command line is wrong.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      FileHandle.standardError.write(Data("bitladder: \(failure.text)\n".utf8))
      Foundation.exit(1)
    } catch {
      let code = exitCode(for: error)
      let text = fullMessage(for: error)
      if code.isSuccess {
        print(text)
        Foundation.exit(0)
      }
      FileHandle.standardError.write(Data((text + "\n").utf8))
      Foundation.exit(2)
    }
  }
}

/// Work that couldn't be done, in one line for the user.
struct Failure: Error {
  let text: String

  init(_ text: String) { self.text = text }
}
