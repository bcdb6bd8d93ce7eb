import Evaluation
import Foundation
import ModelFiles
import Testing

@testable import Explorer

/// Formats whose codes are chosen by what flows through the model.
struct CalibrationTests {
  private static let digits = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("SampleModels/digits").path

  @Test func areOfferedAndMeasuredWhereTheModelWasRun() throws {
    let model = try Model.open(Self.digits)
    let data = try DataReader(model).readCalibration(nil, count: 8)
    var options = Options()
    options.activations = try CollectedHessians(
      WeightSource(model: model), data: data, threads: 2)
    var player = Player(model, options: options)
    // From minmax one to the left: the last calibration that is offered.
    try player.press("4cjj<Left><Enter>")
    #expect(Set(player.changed.values) == ["int4:awq"])
    try player.press("cjj<Left><Enter>")
    #expect(Set(player.changed.values) == ["int4:gptq-act"])
    let tensor = try #require(player.state.tensor)
    let format = try #require(player.state.choice(of: tensor.id).format)
    #expect(player.state.calibration?.reconstruct(tensor, in: format)?.count == tensor.weightCount)
    // Without them the list ends before.
    var bare = Player(model)
    try bare.press("4cjj<Left><Enter>")
    #expect(Set(bare.changed.values) == ["int4:entropy"])
  }
}
