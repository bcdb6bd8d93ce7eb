import ModelFiles
import Planning
import Testing

struct MalformedPlanTests {
  /// The sample plan with one text for another, and the line that says what is wrong.
  @Test(arguments: [
    (
      "\"bitladder\": 1", "\"bitladder\": 2",
      "p: key \"bitladder\": found version 2, expected version 1 (made by a later bitladder?)"
    ),
    (
      "\"bitladder\": 1,", "",
      "p: key \"bitladder\": found nothing, expected this key"
    ),
    (
      "\"bitladder\": 1", "\"bitladder\": \"1\"",
      "p: key \"bitladder\": found a string, expected a whole number from 0 on"
    ),
    (
      "\"weights\": 8256", "\"weights\": -1",
      "p: key \"model.weights\": found -1, expected a whole number from 0 on"
    ),
    (
      "\"weights\": 8256", "\"weights\": 1.5",
      "p: key \"model.weights\": found 1.5, expected a whole number from 0 on"
    ),
    (
      "\"weights\": 8256", "\"weights\": 99999999999999999999",
      "p: key \"model.weights\": found 99999999999999999999, expected a whole number from 0 on"
    ),
    (
      "\"name\": \"tiny \\\"one\\\"\"", "\"name\": 7",
      "p: key \"model.name\": found a number, expected a string"
    ),
    (
      "\"architecture\": \"llama\"", "\"architecture\": []",
      "p: key \"model.architecture\": found an array, expected a string"
    ),
    (
      "{\"bitsPerWeight\": 4.5}", "{\"pounds\": 4.5}",
      "p: key \"budget\": found none of them, expected bytes, bitsPerWeight or share"
    ),
    (
      "{\"bitsPerWeight\": 4.5}", "{\"bitsPerWeight\": -4.5}",
      "p: key \"budget.bitsPerWeight\": found -4.5, expected a number from 0 on"
    ),
    (
      "{\"bitsPerWeight\": 4.5}", "{\"share\": 1.5}",
      "p: key \"budget.share\": found 1.5, expected a number from 0 to 1"
    ),
    (
      "{\"bitsPerWeight\": 4.5}", "{\"bitsPerWeight\": 4.5, \"bytes\": 7}",
      "p: key \"budget\": found several, expected one of bytes, bitsPerWeight and share"
    ),
    (
      "{\"bitsPerWeight\": 4.5}", "4.5",
      "p: key \"budget\": found a number, expected an object"
    ),
    (
      "\"nmse\": 1e-05", "\"nmse\": 1e400",
      "p: key \"totals.nmse\": found 1e400, expected a number from 0 on"
    ),
    (
      "\"nmse\": 1e-05", "\"nmse\": -1",
      "p: key \"totals.nmse\": found -1, expected a number from 0 on"
    ),
    (
      "\"sqnr\": 50.0", "\"sqnr\": true",
      "p: key \"totals.sqnr\": found a truth value, expected a number"
    ),
    (
      "\"bytes\": 4480, ", "",
      "p: key \"totals.bytes\": found nothing, expected this key"
    ),
    (
      "\"shape\": [64]", "\"shape\": 64",
      "p: key \"tensors[2].shape\": found a number, expected an array"
    ),
    (
      "\"shape\": [64]", "\"shape\": [-64]",
      "p: key \"tensors[2].shape[0]\": found -64, expected a whole number from 0 on"
    ),
    (
      "\"shape\": [64]", "\"shape\": [4611686018427387904, 2]",
      "p: key \"tensors[2].shape[1]\": found more weights than can be counted, "
        + "expected a tensor of a model"
    ),
    (
      "\"bytes\": 1984", "\"bytes\": 9223372036854775807",
      "p: key \"tensors[1]\": found more bytes than can be counted, expected tensors of a model"
    ),
    (
      "\"format\": \"int3\"", "\"format\": \"int33\"",
      "p: key \"tensors[1].format\": found \"int33\" asks for \"33\" bits, but integer formats "
        + "have 2 to 8, expected the name of a format, or \"source\""
    ),
    (
      "\"format\": \"int3\"", "\"format\": null",
      "p: key \"tensors[1].format\": found nothing, expected this key"
    ),
    (
      "\"pinned\": true", "\"pinned\": 1",
      "p: key \"tensors[0].pinned\": found a number, expected true or false"
    ),
    (
      "\"name\": \"norm\"", "\"name\": \"a.weight\"",
      "p: key \"tensors[2].name\": found \"a.weight\" again, expected each tensor once"
    ),
    (
      "\"name\": \"norm\",", "\"name\": \"norm\", \"name\": \"other\",",
      "found the name \"name\" twice, expected it once"
    ),
    (
      "\"tensors\": [", "\"tensors\": 1, \"rest\": [",
      "p: key \"tensors\": found a number, expected an array"
    ),
    (
      "\"tensors\": [", "\"tensors\": [3,",
      "p: key \"tensors[0]\": found a number, expected an object"
    ),
  ])
  func eachFaultIsNamed(original: String, broken: String, line: String) throws {
    #expect(samplePlanText.contains(original))
    let text = samplePlanText.replacing(original, with: broken, maxReplacements: 1)
    let error = try #require(fault(of: text), "\(broken) was accepted")
    #expect(error.description.hasSuffix(line))
    #expect(error.description.hasPrefix("p: "))
  }

  @Test func unknownFormatsAnswerWithTheNearest() throws {
    let text = samplePlanText.replacing("\"int3\"", with: "\"inf8\"")
    let error = try #require(fault(of: text))
    #expect(error.description.contains("\"inf8\" is no format; the nearest known: int8"))
  }

  @Test(arguments: [
    ("", "byte 0"), ("{", "byte 1"), ("nonsense", "byte 0"), ("[]", "a plan: a JSON object"),
    ("null", "a plan: a JSON object"), ("1", "a plan: a JSON object"), ("{}", "\"bitladder\""),
    ("{} {}", "byte 3"), ("\u{FEFF}{}", "byte 0"), ("{\"bitladder\": 1e0}", "whole number"),
  ])
  func whatIsNoPlanIsRefused(text: String, place: String) throws {
    let error = try #require(fault(of: text))
    #expect(error.description.contains(place))
    #expect(!error.description.contains("\n"))
  }

  @Test func bytesThatAreNoTextAreRefused() {
    #expect(throws: ModelFileError.self) { try PlanFile.parse([0x7B, 0xFF, 0xFE], path: "p") }
    #expect(throws: ModelFileError.self) {
      try PlanFile.parse([UInt8](repeating: 0, count: 100), path: "p")
    }
  }

  @Test(arguments: ["[", "{\"a\":"])
  func depthIsLimited(opening: String) throws {
    let error = try #require(fault(of: String(repeating: opening, count: 100_000)))
    #expect(error.description.contains("byte "))
    #expect(error.description.utf8.count < 300)
  }

  /// Every beginning of a plan is refused with one line, and none traps.
  @Test func truncatedPlansAreRefused() {
    let bytes = Array(samplePlanText.utf8)
    for length in 0..<bytes.count - 2 {
      let error = fault(of: Array(bytes[..<length]))
      #expect(error != nil, "the first \(length) bytes were accepted")
      #expect(error?.description.contains("\n") == false)
    }
  }

  @Test func hugeValuesDoNotMakeHugeLines() throws {
    let long = String(repeating: "9", count: 100_000)
    for (original, broken) in [
      ("\"weights\": 8256", "\"weights\": \(long)"),
      ("\"nmse\": 1e-05", "\"nmse\": -\(long)"),
      ("\"format\": \"int3\"", "\"format\": \"\(long)\""),
      ("\"name\": \"a.weight\"", "\"name\": \"\(long)\", \"shape\": \"\(long)\", \"x\": 0"),
    ] {
      let text = samplePlanText.replacing(original, with: broken, maxReplacements: 1)
      #expect(try #require(fault(of: text)).description.utf8.count < 400)
    }
    let entry = "\"name\": \"\(long)\""
    let twice = samplePlanText.replacing("\"name\": \"a.weight\"", with: entry)
      .replacing("\"name\": \"norm\"", with: entry)
    #expect(try #require(fault(of: twice)).description.utf8.count < 400)
  }

  @Test func whatComesFromAFileIsShownSafely() throws {
    let name = "\"name\": \"\\u001b[2J\\u202e\""
    let text = samplePlanText.replacing("\"name\": \"a.weight\"", with: name)
      .replacing("\"name\": \"norm\"", with: name)
    let line = try #require(fault(of: text)).description
    #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
  }

  private func fault(of text: String) -> ModelFileError? { fault(of: Array(text.utf8)) }

  private func fault(of bytes: [UInt8]) -> ModelFileError? {
    do throws(ModelFileError) {
      _ = try PlanFile.parse(bytes, path: "p")
      return nil
    } catch {
      return error
    }
  }
}
