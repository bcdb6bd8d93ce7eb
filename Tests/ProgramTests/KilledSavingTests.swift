import Foundation
import PseudoTerminalSupport
import Testing

/// Saves that are killed: `Soak --kills 1000` does the same more often.
@Suite struct KilledSavingTests {
  @Test func thePlanIsTheOldOneOrTheNewOne() throws {
    let scratch = try Scratch()
    let model = try scratch.write(.llama(blocks: 1))
    try scratch.write("plans/.keep", "")
    unlink(scratch["plans/.keep"])
    var saves = KilledSaves(program: Program.path, model: model, folder: scratch["plans"])
    var numbers = SeededGenerator(seed: 17)
    try saves.run(60, using: &numbers)
    #expect(saves.broken == [])
    #expect(saves.kills == 60 && saves.found.reduce(0, +) == 60)
  }
}
