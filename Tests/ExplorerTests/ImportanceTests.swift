import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// What the explorer shows where there is an imatrix.
struct ImportanceTests {
  private func player(_ keys: String, _ size: Size = Size(columns: 120, rows: 36)) throws -> Player
  {
    let model = try SampleModel.llama().open()
    let folder = try ScratchFolder()
    let path = try folder.write("sample.imatrix.dat", SampleImatrix.llama().bytes)
    var options = Options()
    options.importance = ModelImportance(try Imatrix.open(path), file: path, model: model)
    var player = Player(model, size: size, options: options, answers: .real)
    try player.press(keys)
    return player
  }

  @Test(arguments: [
    Size(columns: 80, rows: 24), Size(columns: 120, rows: 36), Size(columns: 200, rows: 60),
  ])
  func weightedErrorsStandBesideThePlainOnes(size: Size) throws {
    let player = try player("4", size)
    try Golden.expect(player.lines, "importance-\(size)")
    #expect(player.lines.contains { $0.contains("weighted") })
  }

  @Test func typesThatUseItAreChosenByIt() throws {
    var player = try player("tiq4_nl<Enter>")
    let id = try #require(player.state.tensor?.id)
    let figures = try #require(player.state.measurement(of: id, .ggml(.iq4NL))?.figures)
    let weighted = try #require(figures.weightedNmse)
    #expect(weighted > 0 && weighted != figures.nmse)
    let plan = player.state.makePlan()
    #expect(plan.tensors[id].weightedNmse == weighted)
    #expect(plan.importance?.file == "sample.imatrix.dat")
    #expect(plan.importance?.datasets == ["made-up.txt"])
    #expect(plan.importance?.chunks == 7)
    #expect(plan.importance?.mapping.contains("Hugging Face") == true)
    let text = PlanFile.text(of: plan)
    #expect(try PlanFile.parse(Array(text.utf8), path: "p") == plan)
    try player.press("u")
    #expect(player.state.makePlan().tensors[id].weightedNmse == nil)
  }

  @Test func sharesAreOfAllImportance() throws {
    let player = try player("")
    let tensor = try #require(player.state.tensor)
    let importance = try #require(player.state.importance?[tensor])
    let shares = ImportanceShares(importance, rowLength: 64)
    #expect(shares.leading.map(\.channel) == [3, 40, 4])
    let total = importance.values.reduce(0, +)
    #expect(abs(shares.leading[0].share - Double(60 / total)) < 1e-6)
    #expect(shares.half == 2)
    #expect(player.lines.contains { $0.contains("channels that matter: 3: ") })
  }

  @Test func withoutAnImatrixThereIsNothingOfIt() throws {
    var player = Player(try SampleModel.llama().open(), answers: .real)
    try player.press("4")
    #expect(!player.lines.contains { $0.contains("weighted") })
    #expect(player.state.makePlan().importance == nil)
  }
}
