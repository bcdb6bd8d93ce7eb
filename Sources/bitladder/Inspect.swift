import ArgumentParser
import Explorer
import Foundation
import Measurement
import ModelFiles
import Planning
import Quantization

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print a model's tensors: shapes, types, sizes, roles.")

  @OptionGroup var model: ModelArgument

  @OptionGroup var store: StoreOptions

  @Flag(help: "Read the weights and print their statistics as well.")
  var stats = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let model = try model.open()
    for note in model.notes { tell("bitladder: note: \(note)") }
    // Before reading: what is found belongs to the model as it is now.
    let identity = json ? Plan.ModelIdentity(model, fingerprint: model.fingerprint()) : nil
    let statistics = stats ? try measureStatistics(model) : [:]
    if let identity {
      try emit(JSONWriter(.pretty).string(jsonObject(identity, model, statistics)))
    } else {
      try emit(table(model, statistics))
    }
  }

  private func measureStatistics(_ model: Model) throws -> [Int: WeightSummary] {
    let work = model.tensors.filter { WeightReader.canRead($0) }
      .map { Work.statistics(tensor: $0.id) }
    let store = store.openTelling()
    defer { store?.close() }
    var statistics: [Int: WeightSummary] = [:]
    for (work, finding) in try measureAll(work, of: model, store: store) {
      if case .statistics(let found) = finding { statistics[work.tensor] = found }
    }
    return statistics
  }

  private func table(_ model: Model, _ statistics: [Int: WeightSummary]) -> String {
    var head = ["tensor", "shape", "source", "weights", "size", "role", "block", "kept because"]
    if stats { head += ["min", "max", "mean", "deviation", "kurtosis", "zeros", "NaN", "inf"] }
    var table = Table(head)
    table.rightAligned = Set([3, 4, 6] + (8..<16))
    for tensor in model.tensors {
      var row = [
        tensor.label, shapeText(tensor.shape, times: "x"), tensor.sourceName,
        "\(tensor.weightCount)", Figures.bytes(tensor.byteCount), tensor.role.rawValue,
        tensor.block.map { "\($0)" } ?? "", tensor.suitability.reason ?? "",
      ]
      if stats {
        row +=
          statistics[tensor.id].map { found in
            [
              Figures.weight(found.minimum), Figures.weight(found.maximum),
              Figures.weight(found.mean), Figures.weight(found.deviation),
              Figures.significant(found.kurtosis), "\(found.zeros)", "\(found.nan)",
              "\(found.infinite)",
            ]
          } ?? Array(repeating: "", count: 8)
      }
      table.add(row)
    }
    return table.text
      + "\(model.name): \(Figures.counted(model.tensors.count, "tensor")), "
      + "\(Figures.count(model.weightCount)) weights, \(Figures.bytes(model.byteCount)), "
      + model.container.rawValue + (model.architecture.map { ", \($0.sanitised)" } ?? "") + "\n"
      + sizes(model.hyperparameters)
  }

  /// What the configuration says of the model's sizes, as a line; nothing where it says nothing.
  private func sizes(_ sizes: Hyperparameters) -> String {
    let known: [(String, Int?)] = [
      ("layers", sizes.layers), ("hidden", sizes.hiddenSize),
      ("intermediate", sizes.intermediateSize), ("heads", sizes.heads),
      ("kv heads", sizes.keyValueHeads), ("head size", sizes.headSize),
      ("experts", sizes.experts), ("active experts", sizes.activeExperts),
      ("vocabulary", sizes.vocabulary), ("context", sizes.contextLength),
    ]
    let words = known.compactMap { name, size in size.map { "\(name) \($0)" } }
    return words.isEmpty ? "" : words.joined(separator: ", ") + "\n"
  }

  private func jsonObject(
    _ identity: Plan.ModelIdentity, _ model: Model, _ statistics: [Int: WeightSummary]
  ) -> JSONValue {
    [
      "model": PlanFile.json(of: identity),
      "tensors": .array(
        model.tensors.map { tensor in
          var object: JSONObject = [
            "name": .string(tensor.name),
            "shape": .array(tensor.shape.map { JSONValue($0) }),
            "source": .string(tensor.sourceName),
            "weights": JSONValue(tensor.weightCount),
            "bytes": JSONValue(tensor.byteCount),
            "role": .string(tensor.role.rawValue),
            "block": tensor.block.map { JSONValue($0) } ?? .null,
            "quantizable": .bool(tensor.suitability.isQuantizable),
            "reason": tensor.suitability.reason.map { .string($0) } ?? .null,
          ]
          if let found = statistics[tensor.id] { object.add(found) }
          return .object(object)
        }),
    ]
  }
}

extension JSONObject {
  fileprivate mutating func add(_ found: WeightSummary) {
    self["min"] = JSONValue(found.minimum)
    self["max"] = JSONValue(found.maximum)
    self["mean"] = JSONValue(found.mean)
    self["deviation"] = JSONValue(found.deviation)
    self["kurtosis"] = JSONValue(found.kurtosis)
    self["zeros"] = JSONValue(found.zeros)
    self["nan"] = JSONValue(found.nan)
    self["infinite"] = JSONValue(found.infinite)
  }
}
