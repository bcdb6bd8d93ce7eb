import ModelFiles
import Planning
import Quantization
import Testing

struct PlanMatchTests {
  private let model = Model(
    name: "m",
    tensors: [
      Tensor(id: 0, name: "layers.0.q.weight", shape: [64, 64], source: .bf16),
      Tensor(id: 1, name: "layers.1.q.weight", shape: [64, 64], source: .bf16),
      Tensor(id: 2, name: "norm.weight", shape: [64], source: .bf16),
    ])

  /// A plan for the model: what `change` makes of it.
  private func plan(_ change: (inout [Plan.Entry]) -> Void = { _ in }) -> Plan {
    var entries = model.tensors.map { tensor in
      Plan.Entry(
        name: tensor.name, shape: tensor.shape, source: tensor.source.rawValue, choice: .source,
        bytes: tensor.byteCount, bitsPerWeight: 16, nmse: 0, exact: true, isPinned: false)
    }
    change(&entries)
    return Plan(
      model: Plan.ModelIdentity(model, fingerprint: "sha256:a"), budget: nil,
      totals: Plan.Sums(Totals()), tensors: entries)
  }

  private func match(_ plan: Plan, fingerprint: String = "sha256:a") -> PlanMatch {
    PlanMatch(plan: plan, model: model, fingerprint: fingerprint)
  }

  @Test func formatsThatDoNotFitAreLeft() throws {
    let format = try Format(parsing: "tq2_0")
    let tensor = try #require(model.tensors.last { $0.suitability.isQuantizable })
    #expect(tensor.rowLength % 256 != 0)
    let match = match(plan { $0[tensor.id].choice = .format(format) })
    #expect(
      match.differences == [
        "\(tensor.label) stays as it is: rows of \(tensor.rowLength) aren't a multiple of 256, "
          + "so not tq2_0"
      ])
    #expect(!match.taken.contains { $0.tensor == tensor.id })
  }

  @Test func theSameModelTakesEverything() throws {
    let int4 = try Format(parsing: "int4")
    let match = match(
      plan {
        $0[1].choice = .format(int4)
        $0[1].isPinned = true
      })
    #expect(match.isSameModel)
    #expect(match.differences == [])
    #expect(match.taken.map(\.tensor) == [0, 1, 2])
    #expect(match.taken.map(\.choice) == [.source, .format(int4), .source])
    #expect(match.taken.map(\.isPinned) == [false, true, false])
  }

  @Test func orderDoesNotMatter() {
    let match = match(plan { $0.reverse() })
    #expect(match.isSameModel)
    #expect(match.taken.map(\.tensor) == [0, 1, 2])
  }

  @Test func aMissingTensorIsNamed() {
    let match = match(plan { $0.remove(at: 1) })
    #expect(!match.isSameModel)
    #expect(match.differences == ["layers.1.q.weight isn't in the plan"])
    #expect(match.taken.map(\.tensor) == [0, 2])
  }

  @Test func anExtraTensorIsNamed() {
    let match = match(
      plan {
        $0.append($0[0])
        $0[3].name = "layers.2\u{1B}[m.weight"
      })
    #expect(!match.isSameModel)
    #expect(match.differences == ["layers.2\\x1b[m.weight isn't in the model"])
    #expect(match.taken.count == 3)
  }

  @Test func anotherShapeIsNamedAndLeftOut() {
    let match = match(plan { $0[0].shape = [32, 128] })
    #expect(match.differences == ["layers.0.q.weight is 64×64, in the plan 32×128"])
    #expect(match.taken.map(\.tensor) == [1, 2])
  }

  @Test func anotherTypeIsNamedAndTaken() {
    let match = match(plan { $0[0].source = "F32\u{7}" })
    #expect(!match.isSameModel)
    #expect(
      match.differences == ["layers.0.q.weight is stored as BF16, in the plan as F32\\x07"])
    #expect(match.taken.count == 3)
  }

  @Test func otherWeightsAreNoticed() {
    let match = match(plan(), fingerprint: "sha256:b")
    #expect(!match.isSameModel)
    #expect(match.differences == ["names, shapes and types agree, but the weights are others"])
    #expect(match.taken.count == 3)
  }

  @Test func keptTensorsStayAsTheyAre() throws {
    let int4 = try Format(parsing: "int4")
    let match = match(plan { $0[2].choice = .format(int4) })
    #expect(!match.isSameModel)
    #expect(match.differences == ["norm.weight stays as it is: norm"])
    #expect(match.taken.map(\.tensor) == [0, 1])
  }

  @Test(arguments: [([64, 32], "64×32"), ([], "scalar"), ([7], "7"), ([1, 2, 3], "1×2×3")])
  func shapesAreWrittenForPeople(shape: [Int], text: String) {
    #expect(shapeText(shape) == text)
  }
}
