import ModelFiles

/// Finds the forward pass of a model.
enum NetworkFinder {
  /// What can be run, for messages.
  static let known = "llama, mistral, qwen2, qwen3, gemma, gemma2, gemma3, bert, sequential"

  static func network(of model: Model) throws(EvaluationError) -> any Network {
    guard let architecture = model.architecture else {
      throw .architecture(
        "\(model.name): neither a config.json nor its metadata say what it is, so it can't be run")
    }
    switch architecture {
    case "bert": return try BertNetwork(model)
    case "sequential": return try SequentialNetwork(model)
    default:
      guard let family = LlamaConfiguration.Family(architecture: architecture) else {
        throw .architecture(
          "\(model.name): models of the architecture '\(architecture.sanitised)' can't be run; there are: "
            + known)
      }
      return try LlamaNetwork(model, family)
    }
  }
}
