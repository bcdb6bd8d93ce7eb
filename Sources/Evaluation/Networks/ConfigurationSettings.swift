import Foundation
import ModelFiles

/// What a config.json says of a model of the llama family, under the names of transformers, of its
/// version 5 and those before.
struct ConfigurationSettings {
  let name: String
  let sizes: Hyperparameters
  private let levels: [JSONValue]

  init(_ model: Model, _ configuration: JSONValue) {
    name = model.name
    sizes = model.hyperparameters
    levels = [configuration] + (configuration["text_config"].map { [$0] } ?? [])
  }

  subscript(key: String) -> JSONValue? {
    levels.lazy.compactMap { $0[key] }.first { $0 != .null }
  }

  /// Whether a key is there at all, be it null.
  func has(_ key: String) -> Bool { levels.contains { $0[key] != nil } }
}

extension LlamaConfiguration {
  mutating func read(_ settings: ConfigurationSettings) throws(EvaluationError) {
    take(settings.sizes)
    if settings["head_dim"] == nil, family == .qwen3 { headSize = 128 }
    if settings["head_dim"] == nil, family.isGemma { headSize = 256 }
    epsilon = Float(settings["rms_norm_eps"]?.double ?? 1e-6)
    isTied = settings["tie_word_embeddings"]?.bool ?? (family.isGemma ? true : nil)
    try refuse(settings)
    try readActivation(settings)
    let scalar = settings["query_pre_attn_scalar"]?.double
    attentionScale = Float(
      1 / ((family.normalisesResults ? scalar ?? 256 : Double(headSize)).squareRoot()))
    if family.isGemma {
      normOffset = 1
      embeddingScale = Float(Double(hidden).squareRoot())
    }
    if family == .gemma2 || family == .gemma3 {
      attentionCap = Float(settings["attn_logit_softcapping"]?.double ?? 0)
      logitCap = Float(settings["final_logit_softcapping"]?.double ?? 0)
    }
    readWindow(settings)
    try readRotations(settings)
  }

  private func refuse(_ settings: ConfigurationSettings) throws(EvaluationError) {
    if settings.sizes.experts ?? 0 > 0 {
      throw .setting("\(settings.name): mixtures of experts can't be run yet")
    }
    for (key, usual) in [("partial_rotary_factor", 1.0), ("rotary_pct", 1.0)] {
      if let value = settings[key]?.double, value != usual {
        throw .setting("\(settings.name): \(key) \(value) isn't supported, only \(usual)")
      }
    }
    if settings["use_bidirectional_attention"]?.bool == true {
      throw .setting("\(settings.name): attention in both directions isn't supported here")
    }
  }

  private mutating func readActivation(
    _ settings: ConfigurationSettings
  ) throws(EvaluationError) {
    if family.isGemma {
      // Whatever older configurations say, it was trained with this one.
      activation = .geluTanh
      return
    }
    let name = settings["hidden_act"]?.string ?? "silu"
    guard let known = Activation(name: name) else {
      throw .setting("\(settings.name): the activation '\(name.sanitised)' isn't supported")
    }
    activation = known
  }

  private mutating func readWindow(_ settings: ConfigurationSettings) {
    let isOn: Bool =
      switch family {
      case .llama, .gemma: false
      case .mistral, .gemma2, .gemma3: true
      case .qwen2, .qwen3: settings["use_sliding_window"]?.bool ?? false
      }
    isWindowed = [Bool](repeating: false, count: max(0, min(layers, 100_000)))
    guard isOn else { return }
    window = settings["sliding_window"]?.int ?? (settings.has("sliding_window") ? nil : 4096)
    guard window != nil else { return }
    let types = settings["layer_types"]?.array?.map { $0.string == "sliding_attention" }
    let pattern = settings["sliding_window_pattern"]?.int ?? 6
    for layer in isWindowed.indices {
      isWindowed[layer] =
        switch family {
        case .mistral: true
        case .gemma2: types.map { layer < $0.count && $0[layer] } ?? (layer % 2 == 0)
        case .gemma3:
          types.map { layer < $0.count && $0[layer] } ?? ((layer + 1) % max(1, pattern) != 0)
        default:
          types.map { layer < $0.count && $0[layer] }
            ?? (layer >= settings["max_window_layers"]?.int ?? layers)
        }
    }
  }

  private mutating func readRotations(
    _ settings: ConfigurationSettings
  ) throws(EvaluationError) {
    let parameters = settings["rope_parameters"]
    let base = settings["rope_theta"]?.double ?? (family == .gemma3 ? 1_000_000 : 10_000)
    // Version 5 tells kinds of blocks apart in it.
    let full = parameters?["full_attention"] ?? parameters ?? settings["rope_scaling"]
    rotation = try rotation(full, base: base, settings)
    guard family == .gemma3 else { return }
    let local = settings["rope_local_base_freq"]?.double ?? 10_000
    windowRotation = try rotation(parameters?["sliding_attention"], base: local, settings)
  }

  private func rotation(
    _ scaling: JSONValue?, base: Double, _ settings: ConfigurationSettings
  ) throws(EvaluationError) -> Rotation {
    let base = scaling?["rope_theta"]?.double ?? base
    guard base > 1, headSize > 0, headSize < 1 << 20 else {
      throw .setting("\(settings.name): found \(base) as the base of its rotation")
    }
    var rotation = Rotation(headSize: headSize, base: base)
    let type = scaling?["rope_type"]?.string ?? scaling?["type"]?.string ?? "default"
    let factor = scaling?["factor"]?.double ?? 1
    let length =
      scaling?["original_max_position_embeddings"]?.double
      ?? settings["original_max_position_embeddings"]?.double ?? Double(contextLength ?? 2048)
    switch type {
    case "default", "mrope": break
    case "linear": rotation.scaleLinearly(factor)
    case "dynamic": break  // Differs only beyond the context that it was trained for.
    case "llama3":
      rotation.scaleByWavelength(
        factor, low: scaling?["low_freq_factor"]?.double ?? 1,
        high: scaling?["high_freq_factor"]?.double ?? 4, originalLength: length)
    case "yarn":
      rotation.scaleByYaRN(
        factor, base: base, originalLength: length, fast: scaling?["beta_fast"]?.double ?? 32,
        slow: scaling?["beta_slow"]?.double ?? 1,
        magnitude: scaling?["attention_factor"]?.double)
    default:
      throw .setting("\(settings.name): the rope scaling '\(type.sanitised)' isn't supported")
    }
    return rotation
  }
}
