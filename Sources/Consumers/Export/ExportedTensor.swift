import ModelFiles
import Planning
import Quantization

/// A tensor of a plan, as the programs see it that take the plan.
public struct ExportedTensor: Sendable {
  /// Its name in the plan.
  public let name: String
  /// Its shape, row-major.
  public let shape: [Int]
  /// The type it is stored in.
  public let source: String
  /// What the plan gives it.
  public let choice: Choice
  /// What it does in the model.
  public let role: Role
  /// The repeated layer it belongs to.
  public let block: Int?
  /// Its module in the Hugging Face checkpoint: the name without `.weight`. Several where a GGUF stacks experts,
  /// none where it has no module of its own or its name isn't known.
  public let modules: [String]
  /// What it is called in GGUF: mostly one name, none where that isn't known.
  public let ggufNames: [GGUFName]
  /// The family under GGUF's name for it.
  let architecture: String?

  /// The length of a row: the inputs of a linear layer.
  public var rowLength: Int { shape.last ?? 1 }
  /// The number of rows: the outputs of a linear layer, of all matrices where several are stacked.
  public var rows: Int { weightCount / max(1, rowLength) }
  /// Its weights; 0 where a plan claims more than any model has.
  public let weightCount: Int

  /// Whether it is the weight of a linear layer.
  public var isLinear: Bool {
    guard shape.count == 2 || (shape.count == 3 && modules.count > 1) else { return false }
    switch role {
    case .tokenEmbedding, .positionEmbedding, .norm, .bias, .conv: return false
    default: return !modules.isEmpty
    }
  }

  /// The bytes it takes in a format.
  func byteCount(in choice: Choice, sourceBytes: Int) -> Int {
    weightCount == 0
      ? 0
      : choice.format?.storedByteCount(rows: rows, rowLength: rowLength) ?? sourceBytes
  }
}

extension ExportedTensor {
  /// The tensors of a model, by their id.
  static func all(of model: Model) -> [ExportedTensor] {
    let names = GGUFNames(model)
    let back = GGUFNames(architecture: names.architecture)
    return model.tensors.map { tensor in
      let isGGUF = model.container == .gguf
      let matrices = tensor.shape.count == 3 ? tensor.shape[0] : 1
      return ExportedTensor(
        name: tensor.name, shape: tensor.shape, source: tensor.sourceName, choice: .source,
        role: tensor.role, block: tensor.block,
        modules: isGGUF
          ? modules(of: tensor.name, tensor.shape, back) : module(tensor.name).map { [$0] } ?? [],
        ggufNames: names.names(of: tensor.name, matrices: matrices),
        architecture: names.architecture, weightCount: tensor.weightCount)
    }
  }

  /// The tensors of a plan, in its order.
  static func all(of plan: Plan) -> [ExportedTensor] {
    let places = TensorPlace.places(of: plan.tensors.map { ($0.name, $0.shape) })
    // A plan doesn't say what kind of file its model is; names in GGUF can't be mistaken.
    let isGGUF = plan.tensors.contains {
      $0.name.hasPrefix("blk.") || $0.name == "token_embd.weight"
    }
    let family = plan.model.architecture
    let forward = GGUFNames(architecture: family, isGGUF: isGGUF)
    let back = GGUFNames(architecture: family)
    return zip(plan.tensors, places).map { entry, place in
      let matrices = entry.shape.count == 3 ? entry.shape[0] : 1
      return ExportedTensor(
        name: entry.name, shape: entry.shape, source: entry.source, choice: entry.choice,
        role: place.role, block: place.block,
        modules: isGGUF
          ? modules(of: entry.name, entry.shape, back) : module(entry.name).map { [$0] } ?? [],
        ggufNames: forward.names(of: entry.name, matrices: matrices),
        architecture: forward.architecture, weightCount: weightCount(entry.shape))
    }
  }

  private static func weightCount(_ shape: [Int]) -> Int {
    var count = 1
    for length in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: length)
      guard !overflow, 0...1 << 48 ~= product else { return 0 }
      count = product
    }
    return count
  }

  private static func module(_ name: String) -> String? {
    name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : nil
  }

  private static func modules(of name: String, _ shape: [Int], _ names: GGUFNames) -> [String] {
    if let name = names.huggingFaceName(of: name) { return module(name).map { [$0] } ?? [] }
    guard shape.count == 3, 0...4096 ~= shape[0] else { return [] }
    return (0..<shape[0]).compactMap { names.huggingFaceName(of: name, expert: $0).flatMap(module) }
  }
}
