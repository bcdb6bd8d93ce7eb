import Foundation
import FuzzTargets
import PseudoTerminalSupport
import Testing

/// What a parser takes is bounded by the size of its input, whatever that claims.
@Suite struct MemoryTests {
  /// Bytes for each byte of input, and besides: a tree of values takes more than its text, and a
  /// process some pages of its own.
  private static let factor = 64
  private static let besides = 48 << 20

  @Test(arguments: HostileInput.all.map(\.name))
  func allocationsAreBounded(name: String) throws {
    let process = Process()
    process.executableURL = URL(filePath: PseudoTerminal.product("ParserHost"))
    process.arguments = [name, "\(2 << 20)"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(text)")
    let words = text.split(whereSeparator: \.isWhitespace)
    try #require(words.count == 3)
    let size = try #require(Int(words[0]))
    let taken = try #require(Int(words[1]))
    #expect(taken <= Self.factor * size + Self.besides, "\(taken) bytes for an input of \(size)")
  }
}
