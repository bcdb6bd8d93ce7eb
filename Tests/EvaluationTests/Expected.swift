import Evaluation
import Foundation
import ModelFiles
import Testing

/// A folder of Golden/: what networks_golden.py expects of a model.
struct Expected {
  let path: String
  let sequences: [[Int]]
  let rows: [Int]
  let outputs: [[Float]]

  init(_ name: String) throws {
    path = try Self.folder(name)
    let json = try JSONParser.parse(
      [UInt8](Data(contentsOf: URL(fileURLWithPath: path + "/expected.json"))))
    sequences = try #require(json["sequences"]?.array).map { $0.array?.compactMap(\.int) ?? [] }
    rows = try #require(json["rows"]?.array).compactMap(\.int)
    outputs = try #require(json["outputs"]?.array).map {
      $0.array?.compactMap { $0.double.map { Float($0) } } ?? []
    }
  }

  static func folder(_ name: String) throws -> String {
    try #require(Bundle.module.url(forResource: "Golden", withExtension: nil))
      .appendingPathComponent(name).path
  }

  /// The greatest difference between what a model makes of the sequences and what is expected.
  func greatestDifference(_ model: Model) throws -> Float {
    let pass = try ForwardPass(WeightSource(model: model))
    let found = try pass.outputs(sequences.map { .tokens($0) })
    var greatest: Float = 0
    var index = 0
    for outputs in found {
      for row in rows.isEmpty ? [0] : rows {
        try #require(index < self.outputs.count)
        let wanted = self.outputs[index]
        index += 1
        let place = row * outputs.width
        try #require(wanted.count == outputs.width && place + outputs.width <= outputs.values.count)
        for (a, b) in zip(wanted, outputs.values[place..<place + outputs.width]) {
          greatest = max(greatest, abs(a - b).isNaN ? .infinity : abs(a - b))
        }
      }
    }
    #expect(index == self.outputs.count)
    return greatest
  }

  /// The sample models of the repository.
  static func sample(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("SampleModels/\(name)").path
  }
}
