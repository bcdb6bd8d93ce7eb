import Foundation

/// What a GGUF file of a Hugging Face checkpoint says beside its tensors, so that llama.cpp can run it.
///
/// Source: `conversion/base.py`, `llama.py` and `qwen.py` of llama.cpp's `convert_hf_to_gguf.py`, of the version
/// that has ggml 0.25.3.
public struct GGUFConversion: Sendable {
  /// A tensor that the checkpoint doesn't have: it follows from the configuration.
  public struct ExtraTensor: Sendable, Equatable {
    /// The name in GGUF.
    public let name: String
    /// The values, as F32.
    public let values: [Float]
  }

  /// The architectures that can be converted, by GGUF's names.
  public static let architectures = ["llama", "qwen2", "qwen3"]

  /// The metadata, without what says how the tensors are quantized.
  public let pairs: [GGUFPair]
  /// Tensors that belong in the file as well.
  public let tensors: [ExtraTensor]

  /// Whether conversion leaves a tensor out: it can be computed, or is of no use to llama.cpp.
  public static func leavesOut(_ name: String) -> Bool {
    [".attention.masked_bias", ".attention.bias", ".rotary_emb.inv_freq"].contains {
      name.hasSuffix($0)
    }
  }

  /// Converts what the model's folder says.
  /// - Throws: ``ModelFileError`` if the architecture or the tokenizer can't be converted.
  public init(_ model: Model) throws(ModelFileError) {
    let architecture = GGUFNames(model).architecture
    let classes = model.configuration?["architectures"]?.array?.compactMap(\.string) ?? []
    guard let architecture, Self.architectures.contains(architecture),
      let configuration = model.configuration,
      classes.allSatisfy({ $0.hasSuffix("ForCausalLM") || $0.hasSuffix("Model") })
    else {
      let found = classes.first ?? model.architecture ?? "unknown"
      throw ModelFileError(
        path: model.path, found: "the architecture \(found)",
        expected: "one that is written as GGUF: llama, mistral, mixtral, qwen2, qwen3",
        remedy: "-o OUT.safetensors takes all, or convert it with llama.cpp and apply to that")
    }
    let folder = Path.folder(model.files.first?.path ?? model.path)
    var parameters = GGUFParameters(
      model: model, architecture: architecture, configuration: configuration,
      file: Path.join(folder, "config.json"))
    let vocabulary = try VocabularyConversion(
      folder: folder, configuration: configuration, architecture: architecture)
    pairs = try parameters.pairs() + vocabulary.pairs
    tensors = parameters.tensors
  }
}

/// The hyperparameters of a model in GGUF's keys.
struct GGUFParameters {
  let model: Model
  let architecture: String
  let configuration: JSONValue
  let file: String
  private(set) var tensors: [GGUFConversion.ExtraTensor] = []

  init(model: Model, architecture: String, configuration: JSONValue, file: String) {
    self.model = model
    self.architecture = architecture
    self.configuration = configuration
    self.file = file
  }

  mutating func pairs() throws(ModelFileError) -> [GGUFPair] {
    var pairs = [
      GGUFPair("general.architecture", architecture), GGUFPair("general.type", "model"),
      GGUFPair("general.name", model.name), GGUFPair("general.size_label", sizeLabel),
    ]
    func add(_ key: String, _ value: Int?) {
      if let value, let number = UInt32(exactly: value) {
        pairs.append(GGUFPair("\(architecture).\(key)", number))
      }
    }
    let sizes = model.hyperparameters
    add("block_count", try needed("num_hidden_layers"))
    add("context_length", try needed("max_position_embeddings"))
    add("embedding_length", try needed("hidden_size"))
    add("feed_forward_length", try needed("intermediate_size"))
    add("attention.head_count", try needed("num_attention_heads"))
    add("attention.head_count_kv", sizes.keyValueHeads)
    pairs += try rope()
    let epsilon = configuration["rms_norm_eps"]?.double ?? 1e-6
    pairs.append(GGUFPair("\(architecture).attention.layer_norm_rms_epsilon", Float(epsilon)))
    add("expert_count", sizes.experts)
    add("expert_used_count", sizes.activeExperts)
    let headSize = configuration["head_dim"]?.int ?? silentHeadSize
    add("attention.key_length", headSize)
    add("attention.value_length", headSize)
    if architecture == "llama" {
      add("vocab_size", try needed("vocab_size"))
      add("rope.dimension_count", headSize ?? sizes.headSize)
    }
    return pairs
  }

  // MARK: - Rotation

  private mutating func rope() throws(ModelFileError) -> [GGUFPair] {
    let own = configuration["rope_parameters"] ?? configuration["rope_scaling"]
    let rope = own?.object == nil ? nil : own
    func value(_ name: String) -> Double? {
      rope?[name]?.double ?? configuration[name]?.double
    }
    func pair(_ key: String, _ value: Double) -> GGUFPair {
      GGUFPair("\(architecture).rope.\(key)", Float(value))
    }
    var pairs: [GGUFPair] = []
    let kind = (rope?["rope_type"] ?? rope?["type"])?.string?.lowercased() ?? "default"
    let base = value("rope_theta") ?? 10_000
    switch kind {
    case "default", "dynamic": break
    case "linear", "yarn":
      guard let factor = value("factor") else { throw lacking("rope_scaling.factor") }
      pairs.append(GGUFPair("\(architecture).rope.scaling.type", kind))
      pairs.append(pair("scaling.factor", factor))
      guard kind == "yarn" else { break }
      guard let length = value("original_max_position_embeddings"),
        let context = UInt32(exactly: length)
      else { throw lacking("rope_scaling.original_max_position_embeddings") }
      pairs.append(GGUFPair("\(architecture).rope.scaling.original_context_length", context))
      for (key, names) in [
        ("yarn_ext_factor", ["extrapolation_factor"]),
        ("yarn_attn_factor", ["attention_factor", "attn_factor"]),
        ("yarn_beta_fast", ["beta_fast"]), ("yarn_beta_slow", ["beta_slow"]),
      ] {
        if let value = names.lazy.compactMap({ rope?[$0]?.double }).first {
          pairs.append(pair("scaling.\(key)", value))
        }
      }
    case "llama3":
      let factors = try llama3Factors(
        base: base, factor: value("factor") ?? 8, low: value("low_freq_factor") ?? 1,
        high: value("high_freq_factor") ?? 4,
        context: value("original_max_position_embeddings") ?? 8192)
      tensors.append(GGUFConversion.ExtraTensor(name: "rope_freqs.weight", values: factors))
    default:
      throw ModelFileError(
        path: file, place: .key("rope_scaling"), found: "the type \(kind)",
        expected: "default, linear, yarn, dynamic or llama3",
        remedy: "convert it with llama.cpp and apply the plan to that")
    }
    return pairs + [pair("freq_base", base)]
  }

  /// Wider than any; a list of that length is made.
  private static let widestHead = 1 << 16

  /// What the angle of each pair is divided by (`generate_extra_tensors`), in single precision.
  private func llama3Factors(
    base: Double, factor: Double, low: Double, high: Double, context: Double
  ) throws(ModelFileError) -> [Float] {
    guard let size = model.hyperparameters.headSize, size <= Self.widestHead, low != high,
      low != 0, high != 0
    else {
      throw lacking("head_dim")
    }
    return stride(from: 0, to: size, by: 2).map { index in
      let frequency = 1 / powf(Float(base), Float(index) / Float(size))
      let wavelength = Float(2 * Double.pi) / frequency
      if Double(wavelength) < context / high { return 1 }
      if Double(wavelength) > context / low { return Float(factor) }
      let smooth = (Float(context) / wavelength - Float(low)) / Float(high - low)
      return 1 / ((1 - smooth) / Float(factor) + smooth)
    }
  }

  // MARK: - Values

  /// The width of a head that transformers takes where the configuration is silent.
  private var silentHeadSize: Int? {
    switch model.architecture {
    case "llama", "mistral": model.hyperparameters.headSize
    case "qwen3": 128
    default: nil
    }
  }

  private func needed(_ name: String) throws(ModelFileError) -> Int {
    guard let value = configuration[name]?.int, value > 0, UInt32(exactly: value) != nil else {
      throw lacking(name)
    }
    return value
  }

  private func lacking(_ name: String) -> ModelFileError {
    ModelFileError(
      path: file, place: .key(name), found: configuration[name]?.kind ?? "nothing",
      expected: "a number, which llama.cpp needs")
  }

  /// The number of weights as in names of files: "4.5M", "8x7B" (`size_label` of gguf-py).
  private var sizeLabel: String {
    let inExperts = model.tensors.reduce(0) { $0 + ($1.expert == nil ? 0 : $1.weightCount) }
    guard let experts = model.hyperparameters.experts, experts > 0 else {
      return Self.rounded(model.weightCount)
    }
    let rest = model.weightCount - inExperts
    return "\(experts)x\(Self.rounded(rest + inExperts / experts))"
  }

  private static func rounded(_ count: Int) -> String {
    let units: [(Double, String)] = [(1e12, "T"), (1e9, "B"), (1e6, "M")]
    let (scale, unit) = units.first { Double(count) > $0.0 } ?? (1e3, "K")
    let scaled = Double(count) / scale
    let isShort = scaled.rounded(.toNearestOrEven) < 10
    return String(format: isShort ? "%.1f" : "%.0f", scaled) + unit
  }
}
