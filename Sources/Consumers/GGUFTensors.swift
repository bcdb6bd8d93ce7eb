import ModelFiles
import Quantization

/// A model's tensors as those of the GGUF that conversion makes of it.
struct GGUFTensors {
  /// A tensor of the GGUF.
  struct Member {
    /// Its name and shape.
    let subject: LlamaQuantizeRules.Subject
    /// The model's tensors that it is made of: one, or the experts.
    var tensors: [Tensor] = []
    /// What the importance file has for each of them.
    var importance: [LlamaQuantizeRules.Importance] = []
    /// The share of each tensor's rows that goes here: 1 over this number.
    var share = 1
  }

  /// The family under GGUF's name for it, if it is known.
  let architecture: String?
  /// The GGUF's tensors, in the order of the model's.
  private(set) var members: [Member] = []
  /// The model's tensors that have no name in GGUF that is known, by index.
  private(set) var unnamed: [Int] = []

  /// - Parameters:
  ///   - importance: what the importance file has for a tensor.
  ///   - isWanted: the tensors that are looked at.
  init(
    _ model: Model, importance: (Tensor) -> LlamaQuantizeRules.Importance,
    where isWanted: (Tensor) -> Bool = { _ in true }
  ) {
    let names = GGUFNames(model)
    architecture = names.architecture
    var places: [String: Int] = [:]
    for tensor in model.tensors where isWanted(tensor) {
      let found = names.names(of: tensor.name)
      if found.isEmpty { unnamed.append(tensor.id) }
      for name in found {
        let place = places[name.name] ?? members.count
        if place == members.count {
          places[name.name] = place
          members.append(
            Member(
              subject: LlamaQuantizeRules.Subject(
                shape: tensor.shape, as: name, architecture: architecture)))
        }
        members[place].tensors.append(tensor)
        members[place].importance.append(importance(tensor))
        members[place].share = found.count
      }
    }
  }
}

extension GGUFTensors.Member {
  /// What the file has for it: the worst of what it has for its parts.
  var worstImportance: LlamaQuantizeRules.Importance {
    importance.first { $0 != .fits } ?? .fits
  }
}

/// What llama-quantize would find for a model's tensors in the file that it is given with `--imatrix`.
struct ImportanceStates {
  /// Nil for no file.
  private let importance: ModelImportance?
  private let problems: [Int: ImportanceNote.Problem]

  init(_ importance: ModelImportance?) {
    self.importance = importance
    problems = Dictionary(
      (importance?.notes ?? []).map { ($0.tensor, $0.problem) },
      uniquingKeysWith: { first, _ in first })
  }

  subscript(tensor: Tensor) -> LlamaQuantizeRules.Importance {
    guard let importance else { return .noFile }
    if importance.covers(tensor) { return .fits }
    switch problems[tensor.id] {
    case .transposed: return .fits
    case .size, .expert: return .wrongSize
    case .unseen, nil: return .noEntry
    }
  }
}
