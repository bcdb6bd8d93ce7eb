import Foundation
import ModelFiles
import Planning
import Quantization
import Testing

struct SchemaTests {
  private let validator: SchemaValidator

  init() throws {
    let path = URL(fileURLWithPath: #filePath)
      .appendingPathComponent("../../../Sources/Planning/plan.schema.json").standardized
    let text = String(decoding: try Data(contentsOf: path), as: UTF8.self)
    validator = SchemaValidator(schema: try JSONParser.parse(text))
  }

  @Test func writtenPlansHold() throws {
    var plan = try samplePlan()
    #expect(validator.violations(of: PlanFile.json(of: plan)) == [])
    #expect(validator.violations(of: try JSONParser.parse(PlanFile.text(of: plan))) == [])
    for budget: Budget? in [.bytes(0), .share(0.5), nil] {
      plan.budget = budget
      #expect(validator.violations(of: PlanFile.json(of: plan)) == [])
    }
    plan.model.architecture = nil
    plan.totals.nmse = nil
    plan.totals.sqnr = nil
    plan.tensors = []
    #expect(validator.violations(of: PlanFile.json(of: plan)) == [])
  }

  @Test(arguments: [
    ("\"bitladder\": 1", "\"bitladder\": 2", "$.bitladder: const"),
    ("\"bitladder\": 1,", "", "$: required"),
    ("sha256:0", "sha1:0", "$.model.fingerprint: pattern"),
    ("\"weights\": 8256", "\"weights\": -1", "$.model.weights: minimum"),
    ("\"weights\": 8256", "\"weights\": 1.5", "$.model.weights: type"),
    ("\"weights\": 8256", "\"weights\": \"8256\"", "$.model.weights: type"),
    ("{\"bitsPerWeight\": 4.5}", "{\"share\": 2}", "$.budget.share: maximum"),
    ("{\"bitsPerWeight\": 4.5}", "{\"share\": 1, \"bytes\": 2}", "$.budget: oneOf"),
    ("{\"bitsPerWeight\": 4.5}", "{}", "$.budget: oneOf"),
    ("\"nmse\": 1e-05", "\"nmse\": -1e-05", "$.totals.nmse: minimum"),
    ("\"sqnr\": 50.0", "\"sqnr\": \"50\"", "$.totals.sqnr: type"),
    ("\"shape\": [64]", "\"shape\": [6.4]", "$.tensors[2].shape[0]: type"),
    ("\"format\": \"int3\"", "\"format\": \"\"", "$.tensors[1].format: minLength"),
    ("\"pinned\": true", "\"pinned\": null", "$.tensors[0].pinned: type"),
    ("\"source\": \"F16\",", "", "$.tensors[2]: required"),
  ])
  func brokenPlansFail(original: String, broken: String, violation: String) throws {
    #expect(samplePlanText.contains(original))
    let text = samplePlanText.replacing(original, with: broken, maxReplacements: 1)
    #expect(validator.violations(of: try JSONParser.parse(text)) == [violation])
  }

  /// Else a new rule in the schema would be held by nobody.
  @Test func unknownKeywordsAreNoticed() {
    let strict = SchemaValidator(schema: ["maxItems": 1])
    #expect(strict.violations(of: [1]) == ["$: maxItems"])
  }
}
