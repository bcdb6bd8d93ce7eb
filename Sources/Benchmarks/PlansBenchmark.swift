import Consumers
import Dispatch
import Foundation
import Measurement
import ModelFiles
import Planning
import Quantization
import Synchronization

import struct Measurement.Measurement

/// What a solved plan brings against one format for all tensors, and against the mixtures that people know: the error at
/// equal size, and the size at equal error. The solver takes from the same family of formats.
///
/// On the models that are given; without any, on the sample models (in the folder at hand).
enum PlansBenchmark {
  static func run(_ options: BenchmarkOptions) {
    let samples = ["austen/austen-bf16.gguf", "austen", "digits"].map { "SampleModels/\($0)" }
    for path in options.models.isEmpty ? samples : options.models {
      guard let model = try? Model.open(path) else {
        print("plans: no model at \(path)")
        continue
      }
      let presets = Presets.all(for: model)
      for family in Family.all(for: model, presets) { print(comparison(model, family, path)) }
    }
  }

  private static func comparison(_ model: Model, _ family: Family, _ path: String) -> String {
    let measured = MeasuredModel(model, formats: family.formats)
    var rows = [["plan", "MiB", "bpw", "NMSE %", "solved NMSE %", "ratio", "saving %"]]
    for plan in family.plans(of: measured) {
      rows.append(measured.row(plan.name, plan.choices))
    }
    return """
      \(path): \(family.name); formats: \(family.formats.map(\.description).joined(separator: " "))
      \(table(rows))
      solved: the best plan of that size; ratio: the plan's error over it. saving: what the smallest plan of no more
      error takes less. NMSE: over all weights, those that are kept too.

      """
  }
}

/// Formats that a program knows, and its mixtures.
private struct Family {
  let name: String
  let formats: [Format]
  /// Those that are compared as the format of all tensors.
  let uniform: [Format]
  let presets: [Preset]

  static func all(for model: Model, _ presets: [Preset]) -> [Family] {
    let llama = presets.filter { $0.program == .llamaQuantize }
    let mlx = presets.filter { $0.program == .mlxLM }
    var families: [Family] = []
    if !llama.isEmpty {
      let rules = FormatRules(model: model, importance: nil)
      let tensors = model.tensors.filter(\.suitability.isQuantizable).map { rules[$0] }
      // Not those that want an imatrix.
      let types = GGMLType.allCases.map { Format.ggml($0) }.filter { type in
        tensors.allSatisfy { $0.refusal(of: type)?.remedy == nil }
      }
      families.append(
        Family(
          name: "llama.cpp, no imatrix", formats: types, uniform: types,
          presets: llama.filter { preset in
            // Those of floats are no quantization.
            preset.choices.allSatisfy { $0.format.map(types.contains) ?? true }
              && preset.choices.contains { $0 != .source }
          }))
    }
    let type = mlx.lazy.flatMap(\.choices).compactMap { choice in
      if case .format(.mlx(let format)) = choice { format.valueType } else { nil }
    }.first
    if let type {
      let formats = MLXFormat.all(valueType: type)
      families.append(
        Family(
          name: "MLX", formats: formats.map { .mlx($0) },
          uniform: formats.filter { $0.groupLength == 64 }.map { .mlx($0) }, presets: mlx))
    }
    if model.container != .gguf {
      let formats = (2...8).reversed().compactMap { IntegerFormat(bits: $0) }.map {
        Format.integer($0)
      }
      families.append(Family(name: "integers", formats: formats, uniform: formats, presets: []))
    }
    return families
  }

  /// What is compared, by rising size.
  func plans(of measured: MeasuredModel) -> [(name: String, choices: [Choice])] {
    let all =
      uniform.map { ("all \($0)", measured.uniform($0)) } + presets.map { ($0.name, $0.choices) }
    return all.sorted { measured.bytes($0.1) < measured.bytes($1.1) }
  }
}

/// A model whose tensors were measured in all the formats they can have.
private struct MeasuredModel {
  private let model: Model
  private let rules: FormatRules
  private var found: [Work: Measurement] = [:]
  private var squares: [Int: Double] = [:]
  private let problem: PlanningProblem?

  init(_ model: Model, formats: [Format]) {
    self.model = model
    rules = FormatRules(model: model, importance: nil)
    var options: [TensorOptions] = []
    var kept = KeptTensors()
    var work: [Work] = []
    for tensor in model.tensors {
      if tensor.suitability.isQuantizable {
        let rules = rules[tensor]
        work += formats.filter { rules.refusal(of: $0) == nil }.map {
          .measurement(tensor: tensor.id, format: $0)
        }
      } else if tensor.weightCount > 0, tensor.suitability.isWeights, WeightReader.canRead(tensor) {
        work.append(.statistics(tensor: tensor.id))
      }
    }
    for (work, finding) in Self.measure(work, of: model) {
      switch finding {
      case .measurement(let measurement):
        found[work] = measurement
        squares[work.tensor] = measurement.sums.squares
      case .statistics(let summary): squares[work.tensor] = summary.squares
      default: break
      }
    }
    for tensor in model.tensors {
      guard tensor.suitability.isQuantizable else {
        kept.bytes += tensor.byteCount
        kept.weights += tensor.weightCount
        kept.squares += squares[tensor.id] ?? 0
        continue
      }
      options.append(
        TensorOptions(
          tensor: tensor,
          measurements: formats.compactMap { [found] in
            found[.measurement(tensor: tensor.id, format: $0)]
          }))
    }
    problem = try? PlanningProblem(tensors: options, kept: kept)
  }

  private static func measure(_ work: [Work], of model: Model) -> [(Work, Finding)] {
    let results = Mutex<[(Work, Finding)]>([])
    let done = DispatchSemaphore(value: 0)
    let measurer = Measurer(model: model) { work, finding in
      results.withLock { $0.append((work, finding)) }
      done.signal()
    }
    measurer.want(background: work)
    for _ in work { done.wait() }
    measurer.stop()
    return results.withLock { $0 }
  }

  /// One format for all tensors, or what llama-quantize would write in its place.
  func uniform(_ format: Format) -> [Choice] {
    model.tensors.map { tensor in
      guard tensor.suitability.isQuantizable else { return .source }
      let written = rules.refusal(of: format, for: tensor).map(\.instead) ?? format
      return written.map { .format($0) } ?? .source
    }
  }

  func bytes(_ choices: [Choice]) -> Int {
    zip(model.tensors, choices).reduce(0) { $0 + $1.1.byteCount(of: $1.0) }
  }

  func row(_ name: String, _ choices: [Choice]) -> [String] {
    let bytes = bytes(choices)
    let bits = 8 * Double(bytes) / Double(max(1, model.weightCount))
    var cells = [
      name, String(format: "%.2f", Double(bytes) / 0x1p20), String(format: "%.2f", bits),
    ]
    guard let problem, let error = error(choices) else { return cells + ["not measured"] }
    cells.append(percent(error))
    if let solution = try? problem.solve(budget: bytes) {
      cells += [percent(solution.error), String(format: "%.2f", error / solution.error)]
    } else {
      cells += ["none", ""]
    }
    if let solution = try? problem.solve(maximumError: error) {
      cells.append(String(format: "%.1f", 100 * (1 - Double(solution.bytes) / Double(bytes))))
    }
    return cells
  }

  /// Σ(w-ŵ)²/Σw² of the model; nil where something wasn't measured.
  private func error(_ choices: [Choice]) -> Double? {
    var error = 0.0
    for (tensor, choice) in zip(model.tensors, choices) {
      guard let format = choice.format else { continue }
      guard let measurement = found[.measurement(tensor: tensor.id, format: format)] else {
        return nil
      }
      error += measurement.squaredError
    }
    return error / squares.values.reduce(0, +)
  }

  private func percent(_ value: Double) -> String { String(format: "%.4g", 100 * value) }
}
