import ModelFiles
import Planning
import Quantization
import Testing

struct PlanFileTests {
  @Test func theTextIsAsItAlwaysWas() throws {
    #expect(PlanFile.text(of: try samplePlan()) == samplePlanText)
  }

  @Test func writtenPlansReadBack() throws {
    let plan = try samplePlan()
    let read = try PlanFile.parse(Array(PlanFile.text(of: plan).utf8), path: "p")
    #expect(read == plan)
    #expect(PlanFile.text(of: read) == PlanFile.text(of: plan))
  }

  @Test(arguments: [Budget.bytes(8 << 30), .bitsPerWeight(3.999_999_999), .share(0.3), nil])
  func budgetsReadBack(budget: Budget?) throws {
    var plan = try samplePlan()
    plan.budget = budget
    let text = PlanFile.text(of: plan)
    let read = try PlanFile.parse(Array(text.utf8), path: "p")
    #expect(read.budget == budget)
    #expect(PlanFile.text(of: read) == text)
  }

  @Test(arguments: [
    0, 1e-300, .leastNonzeroMagnitude, 0.1, 1.0 / 3, 123_456_789.125, .greatestFiniteMagnitude,
  ])
  func figuresReadBackToTheLastBit(value: Double) throws {
    var plan = try samplePlan()
    plan.totals.nmse = value
    plan.totals.sqnr = -value
    plan.tensors[0].nmse = value
    #expect(try PlanFile.parse(Array(PlanFile.text(of: plan).utf8), path: "p") == plan)
  }

  @Test(arguments: [Double.infinity, .nan, -.infinity])
  func whatIsNoNumberIsWrittenAsNull(value: Double) throws {
    var plan = try samplePlan()
    plan.totals.nmse = value
    plan.tensors[0].nmse = value
    let read = try PlanFile.parse(Array(PlanFile.text(of: plan).utf8), path: "p")
    #expect(read.totals.nmse == nil)
    #expect(read.tensors[0].nmse == nil)
    #expect(PlanFile.text(of: read) == PlanFile.text(of: plan))
  }

  @Test func keysOfLaterVersionsArePassedOver() throws {
    let text = samplePlanText.replacing(
      "\"bitladder\": 1,", with: "\"bitladder\": 1, \"later\": {\"a\": [1]},"
    ).replacing("\"name\": \"norm\",", with: "\"name\": \"norm\", \"note\": null,")
    #expect(try PlanFile.parse(Array(text.utf8), path: "p") == samplePlan())
  }

  @Test func layoutDoesNotMatter() throws {
    let value = try JSONParser.parse(samplePlanText)
    let compact = JSONWriter(.compact).string(value)
    #expect(try PlanFile.parse(Array(compact.utf8), path: "p") == samplePlan())
  }

  @Test func aPlanWithoutTensorsIsAPlan() throws {
    var plan = try samplePlan()
    plan.tensors = []
    plan.budget = nil
    plan.model.architecture = nil
    #expect(try PlanFile.parse(Array(PlanFile.text(of: plan).utf8), path: "p") == plan)
  }
}
