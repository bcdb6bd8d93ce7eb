/// What a tensor of a Hugging Face checkpoint is called in GGUF, and what conversion does to it.
public struct GGUFName: Sendable, Hashable {
  /// The name: `blk.0.attn_q.weight`.
  public let name: String
  /// The expert whose matrix it is, where conversion stacks experts in one tensor.
  public let expert: Int?
  /// How its rows are reordered, if they are.
  public let permutation: RowPermutation?
  /// Whether rows become input channels: importance by channel then doesn't fit the checkpoint's rows.
  public let isTransposed: Bool

  init(
    _ name: String, expert: Int? = nil, permutation: RowPermutation? = nil,
    isTransposed: Bool = false
  ) {
    self.name = name
    self.expert = expert
    self.permutation = permutation
    self.isTransposed = isTransposed
  }
}

/// The names of a model's tensors in GGUF, as llama.cpp's conversion makes them.
///
/// A model that is a GGUF already has them. For others the family decides in a few cases what a name
/// means and whether rows are reordered (``GGUFNameTables``). Options of the conversion that fuse
/// tensors (`--fuse-qkv`, `--fuse-gate-up-exps`) are taken to be off, as they are by default.
public struct GGUFNames: Sendable {
  /// The family under GGUF's name for it; nil if unknown: names then mean what they mostly do.
  public let architecture: String?
  private let isGGUF: Bool
  private let heads: Int?
  /// The number of heads for keys and values, if it is known.
  public let keyValueHeads: Int?
  private let valueSize: Int?

  /// The names of a model.
  public init(_ model: Model) {
    let texts = ["text_config", "llm_config", "language_config"]
    let inner = texts.lazy.compactMap { model.configuration?[$0]?["model_type"]?.string }.first
    let known = model.architecture.map(Self.isKnown) ?? false
    let family = known ? model.architecture : inner ?? model.architecture
    let sizes = model.hyperparameters
    self.init(
      architecture: family, heads: sizes.heads, keyValueHeads: sizes.keyValueHeads,
      configuration: model.configuration, isGGUF: model.container == .gguf)
  }

  /// The names of a family, by `model_type` or GGUF's name of it.
  public init(
    architecture: String?, heads: Int? = nil, keyValueHeads: Int? = nil,
    configuration: JSONValue? = nil, isGGUF: Bool = false
  ) {
    let family = architecture.map { GGUFNameTables.architectures[$0] ?? $0 }
    self.architecture = family
    self.isGGUF = isGGUF
    self.heads = heads
    if family == "falcon" {
      // One, not as many as heads, where the configuration is silent.
      let told = configuration?["num_kv_heads"]?.int ?? configuration?["n_head_kv"]?.int
      self.keyValueHeads = configuration == nil ? keyValueHeads : told ?? 1
    } else {
      self.keyValueHeads = keyValueHeads ?? heads
    }
    valueSize = configuration?["v_head_dim"]?.int
  }

  /// What conversion makes of a tensor: mostly one, two where it is split, none where it is left out
  /// or its name isn't known.
  ///
  /// - Parameter matrices: how many matrices the tensor stacks, where it is split within each.
  public func names(of name: String, matrices: Int = 1) -> [GGUFName] {
    if isGGUF { return [GGUFName(name)] }
    let parsed = ParsedName(name)
    guard let block = parsed.block else {
      return GGUFNameTables.top[parsed.module].map { [GGUFName($0 + parsed.suffix)] } ?? []
    }
    if let split = split(parsed, block: block, matrices: matrices) { return split }
    guard let module = module(parsed.module) else { return [] }
    let name = "blk.\(block).\(module)\(parsed.suffix)"
    return [
      GGUFName(
        name, expert: parsed.expert, permutation: permutation(module, parsed),
        isTransposed: isTransposed(parsed))
    ]
  }

  /// The one name of a tensor that isn't split.
  public func name(of name: String) -> GGUFName? {
    let names = names(of: name)
    return names.count == 1 ? names.first : nil
  }

  private static func isKnown(_ family: String) -> Bool {
    GGUFNameTables.architectures[family] != nil || GGUFNameTables.layered.contains(family)
      || ["gpt2", "bert", "falcon", "mpt", "bloom", "starcoder"].contains(family)
  }

  private func module(_ module: String) -> String? {
    if let architecture {
      for exception in GGUFNameTables.exceptions where exception.families.contains(architecture) {
        if let name = exception.modules[module] { return name }
      }
    }
    return GGUFNameTables.block[module]
  }

  private func permutation(_ module: String, _ parsed: ParsedName) -> RowPermutation? {
    guard let architecture else { return nil }
    // Only under these names: checkpoints in Mistral's own format have the rows in order already.
    if GGUFNameTables.rotary.contains(architecture), !isBiasKept(parsed) {
      if parsed.module.hasSuffix("q_proj"), module == "attn_q" { return .rotary(heads: heads) }
      if parsed.module.hasSuffix("k_proj"), module == "attn_k" {
        return .rotary(heads: keyValueHeads)
      }
    }
    guard module == "attn_qkv", parsed.module.hasSuffix("query_key_value") else { return nil }
    switch architecture {
    case "gptneox", "bloom": return .separated(heads: heads, keyValueHeads: heads)
    case "falcon": return .separated(heads: heads, keyValueHeads: keyValueHeads)
    default: return nil
    }
  }

  /// These families' biases stay as they are.
  private func isBiasKept(_ parsed: ParsedName) -> Bool {
    parsed.suffix == ".bias" && ["olmo", "minicpm", "arctic"].contains(architecture)
  }

  private func isTransposed(_ parsed: ParsedName) -> Bool {
    guard parsed.suffix == ".weight" else { return false }
    switch architecture {
    case "gpt2":
      return ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"].contains(parsed.module)
    case "nomic-bert-moe": return parsed.module == "mlp.experts.mlp.w2"
    case "gpt-oss", "llama4": return parsed.isBare && parsed.module.hasSuffix("experts.down_proj")
    default: return false
    }
  }

  /// The parts of a tensor that conversion splits; nil for others.
  private func split(_ parsed: ParsedName, block: Int, matrices: Int) -> [GGUFName]? {
    func parts(_ ends: [String], _ orders: [RowPermutation?], transposed: [Bool]) -> [GGUFName] {
      ends.indices.map {
        GGUFName(
          "blk.\(block).\(ends[$0])\(parsed.suffix)", expert: parsed.expert,
          permutation: orders[$0], isTransposed: transposed[$0])
      }
    }
    let halves: [RowPermutation?] = [.half(0, matrices: matrices), .half(1, matrices: matrices)]
    switch (architecture, parsed.module) {
    case ("deepseek2", "self_attn.kv_b_proj"):
      return parts(
        ["attn_k_b", "attn_v_b"], [nil, .values(heads: keyValueHeads, of: valueSize)],
        transposed: [true, false])
    case ("granitemoe", "block_sparse_moe.input_linear"):
      return parts(["ffn_gate_exps", "ffn_up_exps"], halves, transposed: [false, false])
    case ("granitemoe", "shared_mlp.input_linear"):
      return parts(["ffn_gate_shexp", "ffn_up_shexp"], halves, transposed: [false, false])
    case ("gpt-oss", "mlp.experts.gate_up_proj"), ("llama4", "feed_forward.experts.gate_up_proj"):
      return parts(["ffn_gate_exps", "ffn_up_exps"], [nil, nil], transposed: [true, true])
    case (_, "mlp.experts.gate_up_proj"):
      return parts(["ffn_gate_exps", "ffn_up_exps"], halves, transposed: [false, false])
    default: return nil
    }
  }
}

// MARK: - Back

extension GGUFNames {
  /// What a checkpoint of this family calls a tensor of a GGUF; nil if that isn't known.
  ///
  /// Known for families whose blocks are `model.layers.N` (``GGUFNameTables``). A stacked tensor has
  /// a name for each expert: without one, only families that stack them themselves have a name.
  public func huggingFaceName(of name: String, expert: Int? = nil) -> String? {
    if isGGUF { return name }
    guard let architecture, GGUFNameTables.layered.contains(architecture) else { return nil }
    guard let end = name.lastIndex(of: ".") else { return nil }
    var suffix = String(name[end...])
    let stem = String(name[..<end])
    let special = GGUFNameTables.modulesByFamily[architecture]
    switch stem {
    case "token_embd": return "model.embed_tokens\(suffix)"
    case "output": return "lm_head\(suffix)"
    case "output_norm": return "model.\(special?["output_norm"] ?? "norm")\(suffix)"
    default: break
    }
    let parts = stem.split(separator: ".", maxSplits: 2)
    guard parts.count == 3, parts[0] == "blk", let block = Int(parts[1]) else { return nil }
    let key = String(parts[2])
    guard var module = special?[key] ?? GGUFNameTables.modules[key] else { return nil }
    if let place = module.firstIndex(of: "#") {
      guard let expert else { return nil }
      module.replaceSubrange(place...place, with: String(expert))
    }
    if key == "exp_probs_b" { suffix = "_" + suffix.dropFirst() }
    return "model.layers.\(block).\(module)\(suffix)"
  }
}

// MARK: - Parts of a name

/// A checkpoint's name in the parts that the tables know.
private struct ParsedName {
  var block: Int?
  var expert: Int?
  /// The path of the module within its block, or at the top, without numbers of experts.
  var module: String
  /// ".weight" or ".bias".
  var suffix: String
  /// Whether the name had no suffix of its own.
  var isBare = false

  init(_ name: String) {
    // Names of other models within the model begin with other words, so no table has what is left.
    var rest = name
    var isStripped = false
    repeat {
      isStripped = false
      for wrapper in GGUFNameTables.wrappers where rest.hasPrefix(wrapper) {
        rest.removeFirst(wrapper.count)
        isStripped = true
      }
    } while isStripped
    suffix = ".weight"
    isBare = !Self.takeSuffix(&rest, into: &suffix)
    module = rest
    for container in GGUFNameTables.containers where rest.hasPrefix(container) {
      let inner = rest.dropFirst(container.count)
      guard let dot = inner.firstIndex(of: "."), let number = Self.number(inner[..<dot]) else {
        continue
      }
      block = number
      takeModule(inner[inner.index(after: dot)...])
      return
    }
  }

  /// The path in a block, the number of an expert taken out.
  private mutating func takeModule(_ path: Substring) {
    var parts = path.split(separator: ".", omittingEmptySubsequences: false)
    if let place = parts.firstIndex(of: "experts"), place + 2 < parts.count,
      let number = Self.number(parts[place + 1])
    {
      expert = number
      parts.remove(at: place + 1)
    }
    module = parts.joined(separator: ".")
  }

  private static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.utf8.count < 10, text.utf8.allSatisfy(isDigit) else { return nil }
    return Int(text)
  }

  private static func takeSuffix(_ name: inout String, into suffix: inout String) -> Bool {
    if name.hasSuffix(".e_score_correction_bias") {
      name.removeLast("_bias".count)
      suffix = ".bias"
      return true
    }
    for (end, meaning) in [
      (".weight", ".weight"), (".bias", ".bias"), (".gamma", ".weight"), (".beta", ".bias"),
    ] where name.hasSuffix(end) {
      name.removeLast(end.count)
      suffix = meaning
      return true
    }
    return false
  }
}
