import ArgumentParser
import Explorer

struct Keys: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the explorer's keys as a Markdown table.", shouldDisplay: false)

  func run() throws {
    try emit(KeyTable.markdown)
  }
}
