import Foundation
import ModelFiles

/// What the metadata of a GGUF says of a model of the llama family.
struct GGUFSettings {
  let name: String
  let sizes: Hyperparameters
  private let metadata: Metadata
  private let architecture: String

  init(_ model: Model) {
    name = model.name
    sizes = model.hyperparameters
    metadata = model.metadata
    architecture = model.architecture ?? ""
  }

  /// The value of a key of the architecture.
  subscript(key: String) -> MetadataValue? { metadata["\(architecture).\(key)"] }
}

extension LlamaConfiguration {
  mutating func read(_ settings: GGUFSettings) throws(EvaluationError) {
    take(settings.sizes)
    epsilon = Float(settings["attention.layer_norm_rms_epsilon"]?.double ?? 1e-6)
    areNeighbours = family == .llama
    if settings.sizes.experts ?? 0 > 0 {
      throw .setting("\(settings.name): mixtures of experts can't be run yet")
    }
    if let turned = settings["rope.dimension_count"]?.int, turned != headSize {
      throw .setting(
        "\(settings.name): \(turned) of \(headSize) numbers of a head are rotated; only all are"
          + " supported")
    }
    if let size = settings["attention.value_length"]?.int, size != headSize {
      throw .setting("\(settings.name): values of another size than keys aren't supported")
    }
    // The largest models of these families are the exception.
    let isLargest = family == .gemma2 && layers == 46 || family == .gemma3 && layers == 62
    let scalar = isLargest && heads > 0 ? hidden / heads : headSize
    attentionScale = Float(1 / Double(scalar).squareRoot())
    if family.isGemma {
      activation = .geluTanh
      embeddingScale = Float(Double(hidden).squareRoot())
    }
    if family == .gemma2 {
      attentionCap = Float(settings["attn_logit_softcapping"]?.double ?? 50)
      logitCap = Float(settings["final_logit_softcapping"]?.double ?? 30)
    }
    readWindow(settings)
    try readRotations(settings)
  }

  private mutating func readWindow(_ settings: GGUFSettings) {
    isWindowed = [Bool](repeating: false, count: max(0, min(layers, 100_000)))
    guard family == .gemma2 || family == .gemma3 || family == .mistral else { return }
    window = settings["attention.sliding_window"]?.int ?? (family == .gemma2 ? 4096 : nil)
    guard window != nil else { return }
    for layer in isWindowed.indices {
      isWindowed[layer] = family == .gemma2 ? layer % 2 == 0 : (layer + 1) % 6 != 0
    }
  }

  private mutating func readRotations(_ settings: GGUFSettings) throws(EvaluationError) {
    let base = settings["rope.freq_base"]?.double ?? 10_000
    guard base > 1, headSize > 0, headSize < 1 << 20 else {
      throw .setting("\(settings.name): found \(base) as the base of its rotation")
    }
    rotation = Rotation(headSize: headSize, base: base)
    let factor =
      settings["rope.scaling.factor"]?.double ?? settings["rope.scale_linear"]?.double ?? 1
    switch settings["rope.scaling.type"]?.string ?? (factor == 1 ? "none" : "linear") {
    case "none": break
    case "linear": rotation.scaleLinearly(factor)
    case "yarn":
      rotation.scaleByYaRN(
        factor, base: base,
        originalLength: settings["rope.scaling.original_context_length"]?.double
          ?? Double(contextLength ?? 2048), fast: 32, slow: 1,
        magnitude: settings["rope.scaling.attn_factor"]?.double)
    case let type:
      throw .setting("\(settings.name): the rope scaling '\(type.sanitised)' isn't supported")
    }
    if family == .gemma3 {
      windowRotation = Rotation(
        headSize: headSize, base: settings["rope.freq_base_swa"]?.double ?? 10_000)
    }
  }
}
