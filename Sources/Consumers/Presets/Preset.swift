import ModelFiles
import Planning
import Quantization

/// A mixture of formats that people know by its name, as the program that it comes from makes it of a model.
public struct Preset: Sendable, Hashable {
  /// The program that makes it.
  public enum Program: String, Sendable, Hashable {
    /// llama.cpp's llama-quantize, by its file types.
    case llamaQuantize = "llama-quantize"
    /// mlx-lm's `convert`, by its default and its mixed recipes.
    case mlxLM = "mlx-lm"
  }

  /// The name that the program knows it by.
  public let name: String
  /// The program that makes it.
  public let program: Program
  /// What each tensor gets, in the model's order.
  ///
  /// Tensors that aren't worth quantizing stay as they are stored, whatever the program would make of them.
  public let choices: [Choice]

  /// The bytes of all tensors.
  public func byteCount(of model: Model) -> Int {
    zip(model.tensors, choices).reduce(0) { $0 + $1.1.byteCount(of: $1.0) }
  }
}

/// Why there is no such preset; `description` is one sentence for people.
public enum PresetError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No program has a preset of this name; those that come nearest.
  case unknown(String, nearest: [String])
  /// The preset can't be made of this model; why.
  case unsuited(String, reason: String)

  /// One sentence.
  public var description: String {
    switch self {
    case .unknown(let name, let nearest):
      "'\(name)' is no preset; the nearest known: \(nearest.joined(separator: ", "))"
    case .unsuited(let name, let reason): "\(name) can't be made of this model: \(reason)"
    }
  }
}

/// The presets of a model: llama-quantize's file types for a GGUF and for what can be converted to one, mlx-lm's
/// recipes for safetensors.
///
/// Nothing is measured or read.
public struct Presets: Sendable {
  /// All names: llama-quantize's by falling size, more or less, then mlx-lm's.
  public static let names =
    LlamaFileType.allCases.map(\.rawValue) + MLXRecipe.allCases.map(\.rawValue)

  private let model: Model
  private let llama: LlamaPresets

  /// The presets of a model.
  /// - Parameter importance: what llama-quantize is given with `--imatrix`; some file types want it, and some
  ///   make another mixture with it.
  public init(_ model: Model, importance: ModelImportance? = nil) {
    self.model = model
    llama = LlamaPresets(model, importance: importance)
  }

  /// Those that can be made of a model.
  public static func all(for model: Model, importance: ModelImportance? = nil) -> [Preset] {
    let presets = Presets(model, importance: importance)
    return names.compactMap { try? presets[$0] }
  }

  /// The preset of a name, in any letter case.
  public subscript(name: String) -> Preset {
    get throws(PresetError) {
      let key = name.uppercased()
      if let type = LlamaFileType(rawValue: key) ?? LlamaFileType.aliases[key] {
        return Preset(
          name: type.rawValue, program: .llamaQuantize, choices: try llama.choices(type))
      }
      if let recipe = MLXRecipe(rawValue: name.lowercased()) {
        return Preset(
          name: recipe.rawValue, program: .mlxLM, choices: try recipe.choices(for: model))
      }
      throw .unknown(name, nearest: nearestNames(to: name, among: Self.names))
    }
  }
}
