import Foundation
import ModelFiles
import Planning
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// What a session does is in its journal, and comes back from there.
struct JournalTests {
  private let model: Model
  private let scratch: ScratchFolder
  private let folder: JournalFolder

  init() throws {
    model = try SampleModel.llama().open()
    scratch = try ScratchFolder()
    folder = JournalFolder(path: scratch["state/journals"])
  }

  private var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
  }

  /// A session that plays keys, then ends as if it was killed.
  private func lose(
    _ keys: String, options: Options = Options(), plan: (plan: Plan, stamp: FileStamp?)? = nil
  ) throws -> Player {
    var player = Player(model, options: options, plan: plan, answers: .madeUp)
    let journal = Journal(folder, model: model, plan: options.planPath, stamp: plan?.stamp)
    try player.press(keys)
    for case .journal(let done) in player.effects { journal.append(done.entries) }
    #expect(journal.failure == nil)
    return player
  }

  /// What a new session finds.
  private func find(in other: Model? = nil) -> RecoveredWork? {
    let journal = Journal(folder, model: other ?? model, plan: nil, stamp: nil)
    defer { journal.end(isKept: false) }
    return journal.look().lost
  }

  @Test func lostWorkIsTakenUpWithAllItsSteps() throws {
    let lost = try lose("4jj8*3ujp<Left>")
    var player = Player(model, answers: .madeUp)
    player.take([.lostWork(try #require(find()))])
    #expect(player.lines.contains { $0.contains("Unsaved work was found") })
    try player.press("t")
    #expect(player.state.edits.assignments == lost.state.edits.assignments)
    #expect(player.state.edits.done == lost.state.edits.done)
    #expect(player.state.edits.undone == lost.state.edits.undone)
    #expect(player.state.hasUnsavedChanges && player.message.contains("4 steps"))
    // To the beginning and back.
    try player.press("uuuu")
    #expect(player.state.edits.assignments == Edits(count: model.tensors.count).assignments)
    try player.press("<C-r><C-r><C-r><C-r>")
    #expect(player.state.edits.assignments == lost.state.edits.assignments)
  }

  /// What was taken up and lost once more is offered once more, and the first journal is gone.
  @Test func takenUpIsInTheNewJournal() throws {
    let lost = try lose("4jj8")
    do {
      let journal = Journal(folder, model: model, plan: nil, stamp: nil)
      var player = Player(model, answers: .madeUp)
      player.take([.lostWork(try #require(journal.look().lost))])
      try player.press("t3")
      for effect in player.effects {
        switch effect {
        case .journal(let done): journal.append(done.entries)
        case .dropJournal(let path): journal.remove(path)
        default: break
        }
      }
    }
    #expect(names.count == 1)
    let again = try #require(find())
    #expect(again.edits.done.count == lost.state.edits.done.count + 1)
    #expect(again.others == 0)
  }

  @Test func savedWorkIsNotLost() throws {
    var options = Options()
    options.planPath = scratch["plan.json"]
    _ = try lose("4jj8s", options: options)
    #expect(find() == nil && names.isEmpty)
    // What came after saving is, with what the file was.
    _ = try lose(
      "4jj8sk3",
      options: {
        $0.planPath = scratch["b.json"]; return $0
      }(&options))
    let work = try #require(find())
    #expect(work.unsavedCount == 1 && work.planPath?.hasSuffix("b.json") == true)
    #expect(work.stamp == FileStamp(path: scratch["b.json"]))
    var player = Player(model, answers: .madeUp)
    player.take([.lostWork(work)])
    try player.press("ts")
    #expect(player.message.hasPrefix("saved to "))
  }

  /// A journal that somebody holds is left alone, and says who has the plan.
  @Test func aLivingSessionIsNoticed() throws {
    let plan = scratch["plan.json"]
    let first = Journal(folder, model: model, plan: plan, stamp: nil)
    var player = Player(model, answers: .madeUp)
    try player.press("4")
    for case .journal(let done) in player.effects { first.append(done.entries) }
    let second = Journal(folder, model: model, plan: plan, stamp: nil)
    let seen = second.look()
    #expect(seen.lost == nil && seen.holders == [getpid()])
    #expect(Journal(folder, model: model, plan: scratch["x"], stamp: nil).look().holders.isEmpty)
    first.end(isKept: false)
    second.end(isKept: true)
    #expect(names.count <= 1, "nothing was changed in the second: nothing is kept")
  }

  @Test func laterAndAway() throws {
    _ = try lose("4")
    var player = Player(model, answers: .madeUp)
    player.take([.lostWork(try #require(find()))])
    try player.press("<Esc>")
    #expect(!player.state.hasUnsavedChanges && names.count == 1)
    player.take([.lostWork(try #require(find()))])
    try player.press("d")
    let dropped = player.effects.contains { if case .dropJournal = $0 { true } else { false } }
    #expect(dropped)
  }

  /// Cut at any byte, or with noise in it: never more than was there, never a trap.
  @Test func tornJournalsGiveWhatIsWhole() throws {
    let lost = try lose("4jj8*3jp")
    let name = try #require(names.first)
    let path = "\(folder.path)/\(name)"
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    var counts: [Int] = []
    for length in stride(from: 0, to: whole.count, by: 7) {
      try whole.prefix(length).write(to: URL(fileURLWithPath: path))
      if let work = find() {
        counts.append(work.edits.done.count)
        #expect(Array(lost.state.edits.done.prefix(work.edits.done.count)) == work.edits.done)
      }
      try? FileManager.default.removeItem(atPath: folder.path)
      try FileManager.default.createDirectory(
        atPath: folder.path, withIntermediateDirectories: true)
    }
    #expect(Set(counts).isSubset(of: Set(1...4)) && counts == counts.sorted() && counts.count > 9)
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<300 {
      var noisy = whole
      for _ in 0..<3 {
        noisy[Int(generator.next() % UInt64(noisy.count))] = UInt8(generator.next() % 256)
      }
      try noisy.write(to: URL(fileURLWithPath: path))
      _ = find()
    }
  }

  /// Choices go by names where the model has changed.
  @Test func aChangedModelSaysSo() throws {
    _ = try lose("4*8")
    let other = try SampleModel.llama(seed: 3).open()
    let work = try #require(find(in: other))
    #expect(!work.isSameModel && work.skipped == 0 && work.unsavedCount > 0)
    var player = Player(other, answers: .madeUp)
    player.take([.lostWork(work)])
    #expect(player.lines.contains { $0.contains("The model has changed since") })
  }

  @Test func aFolderThatCannotBeMadeIsSaid() throws {
    try Data().write(to: URL(fileURLWithPath: scratch["file"]))
    let journal = Journal(
      JournalFolder(path: scratch["file"] + "/x"), model: model, plan: nil, stamp: nil)
    #expect(journal.failure != nil && journal.look().lost == nil)
  }

  @Test func theEnvironmentSaysWhere() {
    #expect(JournalFolder(["XDG_STATE_HOME": "/s", "HOME": "/h"])?.path == "/s/bitladder/journals")
    #expect(
      JournalFolder(["XDG_STATE_HOME": "s", "HOME": "/h"])?.path
        == "/h/.local/state/bitladder/journals")
    #expect(JournalFolder([:]) == nil)
  }
}
