import ModelFiles

extension LlamaTraits {
  /// What the rules look at, of a model as conversion makes it.
  init(_ model: Model, _ converted: GGUFTensors, hasImportance: Bool) {
    let sizes = model.hyperparameters
    let heads = sizes.heads ?? 0
    let keyValueHeads = Self.keyValueHeads(model) ?? heads
    let names = converted.members.map(\.subject.name)
    var layers = sizes.layers ?? 0
    if model.container != .gguf || layers == 0 {
      // Conversion counts blocks beyond those of the configuration, too: predictors of further tokens.
      layers = max(layers, 1 + (names.lazy.map(LlamaMix.block).max() ?? -1))
    }
    self.init(
      architecture: converted.architecture, layers: layers,
      sharing: keyValueHeads > 0 ? heads / keyValueHeads : 0, experts: sizes.experts ?? 0,
      isSeventyB: Self.isSeventyB(
        converted.architecture, layers: layers, isShared: heads != keyValueHeads,
        experts: sizes.experts ?? 0),
      isTied: !names.contains("output.weight"),
      values: names.count { LlamaMix.Part($0) == .value }, hasImportance: hasImportance)
  }

  /// The number of heads for keys and values that conversion writes.
  private static func keyValueHeads(_ model: Model) -> Int? {
    if model.container == .gguf { return model.hyperparameters.keyValueHeads }
    let names = GGUFNames(model)
    return single.contains(names.architecture ?? "") ? 1 : names.keyValueHeads
  }

  /// Families whose conversion writes one whatever the configuration says: keys and values are kept in a smaller
  /// form, or the family knows no other number. Source: llama.cpp's `conversion`.
  private static let single: Set<String> = [
    "deepseek2", "kimi-linear", "kimi-k3", "bailingmoe3", "starcoder", "refact",
  ]

  /// The families that llama.cpp's `src/models` knows a model of this size of, and by what.
  private static func isSeventyB(
    _ architecture: String?, layers: Int, isShared: Bool, experts: Int
  ) -> Bool {
    switch architecture {
    case "llama", "llama-embed": layers == 80 && isShared && experts != 8
    case "qwen2", "olmo", "deci": layers == 80
    case "jais2": layers == 68
    default: false
    }
  }
}
