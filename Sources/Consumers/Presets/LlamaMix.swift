import ModelFiles
import Quantization

/// What llama-quantize's rules for file types look at, of a model.
struct LlamaTraits: Sendable {
  /// The family, by GGUF's name of it.
  var architecture: String?
  /// The number of blocks.
  var layers: Int
  /// How many heads share a key and a value, in the first block; 0 where there are none.
  var sharing: Int
  /// The number of experts; 0 for none.
  var experts: Int
  /// Whether it counts as one of the models of 70 B weights.
  var isSeventyB: Bool
  /// Whether embeddings are the output, too.
  var isTied: Bool
  /// The number of tensors that are treated as attention values.
  var values: Int
  /// Whether there is an importance file.
  var hasImportance: Bool

  var isFalcon: Bool { architecture == "falcon" }
  /// As in Mixtral, for which many rules were made.
  var hasEightExperts: Bool { experts == 8 }
}

/// The types that a file type gives a model's tensors, asked one after another in the order in which
/// llama-quantize goes through them: some rules count.
///
/// Source: `llama_tensor_get_type_impl` in llama.cpp's `src/llama-quant.cpp`, of the version that has ggml 0.25.3;
/// the tests hold this to what the program says for made-up models of many families.
struct LlamaMix {
  let fileType: LlamaFileType
  let model: LlamaTraits
  /// How many tensors of a kind have been asked for.
  private var values = 0
  private var downs = 0
  private var gates = 0
  private var ups = 0

  /// A rule that wants the number of a tensor's block, which its name doesn't tell: the run stops.
  struct NoBlock: Error {}

  init(_ fileType: LlamaFileType, for model: LlamaTraits) {
    self.fileType = fileType
    self.model = model
  }

  /// What a tensor is asked for in, before its rows are looked at.
  mutating func format(
    _ tensor: LlamaQuantizeRules.Subject, _ part: Part
  ) throws(NoBlock) -> Format {
    guard case .ggml(let base) = fileType.base else { return fileType.base }
    return .ggml(try type(tensor, part, base))
  }

  private mutating func type(
    _ tensor: LlamaQuantizeRules.Subject, _ part: Part, _ base: GGMLType
  ) throws(NoBlock) -> GGMLType {
    if model.architecture == "glm5-next",
      ["attn_q_a", "attn_q_b", "nextn.eh_proj"].contains(where: { tensor.name.contains($0) })
    {
      return .q80
    }
    if part == .output || part == .embedding && model.isTied {
      return output(tensor.rowLength, base)
    }
    if fileType == .mxfp4MoE { return isOfExperts(tensor, part) ? .mxfp4 : .q80 }
    if part == .embedding { return embedding ?? base }
    let special = fileType.isTiny ? tiny(part) : try common(part, tensor.name)
    return special ?? base
  }

  // MARK: - Beginning and end

  private func output(_ rowLength: Int, _ base: GGMLType) -> GGMLType {
    if fileType == .mxfp4MoE || model.isFalcon || rowLength % base.blockLength != 0 { return .q80 }
    if fileType.isTiny || fileType == .iq3XXS { return .q5K }
    return base == .q80 ? .q80 : .q6K
  }

  private var embedding: GGMLType? {
    switch fileType {
    case .iq2XXS, .iq2XS, .iq1S, .iq1M: .q2K
    case .iq2S, .iq2M, .iq3XXS: .iq3S
    case .tq10, .tq20, .q20: .q4K
    default: nil
    }
  }

  private func isOfExperts(_ tensor: LlamaQuantizeRules.Subject, _ part: Part) -> Bool {
    guard tensor.shape.count >= 3, tensor.shape[tensor.shape.count - 3] > 1 else { return false }
    return model.architecture != "bailingmoe3" || [.up, .gate, .down].contains(part)
  }

  // MARK: - The smallest file types

  private mutating func tiny(_ part: Part) -> GGMLType? {
    let isSecond = fileType == .iq2S || fileType == .iq2M
    switch part {
    case .value:
      values += 1
      return model.sharing >= 4 || model.experts >= 4 ? .q4K : isSecond ? .iq3S : .q2K
    case .key: return model.hasEightExperts ? .q4K : nil
    case .down:
      downs += 1
      return downs <= model.layers / 8 ? isSecond ? .iq3S : .q2K : nil
    case .attentionOutput:
      if model.hasEightExperts { return .q5K }
      if fileType == .iq1S || fileType == .iq1M { return .iq2XXS }
      return isSecond ? .iq3S : nil
    default: return nil
    }
  }

  // MARK: - The others

  private mutating func common(_ part: Part, _ name: String) throws(NoBlock) -> GGMLType? {
    switch part {
    case .value:
      defer { values += 1 }
      if model.hasEightExperts { return .q80 }
      let type = value
      // Eight heads share a matrix there, so that better ones cost little.
      let isLow = [.q3K, .q4K].contains(type ?? fileType.base.blockType)
      return model.isSeventyB && isLow ? .q5K : type
    case .key: return model.hasEightExperts ? .q80 : keyOrQuery
    case .query: return keyOrQuery
    case .down:
      defer { downs += 1 }
      return down(layer: try layer(name, counted: downs))
    case .attentionOutput: return attentionOutput
    case .gate:
      defer { gates += 1 }
      return gateOrUp(layer: try layer(name, counted: gates))
    case .up:
      defer { ups += 1 }
      return gateOrUp(layer: try layer(name, counted: ups))
    case .output, .embedding, .other: return nil
    }
  }

  private var value: GGMLType? {
    let isShared = model.sharing >= 4
    switch fileType {
    case .q2K: return isShared ? .q4K : .q3K
    case .q2KS, .iq3XS, .iq3S: return isShared ? .q4K : nil
    case .iq3XXS: return isShared ? .q4K : model.hasImportance ? .iq3XXS : .iq3S
    case .iq3M: return .q4K
    case .q3KM: return values < 2 ? .q5K : .q4K
    case .q3KL: return .q5K
    case .iq4NL, .iq4XS: return isShared ? .q5K : nil
    case .q4KM, .q5KM: return getsMore(values, of: model.values) ? .q6K : nil
    case .q4KS: return values < 4 ? .q5K : nil
    default: return nil
    }
  }

  private var keyOrQuery: GGMLType? {
    switch fileType {
    case .iq3XS: .iq3XXS
    case .iq3XXS: .iq2S
    default: nil
    }
  }

  private func down(layer: Int) -> GGMLType? {
    let layers = model.layers
    let isEarly = layer < layers / 8
    let isVeryEarly = layer < layers / 16
    let more = getsMore(layer, of: layers)
    switch fileType {
    case .q2K: return .q3K
    case .q2KS: return isEarly ? .q4K : nil
    case .iq3XXS: return model.hasImportance ? nil : isEarly ? .q4K : .q3K
    case .q3KM: return isVeryEarly ? .q5K : !model.isFalcon || more ? .q4K : nil
    case .q3KL: return model.isFalcon ? .q4K : .q5K
    case .iq3M: return isEarly || model.hasEightExperts && more ? .q4K : nil
    case .q4KM where model.isFalcon: return isVeryEarly ? .q6K : more ? .q5K : nil
    case .q4KM, .q5KM: return more ? .q6K : nil
    case .q4KS: return isEarly && !model.isFalcon ? .q5K : nil
    case .iq4NL, .iq4XS: return isEarly && !model.hasImportance ? .q5K : nil
    case .q40: return isEarly && model.hasImportance ? .q41 : nil
    case .q50: return isEarly && model.hasImportance ? .q51 : nil
    default: return nil
    }
  }

  private var attentionOutput: GGMLType? {
    if model.isFalcon { return fileType == .q3KL ? .q4K : nil }
    if model.hasEightExperts {
      switch fileType {
      case .q2K, .iq3XS, .iq3XXS, .q3KS, .q3KM, .iq4NL, .q4KS, .q4KM, .iq3S, .iq3M, .iq4XS:
        return .q5K
      default: return nil
      }
    }
    switch fileType {
    case .q2K: return .q3K
    case .iq3XXS: return .iq3S
    case .q3KM, .iq3M: return .q4K
    case .q3KL: return .q5K
    default: return nil
    }
  }

  private func gateOrUp(layer: Int) -> GGMLType? {
    let isInside = layer >= model.layers / 8 && layer < 7 * model.layers / 8
    return fileType == .iq3XS && isInside ? .iq3XXS : nil
  }

  // MARK: - Layers

  /// Whether a layer is among those that get more bits: the first and the last eighth, and every third between.
  private func getsMore(_ layer: Int, of count: Int) -> Bool {
    layer < count / 8 || layer >= 7 * count / 8 || (layer - count / 8) % 3 == 2
  }

  /// The number of a tensor among those of its kind: with experts that of its block, else as counted.
  private func layer(_ name: String, counted: Int) throws(NoBlock) -> Int {
    guard model.experts > 1 else { return counted }
    let block = LlamaMix.block(name)
    guard block >= 0, block < model.layers else { throw NoBlock() }
    return block
  }

  /// The block that a name begins with, as `sscanf` with "blk.%d." reads it; -1 without.
  static func block(_ name: String) -> Int {
    guard name.hasPrefix("blk.") else { return -1 }
    return Int(name.dropFirst(4).prefix { ("0"..."9").contains($0) }) ?? -1
  }

  // MARK: - Parts

  /// What the rules distinguish, by words in names.
  enum Part: Sendable {
    case output, embedding, value, key, query, attentionOutput, up, gate, down, other

    /// In this order words are looked for.
    private static let words: [(word: String, part: Part)] = [
      ("attn_qkv.weight", .value), ("attn_kv_b.weight", .value), ("attn_v.weight", .value),
      ("attn_k.weight", .key), ("attn_q.weight", .query),
      ("attn_output.weight", .attentionOutput), ("ffn_up", .up), ("ffn_gate", .gate),
      ("ffn_down", .down),
    ]

    init(_ name: String) {
      switch name {
      case "output.weight": self = .output
      case "token_embd.weight", "per_layer_token_embd.weight": self = .embedding
      default: self = Self.words.first { name.contains($0.word) }?.part ?? .other
      }
    }
  }
}

extension Format {
  /// The block type; nil for other formats.
  fileprivate var blockType: GGMLType? {
    if case .ggml(let type) = self { type } else { nil }
  }
}
