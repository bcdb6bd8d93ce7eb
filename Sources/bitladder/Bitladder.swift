import ArgumentParser
import Foundation
import ModelFiles

/// The program's version.
let programVersion = "0.1.0"

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
    version: programVersion,
    subcommands: [
      Explore.self, Inspect.self, Measure.self, MakePlan.self, ListPresets.self, Show.self,
      Compare.self, Evaluate.self, Sensitivity.self, CollectImatrix.self, Tune.self, FitModel.self,
      ListDevices.self, Check.self,
      ExportPlan.self,
      Apply.self,
      MakeReport.self, Store.self, MakeModel.self, Keys.self,
    ],
    defaultSubcommand: Explore.self)

  /// Exit status 0: done; 1: the work could not be done; 2: the command line is wrong.
  static func main() {
    // A limit on the size of files is an error of writing, not the end.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      fail(failure)
    } catch {
      let code = exitCode(for: error)
      let text = fullMessage(for: error)
      guard code.isSuccess else {
        // What was typed may hold what a terminal would obey.
        tell(text.split(separator: "\n").map { String($0).sanitised }.joined(separator: "\n"))
        Foundation.exit(2)
      }
      do throws(Failure) {
        try emit(text + "\n")
      } catch {
        fail(error)
      }
    }
  }

  private static func fail(_ failure: Failure) -> Never {
    tell("bitladder: \(failure.text)")
    Foundation.exit(1)
  }
}

/// Work that couldn't be done, in one line for the user.
struct Failure: Error {
  let text: String

  init(_ text: String) { self.text = text }
}
