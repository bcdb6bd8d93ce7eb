import Foundation
import ModelFiles
import Quantization

/// How a model is to be used.
public struct Use: Sendable, Hashable {
  /// The tokens of context for each sequence.
  public var context: Int
  /// The sequences that are decoded at once, each with its own context.
  public var sequences: Int
  /// How the cache is stored.
  public var cache: CacheType

  /// A use.
  public init(context: Int, sequences: Int = 1, cache: CacheType = .standard) {
    self.context = context
    self.sequences = sequences
    self.cache = cache
  }

  /// The context where none is asked for: no more than the model was made for.
  public static func usualContext(_ shape: CacheShape?) -> Int {
    min(8192, shape?.contextLength ?? 8192)
  }
}

/// What a model asks of a device.
public struct Demand: Sendable, Hashable {
  /// The bytes of its weights.
  public var weights: Int
  /// The bytes of them that are read for a token; nil where that isn't known.
  public var readPerToken: Double?
  /// What it keeps of its context; nil where that isn't known.
  public var cache: CacheShape?
  /// The number of tokens in its vocabulary; 0 where that isn't known.
  public var vocabulary: Int
  /// The width of the residual stream; 0 where that isn't known.
  public var width: Int

  /// A demand.
  public init(
    weights: Int, readPerToken: Double? = nil, cache: CacheShape?, vocabulary: Int = 0,
    width: Int = 0
  ) {
    self.weights = weights
    self.readPerToken = readPerToken
    self.cache = cache
    self.vocabulary = vocabulary
    self.width = width
  }

  /// What an open model asks with its tensors in so many bytes.
  /// - Parameter byteCount: the bytes of a tensor, by its id.
  public init(
    _ model: Model, cache: CacheShape?, reads: TokenReads, byteCount: (Int) -> Int
  ) {
    self.init(
      weights: model.tensors.reduce(0) { $0.plus(byteCount($1.id)) },
      readPerToken: reads.unknown == nil ? reads.bytes(byteCount) : nil, cache: cache,
      vocabulary: model.hyperparameters.vocabulary ?? 0,
      width: model.hyperparameters.hiddenSize ?? 0)
  }
}

/// Whether a model fits a device, with what is left, and how fast it can decode at best.
///
/// Cheap enough to be worked out for each frame.
public struct Fit: Sendable, Hashable {
  /// No context is longer.
  public static let mostTokens = 1 << 31
  /// The tokens that runtimes take in at once: llama.cpp's `n_ubatch`.
  static let tokensAtOnce = 512
  /// What a runtime and its driver keep for themselves: an estimate (a CUDA context takes 150 to 500 MiB).
  public static let runtimeBytes = 256 << 20

  /// The device.
  public let device: Device
  /// What the model asks.
  public let demand: Demand
  /// How it is used.
  public let use: Use
  /// The bytes of the cache at this context; nil where its shape isn't known.
  public let cacheBytes: Int?
  /// The bytes of buffers to compute in, and of the runtime: an estimate.
  public let overheadBytes: Int
  /// Weights, cache as far as it is known, and overhead.
  public let totalBytes: Int

  /// Works it out.
  public init(_ demand: Demand, on device: Device, _ use: Use) {
    self.device = device
    self.demand = demand
    self.use = use
    cacheBytes = demand.cache.map { Self.cacheBytes($0, use) }
    overheadBytes = Self.overheadBytes(demand, context: use.context)
    totalBytes = demand.weights.plus(cacheBytes ?? 0).plus(overheadBytes)
  }

  /// What is left of the memory; negative where there isn't enough.
  public var freeBytes: Int { device.usable - totalBytes }

  /// Whether all of it fits.
  public var fits: Bool { freeBytes >= 0 }

  // MARK: - The parts

  /// The bytes that a cache takes.
  ///
  /// Layers with a window keep as much more as is taken in at once, in whole 256 tokens, as llama.cpp
  /// does (src/llama-kv-cache-iswa.cpp).
  public static func cacheBytes(_ shape: CacheShape, _ use: Use) -> Int {
    bytes(shape, use) { window in
      min(use.context, (window.plus(tokensAtOnce).plus(255)) / 256 * 256)
    }
  }

  /// The bytes of it that decoding one token of each sequence reads once the context is full.
  static func cacheRead(_ shape: CacheShape, _ use: Use) -> Int {
    bytes(shape, use) { min(use.context, $0) }
  }

  private static func bytes(
    _ shape: CacheShape, _ use: Use, tokens: (_ window: Int) -> Int
  ) -> Int {
    shape.runs.reduce(0) { sum, run in
      let layer = run.layer
      let token = use.cache.keys.storedByteCount(rows: 1, rowLength: layer.keys)
        .plus(use.cache.values.storedByteCount(rows: 1, rowLength: layer.values))
      return sum.plus(
        token.times(layer.window.map(tokens) ?? use.context).times(run.count).times(use.sequences))
    }
  }

  /// The runtime's part and the buffers to compute in.
  ///
  /// llama.cpp's with flash attention: for 512 tokens at once their logits, twice the residual stream and
  /// the mask over the context, 4 bytes each. Llama 3 8B at 512 tokens: 258.50 + 9.01 MiB in its log, 267.5
  /// here; gpt-oss 20B at 131,072: 420.08 + 268.77 MiB, 660 here.
  static func overheadBytes(_ demand: Demand, context: Int) -> Int {
    let numbers = demand.vocabulary.plus(demand.width.times(2)).plus(context)
    return numbers.times(4 * tokensAtOnce).plus(runtimeBytes)
  }

  /// Why this cache can't be stored so; nil where it can.
  public static func objection(to type: CacheType, for shape: CacheShape) -> CacheTypeError? {
    for run in shape.runs {
      for (format, width) in [(type.keys, run.layer.keys), (type.values, run.layer.values)]
      where width > 0 {
        if let objection = format.objection(rowLength: width) {
          return CacheTypeError(text: format.description, objection: objection)
        }
      }
    }
    return nil
  }

  // MARK: - What follows

  /// The bytes that are left for weights; negative where not even the cache fits.
  public var weightBudget: Int { device.usable - overheadBytes.plus(cacheBytes ?? 0) }

  /// The greatest context that fits, rounded down to one that people would write, and no longer than the
  /// model was made for; 0 where none fits, nil where the shape of the cache isn't known.
  public var greatestContext: Int? {
    guard let shape = demand.cache else { return nil }
    let made = shape.contextLength ?? 0
    let limit = made > 0 ? min(made, Self.mostTokens) : Self.mostTokens
    func fits(_ context: Int) -> Bool {
      var use = use
      use.context = context
      return Fit(demand, on: device, use).fits
    }
    if fits(limit) { return limit }
    var (good, bad) = (0, limit)
    while bad - good > 1 {
      let middle = good + (bad - good) / 2
      if fits(middle) { good = middle } else { bad = middle }
    }
    let step = good >= 1024 ? 1024 : good >= 256 ? 256 : 1
    return good / step * step
  }

  /// The bytes that must be read to decode a token of each sequence with its context full: weights once,
  /// and every cache; nil where that isn't known.
  public var bytesRead: Double? {
    guard let weights = demand.readPerToken, let shape = demand.cache else { return nil }
    return weights + Double(Self.cacheRead(shape, use))
  }

  /// The most tokens a second that each sequence can decode: the bandwidth over the bytes that must be read.
  /// A bound: what is computed takes time of its own. nil where it isn't known.
  public var tokensPerSecond: Double? {
    bytesRead.flatMap { $0 > 0 ? device.bandwidth / $0 : nil }
  }

  /// One line for people: `RTX 4090: 18.2 of 24 GiB at 32k · ≤ 55 tok/s`.
  public func summary(separator: String = " \u{B7} ", atMost: String = "\u{2264} ") -> String {
    let speed = tokensPerSecond.map { separator + atMost + Self.rate($0) + " tok/s" } ?? ""
    return "\(memory) \(condition)" + (fits ? speed : separator + "doesn't fit")
  }

  /// What it takes of the device's memory, for people: `RTX 4090: 18.2 of 24 GiB`.
  public var memory: String {
    "\(device.name): \(Self.gibibytes(totalBytes)) of \(Self.gibibytes(device.usable)) GiB"
  }

  /// What that holds for, for people: `at 32k`.
  public var condition: String {
    cacheBytes == nil ? "without the cache" : "at \(Quantity.text(tokens: use.context))"
  }

  private static func gibibytes(_ bytes: Int) -> String {
    let text = String(format: "%.1f", Double(bytes) / 0x1p30)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// Tokens a second: whole ones from 10 on.
  public static func rate(_ value: Double) -> String {
    String(format: value >= 9.95 ? "%.0f" : value >= 0.995 ? "%.1f" : "%.2f", value)
  }
}

extension Int {
  /// The sum of two sizes, or the greatest number if it is larger.
  func plus(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }

  /// The product of two sizes, or the greatest number if it is larger.
  func times(_ other: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}
